/* SPDX-License-Identifier: Apache-2.0
 *
 * What `tine` says and how it ends when it does not serve: options, exit codes, -t, -T, -o.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

TestSuite(command_line, .timeout = 120);

/* Not an absolute port: these files are never served. */
#define PLAIN "[server]\nlisten = 127.0.0.1:0\n[app:a]\npath = /\nmodule = respond\nbody = a\n"

static const char *ini(const char *content)
{
    static struct server server;
    server_prepare(&server, content);
    return server.ini;
}

Test(command_line, version_is_printed)
{
    struct run ran = run_tine("-V");
    cr_assert_eq(ran.code, 0);
    cr_assert(text_matches(ran.out, "^tine .*[0-9]+\\.[0-9]+"), "%s", ran.out);
    cr_assert_str_empty(ran.err);
}

Test(command_line, help_names_every_option)
{
    struct run ran = run_tine("-h");
    cr_assert_eq(ran.code, 0);
    const char *const options[] = {"-c", "-o", "-t", "-T", "-V", "-h"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        cr_assert(strstr(ran.out, options[i]) != NULL, "%s is not in:\n%s", options[i], ran.out);
}

Test(command_line, help_is_there_for_every_command)
{
    const char *const commands[] = {"reload", "upgrade", "status", "routes", "call", "new", "run"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct run ran = run_tine(commands[i], "--help");
        cr_assert(ran.code == 0 && strstr(ran.out, "usage: tine") != NULL, "%s: %d %s", commands[i], ran.code, ran.err);
    }
}

Test(command_line, a_word_that_is_no_command_is_told_in_one_line)
{
    struct run ran = run_tine("start");
    cr_assert(ran.code == 2 && strcmp(ran.err, "tine: there is no command 'start' (see tine -h)\n") == 0, "%s", ran.err);
    ran = run_tine("relaod", "-c", "server.ini");
    cr_assert_eq(ran.code, 2);
    cr_assert_str_eq(ran.err, "tine: there is no command 'relaod': did you mean 'reload'? (see tine -h)\n");
    ran = run_tine("server.ini");
    cr_assert(strcmp(ran.err, "tine: there is no command 'server.ini': a file is served with -c FILE (see tine -h)\n") == 0, "%s", ran.err);
}

static void expect_usage_error(struct run ran)
{
    cr_assert_eq(ran.code, 2, "exit code %d", ran.code);
    cr_assert(strstr(ran.err, "see tine -h") != NULL && text_count(ran.err, "\n") <= 2, "%s", ran.err);
    cr_assert_str_empty(ran.out);
}

Test(command_line, wrong_usage_exits_2)
{
    const char *file = ini(PLAIN);
    expect_usage_error(run_tine("-Q"));
    expect_usage_error(run_tine("-c"));
    expect_usage_error(run_tine("-c", file, "one", "too", "many"));
    expect_usage_error(run_tine("-t", "-c", file, "-o", "nonsense"));
    expect_usage_error(run_tine("-t", "-c", file, "-o"));
}

Test(command_line, t_says_configuration_ok)
{
    struct run ran = run_tine("-t", "-c", ini(PLAIN));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(strstr(ran.out, "configuration ok") != NULL, "%s", ran.out);
}

Test(command_line, t_warns_of_a_file_without_apps)
{
    struct run ran = run_tine("-t", "-c", ini("[server]\nlisten = 127.0.0.1:0\n"));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.err, "^there is no \\[app:NAME\\]: every request is answered 404$"), "%s", ran.err);
}

