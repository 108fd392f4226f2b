/* SPDX-License-Identifier: Apache-2.0
 *
 * See log.h. Control bytes in a message are written as \xHH, so a line can only come from here.
 */
#include "base/log.h"

#include "base/stamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[LOG_LEVELS + 1] = {"debug", "info", "warning", "error", NULL};

enum { LINE_MAX_BYTES = 4096 }; /* PIPE_BUF: a line in one write is never split in a pipe */

static struct {
    int fd;
    enum log_level least;
} state = {STDERR_FILENO, LOG_INFO};

void log_open(int fd, enum log_level least)
{
    state.fd = fd;
    state.least = least;
}

int log_fd(void)
{
    return state.fd;
}

static size_t format_prefix(char *line, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    stamp_note(local.tm_gmtoff);
    size_t length = strftime(line, size, "%Y-%m-%d %H:%M:%S", &local);
    length += (size_t)snprintf(line + length, size - length, ".%03ld %s %ld ", now.tv_nsec / 1000000,
                               log_level_names[level], (long)getpid());
    return length;
}

/* Copies 'message' with control bytes made visible. Returns the new length of the line. */
static size_t append_visible(char *line, size_t length, size_t size, const char *message)
{
    for (const unsigned char *p = (const unsigned char *)message; *p != 0 && length + 5 < size; p++) {
        if (*p >= 0x20 && *p != 0x7f)
            line[length++] = (char)*p;
        else
            length += (size_t)snprintf(line + length, size - length, "\\x%02x", *p);
    }
    return length;
}

void log_message_va(enum log_level level, const char *format, va_list arguments)
{
    if (level < state.least || state.fd < 0)
        return;
    int saved = errno;
    char message[LINE_MAX_BYTES - 64], line[LINE_MAX_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    size_t length = format_prefix(line, sizeof line, level);
    length = append_visible(line, length, sizeof line, message);
    line[length++] = '\n';
    /* A log that cannot be written must not stop the service, and there is nowhere to say so. */
    ssize_t written = write(state.fd, line, length);
    (void)written;
    errno = saved;
}

void log_message(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_message_va(level, format, arguments);
    va_end(arguments);
}
