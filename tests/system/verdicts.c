/* SPDX-License-Identifier: Apache-2.0
 *
 * `tine reload` waits for the verdict: of a run that read the file after it was asked, with every reason where that is refused.
 */
#include "client.h"
#include "reload.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(verdicts, .timeout = 120);

#define SLOW_START(text, gate) "[app:slow]\npath = /\nmodule = @MODULES@/slow_start.so\ntext = " text "\nuntil = @DIR@/" gate "\n"

Test(verdicts, reload_waits_until_the_new_generation_serves)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, TWO_WORKERS RESPOND("two"));
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    expect_get(&server, "/", 200, "two");
    reload_expect(reload_ask(&server), "generation 3 serves\n");
    server_stop(&server);
}

#define MANY_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 16\n"

/* As a script does that deploys, and then looks at what it has deployed. */
Test(verdicts, who_asks_after_a_reload_meets_no_worker_of_the_old_generation)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, MANY_WORKERS RESPOND("old"));
    for (int i = 0; i < 5; i++) {
        server_await_workers(&server, 16, workers);
        server_configure(&server, i % 2 == 0 ? MANY_WORKERS RESPOND("new") : MANY_WORKERS RESPOND("old"));
        cr_assert_eq(reload_ask(&server).code, 0);
        for (int n = 0; n < 20; n++)
            expect_get(&server, "/", 200, i % 2 == 0 ? "new" : "old");
    }
    server_stop(&server);
}

/* Nor a stream that may last for ever, nor who takes its answer slowly. */
Test(verdicts, a_reload_waits_for_no_request_in_progress)
{
    struct server server;
    server_start(&server, ONE_WORKER TROUBLE RESPOND("one"));
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_configure(&server, ONE_WORKER TROUBLE RESPOND("two"));
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    expect_get(&server, "/", 200, "two");
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    client_close(&client);
    server_stop(&server);
}

/* It was woken for both its listeners at once, and the first had it in a handler until after the verdict. */
Test(verdicts, a_worker_that_was_in_a_handler_accepts_nobody_after_a_reload)
{
    static const char two_listeners[] = "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/second\nworkers = 1\nworkers_max = 1\n" TROUBLE;
    struct server server;
    pid_t old[WORKERS_MAX], now[WORKERS_MAX];
    server_start(&server, text("%s" RESPOND("one"), two_listeners));
    const char *second = text("unix:%s/second", server.dir);
    server_await_workers(&server, 1, old);
    kill(old[0], SIGSTOP);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/gate/a", ""));
    struct client early = client_connect_to(second);
    kill(old[0], SIGCONT);
    server_log_await(&server, "gate a entered", 1);
    server_configure(&server, text("%s" RESPOND("two"), two_listeners));
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    expect_kept(&early, request("GET", "/", ""), "two");
    await(server_workers(&server, now) == 2);
    pid_t new = now[0] == old[0] ? now[1] : now[0];
    kill(new, SIGSTOP);
    struct client late = client_connect_to(second);
    client_send(&late, request("GET", "/", ""));
    server_open_gate(&server, "a");
    await(!process_alive(old[0]));
    kill(new, SIGCONT);
    struct response response = client_read(&late);
    expect_response(&response, 200, "two");
    client_close(&late);
    client_close(&early);
    client_close(&client);
    server_stop(&server);
}

Test(verdicts, a_refused_reload_tells_every_reason)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n[nonsense]\n" RESPOND("two"));
    struct run ran = reload_ask(&server);
    reload_expect_refused(ran, "server\\.ini:3: \\[server\\] workers: 'lots'");
    cr_assert(text_matches(ran.err, "server\\.ini:4: .*nonsense"), "%s", ran.err);
    cr_assert(text_matches(ran.err, "^reload refused: generation 1 serves on$"), "%s", ran.err);
    expect_get(&server, "/", 200, "one");
    server_configure(&server, TWO_WORKERS RESPOND("three"));
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    server_stop(&server);
}

Test(verdicts, what_only_a_worker_finds_wrong_is_a_reason_too)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_configure(&server, TWO_WORKERS "[app:x]\nmodule = @DIR@/missing.so\n");
    reload_expect_refused(reload_ask(&server), "server\\.ini:[45]: \\[app:x\\] module: .*missing\\.so");
    server_configure(&server, TWO_WORKERS "[app:x]\nmodule = respond\nstatus = 99\n");
    reload_expect_refused(reload_ask(&server), "server\\.ini:6: \\[app:x\\] status: must be 200 to 599");
    expect_get(&server, "/", 200, "one");
    server_stop(&server);
}

Test(verdicts, a_verdict_that_finds_no_memory_is_told_when_there_is_some)
{
    struct server server;
    shim_start(&server, TWO_WORKERS RESPOND("one"));
    fault_begin_in(&server, "send", ENOBUFS, server.pid);
    pid_t asking = reload_ask_beside(&server, text("%s/out", server.dir));
    await(fault_count(&server, "send") > 0);
    fault_end(&server, "send");
    cr_assert_eq(process_wait(asking, PATIENCE), 0, "%s", file_read(text("%s/out.err", server.dir), NULL));
    cr_assert_str_eq(file_read(text("%s/out", server.dir), NULL), "generation 2 serves\n");
    server_stop(&server);
}