Test(command_line, t_says_configuration_ok_to_a_module)
{
    struct run ran = run_tine("-t", "-c", ini("[server]\nlisten = 127.0.0.1:0\n" PROBE));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

Test(command_line, t_tells_every_error_at_once)
{
    struct run ran = run_tine("-t", "-c", ini("[server]\n"            /* 1 */
                                              "listen = nowhere\n"    /* 2 */
                                              "wrokers = 3\n"         /* 3 */
                                              "workers = many\n"      /* 4 */
                                              "workers = 2\n"         /* 5 */
                                              "[timeots]\n"           /* 6 */
                                              "header = 10s\n"        /* 7 */
                                              "[limits]\n"            /* 8 */
                                              "body = 10 elephants\n" /* 9 */
                                              "[app:a]\n"             /* 10 */
                                              "path = /\n"            /* 11 */
                                              "module = respond\n"    /* 12 */
                                              "colour = blue\n"       /* 13 */
                                              "[app:b]\n"             /* 14 */
                                              "path = /b\n"           /* 15 */
                                              "module = @MODULES@/never_was.so\n"));
    cr_assert_eq(ran.code, 1);
    const char *const expected[] = {
        "server\\.ini:2: \\[server\\] listen: .*nowhere", "server\\.ini:3: \\[server\\] wrokers: .*workers",
        "server\\.ini:4: \\[server\\] workers: .*many",   "server\\.ini:5: \\[server\\] workers: ",
        "server\\.ini:6: .*timeouts",                     "server\\.ini:9: \\[limits\\] body: .*elephants",
        "server\\.ini:13: \\[app:a\\] colour: ",          "server\\.ini:16: \\[app:b\\] module: .*never_was\\.so"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_expect(text_matches(ran.err, expected[i]), "no %s in:\n%s", expected[i], ran.err);
    cr_assert(strstr(ran.out, "configuration ok") == NULL);
}

Test(command_line, nothing_starts_with_an_error)
{
    struct run ran = run_tine("-c", ini(PLAIN "[server]\nworkers = none\n"));
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:8: \\[server\\] workers: "), "%s", ran.err);
    cr_assert(strstr(ran.err, "listening on") == NULL, "%s", ran.err);
}

Test(command_line, effective_configuration_reads_back_the_same)
{
    const char *file = ini("[server]\nlisten = 127.0.0.1:0, [::1]:0\nworkers = 3\n[timeouts]\nheader = 90s\n"
                           "[limits]\nbody = 3m\n[log]\naccess_format = \"%h ; # '%r' $$\"\n"
                           "[listen:extra]\naddress = unix:@DIR@/sock\nmode = 0640\n"
                           "[app:a]\npath = /a\nmodule = respond\nbody = \"x; y\"\nstatus = 201\n" PROBE);
    struct run first = run_tine("-T", "-c", file);
    cr_assert_eq(first.code, 0, "%s", first.err);
    cr_assert(text_matches(first.out, "^workers *= *3"), "%s", first.out);
    cr_assert(text_matches(first.out, "^keepalive *= *65s"), "defaults are missing:\n%s", first.out);
    file_write(file, first.out);
    struct run second = run_tine("-T", "-c", file);
    cr_assert_eq(second.code, 0, "%s", second.err);
    cr_assert_str_eq(second.out, first.out);
}

Test(command_line, o_overrides_the_file)
{
    struct run ran = run_tine("-T", "-c", ini(PLAIN), "-o", "server.workers=7", "-o", "timeouts.header=3s");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.out, "^workers *= *7"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "^header *= *3s"), "%s", ran.out);
}

Test(command_line, o_is_checked_as_the_file_is)
{
    struct run ran = run_tine("-t", "-c", ini(PLAIN), "-o", "server.workers=seven");
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "^-o server\\.workers: \\[server\\] workers: .seven. is not"), "%s", ran.err);
}

static void expect_unreadable(const char *path, const char *reason)
{
    struct run ran = run_tine("-t", "-c", path);
    cr_assert_eq(ran.code, 1, "%s: exit code %d", path, ran.code);
    cr_assert(strstr(ran.err, path) != NULL, "%s is not named in: %s", path, ran.err);
    cr_assert(text_matches(ran.err, reason), "no /%s/ in: %s", reason, ran.err);
}

Test(command_line, a_missing_file_is_a_clear_error)
{
    expect_unreadable(text("%s/missing.ini", test_dir()), "No such file");
}

Test(command_line, a_directory_is_a_clear_error)
{
    expect_unreadable(test_dir(), "directory|regular file");
}

Test(command_line, a_nul_byte_is_a_clear_error)
{
    const char *path = text("%s/nul.ini", test_dir());
    const char bytes[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 2\0garbage\n";
    file_write_bytes(path, bytes, sizeof bytes - 1);
    struct run ran = run_tine("-t", "-c", path);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "nul\\.ini:3: .*NUL"), "%s", ran.err);
}

