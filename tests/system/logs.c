/* SPDX-License-Identifier: Apache-2.0
 *
 * The access log's formats and that no line is lost; the error log, its levels, and reopening both.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(logs, .timeout = 120);

enum { LATE = 8000 }; /* on a busy machine */

#define LOG(format) ONE_WORKER "[log]\naccess_format = " format "\n" PROBE TROUBLE

static const char *const agent = "Referer: http://from.test/\r\nUser-Agent: probe/1.0\r\nConnection: close\r\n";

/* The line of GET /hello?x=1 in this format. */
static char *line_of(struct server *server, const char *ini)
{
    server_start(server, ini);
    struct response response = ask(server, request("GET", "/hello?x=1", agent));
    expect_response(&response, 200, "hello");
    return server_access_await(server, "hello");
}

#define TIME "\\[[0-9]{2}/[A-Z][a-z]{2}/20[0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{2} [-+][0-9]{4}\\]"

Test(logs, combined_is_the_default)
{
    struct server server;
    char *line = line_of(&server, ONE_WORKER PROBE);
    cr_assert(text_matches(line, "^127\\.0\\.0\\.1 - - " TIME " \"GET /hello\\?x=1 HTTP/1\\.1\" 200 5 "
                                 "\"http://from\\.test/\" \"probe/1\\.0\"$"), "%s", line);
    server_stop(&server);
}

Test(logs, common_is_common)
{
    struct server server;
    char *line = line_of(&server, LOG("common"));
    cr_assert(text_matches(line, "^127\\.0\\.0\\.1 - - " TIME " \"GET /hello\\?x=1 HTTP/1\\.1\" 200 5$"), "%s", line);
    server_stop(&server);
}

Test(logs, json_is_an_object_a_line)
{
    struct server server;
    char *line = line_of(&server, LOG("json"));
    cr_assert(text_matches(line, "^\\{\"time\":\"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z\","
                                 "\"client\":\"127\\.0\\.0\\.1\",\"method\":\"GET\",\"target\":\"/hello\\?x=1\",\"host\":\"[^\"]+\","
                                 "\"status\":200,\"bytes\":5,\"duration_us\":[0-9]+,\"request_id\":\"[0-9a-f]{16}\","
                                 "\"referer\":\"http://from\\.test/\",\"user_agent\":\"probe/1\\.0\",\"pid\":[0-9]+\\}$"), "%s", line);
    ask(&server, request("GET", "/hello?q", "User-Agent: a\"b\\c\td\xff\r\n"));
    line = server_access_await(&server, "hello?q");
    cr_assert(text_matches(line, "a\\\\\"b\\\\\\\\c\\\\(t|u0009)d"), "%s", line);
    server_stop(&server);
}

#define JSON_STRING "\"([^\"\\\\[:cntrl:]]|\\\\([\"\\\\/bfnrt]|u[0-9a-f]{4}))*\""
#define JSON_MEMBER JSON_STRING ":(" JSON_STRING "|[0-9]+)"

/* A line is bounded: what is cut must be cut so that it stays an object. */
Test(logs, json_stays_whole_however_much_is_to_be_escaped)
{
    struct server server;
    char tabs[401];
    memset(tabs, '\t', 400);
    tabs[400] = 0;
    server_start(&server, LOG("json"));
    ask(&server, request("GET", "/hello", text("Referer: a%sz\r\nUser-Agent: a%sz\r\n", tabs, tabs)));
    char *line = server_access_await(&server, "/hello");
    server_stop(&server);
    cr_assert(text_matches(line, "^\\{" JSON_MEMBER "(," JSON_MEMBER ")*\\}$"), "%s", line);
    cr_assert_eq(text_count(file_read(server.access, NULL), "\n"), 1);
}

Test(logs, a_format_of_ones_own_knows_apaches_letters)
{
    struct server server;
    server_start(&server, LOG("%h|%l|%u|%m|%U|%q|%H|%>s|%s|%b|%D|%{X-Test}i|%{x-absent}i|%{Content-Type}o|%P|%L|%r|%%"));
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 1, workers);
    ask(&server, request("GET", "/users/me?a=b", "X-Test: yes\r\nX-Request-Id: id-1\r\n"));
    char *line = server_access_await(&server, "users");
    char *expected = text("^127\\.0\\.0\\.1\\|-\\|-\\|GET\\|/users/me\\|\\?a=b\\|HTTP/1\\.1\\|200\\|200\\|2\\|[0-9]+\\|yes\\|-\\|"
                          "text/plain; charset=utf-8\\|%d\\|id-1\\|GET /users/me\\?a=b HTTP/1\\.1\\|%%$", workers[0]);
    cr_assert(text_matches(line, expected), "%s", line);
    server_stop(&server);
}

