/* SPDX-License-Identifier: Apache-2.0
 *
 * Responses that go out while their handler runs: streams, how many there may be, server-sent events, sleeping, and work that goes on
 * after the answer.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(streams, .timeout = 120);

#define OUTPUT "[app:out]\npath = /\nmodule = @MODULES@/output.so\n"
#define OTHER "[app:other]\npath = /other\nmodule = @MODULES@/output.so\n"
#define WORKERS(count) "[server]\nlisten = 127.0.0.1:0\nworkers = " #count "\nworkers_max = " #count "\n"

static struct server server;

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define StreamTest(name) Test(streams, name, .fini = stop)

/* Reads until what came holds 'needle'. */
static void await_bytes(struct client *client, const char *needle)
{
    int64_t deadline = now_ms() + PATIENCE;
    while (client->length == 0 || strstr(client->data, needle) == NULL)
        if (client_receive(client, deadline - now_ms()) <= 0)
            harness_fail("no '%s' in: %.1000s", needle, client->length > 0 ? client->data : "");
}

/* A stream that has begun, and goes on when the file is there. */
static struct client begin_stream(const char *path, const char *file)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("%s/stream?file=%s/%s", path, server.dir, file), ""));
    await_bytes(&client, "one ");
    return client;
}

static void go(const char *file)
{
    file_write(text("%s/%s", server.dir, file), "");
}

StreamTest(flushed_is_sent_while_the_handler_runs)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = begin_stream("", "go");
    cr_assert_null(strstr(client.data, "two"));
    go("go");
    struct response response = client_read(&client);
    expect_response(&response, 200, "one two");
    cr_assert(response.chunked);
    client_send(&client, request("GET", "/escaped?q=x", "")); /* the connection lives on */
    response = client_read(&client);
    expect_response(&response, 200, "x|");
}

StreamTest(head_ends_a_stream_at_once)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("HEAD", "/endless?every=10", ""));
    struct response response = client_read_head(&client);
    expect_field(&response, "Content-Type", "text/event-stream");
    await(server_log_has(&server, "endless: over"));
}

StreamTest(events_are_framed_as_the_standard_has_it)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct response response = get(&server, "/events");
    expect_response(&response, 200, "event: greeting\nid: 1\ndata: two\ndata: lines\n\n"
                                    "data: a\ndata: b\ndata: c\ndata: \n\n"
                                    ":\n\n"
                                    "id: 2\ndata: \n\n");
    expect_field(&response, "Content-Type", "text/event-stream");
    expect_field(&response, "Cache-Control", "no-cache");
    expect_get(&server, "/bad_events", 200, "2");
    await(server_log_has(&server, text("handler out.bad_events of module %s/output.so gives tine_event() an event name with a line end",
                                       modules_path())));
    await(server_log_has(&server, "gives tine_event() an id with a line end"));
}

StreamTest(a_client_that_is_gone_ends_its_stream)
{
    server_start(&server, WORKERS(1) OUTPUT);
    for (int every = 10; every <= 100000; every *= 10000) { /* while it writes; while it sleeps */
        struct client client = client_connect(&server);
        client_send(&client, request("GET", text("/endless?every=%d", every), ""));
        await_bytes(&client, ":\n\n");
        client_close(&client);
        expect_get(&server, "/escaped?q=x", 200, "x|"); /* the only worker is free again */
    }
}

