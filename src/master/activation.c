/* SPDX-License-Identifier: Apache-2.0
 *
 * See activation.h.
 */
#include "master/activation.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FD = 3, PASSED_MAX = 4096 };

struct passed {
    int fd;     /* -1: taken or closed */
    char *name; /* as the manager calls it; may be NULL */
};

static struct {
    struct passed *all;
    size_t count;
} activation;

/* A number and nothing else, from 0 to `most`; -1 if it is not. */
static long parse_number(const char *text, long most)
{
    char *end = NULL;
    errno = 0;
    long number = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    return end != NULL && *end == 0 && errno == 0 && number <= most ? number : -1;
}

static void note(int fd, const char **names)
{
    struct passed *passed = &activation.all[activation.count];
    size_t length = *names != NULL ? strcspn(*names, ":") : 0;
    /* Before anything else can be started: no program of a module's shall hold our sockets. */
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        log_warning("descriptor %d should have been passed in (LISTEN_FDS): %s", fd, strerror(errno));
    } else {
        passed->fd = fd;
        passed->name = length > 0 ? strndup(*names, length) : NULL;
        activation.count++;
    }
    if (*names != NULL)
        *names = (*names)[length] == ':' ? *names + length + 1 : NULL;
}

static void read_environment(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    /* Without our process id they were meant for somebody who started us. */
    if (pid == NULL || fds == NULL || parse_number(pid, INT32_MAX) != getpid())
        return;
    long count = parse_number(fds, PASSED_MAX);
    if (count < 0) {
        log_warning("LISTEN_FDS '%s' is not a number from 0 to %d: no socket is taken over", fds, PASSED_MAX);
        return;
    }
    activation.all = memory_new(((size_t)count + 1) * sizeof *activation.all);
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++)
        note(fd, &names);
}

void activation_init(void)
{
    read_environment();
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static bool has_option(int fd, int option, int wanted)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

static bool is_listening_stream(int fd)
{
    return has_option(fd, SO_TYPE, SOCK_STREAM) && has_option(fd, SO_ACCEPTCONN, 1);
}

/* NULL if it has no address that tine could listen on. */
static const struct address *address_of(int fd)
{
    static struct address address;
    address = (struct address){.length = sizeof address.socket};
    if (getsockname(fd, &address.socket.any, &address.length) < 0 || address.length > sizeof address.socket)
        return NULL;
    const struct sockaddr_un *local = &address.socket.local;
    bool known = address.socket.any.sa_family == AF_INET || address.socket.any.sa_family == AF_INET6 ||
                 (address.socket.any.sa_family == AF_UNIX && local->sun_path[0] == '/' &&
                  memchr(local->sun_path, 0, sizeof local->sun_path) != NULL);
    return known ? &address : NULL;
}

/* /var/run/x and /run/x are one path on many systems, and systemd writes the second for the first. */
static bool is_same_path(const struct address *a, const struct address *b)
{
    struct stat first, second;
    return a->socket.any.sa_family == AF_UNIX && b->socket.any.sa_family == AF_UNIX &&
           stat(a->socket.local.sun_path, &first) == 0 && stat(b->socket.local.sun_path, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool matches(int fd, const struct address *wanted)
{
    const struct address *bound = is_listening_stream(fd) ? address_of(fd) : NULL;
    return bound != NULL && (address_equals(bound, wanted) || is_same_path(bound, wanted));
}

int activation_take(const struct address *address)
{
    for (size_t i = 0; i < activation.count; i++) {
        int fd = activation.all[i].fd;
        if (fd < 0 || !matches(fd, address))
            continue;
        activation.all[i].fd = -1;
        /* Idle workers sleep in accept4() itself. */
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        return fd;
    }
    return -1;
}

static void describe(int fd, char *text, size_t size)
{
    char where[ADDRESS_TEXT_MAX];
    const struct address *address = address_of(fd);
    if (!is_listening_stream(fd)) {
        snprintf(text, size, "is not a listening stream socket");
    } else if (address == NULL) {
        snprintf(text, size, "has an address of a kind that cannot be configured");
    } else {
        address_format(address, where);
        snprintf(text, size, "listens on %s, which is not configured", where);
    }
}

void activation_close_rest(void)
{
    for (size_t i = 0; i < activation.count; i++) {
        struct passed *passed = &activation.all[i];
        char text[ADDRESS_TEXT_MAX + 64];
        if (passed->fd >= 0) {
            describe(passed->fd, text, sizeof text);
            log_warning("the socket passed in as descriptor %d%s%s%s %s: closing it", passed->fd, passed->name != NULL ? " ('" : "",
                        passed->name != NULL ? passed->name : "", passed->name != NULL ? "')" : "", text);
            io_close(&passed->fd);
        }
        free(passed->name);
    }
    free(activation.all);
    activation.all = NULL;
    activation.count = 0;
}
