/* SPDX-License-Identifier: Apache-2.0
 *
 * How the harness ends a test: as a failed Criterion assertion. The measures have their own.
 */
#include "harness.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static pid_t test_process;

/* The tests themselves do not free what lives as long as their process: with the sanitizers on, look for
 * leaks in tine only. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* Every test is a process of its own, started afresh. */
__attribute__((constructor)) static void note_process(void)
{
    test_process = getpid();
}

void harness_fail(const char *format, ...)
{
    static char message[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (getpid() != test_process) { /* a client that a test forked: Criterion would unwind into a second test */
        fprintf(stderr, "%s\n", message);
        _exit(1);
    }
    cr_assert_fail("%s", message);
    __builtin_unreachable();
}