Test(logs, a_format_that_cannot_be_is_refused)
{
    static const char *const wrong[][2] = {
        {"%h %{X i", "a '%{' has no '}'"}, {"%h %z %s", "'%z' is none of %h "}, {"%h %{X}s", "'%{X}s' is none of %h "},
        {"%h %i", "'%i' is none"}, {"%h %>é", "'%>é' is none"}, {"%h %", "'%' is none"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct server server;
        server_prepare(&server, text(LOG("%s"), wrong[i][0]));
        struct run ran = run_tine("-t", "-c", server.ini);
        cr_assert_eq(ran.code, 1);
        cr_assert(strstr(ran.err, text("server.ini:5: [log] access_format: %s", wrong[i][1])) != NULL, "%s", ran.err);
    }
}

Test(logs, every_kind_of_answer_has_its_line)
{
    struct server server;
    server_start(&server, LOG("%>s %b %r"));
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s%s", request("GET", "/nothing", ""), request("HEAD", "/hello", ""), "NONSENSE\r\n\r\n"));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    ask(&server, request("GET", "/nowhere", ""));
    get(&server, "/stream/1000000");
    server_access_await(&server, "204 - GET /nothing HTTP/1.1");
    server_access_await(&server, "200 - HEAD /hello HTTP/1.1");
    server_access_await(&server, "404 ");
    server_access_await(&server, "400 ");
    server_access_await(&server, "200 1000000 GET /stream/1000000");
    server_stop(&server);
}

Test(logs, lines_of_strangers_are_escaped)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    ask(&server, request("GET", "/hello?quote", "User-Agent: a\"b\\c\td\xff" "e\r\n"));
    char *line = server_access_await(&server, "hello?quote");
    cr_assert(text_matches(line, "\"a\\\\(\"|x22)b\\\\(\\\\|x5c)c\\\\(t|x09)d\\\\xffe\"$"), "%s", line);
    ask(&server, "GET /\x1b[31m\x07 evil HTTP/1.1\r\n\r\n");
    ask(&server, "GET /hello HTTP/1.1\nHost: a\n127.0.0.1 - - forged\r\n\r\n");
    server_stop(&server);
    size_t length;
    char *all = file_read(server.access, &length);
    for (size_t i = 0; i < length; i++)
        if ((all[i] < 32 && all[i] != '\n') || all[i] == 127)
            harness_fail("byte %d in the access log", all[i]);
    cr_assert_not(text_matches(all, "^127.0.0.1 - - forged"), "%s", all);
}

Test(logs, off_writes_nothing)
{
    struct server server;
    server_start(&server, ONE_WORKER "[log]\naccess = off\n" PROBE);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
    cr_assert_str_empty(file_read(server.access, NULL));
}

/* The worker is in accept by then and does nothing: the master has to write it. */
Test(logs, a_line_appears_within_a_second_though_its_worker_sleeps)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    for (int i = 0; i < 3; i++) {
        get(&server, text("/query?%d", i));
        int64_t start = now_ms();
        server_access_await(&server, text("/query?%d", i));
        cr_assert_lt(now_ms() - start, 1000 + LATE, "after %d ms", (int)(now_ms() - start));
    }
    server_stop(&server);
}

Test(logs, a_line_appears_though_its_worker_is_in_a_handler)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE TROUBLE);
    get(&server, "/query?before");
    struct client busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    int64_t start = now_ms();
    server_access_await(&server, "/query?before");
    cr_assert_lt(now_ms() - start, 1000 + LATE);
    server_open_gate(&server, "a");
    client_read(&busy);
    server_stop(&server);
}

Test(logs, no_line_is_lost_with_a_worker_that_is_killed_right_after_its_answer)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    for (int i = 0; i < 5; i++) {
        pid_t workers[WORKERS_MAX];
        server_await_workers(&server, 1, workers);
        get(&server, text("/query?victim=%d", i));
        kill(workers[0], SIGKILL);
        await(!process_alive(workers[0]));
    }
    for (int i = 0; i < 5; i++)
        server_access_await(&server, text("/query?victim=%d", i));
    server_stop(&server);
}

