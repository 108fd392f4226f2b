/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes to a worker in one message, when the first of it have whole requests in their input whose handler crashes, hangs or takes its
 * time: the others, which only this worker could take, lose nothing.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

TestSuite(adopting, .timeout = 120);

#define APPS \
    PROBE TROUBLE "[app:spool]\npath = /spool\nmodule = @MODULES@/probe.so\nbody_memory = 1\n" \
    "[app:scribble]\npath = /scribble\nmodule = @MODULES@/scribble.so\n"

#define POST(path, framing, body) "POST " path " HTTP/1.1\r\nHost: a\r\n" framing "\r\n\r\n" body
#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define NAP "GET /trouble/nap/10 HTTP/1.1\r\nHost: a\r\n\r\n" /* longer than a pipeline's turn: what is behind it waits */

/* A connection as it is when it is given, and as it goes on. */
static const struct other {
    const char *before, *after, *body;
} cases[] = {
    {"", HELLO, "hello"},
    {"GET /he", "llo HTTP/1.1\r\nHost: a\r\n\r\n", "hello"},
    {POST("/echo", "Content-Length: 10", ""), "abcdefghij", "abcdefghij"},
    {POST("/echo", "Content-Length: 10", "abcde"), "fghij", "abcdefghij"},
    {POST("/echo", "Transfer-Encoding: chunked", "5\r\nab"), "cde\r\n0\r\n\r\n", "abcde"},
    {POST("/spool/echo", "Content-Length: 10", "abcde"), "fghij", "abcdefghij"},
    {POST("/spool/echo", "Transfer-Encoding: chunked", "5\r\nab"), "cde\r\n0\r\n\r\n", "abcde"},
    {NAP HELLO, "", "hello"},
    {NAP POST("/echo", "Content-Length: 10", "abcde"), "fghij", "abcdefghij"},
    {"", HELLO, "hello"},
};

enum { OTHERS = sizeof cases / sizeof cases[0], FIRST_MAX = 10 };

struct batch {
    struct server server;
    struct client first[FIRST_MAX], others[OTHERS], door, last;
    int count;
};

/* In the order of their coming: so they stand in the table, and so they are given. */
static void connect_all(struct batch *b)
{
    b->door = client_connect(&b->server);
    expect_kept(&b->door, HELLO, "hello");
    for (int i = 0; i < b->count; i++) {
        b->first[i] = client_connect(&b->server);
        expect_kept(&b->first[i], HELLO, "hello");
    }
    for (int i = 0; i < OTHERS; i++) {
        b->others[i] = client_connect(&b->server);
        expect_kept(&b->others[i], HELLO, "hello");
    }
    b->last = client_connect(&b->server);
    expect_kept(&b->last, HELLO, "hello");
}

/* All of it has come before the worker looks, and is worked off in one turn up to the gate, at which it stays until it is to give. */
static void bring_to_rest(struct batch *b, const char *path)
{
    client_send(&b->door, request("GET", "/trouble/gate/door", ""));
    server_log_await(&b->server, "gate door entered", 1);
    for (int i = 0; i < b->count; i++)
        client_send(&b->first[i], text(NAP "%s", request("GET", path, "")));
    for (int i = 0; i < OTHERS; i++)
        client_send(&b->others[i], cases[i].before);
    client_send(&b->last, request("GET", "/trouble/gate/last", ""));
    file_write(text("%s/gate.door.open", b->server.dir), "");
    server_log_await(&b->server, "gate last entered", 1);
    expect_kept(&b->door, NULL, "through gate door");
    for (int i = 0; i < b->count; i++)
        expect_kept(&b->first[i], NULL, "slept 10 ms");
    for (int i = 0; i < OTHERS; i++)
        if (strncmp(cases[i].before, NAP, strlen(NAP)) == 0)
            expect_kept(&b->others[i], NULL, "slept 10 ms");
}

static char *status(const struct batch *b)
{
    return run_tine("status", "-c", b->server.ini).out;
}

/* The master tells its status before it gives orders: what it knew at one time it has acted upon by the next but one. */
static void reload(struct batch *b, const char *ini, size_t workers)
{
    server_reload(&b->server, ini);
    await(text_count(status(b), " waiting ") == workers);
    for (int i = 0; i < 2; i++)
        status(b);
}

