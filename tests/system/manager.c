/* SPDX-License-Identifier: Apache-2.0
 *
 * See manager.h.
 */
#include "manager.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void manager_open(struct manager *manager, bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(manager, 0, sizeof *manager);
    snprintf(manager->name, sizeof manager->name, "%s%s/notify", abstract ? "@" : "", test_dir());
    size_t length = strlen(manager->name);
    memcpy(address.sun_path, manager->name, length);
    if (abstract)
        address.sun_path[0] = 0;
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(manager->fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract)) != 0)
        harness_fail("bind %s: %s", manager->name, strerror(errno));
}

static void hear(struct manager *manager)
{
    char message[4096];
    ssize_t length;
    while (manager->count < 1000 && (length = recv(manager->fd, message, sizeof message - 1, 0)) >= 0) {
        message[length] = 0;
        manager->heard[manager->count] = now_ms();
        manager->messages[manager->count++] = text("%s", message);
    }
}

static bool has_line(const char *message, const char *needle)
{
    for (const char *line = message; line != NULL; line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL)
        if (strncmp(line, needle, strlen(needle)) == 0)
            return true;
    return false;
}

static bool find(struct manager *manager, const char *needle, size_t from, size_t *index)
{
    hear(manager);
    for (*index = from; *index < manager->count; ++*index)
        if (has_line(manager->messages[*index], needle))
            return true;
    return false;
}

bool manager_hears(struct manager *manager, const char *needle, size_t from, int64_t ms)
{
    size_t index;
    return wait_until(ms, find(manager, needle, from, &index));
}

size_t manager_await(struct manager *manager, const char *needle, size_t from)
{
    size_t index;
    if (!wait_until(PATIENCE, find(manager, needle, from, &index))) {
        const char *all = "";
        for (size_t i = 0; i < manager->count; i++)
            all = text("%s%zu: %s", all, i, manager->messages[i]);
        harness_fail("the manager never heard '%s' from message %zu on, but\n%s", needle, from, all);
    }
    return index;
}

char *manager_value(const struct manager *manager, size_t index, const char *name)
{
    const char *line = manager->messages[index];
    size_t length = strlen(name);
    for (; line != NULL; line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL)
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            return text("%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
    return NULL;
}

/* The shell becomes env, and env tine: one process id. */
#define BY_MANAGER(server, environment) \
    {"sh", "-c", "words=$(echo \"$1\" | sed s/@PID@/$$/g); shift; exec env $words \"$@\"", "sh", environment, tine_path(), "-c", \
     (server)->ini, NULL}

void manager_launch(struct server *server, const char *environment, const int *fds, size_t count)
{
    const char *argv[] = BY_MANAGER(server, environment);
    process_pass(fds, count);
    server_launch_by(server, argv);
    process_pass(NULL, 0);
}

struct run manager_run(const struct server *server, const char *environment, const int *fds, size_t count)
{
    const char *argv[] = BY_MANAGER(server, environment);
    process_pass(fds, count);
    struct run ran = run_program(argv);
    process_pass(NULL, 0);
    return ran;
}

static int listen_local(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 100) == 0 ? fd : -1;
}

static int listen_both(char bound[128])
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    socklen_t length = sizeof v6;
    int off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr *)&v6, sizeof v6) != 0 || listen(fd, 100) != 0)
        return -1;
    getsockname(fd, (struct sockaddr *)&v6, &length);
    snprintf(bound, 128, "[::]:%d", ntohs(v6.sin6_port));
    return fd;
}

static int listen_loopback(char bound[128])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof v4;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&v4, sizeof v4) != 0 || listen(fd, 100) != 0)
        return -1;
    getsockname(fd, (struct sockaddr *)&v4, &length);
    snprintf(bound, 128, "127.0.0.1:%d", ntohs(v4.sin_port));
    return fd;
}

int manager_listen(const char *address, char bound[128])
{
    snprintf(bound, 128, "%s", address);
    int fd = strncmp(address, "unix:", 5) == 0 ? listen_local(address + 5)
             : strcmp(address, "*") == 0       ? listen_both(bound)
                                               : listen_loopback(bound);
    if (fd < 0)
        harness_fail("cannot listen on %s: %s", address, strerror(errno));
    return fd;
}