Test(logs, no_line_is_lost_at_a_stop)
{
    struct server server;
    enum { REQUESTS = 500 };
    server_start(&server, TWO_WORKERS PROBE);
    struct client client = client_connect(&server);
    for (int i = 0; i < REQUESTS; i++) {
        client_send(&client, request("GET", "/hello", ""));
        struct response response = client_read(&client);
        response_free(&response);
    }
    server_stop(&server);
    size_t lines = text_count(file_read(server.access, NULL), "GET /hello HTTP/1.1");
    cr_assert_eq(lines, REQUESTS, "%zu lines of %d", lines, REQUESTS);
}

Test(logs, no_line_is_lost_at_a_quick_stop_or_reload)
{
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    for (int i = 0; i < 50; i++)
        get(&server, "/hello");
    server_hup(&server);
    for (int i = 0; i < 50; i++)
        get(&server, "/hello");
    server_signal(&server, SIGINT);
    server_wait(&server);
    size_t lines = text_count(file_read(server.access, NULL), "GET /hello HTTP/1.1");
    cr_assert_eq(lines, 100, "%zu lines of 100", lines);
}

Test(logs, lines_are_whole_under_load)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n" PROBE);
    pid_t clients[4];
    for (int i = 0; i < 4; i++)
        if ((clients[i] = process_fork()) == 0) {
            for (int k = 0; k < 200; k++)
                expect_get(&server, "/hello", 200, "hello");
            _exit(0);
        }
    for (int i = 0; i < 4; i++)
        cr_assert_eq(process_wait(clients[i], PATIENCE), 0);
    server_stop(&server);
    size_t whole = 0, lines = 0;
    for (char *line = strtok(file_read(server.access, NULL), "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
        whole += text_matches(line, "^127\\.0\\.0\\.1 - - " TIME " \"GET /hello HTTP/1\\.1\" 200 5 \"-\" \"-\"$");
    cr_assert(lines == 800 && whole == 800, "%zu lines, %zu whole, of 800", lines, whole);
}

/* Workers go over to the new files a moment later; what they write until then is in the old ones, not lost. */
Test(logs, usr1_reopens_both)
{
    struct server server;
    int asked = 1;
    server_prepare(&server, TWO_WORKERS "[log]\naccess = @DIR@/access\nerror = @DIR@/log\n" PROBE);
    server_launch(&server);
    get(&server, "/log");
    server_access_await(&server, "/log");
    rename(server.access, text("%s.1", server.access));
    rename(server.log, text("%s.1", server.log));
    server.log_start = 0;
    server_signal(&server, SIGUSR1);
    await(file_exists(server.access) && file_exists(server.log));
    await((asked++, get(&server, "/log"), strstr(file_read(server.access, NULL), "/log") && server_log_has(&server, "probe says 42")));
    server_stop(&server);
    const char *access = text("%s%s", file_read(text("%s.1", server.access), NULL), file_read(server.access, NULL));
    const char *errors = text("%s%s", file_read(text("%s.1", server.log), NULL), file_read(server.log, NULL));
    cr_assert_eq(text_count(access, "GET /log "), (size_t)asked, "%d requests:\n%s", asked, access);
    cr_assert_eq(text_count(errors, "the probe says 42"), (size_t)asked, "%d requests:\n%s", asked, errors);
}

static void expect_refused(const struct server *server, const char *expression)
{
    struct run ran = run_tine("-c", server->ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, expression), "%s", ran.err);
}

/* In a folder of nobody's, who may have made it lead to a file of root's. */
Test(logs, root_does_not_follow_a_link_of_another_user)
{
    if (geteuid() != 0)
        cr_skip_test("not root");
    struct server server;
    struct stat status;
    server_prepare(&server, ONE_WORKER "[log]\naccess = @DIR@/logs/access\n" PROBE);
    const char *folder = text("%s/logs", server.dir), *link = text("%s/access", folder);
    cr_assert(mkdir(folder, 0755) == 0 && chown(folder, 65534, 65534) == 0);
    cr_assert(symlink("../made", link) == 0 && lchown(link, 65534, 65534) == 0);
    expect_refused(&server, "\\[log\\] access: cannot open '.*/logs/access': .*symbolic link of another user");
    cr_assert_neq(stat(text("%s/made", server.dir), &status), 0);
    cr_assert_eq(lchown(link, 0, 0), 0); /* now it is root's, who may lead where he likes */
    server_launch(&server);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(unlink(link), 0);
    cr_assert(symlink("../other", link) == 0 && lchown(link, 65534, 65534) == 0);
    server_signal(&server, SIGUSR1);
    server_log_await(&server, "symbolic link of another user", 1);
    server_stop(&server);
    cr_assert(strstr(file_read(text("%s/made", server.dir), NULL), "GET /hello ") != NULL);
    cr_assert_neq(stat(text("%s/other", server.dir), &status), 0);
}

