/* SPDX-License-Identifier: Apache-2.0
 *
 * See logs.h.
 */
#include "master/logs.h"

#include "base/io.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* '-' is a standard stream; a copy of it, so that every log is closed alike. -1 with *failed when it cannot be opened. */
static int open_one(const char *name, int standard, const char *key, const struct config *config, struct errors *errors)
{
    if (strcmp(name, "off") == 0)
        return -1;
    int fd = strcmp(name, "-") == 0 ? fcntl(standard, F_DUPFD_CLOEXEC, 3)
                                    : open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        config_reject_value(errors, config, "log", key, "cannot open '%s': %s", name, strerror(errno));
    return fd;
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
    log_target_open(&logs->access, access);
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

void logs_write_ring(const struct logs *logs, struct log_ring *ring)
{
    size_t lost = log_ring_write(ring, &logs->access, getpid(), false);
    if (lost > 0)
        log_error("access log: %zu lines lost: %s", lost, strerror(errno));
}