/* The first worker does not find any either, to say that it is ready, or why it is not. */
Test(verdicts, a_verdict_waits_for_a_worker_that_finds_no_memory_to_tell)
{
    struct server server;
    shim_start(&server, TWO_WORKERS RESPOND("one"));
    for (int i = 0; i < 2; i++) {
        server_configure(&server, i == 0 ? TWO_WORKERS RESPOND("two")
                                         : TWO_WORKERS "[app:x]\npath = /\nmodule = @MODULES@/undefined_symbol.so\n");
        fault_begin(&server, "send", ENOBUFS);
        pid_t asking = reload_ask_beside(&server, text("%s/out", server.dir));
        await(fault_count(&server, "send") > 2);
        fault_end(&server, "send");
        cr_assert_eq(process_wait(asking, PATIENCE), i);
    }
    cr_assert_not_null(strstr(file_read(text("%s/out.err", server.dir), NULL), "[app:x] module"));
    await(strcmp(get(&server, "/").body, "two") == 0);
    server_stop(&server);
}

/* The canary of the first reload waits in worker_init; it has read the file. Who asks then is told of another run. */
Test(verdicts, the_verdict_is_of_a_run_that_read_the_file_after_the_request)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *first_out = text("%s/first", server.dir), *second_out = text("%s/second", server.dir);
    server_configure(&server, TWO_WORKERS SLOW_START("two", "open"));
    pid_t first = reload_ask_beside(&server, first_out);
    server_log_await(&server, "worker_init of 'two' waits", 1);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = lots\n");
    pid_t second = reload_ask_beside(&server, second_out);
    server_log_await(&server, "a reload is under way", 1);
    cr_assert_eq(process_wait(first, 200), -1);
    file_write(text("%s/open", server.dir), "");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    cr_assert_str_eq(file_read(first_out, NULL), "generation 2 serves\n");
    cr_assert_eq(process_wait(second, PATIENCE), 1);
    cr_assert(text_matches(file_read(text("%s.err", second_out), NULL), "workers: 'lots'.*\nreload refused: generation 2 serves on"));
    await(strcmp(get(&server, "/").body, "two") == 0);
    server_stop(&server);
}

#define IN_TIME(time) TWO_WORKERS "[timeouts]\nstart = " time "\n"

/* Not the first worker of a generation alone: one that hangs later is killed and started again. */
Test(verdicts, a_worker_that_does_not_get_ready_in_its_time_is_refused_with_the_app)
{
    struct server server;
    pid_t before[WORKERS_MAX], workers[WORKERS_MAX];
    server_start(&server, IN_TIME("20s") SLOW_START("one", "."));
    server_await_workers(&server, 2, before);
    server_configure(&server, IN_TIME("1s") SLOW_START("two", "never"));
    int64_t start = now_ms();
    reload_expect_refused(reload_ask(&server),
                          "^[^\n]*server\\.ini:[0-9]+: \\[app:slow\\] module: '[^']*slow_start\\.so' was not loaded and initialised"
                          " in the time that \\[timeouts\\] start gives\nreload refused: generation 1 serves on");
    cr_assert_geq(now_ms() - start, 1000);
    cr_assert_eq(get(&server, "/").status, 200);
    server_configure(&server, IN_TIME("1s") SLOW_START("three", "gate"));
    file_write(text("%s/gate", server.dir), "");
    reload_expect(reload_ask(&server), "generation 2 serves\n");
    await(server_workers(&server, workers) == 2 && !pids_overlap(workers, 2, before, 2));
    await_accepting(workers, 2);
    unlink(text("%s/gate", server.dir));
    kill(workers[0], SIGKILL);
    server_log_await(&server, "cannot start: ", 2);
    server_log_await(&server, "is started again in", 2);
    expect_get(&server, "/", 200, "three");
    file_write(text("%s/gate", server.dir), "");
    server_await_workers(&server, 2, workers);
    server_stop(&server);
}

Test(verdicts, a_refusal_does_not_keep_the_reload_before_it_from_being_finished)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS SLOW_START("one", "."));
    server_await_workers(&server, 2, before);
    /* The canary of generation 2 is through, its second worker is not: an old one is still there. */
    server_configure(&server, TWO_WORKERS SLOW_START("two", "open"));
    pid_t first = reload_ask_beside(&server, text("%s/first", server.dir));
    server_log_await(&server, "worker_init of 'two' waits", 1);
    const char *gate = text("%s/open", server.dir);
    file_write(gate, "");
    cr_assert_eq(process_wait(first, PATIENCE), 0);
    server_configure(&server, "[nonsense]\n");
    reload_expect_refused(reload_ask(&server), "generation 2 serves on");
    server_await_replaced(&server, before, 2);
    server_stop(&server);
}

Test(verdicts, a_stop_ends_the_wait_for_a_verdict)
{
    struct server server;
    server_start(&server, TWO_WORKERS RESPOND("one"));
    const char *first_out = text("%s/first", server.dir), *second_out = text("%s/second", server.dir);
    server_configure(&server, TWO_WORKERS SLOW_START("two", "never"));
    pid_t first = reload_ask_beside(&server, first_out);
    server_log_await(&server, "worker_init of 'two' waits", 1);
    pid_t second = reload_ask_beside(&server, second_out);
    server_log_await(&server, "a reload is under way", 1);
    server_signal(&server, SIGTERM);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_eq(process_wait(first, PATIENCE), 1);
    cr_assert_eq(process_wait(second, PATIENCE), 1);
    cr_assert(text_matches(file_read(text("%s.err", first_out), NULL), "the server is stopping"));
    cr_assert(text_matches(file_read(text("%s.err", second_out), NULL), "the server is stopping"));
}
