/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service manager is told, and that nobody else can tell it.
 */
#include "manager.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(notify, .timeout = 120);

static void start(struct server *server, struct manager *manager, const char *more, const char *ini)
{
    server_prepare(server, ini);
    manager_launch(server, text("NOTIFY_SOCKET=%s %s", manager->name, more), NULL, 0);
}

/* With a manager of its own. Returns the index of the message that it is ready. */
static size_t start_ready(struct server *server, struct manager *manager, const char *more, const char *ini)
{
    manager_open(manager, false);
    start(server, manager, more, ini);
    return manager_await(manager, "READY=1", 0);
}

static void expect_status(const struct manager *manager, size_t index, const char *expression)
{
    const char *status = manager_value(manager, index, "STATUS");
    cr_assert(status != NULL && text_matches(status, expression), "the status is %s", status);
}

Test(notify, the_start_is_told_with_the_number_of_workers)
{
    struct server server;
    struct manager manager;
    size_t ready = start_ready(&server, &manager, "", TWO_WORKERS PROBE);
    expect_status(&manager, ready, "^generation 1 serves, ");
    manager_await(&manager, "STATUS=generation 1 serves, 2 workers", ready);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

Test(notify, an_abstract_socket_is_told_too)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, true);
    start(&server, &manager, "", ONE_WORKER PROBE);
    manager_await(&manager, "READY=1", 0);
    server_stop(&server);
}

Test(notify, a_reload_is_told_at_its_begin_and_at_its_end)
{
    struct server server;
    struct manager manager;
    size_t ready = start_ready(&server, &manager, "", TWO_WORKERS PROBE);
    int64_t before = now_ms();
    server_hup(&server);
    size_t reloading = manager_await(&manager, "RELOADING=1", ready + 1);
    const char *when = manager_value(&manager, reloading, "MONOTONIC_USEC");
    cr_assert_not_null(when, "systemd 253 needs to know when: %s", manager.messages[reloading]);
    int64_t told = atoll(when) / 1000;
    cr_assert(told >= before && told <= now_ms(), "%s is not between %ld ms and now", when, (long)before);
    ready = manager_await(&manager, "READY=1", reloading + 1);
    expect_status(&manager, ready, "^generation 2 serves, ");
    manager_await(&manager, "STATUS=generation 2 serves, 2 workers", ready);
    server_stop(&server);
}

Test(notify, a_refused_reload_is_told_with_its_reason_and_the_next_one_takes_it_back)
{
    struct server server;
    struct manager manager;
    size_t at = start_ready(&server, &manager, "", ONE_WORKER PROBE);
    server_reload_refused(&server, "[server]\nwrokers = 2\n");
    at = manager_await(&manager, "RELOADING=1", at + 1);
    at = manager_await(&manager, "READY=1", at + 1);
    expect_status(&manager, at, "^generation 1 serves on, 1 worker; reload refused: .*server.ini:2: .*wrokers");
    /* What only the first worker finds out. */
    server_reload_refused(&server, ONE_WORKER "[app:s]\npath = /\nmodule = @MODULES@/no_such.so\n");
    at = manager_await(&manager, "RELOADING=1", at + 1);
    at = manager_await(&manager, "READY=1", at + 1);
    expect_status(&manager, at, "reload refused: .*no_such");
    server_reload(&server, ONE_WORKER PROBE);
    at = manager_await(&manager, "RELOADING=1", at + 1);
    at = manager_await(&manager, "READY=1", at + 1);
    expect_status(&manager, at, "^generation 2 serves, ");
    server_stop(&server);
}

Test(notify, a_stop_is_told_when_it_begins_with_the_time_it_may_take)
{
    struct server server;
    struct manager manager;
    start_ready(&server, &manager, "", ONE_WORKER "[timeouts]\ngraceful = 100s\n" TROUBLE);
    struct client client = client_connect(&server);
    client_enter_gate(&client, &server, "a");
    server_signal(&server, SIGTERM);
    size_t stopping = manager_await(&manager, "STOPPING=1", 0);
    const char *extend = manager_value(&manager, stopping, "EXTEND_TIMEOUT_USEC");
    cr_assert(extend != NULL && atoll(extend) > 100000000 && atoll(extend) < 110000000, "extended by %s us", extend);
    expect_status(&manager, stopping, "^stopping: 1 worker finishes");
    cr_assert(process_alive(server.pid));
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, "through gate a");
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_not(manager_hears(&manager, "READY=1", stopping, 0));
}

Test(notify, a_stop_during_a_reload_is_not_taken_back)
{
    struct server server;
    struct manager manager;
    size_t ready = start_ready(&server, &manager, "", ONE_WORKER PROBE);
    server_configure(&server, ONE_WORKER "[app:child]\npath = /\nmodule = @MODULES@/child.so\nwait_for = @DIR@/never\n");
    server_signal(&server, SIGHUP);
    manager_await(&manager, "STATUS=reloading: generation 1 serves", manager_await(&manager, "RELOADING=1", ready + 1));
    server_signal(&server, SIGTERM);
    size_t stopping = manager_await(&manager, "STOPPING=1", ready);
    cr_assert_eq(server_wait(&server), 0);
    cr_assert_not(manager_hears(&manager, "READY=1", stopping, 0));
    cr_assert_not(manager_hears(&manager, "RELOADING=1", stopping, 0));
}

