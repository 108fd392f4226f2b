/* SPDX-License-Identifier: Apache-2.0
 *
 * See growth.h. A leak of a few bytes a request shows as a page now and then: enough requests are looked at until it matters.
 */
#include "worker/growth.h"

#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

enum { EVERY = 31 }; /* requests between two looks: odd, so that of a client that asks for things in turn each is looked at */

struct suspect {
    struct route *route; /* NULL: none */
    const struct tine_app *app;
};

static struct {
    int64_t before; /* bytes, of the request that is looked at now; 0: none is */
    struct suspect now, most;
} growth;

/* Resident memory in bytes, of this process. */
static int64_t resident_memory(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

void growth_begin(const struct worker *w, const struct tine_request *r)
{
    uint64_t before = atomic_load_explicit(&w->slot->requests, memory_order_relaxed);
    growth.before = 0;
    if (w->config->max_memory == 0 || w->due_told || (before + 1) % EVERY != 0)
        return;
    growth.now = (struct suspect){r->answer == 0 ? r->match.route.route : NULL, r->match.app};
    growth.before = resident_memory();
}

static void tell(int64_t bytes)
{
    char what[512] = "";
    const struct suspect *most = &growth.most;
    if (most->route != NULL && most->app != NULL)
        snprintf(what, sizeof what, "; of the requests looked at, those of handler %s.%s of module %s grew it most: by %lld KB",
                 most->app->section->name, most->route->name, most->app->section->module, (long long)most->route->grown >> 10);
    log_warning("this worker has grown to %lld KB, more than [server] max_memory: another takes its place%s", (long long)bytes >> 10, what);
}

bool growth_end(const struct worker *w)
{
    if (growth.before == 0)
        return false;
    int64_t bytes = resident_memory();
    if (growth.now.route != NULL && bytes > growth.before) {
        growth.now.route->grown += bytes - growth.before;
        if (growth.most.route == NULL || growth.now.route->grown > growth.most.route->grown)
            growth.most = growth.now;
    }
    growth.before = 0;
    if (bytes <= w->config->max_memory)
        return false;
    tell(bytes);
    return true;
}