StreamTest(one_stream_too_many_is_503)
{
    server_start(&server, WORKERS(6) OUTPUT "limits.streams = 2\n" OTHER "limits.streams = 1\n");
    struct client first = begin_stream("", "first"), second = begin_stream("", "second");
    struct response response = get(&server, text("/stream?file=%s/none", server.dir));
    expect_response(&response, 503, NULL);
    expect_field(&response, "Retry-After", "5");
    cr_assert_null(strstr(response.body, "two"), "%s", response.body);
    await(server_log_has(&server,
                         text("handler out.stream of module %s/output.so is answered 503: 2 of its app stream already ([limits] streams)",
                              modules_path())));
    struct client other = begin_stream("/other", "other"); /* each app has its own */
    expect_get(&server, "/escaped?q=x", 200, "x|");         /* and what does not stream has no such limit */
    go("first");
    response = client_read(&first);
    expect_response(&response, 200, "one two");
    for (int i = 0; i < 8; i++) /* each is counted only as long as it runs, whichever worker that is */
        expect_get(&server, text("/stream?file=%s/first", server.dir), 200, "one two");
    go("second"), go("other");
    response = client_read(&second);
    expect_response(&response, 200, "one two");
    response = client_read(&other);
    expect_response(&response, 200, "one two");
}

StreamTest(a_killed_worker_leaves_no_stream_counted)
{
    server_start(&server, WORKERS(4) OUTPUT "limits.streams = 1\n");
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) /* so that it is not the same slot each time */
            expect_get(&server, "/escaped?q=x", 200, "x|");
        struct client client = begin_stream("", "never");
        pid_t workers[WORKERS_MAX], others[WORKERS_MAX];
        size_t count = server_workers(&server, workers);
        for (size_t k = 0; k < count; k++) /* whichever it is */
            kill(workers[k], SIGKILL);
        cr_assert(client_drain(&client, PATIENCE, NULL));
        client_close(&client);
        await(server_workers(&server, others) == 4 && !pids_overlap(workers, count, others, 4)); /* all were reaped */
    }
    struct client client = begin_stream("", "go");
    go("go");
    struct response response = client_read(&client);
    expect_response(&response, 200, "one two");
}

StreamTest(no_streams_at_all_are_allowed)
{
    server_start(&server, WORKERS(1) OUTPUT "limits.streams = 0\n");
    struct response response = get(&server, "/stream?file=x");
    expect_response(&response, 503, NULL);
    expect_get(&server, "/escaped?q=x", 200, "x|");
}

/* Events every 50 ms for longer than a silent handler has, which is more than a busy machine holds anybody up. */
StreamTest(progress_keeps_a_stream_alive_and_silence_does_not)
{
    server_start(&server, WORKERS(2) "[timeouts]\nrequest = 3s\n" OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/endless?every=50", ""));
    int64_t begun = now_ms();
    await_bytes(&client, ":\n\n");
    while (now_ms() - begun < 5000)
        cr_assert(client_receive(&client, PATIENCE) > 0, "it was ended after %d ms", (int)(now_ms() - begun));
    client_close(&client);
    await(server_log_has(&server, "endless: over"));
    client = client_connect(&server);
    client_send(&client, request("GET", "/endless?every=100000", ""));
    await(server_log_has(&server, "was silent for longer than [timeouts] request"));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
    server.pid = 0;
}

StreamTest(a_stall_does_not_cut_a_sleep_short)
{
    server_start(&server, WORKERS(1) "[timeouts]\nstall_after = 10ms\n" OUTPUT);
    struct client other = client_connect(&server), client = client_connect(&server);
    client_send(&other, request("GET", "/escaped?q=x", ""));
    client_read(&other);
    client_send(&client, request("GET", "/nap?ms=400", ""));
    struct response response = client_read(&client);
    expect_response(&response, 200, "0 whole");
    struct run status = run_tine("status", "--json", "-c", server.ini);
    cr_assert(text_matches(status.out, "\"stalled\": ?1"), "it did not stall: %s%s", status.out, status.err);
}

StreamTest(a_sleep_ends_when_its_client_is_gone)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/nap?ms=1000000", ""));
    await(server_log_has(&server, "nap: begins"));
    client_close(&client);
    await(server_log_has(&server, "nap: slept -1"));
}

static struct client begin_nap(void)
{
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/nap?ms=1000000", ""));
    await(server_log_has(&server, "nap: begins"));
    return client;
}

StreamTest(a_sleep_ends_when_the_server_stops)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = begin_nap();
    server_signal(&server, SIGTERM);
    struct response response = client_read(&client);
    expect_response(&response, 200, "1 short");
    cr_assert_eq(server_wait(&server), 0);
    server.pid = 0;
}

