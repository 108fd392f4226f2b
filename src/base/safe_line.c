/* SPDX-License-Identifier: Apache-2.0
 *
 * See safe_line.h.
 */
#include "base/safe_line.h"

#include <string.h>

void safe_line_put(struct safe_line *line, struct slice text)
{
    for (size_t i = 0; i < text.length && line->length < SAFE_LINE_BYTES - 1; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        line->text[line->length++] = byte >= 0x20 && byte != 0x7f ? (char)byte : '?';
    }
}

void safe_line_put_number(struct safe_line *line, unsigned long number, unsigned base)
{
    char digits[8 * sizeof number], *p = digits + sizeof digits;
    do
        *--p = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    safe_line_put(line, (struct slice){p, (size_t)(digits + sizeof digits - p)});
}

/* Not strsignal(), which translates, and may allocate for that. */
void safe_line_put_signal(struct safe_line *line, int number)
{
    const char *name = sigabbrev_np(number);
    safe_line_put(line, SLICE("SIG"));
    safe_line_put(line, slice_from(name != NULL ? name : "?"));
}

void safe_line_end(struct safe_line *line)
{
    line->text[line->length++] = '\n';
}
