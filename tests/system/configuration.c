/* SPDX-License-Identifier: Apache-2.0
 *
 * The INI file as a running server sees it: includes, environment, quotes, units, order of what wins. The
 * grammar itself is tested to the branch in tests/unit.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(configuration, .timeout = 120);

static struct run effective(const char *content)
{
    struct server server;
    server_prepare(&server, content);
    return run_tine("-T", "-c", server.ini);
}

static void expect_line(const struct run *ran, const char *expression)
{
    cr_assert_eq(ran->code, 0, "%s", ran->err);
    cr_assert(text_matches(ran->out, expression), "no /%s/ in:\n%s", expression, ran->out);
}

#define LISTEN "[server]\nlisten = 127.0.0.1:0\n"

Test(configuration, values_come_from_the_environment)
{
    setenv("TINE_TEST_BODY", "from outside", 1);
    unsetenv("TINE_TEST_NONE");
    struct server server;
    server_start(&server, LISTEN "workers = ${TINE_TEST_NONE:-3}\n" RESPOND("${TINE_TEST_BODY} for $$5"));
    expect_get(&server, "/", 200, "from outside for $5");
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 3, workers);
    server_stop(&server);
}

Test(configuration, a_variable_that_is_not_set_is_an_error)
{
    unsetenv("TINE_TEST_NONE");
    struct run ran = effective(LISTEN "workers = ${TINE_TEST_NONE}\n");
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:3: \\[server\\] workers: .*TINE_TEST_NONE"), "%s", ran.err);
}

Test(configuration, units_are_read)
{
    struct run ran = effective(LISTEN "[limits]\nbody = 2m\nrequest_line = 4096\n[timeouts]\nheader = 1500ms\nkeepalive = 2m\n");
    expect_line(&ran, "^body *= *2m$");
    expect_line(&ran, "^request_line *= *4k$");
    expect_line(&ran, "^header *= *1500ms$");
    expect_line(&ran, "^keepalive *= *(2m|120s)$");
}

Test(configuration, quotes_keep_what_would_be_a_comment)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("\"one ; two\" ; three"));
    expect_get(&server, "/", 200, "one ; two");
    server_stop(&server);
}

Test(configuration, includes_are_read_and_their_errors_name_their_file)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "include = conf.d/*.ini\n");
    cr_assert_eq(run("mkdir", text("%s/conf.d", server.dir)).code, 0);
    file_write(text("%s/conf.d/one.ini", server.dir), RESPOND("included"));
    server_launch(&server);
    expect_get(&server, "/", 200, "included");
    server_stop(&server);
    file_write(text("%s/conf.d/two.ini", server.dir), "\n[limits]\nbody = x\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "two\\.ini:3: \\[limits\\] body: "), "%s", ran.err);
}

Test(configuration, an_include_of_itself_ends)
{
    struct run ran = effective(LISTEN "include = server.ini\n");
    cr_assert_eq(ran.code, 1);
}

static int post(const struct server *server, const char *path)
{
    return ask(server, text("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n12345678901234567890", path)).status;
}

Test(configuration, an_app_has_its_own_limits)
{
    struct server server;
    server_start(&server, TWO_WORKERS "[limits]\nbody = 10\n"
                                      "[app:small]\npath = /small\nmodule = @MODULES@/probe.so\n"
                                      "[app:large]\npath = /large\nmodule = @MODULES@/probe.so\nlimits.body = 100\n");
    cr_assert_eq(post(&server, "/small/echo"), 413);
    cr_assert_eq(post(&server, "/large/echo"), 200);
    server_stop(&server);
}

Test(configuration, relative_paths_start_at_the_files_folder)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "[app:files]\npath = /\nmodule = static\nroot = www\n");
    cr_assert_eq(run("mkdir", text("%s/www", server.dir)).code, 0);
    file_write(text("%s/www/a.txt", server.dir), "relative");
    server_launch(&server);
    expect_get(&server, "/a.txt", 200, "relative");
    server_stop(&server);
}

Test(configuration, the_longest_path_wins_on_segment_borders)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("root") "[app:a]\npath = /a\nmodule = respond\nbody = a\n"
                                                      "[app:ab]\npath = /a/b\nmodule = respond\nbody = ab\n");
    const char *const cases[][2] = {{"/", "root"},  {"/x", "root"},   {"/a", "a"},    {"/a/", "a"},   {"/a/x", "a"},
                                    {"/ax", "root"}, {"/a/b", "ab"}, {"/a/b/c", "ab"}, {"/a/bc", "a"}, {"/a?b", "a"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_get(&server, cases[i][0], 200, cases[i][1]);
    server_stop(&server);
}

Test(configuration, apps_are_chosen_by_host)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("any") "[app:one]\npath = /\nhost = one.test\nmodule = respond\nbody = one\n");
    const char *const cases[][2] = {{"one.test", "one"}, {"ONE.test:80", "one"}, {"two.test", "any"},
                                    {"one.test.", "one"}, {"one.test.:80", "one"}, {"one.test..", "any"}, {".", "any"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = ask(&server, text("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i][0]));
        expect_response(&response, 200, cases[i][1]);
    }
    server_stop(&server);
}

/* Any bytes: an error or a configuration, never a crash or a hang. */
Test(configuration, mutated_files_never_crash_the_reader, .timeout = 180)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "[timeouts]\nheader = 5s\n[log]\naccess_format = \"%h %r\"\n" RESPOND("\"a;b\" ${HOME}"));
    size_t length;
    char *valid = file_read(server.ini, &length);
    srand(20261122);
    for (int round = 0; round < 60; round++) {
        char *bytes = memcpy(malloc(length), valid, length);
        for (int change = rand() % 8; change >= 0; change--)
            bytes[(size_t)rand() % length] = rand() % 3 == 0 ? "[]=;\"$\n{} "[rand() % 10] : (char)rand();
        file_write_bytes(server.ini, bytes, (size_t)rand() % 4 == 0 ? (size_t)rand() % length : length);
        struct run ran = run_tine("-t", "-c", server.ini);
        cr_assert(ran.code == 0 || ran.code == 1, "exit code %d for:\n%s\n%s", ran.code, file_read(server.ini, NULL), ran.err);
        cr_assert(ran.code == 0 || ran.err[0] != 0, "refused without a word");
        free(bytes);
    }
}