Test(command_line, a_file_of_a_gigabyte_is_a_clear_error)
{
    const char *path = text("%s/huge.ini", test_dir());
    cr_assert_eq(run("truncate", "-s", "1G", path).code, 0);
    int64_t start = now_ms();
    expect_unreadable(path, "large|big|long|NUL");
    cr_assert_lt(now_ms() - start, 5000, "it was read whole");
}

Test(command_line, a_fifo_or_a_device_does_not_hang_it)
{
    const char *fifo = text("%s/fifo.ini", test_dir());
    cr_assert_eq(run("mkfifo", fifo).code, 0);
    cr_assert_eq(run_tine("-t", "-c", fifo).code, 1);
    cr_assert_eq(run_tine("-t", "-c", "/dev/zero").code, 1);
}

Test(command_line, a_module_that_does_not_load_is_told_by_t)
{
    struct run ran = run_tine("-t", "-c", ini(PLAIN "[app:b]\npath = /b\nmodule = @MODULES@/no_symbol.so\n"));
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:9: \\[app:b\\] module: .*no_symbol\\.so"), "%s", ran.err);
}

Test(command_line, t_does_not_run_worker_init)
{
    const char *file = ini("[server]\nlisten = 127.0.0.1:0\n[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = bad init\n");
    struct run ran = run_tine("-t", "-c", file);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

Test(command_line, t_runs_load)
{
    const char *file = ini("[server]\nlisten = 127.0.0.1:0\n[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = bad load\n");
    struct run ran = run_tine("-t", "-c", file);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:s\\] must: .*load does not like it"), "%s", ran.err);
}

/* What a start or a reload would be refused for. */
Test(command_line, t_tells_of_paths_where_something_else_lies)
{
    cr_assert_eq(run("mkdir", text("%s/folder", test_dir())).code, 0);
    file_write(text("%s/text", test_dir()), "no socket");
    const char *const cases[][2] = {
        {"[server]\npidfile = ../folder\n", ":2: \\[server\\] pidfile: cannot write '.*/folder': Is a directory"},
        {"[server]\ncontrol = /no/such/sock\n", ":2: \\[server\\] control: cannot write '/no/such/sock': No such file"},
        {"[log]\naccess = ../folder\n", ":2: \\[log\\] access: cannot write '.*/folder': Is a directory"},
        {"[log]\nerror = ../folder\n", ":2: \\[log\\] error: cannot write '.*/folder': Is a directory"},
        {"[listen:a]\naddress = unix:../text\n", ":2: \\[listen:a\\] address: '.*/text' is there already, and no socket"},
        {"[server]\nlisten = 127.0.0.1:0, unix:../folder\n", ":2: \\[server\\] listen: '.*/folder' is there already, and no socket"},
        {"[listen:a]\naddress = unix:s\nowner = who-is-this\ngroup = who-are-these\n",
         ":3: \\[listen:a\\] owner: 'who-is-this': there is no such user"},
        {"[listen:a]\naddress = unix:s\nowner = root\ngroup = who-are-these\n", ":4: \\[listen:a\\] group: 'who-are-these': there is no "
                                                                                "such group"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run ran = run_tine("-t", "-c", ini(cases[i][0]));
        cr_expect_eq(ran.code, 1, "%s", cases[i][0]);
        cr_expect(text_matches(ran.err, cases[i][1]), "no /%s/ in: %s", cases[i][1], ran.err);
    }
}

Test(command_line, t_tells_of_a_module_that_crashes)
{
    const char *file = ini("[server]\nlisten = 127.0.0.1:0\n[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = crash in load\n");
    struct run ran = run_tine("-t", "-c", file);
    cr_assert_eq(ran.code, 1);
    const char *told = "server\\.ini:3: \\[app:s\\] module: '.*settings\\.so' crashed in its load\\(\\) \\(SIGABRT\\)\n";
    cr_assert(text_matches(ran.err, told), "%s", ran.err);
}

Test(command_line, t_tells_of_a_module_that_exits)
{
    const char *file = ini("[server]\nlisten = 127.0.0.1:0\n[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = exit\n");
    struct run ran = run_tine("-t", "-c", file);
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.out);
    cr_assert(text_matches(ran.err, "module .*status 1"), "%s", ran.err);
}
