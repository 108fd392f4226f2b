/* SPDX-License-Identifier: Apache-2.0
 *
 * The error log: one line a message, written at once in one write(2), so that lines of several
 * processes never mix. Runs in the master and in workers.
 *
 *     2026-11-22 14:00:00.123 warning 4711 cannot accept: Too many open files
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVELS };

extern const char *const log_level_names[LOG_LEVELS + 1]; /* ends with NULL */

/* Lines go to 'fd' (-1: nowhere) from now on; the descriptor stays the caller's. Before the first
 * call: standard error, from info up. */
void log_open(int fd, enum log_level least);
int log_fd(void);

/* Off at first. On: no message waits for whoever reads a pipe, a socket or a terminal. What that one has no room for is dropped, and
 * counted before the next message that it takes. A child inherits it. */
void log_never_wait(bool on);

/* Off at first. On: messages wait all the same, as those of a handler do: who logs more than is read is as slow as its reader. */
void log_wait(bool on);

void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_message_va(enum log_level level, const char *format, va_list arguments);

/* A whole line, as it is, of a process that is about to end. It never waits, whatever log_wait() said: where there is no room it is
 * dropped. Async-signal-safe. */
void log_last(const char *line, size_t length);

/* Takes line ends off the end of what is to be part of a message: libraries (libpq's PQerrorMessage()) put one there. Returns 'text'. */
char *log_trim(char *text);

#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_message(LOG_ERROR, __VA_ARGS__)

#endif