StreamTest(a_sleep_ends_when_a_reload_replaces_its_worker)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = begin_nap();
    server_hup(&server);
    struct response response = client_read(&client);
    expect_response(&response, 200, "1 short");
}

StreamTest(a_wait_ends_when_its_descriptor_is_ready)
{
    server_start(&server, WORKERS(1) OUTPUT);
    const char *fifo = text("%s/fifo", server.dir), *target = text("/waiting?ms=1000000&fifo=%s", fifo);
    cr_assert_eq(mkfifo(fifo, 0666), 0);
    chmod(fifo, 0666); /* workers may be another user */
    int news = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", target, ""));
    server_log_await(&server, "waiting: begins", 1);
    cr_assert_eq(write(news, "x", 1), 1);
    expect_kept(&client, NULL, "2");
    expect_kept(&client, request("GET", text("/waiting?ms=0&fifo=%s", fifo), ""), "2"); /* what was written is there still */
    expect_kept(&client, request("GET", "/waiting?ms=1000000&fifo=/nowhere", ""), "2"); /* no descriptor at all */
    char scrap;
    cr_assert_eq(read(news, &scrap, 1), 1);
    expect_kept(&client, request("GET", text("/waiting?ms=0&fifo=%s", fifo), ""), "0");
    expect_kept(&client, request("GET", text("/waiting?ms=20&fifo=%s", fifo), ""), "0");
    size_t begun = text_count(server_log(&server), "waiting: begins");
    client_send(&client, request("GET", target, ""));
    server_log_await(&server, "waiting: begins", begun + 1);
    client_close(&client);
    server_log_await(&server, "waiting: -1", 1);
    client = client_connect(&server);
    client_send(&client, request("GET", target, ""));
    server_log_await(&server, "waiting: begins", begun + 2);
    server_signal(&server, SIGTERM);
    struct response response = client_read(&client);
    expect_response(&response, 200, "1");
    close(news);
    cr_assert_eq(server_wait(&server), 0);
    server.pid = 0;
}

StreamTest(finish_answers_and_the_handler_goes_on)
{
    server_start(&server, WORKERS(2) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("POST", text("/finish?q=1&file=%s/go", server.dir), "Content-Length: 5\r\n"));
    client_send(&client, "hello");
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    server_access_await(&server, "202");
    client_send(&client, request("GET", "/escaped?q=x", "")); /* on the same connection, by the other worker */
    response = client_read(&client);
    expect_response(&response, 200, "x|");
    cr_assert_not(server_log_has(&server, "worked on for"));
    go("go");
    await(server_log_has(&server, "finish: 0, worked on for 1 by POST /finish, slept 0"));
    client_send(&client, request("GET", "/escaped?q=y", ""));
    response = client_read(&client);
    expect_response(&response, 200, "y|");
    cr_assert_eq(text_count(file_read(server.access, NULL), " 202 "), 1);
}

/* The finished one's connection is not the handler's any more: one other is enough to be held up by it. */
StreamTest(the_only_other_connection_is_given_while_a_finished_handler_goes_on)
{
    pid_t workers[WORKERS_MAX];
    server_start(&server, ONE_WORKER "workers_max = 2\n" OUTPUT);
    struct client other = client_connect(&server), client = client_connect(&server);
    expect_kept(&other, request("GET", "/escaped?q=x", ""), "x|");
    client_send(&client, request("GET", text("/finish?q=1&file=%s/go", server.dir), ""));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    server_signal(&server, SIGTTIN);
    server_await_workers(&server, 2, workers);
    expect_kept(&other, request("GET", "/escaped?q=y", ""), "y|");
    cr_assert_not(server_log_has(&server, "worked on for"));
    go("go");
}

