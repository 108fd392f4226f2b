/* SPDX-License-Identifier: Apache-2.0 */
#include "base/safe_line.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

static void cr_is(struct safe_line *line, const char *wanted)
{
    safe_line_end(line);
    cr_expect_eq(line->length, strlen(wanted));
    cr_expect_arr_eq(line->text, wanted, line->length);
    line->length = 0;
}

Test(safe_line, is_put_together)
{
    struct safe_line line = {.length = 0};
    safe_line_put(&line, SLICE("at "));
    safe_line_put_number(&line, 0, 10);
    safe_line_put(&line, SLICE(", 0x"));
    safe_line_put_number(&line, ULONG_MAX, 16);
    safe_line_put(&line, SLICE(": "));
    safe_line_put_signal(&line, SIGBUS);
    cr_is(&line, "at 0, 0xffffffffffffffff: SIGBUS\n");
    safe_line_put_number(&line, ULONG_MAX, 2);
    cr_is(&line, "1111111111111111111111111111111111111111111111111111111111111111\n");
    safe_line_put_signal(&line, 1000);
    cr_is(&line, "SIG?\n");
}

Test(safe_line, is_one_line_whatever_is_put_in)
{
    struct safe_line line = {.length = 0};
    safe_line_put(&line, SLICE("a\nb\x1b\x7f\xff"));
    cr_is(&line, "a?b??\xff\n");
}

Test(safe_line, has_room_for_its_end)
{
    struct safe_line line = {.length = 0};
    for (int i = 0; i < SAFE_LINE_BYTES; i++)
        safe_line_put(&line, SLICE("xyz"));
    safe_line_put_number(&line, ULONG_MAX, 10);
    safe_line_end(&line);
    cr_expect_eq(line.length, SAFE_LINE_BYTES);
    cr_expect_eq(line.text[SAFE_LINE_BYTES - 1], '\n');
    cr_expect_eq(line.text[SAFE_LINE_BYTES - 2], 'x' + (SAFE_LINE_BYTES - 2) % 3);
}
