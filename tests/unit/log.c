/* SPDX-License-Identifier: Apache-2.0
 *
 * The error log: what of a message gets into its line.
 */
#include "base/log.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Behind the time, the level and the process id, with the line's end. */
static void expect_line(const char *message, const char *wanted)
{
    char line[8192] = "";
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_open(fd, LOG_INFO);
    log_message(LOG_INFO, "%s", message);
    cr_assert_gt(pread(fd, line, sizeof line - 1, 0), 0);
    const char *found = strstr(line, " info ");
    cr_assert_not_null(found);
    found = strchr(found + strlen(" info "), ' ') + 1;
    cr_expect(strlen(found) == strlen(wanted) + 1 && strncmp(found, wanted, strlen(wanted)) == 0, "'%s' is not '%s'", found, wanted);
    close(fd);
}

Test(log, control_bytes_are_made_visible)
{
    expect_line("a\nb\rc\x1b[31m\x7f\td", "a\\x0ab\\x0dc\\x1b[31m\\x7f\\x09d");
}

Test(log, text_stays_as_it_is)
{
    expect_line("plain '\"\\", "plain '\"\\");
    expect_line("\xc3\xa4 \xc2\xa0 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xc2\xa0 \xe2\x82\xac \xf0\x9f\x98\x80");
}

/* U+009B begins an escape sequence, as ESC [ does, and is a byte of its own where a terminal has no UTF-8. */
Test(log, bytes_that_are_no_text_and_control_characters_beyond_ascii_are_made_visible)
{
    expect_line("a\xc2\x9b" "31m\xc2\x80", "a\\xc2\\x9b31m\\xc2\\x80");
    expect_line("\x9b" "31m \xff \xc0\xaf \xed\xa0\x80 \xe2\x82", "\\x9b31m \\xff \\xc0\\xaf \\xed\\xa0\\x80 \\xe2\\x82");
}

Test(log, what_is_too_long_is_cut)
{
    char message[6000];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = 0;
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_open(fd, LOG_INFO);
    log_message(LOG_INFO, "%s", message);
    memset(message, '\xff', sizeof message - 1);
    log_message(LOG_INFO, "%s", message);
    off_t length = lseek(fd, 0, SEEK_END);
    cr_expect(length > 4000 && length <= 2 * 4096, "%ld", (long)length);
    close(fd);
}