/* What came with the request goes along. */
StreamTest(a_pipelined_request_behind_a_finished_one_is_answered)
{
    server_start(&server, WORKERS(2) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s", request("GET", text("/finish?q=1&file=%s/go", server.dir), ""), request("GET", "/escaped?q=x", "")));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    response = client_read(&client);
    expect_response(&response, 200, "x|");
    go("go");
    await(server_log_has(&server, "worked on for 1"));
}

StreamTest(with_one_worker_the_next_request_waits_for_the_work)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/finish?q=1&file=%s/go", server.dir), ""));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    client_send(&client, request("GET", "/escaped?q=x", ""));
    go("go");
    response = client_read(&client);
    expect_response(&response, 200, "x|");
}

StreamTest(finish_ends_a_connection_that_is_to_end)
{
    server_start(&server, WORKERS(1) OUTPUT);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", text("/finish?q=1&file=%s/go", server.dir), "Connection: close\r\n"));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    client_expect_close(&client); /* while the handler runs */
    cr_assert_not(server_log_has(&server, "worked on for"));
    go("go");
    await(server_log_has(&server, "worked on for 1"));
    server_stop(&server);
    server.pid = 0;
    cr_assert_eq(text_count(file_read(server.access, NULL), " 202 "), 1);
}

StreamTest(whatever_was_built_can_be_finished)
{
    server_start(&server, WORKERS(2) OUTPUT);
    char *sevens = text("%0100000d", 0);
    for (size_t i = 0; i < 100000; i++)
        sevens[i] = '7';
    file_write(text("%s/file", server.dir), sevens);
    struct client client = client_connect(&server);
    const char *const cases[][2] = {{"none", ""}, {"status", ""}, {"large", sevens}, {"stream", sevens},
                                    {text("file&file=%s/file", server.dir), sevens}};
    const int statuses[] = {204, 201, 200, 200, 200};
    for (size_t i = 0; i < 5; i++) {
        client_send(&client, request("GET", text("/finish_what?what=%s", cases[i][0]), ""));
        struct response response = client_read(&client);
        cr_assert_eq(response.status, statuses[i], "%s: %d", cases[i][0], response.status);
        cr_assert_str_eq(response.body, cases[i][1], "%.20s", cases[i][0]);
    }
    client_send(&client, request("HEAD", "/finish_what?what=large", ""));
    struct response response = client_read_head(&client);
    expect_field(&response, "Content-Length", "100000");
    client_send(&client, request("GET", "/escaped?q=x", ""));
    response = client_read(&client);
    expect_response(&response, 200, "x|");
}

StreamTest(a_crash_after_the_answer_is_no_second_answer)
{
    server_start(&server, WORKERS(2) OUTPUT);
    struct client client = client_connect(&server);
    go("go");
    client_send(&client, request("GET", text("/finish?q=1&file=%s/go&then=crash", server.dir), ""));
    struct response response = client_read(&client);
    expect_response(&response, 202, "accepted 1");
    await(server_log_has(&server, "crashed with SIGSEGV"));
    client_send(&client, request("GET", "/escaped?q=x", ""));
    response = client_read(&client);
    expect_response(&response, 200, "x|");
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
    server.pid = 0;
    cr_assert_eq(text_count(file_read(server.access, NULL), "/finish?"), 1);
}

/* Stalls, while connections come and go by hand-off: the worker that works on gives its others away. */
StreamTest(work_after_the_answer_stalls_nobody)
{
    server_start(&server, WORKERS(2) "[timeouts]\nstall_after = 10ms\n" OUTPUT);
    struct client clients[8];
    for (int i = 0; i < 8; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], request("GET", "/escaped?q=x", ""));
        client_read(&clients[i]);
    }
    client_send(&clients[0], request("GET", text("/finish?q=1&file=%s/go", server.dir), ""));
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 8; i++) {
            struct response response;
            if (round > 0 || i > 0)
                client_send(&clients[i], request("GET", "/escaped?q=x", ""));
            response = client_read(&clients[i]);
            cr_assert_eq(response.status, round > 0 || i > 0 ? 200 : 202);
        }
    go("go");
    await(server_log_has(&server, "worked on for 1"));
}
