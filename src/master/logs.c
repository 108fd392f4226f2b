/* SPDX-License-Identifier: Apache-2.0
 *
 * See logs.h.
 */
#include "master/logs.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "master/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TELL_EVERY_MS = 60000 };

/* '-' is a standard stream; a copy of it, so that every log is closed alike. -1 with *failed when it cannot be opened. */
static int open_one(const char *name, int standard, const char *key, const struct config *config, struct errors *errors)
{
    if (strcmp(name, "off") == 0)
        return -1;
    int fd = strcmp(name, "-") == 0 ? fcntl(standard, F_DUPFD_CLOEXEC, 3) : log_file_open(name);
    if (fd < 0)
        config_reject_value(errors, config, "log", key, "cannot open '%s': %s", name, log_file_why(errno));
    return fd;
}

/* A terminal says that there is room, and then has whoever writes more than that wait. O_NONBLOCK belongs to what was opened, which our
 * shell has, too: so it is opened anew. */
static int never_waiting(int fd)
{
    char link[32];
    if (fd < 0 || !isatty(fd))
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int own = open(link, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0)
        io_close(&fd);
    return own >= 0 ? own : fd;
}

int logs_open(struct logs *logs, const struct config *config, struct errors *errors)
{
    size_t before = errors->count;
    int access = open_one(config->log_access, STDOUT_FILENO, "access", config, errors);
    int error = open_one(config->log_error, STDERR_FILENO, "error", config, errors);
    if (errors->count > before) {
        io_close(&access);
        io_close(&error);
        return -1;
    }
    log_target_open(&logs->access, never_waiting(access));
    logs->error = error;
    return 0;
}

void logs_close(struct logs *logs)
{
    io_close(&logs->access.fd);
    io_close(&logs->error);
}

void logs_use(const struct logs *logs, const struct config *config)
{
    log_open(logs->error, (enum log_level)config->log_level);
}

/* At once, then once a minute: the error log may be on the same full disk, and we write at every turn. */
static void tell_lost(size_t lines, int error)
{
    static struct {
        int64_t told; /* 0: never */
        uint64_t lines;
    } lost;
    int64_t now = clock_ms();
    lost.lines += lines;
    if (lost.told != 0 && now - lost.told < TELL_EVERY_MS)
        return;
    log_error("access log: %llu lines lost: %s", (unsigned long long)lost.lines, log_ring_why(error));
    lost.told = now;
    lost.lines = 0;
}

void logs_write_ring(const struct logs *logs, struct log_ring *ring)
{
    size_t lost = log_ring_write(ring, &logs->access, getpid());
    if (lost > 0)
        tell_lost(lost, errno);
}