/* 'count' connections are given on which a request for 'path' waits, and the others behind them, to workers that serve by 'ini'. */
static void give(struct batch *b, int count, const char *path, const char *ini, size_t workers)
{
    b->count = count;
    server_start(&b->server, ONE_WORKER "workers_max = 1\n[timeouts]\nstall_after = 1m\n" APPS);
    connect_all(b);
    bring_to_rest(b, path);
    reload(b, ini, workers);
    file_write(text("%s/gate.last.open", b->server.dir), "");
    expect_kept(&b->last, NULL, "through gate last");
}

static void expect_others_kept(struct batch *b)
{
    expect_kept(&b->door, HELLO, "hello");
    expect_kept(&b->last, HELLO, "hello");
    for (int i = 0; i < OTHERS; i++)
        expect_kept(&b->others[i], cases[i].after, cases[i].body);
}

static void expect_answered(struct batch *b, int code)
{
    for (int i = 0; i < b->count; i++) {
        struct response response = client_read(&b->first[i]);
        cr_assert_eq(response.status, code, "first[%d]: %s", i, response.head);
        client_expect_close(&b->first[i]);
    }
}

/* Each of the dead's clients at most, which had its answer and had not closed yet when the next handler took that worker. */
static void expect_others_counted_as_kept(const struct batch *b)
{
    cr_assert(text_matches(status(b), ", lost [0-9]$"), "%s", status(b));
}

/* The workers' ends are in the log: server_stop() would take them for tine's own. */
static void stop(struct batch *b)
{
    server_signal(&b->server, SIGTERM);
    cr_assert_eq(process_wait(b->server.pid, PATIENCE), 0);
}

Test(adopting, a_crash_in_the_middle_of_it_costs_the_others_nothing)
{
    struct batch b;
    give(&b, FIRST_MAX, "/trouble/crash/null", ONE_WORKER "workers_max = 1\n" APPS, 1);
    expect_answered(&b, 500);
    expect_others_kept(&b);
    expect_others_counted_as_kept(&b);
    cr_assert_eq(text_count(server_log(&b.server), "crashed with SIGSEGV"), FIRST_MAX);
    stop(&b);
}

static void hang(const char *stall_after)
{
    struct batch b;
    const char *ini = text(ONE_WORKER "workers_max = 1\n[timeouts]\nrequest = 500ms\nstall_after = %s\n" APPS, stall_after);
    give(&b, 3, "/trouble/gate/never", ini, 1);
    expect_answered(&b, 504);
    expect_others_kept(&b);
    expect_others_counted_as_kept(&b);
    stop(&b);
}

Test(adopting, a_handler_that_hangs_in_the_middle_of_it_costs_the_others_nothing)
{
    hang("1m");
}

Test(adopting, what_was_passed_on_of_a_stalled_worker_is_not_passed_on_again_when_it_dies)
{
    hang("50ms");
}

Test(adopting, a_handler_that_takes_its_time_in_the_middle_of_it_is_waited_for_by_nobody_else)
{
    struct batch b;
    give(&b, 1, "/trouble/gate/slow", TWO_WORKERS "workers_max = 2\n" APPS, 2);
    server_log_await(&b.server, "gate slow entered", 1);
    expect_others_kept(&b);
    file_write(text("%s/gate.slow.open", b.server.dir), "");
    expect_kept(&b.first[0], NULL, "through gate slow");
    cr_assert_not_null(strstr(status(&b), "lost 0\n"), "%s", status(&b));
    stop(&b);
}

/* Nobody gets what is another's: of what may be anybody's by now nothing is passed on, nor served here. */
static void write_over(const char *then, int code)
{
    struct batch b;
    bool clean;
    give(&b, 1, text("/scribble/coming/%s", then), ONE_WORKER "workers_max = 1\n" APPS, 1);
    struct response response = client_read(&b.first[0]);
    cr_assert_eq(response.status, code, "%s", response.head);
    for (int i = 0; i < OTHERS; i++) {
        cr_assert(client_drain(&b.others[i], PATIENCE, &clean));
        cr_assert_eq(b.others[i].length, 0);
    }
    expect_kept(&b.door, HELLO, "hello");
    cr_assert(server_log_has(&b.server, text(": %d of its connections are closed", OTHERS + 1)));
    stop(&b);
}

Test(adopting, what_was_written_over_before_a_crash_is_not_passed_on)
{
    write_over("crash", 500);
}

Test(adopting, what_was_written_over_is_not_served)
{
    write_over("return", 200);
}
