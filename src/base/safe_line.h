/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of text without stdio, locale or heap: for signal handlers. Runs in both.
 */
#ifndef BASE_SAFE_LINE_H
#define BASE_SAFE_LINE_H

#include "base/slice.h"

enum { SAFE_LINE_BYTES = 1024 };

/* Begins as {.length = 0}. There is always room for a newline. */
struct safe_line {
    char text[SAFE_LINE_BYTES];
    size_t length;
};

/* What there is no room for is left out; control bytes are '?'. */
void safe_line_put(struct safe_line *line, struct slice text);

/* In base 2 to 16. */
void safe_line_put_number(struct safe_line *line, unsigned long number, unsigned base);

/* As SIGNAME. */
void safe_line_put_signal(struct safe_line *line, int number);

void safe_line_end(struct safe_line *line);

#endif
