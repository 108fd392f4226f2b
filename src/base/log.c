/* SPDX-License-Identifier: Apache-2.0
 *
 * See log.h. Control characters in a message, and what is no UTF-8, are written as \xHH, so a line can only come from here.
 */
#include "base/log.h"

#include "base/io.h"
#include "base/stamp.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[LOG_LEVELS + 1] = {"debug", "info", "warning", "error", NULL};

enum { LINE_MAX_BYTES = 4096 }; /* PIPE_BUF: a line in one write is never split in a pipe */

enum reader { NO_READER, READER, SOCKET_READER };

static struct {
    int fd;
    enum log_level least;
    bool never_waits, waits_now;
    enum reader reader;    /* who might have us wait */
    int beside;            /* what 'fd' leads to, opened a second time; -1: it is not */
    unsigned long dropped; /* messages, since the last that was written */
    bool cut;              /* of the last a part was */
} state = {.fd = STDERR_FILENO, .least = LOG_INFO, .beside = -1};

/* O_NONBLOCK belongs to what was opened, which others have too: our shell, our workers. So it is opened anew. A socket cannot be, nor what
 * is another user's. */
static void open_beside(void)
{
    char link[32];
    struct stat status;
    io_close(&state.beside);
    state.reader = NO_READER;
    if (!state.never_waits || state.fd < 0 || fstat(state.fd, &status) < 0 || S_ISREG(status.st_mode))
        return;
    state.reader = S_ISSOCK(status.st_mode) ? SOCKET_READER : READER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", state.fd);
    if (state.reader == READER)
        state.beside = open(link, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void log_open(int fd, enum log_level least)
{
    state.fd = fd;
    state.least = least;
    open_beside();
}

void log_never_wait(bool on)
{
    state.never_waits = on;
    open_beside();
}

void log_wait(bool on)
{
    state.waits_now = on;
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

char *log_trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = 0;
    return text;
}

/* Of the character at 'p'; 0: it is a control character (C1 too, which terminals obey), or no UTF-8. */
static size_t visible_length(const char *p)
{
    unsigned char first = (unsigned char)p[0];
    bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)p[1] < 0xa0);
    return control ? 0 : utf8_character(p);
}

/* Copies 'message' with what is not visible as \xHH. Returns the new length of the line. */
static size_t append_visible(char *line, size_t length, size_t size, const char *message)
{
    for (const char *p = message; *p != 0 && length + 5 < size;) {
        size_t visible = visible_length(p);
        if (visible > 0) {
            memcpy(line + length, p, visible);
            length += visible;
            p += visible;
        } else {
            length += (size_t)snprintf(line + length, size - length, "\\x%02x", (unsigned char)*p++);
        }
    }
    return length;
}

/* Without a descriptor of our own somebody else may take the room after our look; that is the best that can be had. */
static ssize_t put(const char *text, size_t length)
{
    struct pollfd poller = {.fd = state.fd, .events = POLLOUT};
    if (state.waits_now)
        return write(state.fd, text, length);
    if (state.reader == SOCKET_READER)
        return send(state.fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (state.beside >= 0)
        return write(state.beside, text, length);
    if (state.reader == NO_READER || poll(&poller, 1, 0) > 0)
        return write(state.fd, text, length);
    errno = EAGAIN;
    return -1;
}

/* False: there is no room. A log that cannot be written for another reason must not stop the service, and there is nowhere to say so. */
static bool put_line(const char *line, size_t length)
{
    ssize_t written = put(line, length);
    if (written >= 0)
        state.cut = (size_t)written < length;
    return written >= 0 ? !state.cut : errno != EAGAIN;
}

/* What was dropped is told before what comes after it. */
static bool make_up(void)
{
    char line[256];
    if (state.cut && !put_line("\n", 1))
        return false;
    if (state.dropped == 0)
        return true;
    size_t length = format_prefix(line, sizeof line, LOG_WARNING);
    length += (size_t)snprintf(line + length, sizeof line - length, "%lu messages were dropped: there was no room for them in this log\n",
                               state.dropped);
    if (!put_line(line, length))
        return false;
    state.dropped = 0;
    return true;
}

/* It may have come between, while a message waits. */
void log_last(const char *line, size_t length)
{
    state.waits_now = false;
    if (state.fd >= 0 && (!state.cut || put_line("\n", 1)))
        put_line(line, length);
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
    if (!make_up() || !put_line(line, length))
        state.dropped++;
    errno = saved;
}

void log_message(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_message_va(level, format, arguments);
    va_end(arguments);
}