#define SETTINGS LISTEN "[app:s]\npath = /\nmodule = @MODULES@/settings.so\nmust = given\n"

Test(configuration, settings_of_modules_are_shown_with_their_defaults)
{
    struct run ran = effective(SETTINGS "pause = 2s\nword.a = x; y\nfolder.b = here\n");
    expect_line(&ran, "^greeting = good day$");
    expect_line(&ran, "^count = 3$");
    expect_line(&ran, "^pause = 2s$");
    expect_line(&ran, "^must = given$");
    expect_line(&ran, "^password =$");
    expect_line(&ran, "^word.a = x; y$");
    expect_line(&ran, "^folder.b = /.*/here$");
}

Test(configuration, secrets_are_not_shown)
{
    setenv("TINE_TEST_SECRET", "hunter2", 1);
    struct run ran = effective(SETTINGS "password = ${TINE_TEST_SECRET}\ntoken.github = abcdef\n");
    expect_line(&ran, "^; password is secret, and not shown$");
    expect_line(&ran, "^; token.github is secret, and not shown$");
    cr_assert(strstr(ran.out, "hunter2") == NULL && strstr(ran.out, "abcdef") == NULL, "%s", ran.out);
    struct run refused = effective(LISTEN "[app:s]\nmodule = @DIR@/none.so\npassword = hunter2\n");
    cr_assert_eq(refused.code, 1);
    cr_assert(strstr(refused.out, "hunter2") == NULL && strstr(refused.err, "hunter2") == NULL);
    struct server server;
    server_prepare(&server, SETTINGS);
    refused = run_tine("-t", "-c", server.ini, "-o", "app:s.pasword=hunter2");
    cr_assert_eq(refused.code, 1);
    cr_assert(strstr(refused.out, "hunter2") == NULL && strstr(refused.err, "hunter2") == NULL, "%s%s", refused.out, refused.err);
}

Test(configuration, mistakes_in_what_a_module_declares_are_told_where_it_is_named)
{
    struct run ran = effective(LISTEN "[app:s]\npath = /\nmodule = @MODULES@/bad_settings.so\n");
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server.ini:5: .app:s. module: the default of its setting 'room', 'much', is not a size"), "%s",
              ran.err);
    cr_assert(text_matches(ran.err, "server.ini:5: .app:s. module: its setting 'new' is of type 99, and this tine knows those up to 6"),
              "%s", ran.err);
}
