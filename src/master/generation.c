/* SPDX-License-Identifier: Apache-2.0
 *
 * See generation.h.
 */
#include "master/generation.h"

#include "base/log.h"
#include "base/memory.h"
#include "master/check.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
    KEPT_DESCRIPTORS = 512,  /* of the hard limit, for descriptors that arrive together */
    OWN_DESCRIPTORS = 64,    /* of a worker: logs, epoll, listeners, a module's database */
    MASTER_DESCRIPTORS = 32, /* of the master: logs, pid file, channel, who asks by the control socket */
    AUTO_CONNECTIONS_MAX = 65536
};

static int64_t hard_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    return limit.rlim_max > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_max;
}

int64_t generation_descriptors(void)
{
    int64_t hard = hard_limit();
    return hard > 4 * KEPT_DESCRIPTORS ? hard - KEPT_DESCRIPTORS : hard;
}

/* The master has a socket to each worker, and to twice as many while a reload replaces them. */
static int64_t decide_workers_possible(const struct config *config, struct errors *errors)
{
    int64_t others = MASTER_DESCRIPTORS + 2 * (int64_t)config->listen_count, possible = (hard_limit() - others) / 2;
    if (config->workers > possible)
        config_reject_value(errors, config, "server", "workers",
                            "%lld takes %lld open files in the master, the limit is %lld (raise it with ulimit -n, or LimitNOFILE= "
                            "in the unit)", (long long)config->workers, (long long)(others + 2 * config->workers), (long long)hard_limit());
    return possible;
}

static int64_t decide_connections(const struct config *config)
{
    int64_t possible = generation_descriptors() - OWN_DESCRIPTORS - 2 * (int64_t)config->listen_count;
    if (possible < 1)
        possible = 1;
    if (config->connections == 0 && possible < 512)
        log_warning("the limit of open files is %lld: a worker holds at most %lld connections (raise it with ulimit -n, or "
                    "LimitNOFILE= in the unit)", (long long)generation_descriptors(), (long long)possible);
    if (config->connections == 0)
        return possible < AUTO_CONNECTIONS_MAX ? possible : AUTO_CONNECTIONS_MAX;
    if (config->connections > possible)
        log_warning("[server] connections: %lld is more than the limit of open files allows: %lld", (long long)config->connections,
                    (long long)possible);
    return config->connections < possible ? config->connections : possible;
}

static void list_descriptors(struct generation *generation)
{
    const struct listeners *listeners = &generation->listeners;
    generation->fds = memory_new((listeners->count + 1) * sizeof *generation->fds);
    generation->locals = memory_new((listeners->count + 1) * sizeof *generation->locals);
    generation->proxied = memory_new((listeners->count + 1) * sizeof *generation->proxied);
    for (size_t i = 0; i < listeners->count; i++) {
        generation->fds[i] = listeners->all[i]->fd;
        generation->locals[i] = listeners->all[i]->address.socket.any.sa_family == AF_UNIX;
        generation->proxied[i] = listeners->written[i]->proxy_protocol;
    }
}

struct generation *generation_open(struct config *config, unsigned number, const struct listeners *there, struct errors *errors)
{
    struct generation *generation = memory_new(sizeof *generation);
    *generation = (struct generation){.number = number, .config = config,
                                      .logs = {.access.fd = -1, .error = -1}, .modules.lock = -1};
    /* As much of it as can be, so that all that is wrong is told at once. */
    check_surroundings(config, false, errors);
    generation->workers_possible = decide_workers_possible(config, errors);
    privileges_resolve(&generation->privileges, config, errors);
    modules_copy(&generation->modules, config, errors);
    if (errors->count == 0)
        logs_open(&generation->logs, config, errors);
    if (errors->count == 0)
        listeners_open(&generation->listeners, config, there, errors);
    if (errors->count == 0) {
        generation->connections = decide_connections(config);
        list_descriptors(generation);
        return generation;
    }
    generation_close(generation);
    return NULL;
}

void generation_close(struct generation *generation)
{
    listeners_release(&generation->listeners);
    modules_release(&generation->modules);
    logs_close(&generation->logs);
    config_free(generation->config);
    free(generation->fds);
    free(generation->locals);
    free(generation->proxied);
    free(generation);
}