static void expect_reason(const char *ini, const char *expression)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    server_prepare(&server, ini);
    const char *word = text("NOTIFY_SOCKET=%s", manager.name);
    cr_assert_eq(run("env", word, tine_path(), "-c", server.ini).code, 1);
    expect_status(&manager, manager_await(&manager, "STATUS=cannot start: ", 0), expression);
    cr_assert_not(manager_hears(&manager, "READY=1", 0, 0));
    close(manager.fd);
    unlink(manager.name);
}

Test(notify, why_it_cannot_start_is_told)
{
    expect_reason("[server]\nwrokers = 2\n", "server.ini:2: .*wrokers");
    expect_reason("[server]\nlisten = 192.0.2.1:80\n", "192.0.2.1:80");
    expect_reason(ONE_WORKER "[app:s]\npath = /\nmodule = @MODULES@/no_such.so\n", "no_such");
}

static size_t pings(struct manager *manager, int64_t ms, int64_t *longest)
{
    size_t count = 0, from = manager->count;
    int64_t end = now_ms() + ms, last = 0;
    *longest = 0;
    for (int64_t left; (left = end - now_ms()) > 0 && manager_hears(manager, "WATCHDOG=1", from, left); count++) {
        from = manager_await(manager, "WATCHDOG=1", from) + 1;
        if (last != 0 && manager->heard[from - 1] - last > *longest)
            *longest = manager->heard[from - 1] - last;
        last = manager->heard[from - 1];
    }
    return count;
}

Test(notify, the_watchdog_is_fed_at_half_its_time_by_an_idle_server)
{
    struct server server;
    struct manager manager;
    int64_t longest;
    start_ready(&server, &manager, "WATCHDOG_USEC=5000000 WATCHDOG_PID=@PID@", TWO_WORKERS PROBE);
    size_t count = pings(&manager, 9000, &longest);
    cr_assert(count >= 2 && count <= 4, "%zu times in 9 s", count);
    cr_assert_lt(longest, 5000);
    server_stop(&server);
}

Test(notify, the_watchdog_of_another_process_is_none_of_ours)
{
    struct server server;
    struct manager manager;
    int64_t longest;
    start_ready(&server, &manager, "WATCHDOG_USEC=200000 WATCHDOG_PID=1", ONE_WORKER PROBE);
    cr_assert_eq(pings(&manager, 600, &longest), 0);
    server_stop(&server);
}

Test(notify, without_a_process_id_the_watchdog_is_ours)
{
    struct server server;
    struct manager manager;
    start_ready(&server, &manager, "WATCHDOG_USEC=200000", ONE_WORKER PROBE);
    manager_await(&manager, "WATCHDOG=1", manager_await(&manager, "WATCHDOG=1", 0) + 1);
    server_stop(&server);
}

Test(notify, what_handlers_start_does_not_inherit_it)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
                                        "LISTEN_FDNAMES"};
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    start(&server, &manager, "WATCHDOG_USEC=60000000 WATCHDOG_PID=@PID@ LISTEN_PID=1 LISTEN_FDS=1 LISTEN_FDNAMES=a KEPT=yes",
          ONE_WORKER "[app:child]\npath = /\nmodule = @MODULES@/child.so\n");
    expect_get(&server, "/env/KEPT", 200, "yes");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect_get(&server, text("/env/%s", names[i]), 200, "(unset)");
    server_stop(&server);
}

/* A manager that does not read for a while, its queue full: the master serves on, and nothing is lost that counts. */
Test(notify, a_manager_that_does_not_listen_holds_nothing_up)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    start(&server, &manager, "WATCHDOG_USEC=2000", ONE_WORKER PROBE);
    server_log_await(&server, "generation 1 serves", 1);
    /* Full: 10 to 512 messages, of which the watchdog makes 1000 a second. */
    int64_t until = now_ms() + 1500;
    while (now_ms() < until)
        expect_get(&server, "/hello", 200, "hello");
    server_hup(&server);
    for (until = now_ms() + 300; now_ms() < until;)
        expect_get(&server, "/hello", 200, "hello");
    size_t reloading = manager_await(&manager, "RELOADING=1", 0);
    manager_await(&manager, "READY=1", reloading);
    server_stop(&server);
}

Test(notify, a_manager_that_is_gone_does_no_harm)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    close(manager.fd);
    start(&server, &manager, "", ONE_WORKER PROBE);
    server_log_await(&server, "cannot tell the service manager", 1);
    expect_get(&server, "/hello", 200, "hello");
    server_hup(&server);
    cr_assert_eq(text_count(server_log(&server), "cannot tell the service manager"), 1);
    server_stop(&server);
}

Test(notify, a_server_in_the_background_tells_who_it_is)
{
    struct server server;
    struct manager manager;
    manager_open(&manager, false);
    server_prepare(&server, ONE_WORKER "daemon = on\npidfile = @DIR@/pid\n[log]\nerror = @DIR@/log\n" PROBE);
    cr_assert_eq(run("env", text("NOTIFY_SOCKET=%s", manager.name), tine_path(), "-c", server.ini).code, 0);
    pid_t master = atoi(file_read(text("%s/pid", server.dir), NULL));
    kill_at_exit(master);
    size_t ready = manager_await(&manager, "READY=1", 0);
    const char *told = manager_value(&manager, ready, "MAINPID");
    cr_assert(told != NULL && atoi(told) == master, "%s, not %d", told, master);
    kill(master, SIGTERM);
    await(!process_alive(master));
}
