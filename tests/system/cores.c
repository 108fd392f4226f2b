/* SPDX-License-Identifier: Apache-2.0
 *
 * Cores of crashed workers: they are kept, but not so many that they fill a disk. The exit status tells whether the kernel made
 * one, wherever it went.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(cores, .timeout = 120);

enum { KEPT = 5, CRASHES = 9 };

/* Not where the limit is hard, or the pattern leads nowhere. */
static bool kernel_makes_cores(const char *folder)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
        signal(SIGABRT, SIG_DFL);
        if (setrlimit(RLIMIT_CORE, &all) != 0 || chdir(folder) != 0)
            _exit(1);
        abort();
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WCOREDUMP(status);
}

/* In a folder of its own, where workers may write as nobody. */
static void start(struct server *server, const char *limit, const char *ini)
{
    server_prepare(server, ini);
    const char *folder = text("%s/cores", server->dir);
    mkdir(folder, 0777);
    chmod(folder, 0777);
    if (!kernel_makes_cores(folder))
        cr_skip_test("no cores are made here");
    const char *argv[] = {"sh", "-c", text("ulimit -c %s; cd '%s' && exec \"$@\"", limit, folder), "sh", tine_path(), "-c", server->ini,
                          NULL};
    server_launch_by(server, argv);
}

/* One after the other: by the usual pattern all have one name, and of two that are written at once one fails. */
static void crash_often(struct server *server)
{
    static const char *const ways[] = {"null", "abort", "segv", "stack"};
    for (int i = 0; i < CRASHES; i++) {
        cr_assert_eq(get(server, text("/trouble/crash/%s", ways[i % 4])).status, 500);
        server_log_await(server, "killed by signal", (size_t)i + 1);
    }
}

Test(cores, of_the_first_crashes_of_a_minute_are_kept)
{
    struct server server;
    start(&server, "unlimited", TWO_WORKERS TROUBLE);
    if (text_matches(process_file(server.pid, "limits"), "^Max core file size +[01] "))
        cr_skip_test("a sanitizer's runtime has forbidden them");
    crash_often(&server);
    char *log = server_log(&server);
    cr_assert_eq(text_count(log, "core dumped"), KEPT, "%s", log);
    cr_assert_eq(text_count(log, "no core is kept of this crash"), CRASHES - KEPT, "%s", log);
    server_stop_after_crashes(&server);
}

Test(cores, are_not_missed_where_none_are_made)
{
    struct server server;
    char *pattern = file_read("/proc/sys/kernel/core_pattern", NULL);
    if (pattern[0] == '|' || pattern[0] == '@')
        cr_skip_test("a program takes cores whatever the limit is");
    start(&server, "0", TWO_WORKERS TROUBLE);
    crash_often(&server);
    cr_assert_eq(text_count(server_log(&server), "core is kept") + text_count(server_log(&server), "core dumped"), 0, "%s",
                 server_log(&server));
    server_stop_after_crashes(&server);
}