Test(logs, standard_output_may_be_written_as_a_path)
{
    struct server server;
    const char *const paths[] = {"/dev/stdout", "/proc/self/fd/1"};
    for (int i = 0; i < 2; i++) {
        server_start(&server, text(ONE_WORKER "[log]\naccess = %s\n" PROBE, paths[i]));
        expect_get(&server, "/hello", 200, "hello");
        server_access_await(&server, "GET /hello ");
        server_stop(&server);
    }
}

/* A log may be made by root for the user who serves, in a folder that is root's; and so is /dev/null. */
Test(logs, a_file_that_is_there_is_written_to_though_its_folder_is_not)
{
    if (geteuid() != 0 || !program_exists("setpriv") || !nobody_can_reach_tine())
        cr_skip_test("needs root and setpriv, and a checkout that nobody can read");
    const char *ini = text("%s/server.ini", test_dir()), *log = text("%s/access.log", test_dir());
    file_write(ini, text("[server]\nlisten = 127.0.0.1:0\n[log]\naccess = %s\nerror = /dev/null\n", log));
    const char *const tested[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "-t", "-c", ini, NULL};
    cr_assert_eq(chmod(test_dir(), 0755), 0);
    struct run ran = run_program(tested);
    cr_expect(text_matches(ran.err, "server\\.ini:4: \\[log\\] access: cannot write '.*access\\.log': Permission denied"), "%s", ran.err);
    cr_expect_null(strstr(ran.err, "/dev/null"), "%s", ran.err);
    file_write(log, "");
    cr_assert_eq(chown(log, 65534, 65534), 0);
    ran = run_program(tested);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert_eq(chown(log, 0, 0), 0);
    cr_assert_eq(run_program(tested).code, 1);
}

/* To open it would wait for somebody, at the start, a reload or USR1. */
Test(logs, a_pipe_without_a_reader_is_a_clear_error)
{
    struct server server;
    server_prepare(&server, ONE_WORKER "[log]\naccess = @DIR@/pipe\n" PROBE);
    cr_assert_eq(mkfifo(text("%s/pipe", server.dir), 0600), 0);
    expect_refused(&server, "\\[log\\] access: cannot open '.*/pipe': it is a pipe that nobody reads from");
}

Test(logs, a_slow_request_is_told)
{
    struct server server;
    server_start(&server, ONE_WORKER "[log]\nslow = 200ms\n" PROBE TROUBLE);
    get(&server, "/hello");
    get(&server, "/trouble/nap/300");
    await(text_matches(server_log(&server), " warning .*/trouble/nap/300"));
    cr_assert_not(text_matches(server_log(&server), "/hello"));
    server_stop(&server);
}

/* It takes as long as there is news. */
Test(logs, a_stream_is_slow_if_it_begins_late)
{
    struct server server;
    server_start(&server, ONE_WORKER "[log]\nslow = 1s\n[app:out]\npath = /out\nmodule = @MODULES@/output.so\n" PROBE);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/out/endless?every=50", ""));
    await(client_receive(&client, PATIENCE) > 0);
    for (int64_t end = now_ms() + 1100; now_ms() < end;)
        client_receive(&client, 100);
    client_close(&client);
    server_log_await(&server, "endless: over after some events", 1);
    server_access_await(&server, "/out/endless");
    cr_assert_not(text_matches(server_log(&server), "slow request: .* took [0-9]+ ms \\("), "%s", server_log(&server));
    server_stop(&server);
}

Test(logs, error_lines_have_time_level_and_pid)
{
    struct server server;
    server_start(&server, ONE_WORKER PROBE);
    get(&server, "/log");
    server_log_await(&server, "the probe says 42", 1);
    char *log = server_log(&server);
    for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n"))
        cr_assert(text_matches(line, "^20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}\\.[0-9]{3} (debug|info|warning|error) [0-9]+ ."), "%s", line);
    server_stop(&server);
}

Test(logs, a_level_hides_what_is_below_it)
{
    struct server server;
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, ONE_WORKER "[log]\nlevel = info\n" PROBE);
    server_await_workers(&server, 1, before);
    server_configure(&server, ONE_WORKER "[log]\nlevel = error\n" PROBE);
    server_signal(&server, SIGHUP); /* the verdict itself may be hidden */
    await(server_workers(&server, now) == 1 && now[0] != before[0]);
    for (int i = 0; i < 5; i++)
        expect_get(&server, "/log", 200, NULL);
    server_stop(&server);
    cr_assert_not(server_log_has(&server, "the probe says 42"));
}
