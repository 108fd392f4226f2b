/* SPDX-License-Identifier: Apache-2.0
 *
 * The time at the beginning of lines of the error log, for signal handlers: localtime() may wait for a lock there. The distance from UTC
 * is what it was when it was last noted, with each line that is logged otherwise.
 */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdint.h>

enum { STAMP_LENGTH = 23 }; /* "2026-11-22 14:00:00.123" */

/* Seconds east of UTC. */
void stamp_note(long offset);

/* Notes it as it is now; not in a signal handler. */
void stamp_prepare(void);

/* Async-signal-safe; writes no NUL. The time is in milliseconds since 1970. */
void stamp_format(int64_t now_ms, char text[static STAMP_LENGTH]);

#endif
