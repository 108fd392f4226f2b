/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes to a worker in one message, when the first of it have whole requests in their input whose handler crashes, hangs or takes its
 * time: the others, which only this worker could take, lose nothing.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
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

enum { OTHERS = sizeof cases / sizeof cases[0], FIRST_MAX = 10, BEHIND_MAX = 20 };

struct batch {
    struct server server;
    struct client first[FIRST_MAX], others[OTHERS], door, last;
    int count;
    struct client behind[BEHIND_MAX]; /* connections on which a request waits as well */
    int behind_count;
    bool door_ends; /* once it is open: then those that come first stand first in the message */
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
    for (int i = 0; i < b->behind_count; i++) {
        b->behind[i] = client_connect(&b->server);
        expect_kept(&b->behind[i], HELLO, "hello");
    }
}

/* All of it has come before the worker looks, and is worked off in one turn up to the gate, at which it stays until it is to give. */
static void bring_to_rest(struct batch *b, const char *path)
{
    client_send(&b->door, request("GET", "/trouble/gate/door", b->door_ends ? "Connection: close\r\n" : ""));
    server_log_await(&b->server, "gate door entered", 1);
    for (int i = 0; i < b->count; i++)
        client_send(&b->first[i], text(NAP "%s", request("GET", path, "")));
    for (int i = 0; i < OTHERS; i++)
        client_send(&b->others[i], cases[i].before);
    for (int i = 0; i < b->behind_count; i++)
        client_send(&b->behind[i], text(NAP "%s", request("GET", "/pid", "")));
    client_send(&b->last, request("GET", "/trouble/gate/last", ""));
    server_open_gate(&b->server, "door");
    server_log_await(&b->server, "gate last entered", 1);
    struct response response = client_read(&b->door);
    expect_response(&response, 200, "through gate door");
    for (int i = 0; i < b->count; i++)
        expect_kept(&b->first[i], NULL, "slept 10 ms");
    for (int i = 0; i < b->behind_count; i++)
        expect_kept(&b->behind[i], NULL, "slept 10 ms");
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

/* Up to where 'count' connections are to be given on which a request for 'path' waits, and the others behind them, to workers that serve
 * by 'ini'. */
static void prepare(struct batch *b, int count, const char *path, const char *ini, size_t workers)
{
    b->count = count;
    server_start(&b->server, ONE_WORKER "workers_max = 1\n[timeouts]\nstall_after = 1m\n" APPS);
    connect_all(b);
    bring_to_rest(b, path);
    reload(b, ini, workers);
}

static void open_last_gate(struct batch *b)
{
    server_open_gate(&b->server, "last");
    expect_kept(&b->last, NULL, "through gate last");
}

static void give(struct batch *b, int count, const char *path, const char *ini, size_t workers)
{
    prepare(b, count, path, ini, workers);
    open_last_gate(b);
}

static void expect_others_kept(struct batch *b)
{
    if (!b->door_ends)
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
    struct batch b = {0};
    give(&b, FIRST_MAX, "/trouble/crash/null", ONE_WORKER "workers_max = 1\n" APPS, 1);
    expect_answered(&b, 500);
    expect_others_kept(&b);
    expect_others_counted_as_kept(&b);
    cr_assert_eq(text_count(server_log(&b.server), "crashed with SIGSEGV"), FIRST_MAX);
    stop(&b);
}

static void hang(const char *stall_after)
{
    struct batch b = {0};
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
    struct batch b = {0};
    give(&b, 1, "/trouble/gate/slow", TWO_WORKERS "workers_max = 2\n" APPS, 2);
    server_log_await(&b.server, "gate slow entered", 1);
    expect_others_kept(&b);
    server_open_gate(&b.server, "slow");
    expect_kept(&b.first[0], NULL, "through gate slow");
    cr_assert_not_null(strstr(status(&b), "lost 0\n"), "%s", status(&b));
    stop(&b);
}

/* Both know by then that it does. Of those that come with it, none stands in the table of the worker that takes them before its handler is
 * entered. */
Test(adopting, a_handler_that_is_known_to_take_its_time_is_waited_for_not_even_until_it_stalls)
{
    struct batch b = {.door_ends = true};
    struct client slow[2];
    prepare(&b, 1, "/trouble/gate/slow", TWO_WORKERS "workers_max = 2\n[timeouts]\nstall_after = 1m\n" APPS, 2);
    for (int i = 0; i < 2; i++) {
        slow[i] = client_connect(&b.server);
        client_send(&slow[i], request("GET", text("/trouble/gate/both%d", i), "Connection: close\r\n"));
        server_log_await(&b.server, text("gate both%d entered", i), 1);
    }
    int64_t entered = now_ms();
    await(now_ms() - entered > 100);
    for (int i = 0; i < 2; i++) {
        server_open_gate(&b.server, text("both%d", i));
        cr_assert_eq(client_read(&slow[i]).status, 200);
    }
    await(text_count(status(&b), " waiting ") == 2);
    open_last_gate(&b);
    server_log_await(&b.server, "gate slow entered", 1);
    expect_others_kept(&b);
    server_open_gate(&b.server, "slow");
    expect_kept(&b.first[0], NULL, "through gate slow");
    cr_assert_not_null(strstr(status(&b), "stalled 0,"), "%s", status(&b));
    stop(&b);
}

/* Nobody gets what is another's: of what may be anybody's by now nothing is passed on, nor served here. */
static void write_over(const char *then, int code)
{
    struct batch b = {0};
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

static bool holds(const struct batch *b, pid_t worker, int count)
{
    return text_matches(status(b), text("^ *[0-9]+ +%d .* %d *$", worker, count));
}

/* A place in its table that nobody has was written over, which it finds out when it wants that place: for the first of a message, which is
 * given on with all else that it has. Of the others it serves none. */
Test(adopting, who_finds_its_table_written_over_leaves_the_rest_to_others)
{
    enum { OWN = 4 };
    struct batch b = {.behind_count = 5};
    struct client own[OWN];
    prepare(&b, 1, "/pid", ONE_WORKER "workers_max = 1\n" APPS, 1);
    for (int i = 0; i < OWN; i++) {
        own[i] = client_connect(&b.server);
        expect_kept(&own[i], HELLO, "hello");
    }
    client_send(&own[0], request("GET", "/pid", ""));
    pid_t wild = atoi(client_read(&own[0]).body);
    client_close(&own[OWN - 1]);
    await(holds(&b, wild, OWN - 1));
    expect_kept(&own[0], request("GET", text("/scribble/all/%d/%d/return", OWN - 1, OWN - 1), ""), "written over");
    open_last_gate(&b);
    cr_assert_neq(atoi(client_read(&b.first[0]).body), wild);
    for (int i = 0; i < b.behind_count; i++)
        cr_assert_neq(atoi(client_read(&b.behind[i]).body), wild);
    expect_others_kept(&b);
    for (int i = 0; i < OWN - 1; i++)
        expect_kept(&own[i], HELLO, "hello");
    stop(&b);
}

/* The one worker is stopped until two messages wait for it, and it has been told so more than once: it looks for the second when it has
 * found out, and before it ends. All of the first ends with it, but for the two that it took; the second's requests are its successor's. */
Test(adopting, who_was_written_over_takes_nothing_more)
{
    enum { BATCH = 24 }; /* connections in a message: door, first, others, last, and of those behind as many as fit */
    enum { HIT = BATCH - 2, SECOND = 1 + 1 + OTHERS + 1 + BEHIND_MAX - BATCH };
    struct batch b = {.behind_count = BEHIND_MAX};
    pid_t workers[WORKERS_MAX], old;
    bool clean;
    prepare(&b, 1, "/scribble/coming/return", ONE_WORKER "workers_max = 1\n" APPS, 1);
    cr_assert_eq(server_workers(&b.server, workers), 2);
    old = text_count(status(&b), text("%d    1 handler", workers[0])) == 1 ? workers[0] : workers[1];
    pid_t wild = workers[0] == old ? workers[1] : workers[0];
    kill(wild, SIGSTOP);
    await(strstr(process_file(wild, "status"), "State:\tT") != NULL);
    open_last_gate(&b);
    await(!process_alive(old));
    for (int i = 0; i < 3; i++)
        status(&b);
    kill(wild, SIGCONT);
    expect_kept(&b.first[0], NULL, "written over");
    for (int i = 0; i < BEHIND_MAX - SECOND; i++)
        cr_assert(client_drain(&b.behind[i], PATIENCE, &clean));
    for (int i = BEHIND_MAX - SECOND; i < BEHIND_MAX; i++) {
        struct response response = client_read(&b.behind[i]);
        expect_response(&response, 200, NULL);
        cr_assert_neq(atoi(response.body), wild);
    }
    expect_kept(&b.door, HELLO, "hello");
    server_log_await(&b.server, text(": %d of its connections are closed", HIT), 1);
    stop(&b);
}
