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

/* What may tell why nothing happens: the ends of this test's logs, and what servers' processes are at (state, parent, processor time).
 * Empty for what fails meanwhile. */
static const char *evidence(void)
{
    static bool looking;
    if (looking)
        return "";
    looking = true;
    const char *script = text("tail -n 12 %s/*/log; for p in /proc/[0-9]*; do grep -qs '^tine: ' $p/cmdline && "
                              "echo $p $(tr '\\0' ' ' <$p/cmdline) $(cut -d' ' -f3,4,14,15 $p/stat) $(cat $p/wchan); done", test_dir());
    return run("sh", "-c", script).out;
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
    cr_assert_fail("%s\n%s", message, evidence());
    __builtin_unreachable();
}
