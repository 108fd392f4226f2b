/* SPDX-License-Identifier: Apache-2.0
 *
 * What fails at the worst of times: nothing is lost but what the failed process itself held, and all goes on as soon as
 * the system lets it. System calls fail by tests/modules/faults.c, for as long as a file is there.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TestSuite(faults, .timeout = 120);

enum { KEPT = 20 };

Test(faults, a_reload_that_cannot_fork_is_refused_and_the_next_is_not)
{
    struct server server;
    struct client clients[KEPT];
    shim_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    fault_begin(&server, "fork", EAGAIN);
    server_reload_refused(&server, TWO_WORKERS PROBE);
    cr_assert_gt(fault_count(&server, "fork"), 0);
    if (geteuid() == 0) /* the first thing that it forks for is who workers shall be */
        server_log_await(&server, text("[server] user: cannot look up 'nobody': %s (the limit of processes", strerror(EAGAIN)), 1);
    expect_all_kept(clients, KEPT);
    fault_end(&server, "fork");
    server_hup(&server);
    expect_all_kept(clients, KEPT);
    server_stop(&server);
}

Test(faults, workers_that_could_not_be_forked_come_later)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    fault_begin(&server, "fork", EAGAIN);
    kill(workers[0], SIGKILL);
    await(fault_count(&server, "fork") > 2);
    expect_get(&server, "/hello", 200, "hello");
    fault_end(&server, "fork");
    cr_expect_eq(text_count(server_log(&server), "cannot fork a worker"), 1, "not once for all tries: %s", server_log(&server));
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert(server_log_has(&server, "cannot fork a worker: Resource temporarily unavailable (the limit of processes: ulimit -u, or "
                                      "TasksMax= in the unit)"));
    server_stop(&server);
}

/* The other one has room. */
Test(faults, a_worker_at_the_limit_of_descriptors_gives_before_it_closes)
{
    struct server server;
    struct client clients[KEPT], fresh;
    pid_t workers[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    await_accepting(workers, 2); /* none is still starting: then it would be no help */
    keep_all(&server, clients, KEPT);
    for (int i = 0; i < 2; i++) {
        fault_begin_in(&server, "accept4", EMFILE, workers[i]);
        for (int tries = 0; fault_count(&server, "accept4") < 3 && tries < 10000; tries++) {
            fresh = client_connect(&server);
            expect_kept(&fresh, request("GET", "/hello", ""), "hello");
            client_close(&fresh);
        }
        cr_assert_geq(fault_count(&server, "accept4"), 3);
        fault_end(&server, "accept4");
        expect_all_kept(clients, KEPT);
    }
    server_stop(&server);
}

/* New clients wait in the kernel's queue. A worker that lacks descriptors closes the idle connection that it used longest ago,
 * so nobody keeps one here. */
Test(faults, accept_at_the_limit_of_descriptors_is_tried_again)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED};
    struct server server;
    struct client clients[KEPT];
    shim_start(&server, TWO_WORKERS PROBE);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fault_begin(&server, "accept4", errors[i]);
        for (int k = 0; k < KEPT; k++) { /* workers that sleep in accept4 already still take one each */
            clients[k] = client_connect(&server);
            client_send(&clients[k], request("GET", "/hello", ""));
        }
        await(fault_count(&server, "accept4") > 3);
        fault_end(&server, "accept4");
        for (int k = 0; k < KEPT; k++) {
            struct response response = client_read(&clients[k]);
            expect_response(&response, 200, "hello");
            client_close(&clients[k]);
        }
    }
    char *log = server_log(&server);
    cr_assert(text_matches(log, "cannot accept: Too many open files"), "%s", log);
    cr_assert_leq(text_count(log, "cannot accept"), 2 * (sizeof errors / sizeof *errors), "%s", log);
    server_stop(&server);
}

/* Each is answered and closed; which is told, but not of each. */
Test(faults, connections_that_cannot_be_watched_do_not_fill_the_log)
{
    struct server server;
    struct client client;
    int64_t start = now_ms();
    shim_start(&server, ONE_WORKER "workers_max = 1\n" PROBE);
    fault_begin(&server, "epoll_ctl", ENOSPC);
    for (int i = 0; i < KEPT; i++) {
        client = client_connect(&server);
        client_send(&client, request("GET", "/hello", ""));
        struct response response = client_read(&client);
        expect_response(&response, 200, "hello");
        client_expect_close(&client);
        client_close(&client);
    }
    cr_assert_geq(fault_count(&server, "epoll_ctl"), KEPT);
    fault_end(&server, "epoll_ctl");
    size_t told = text_count(server_log(&server), "cannot watch a connection");
    cr_assert(told > 0 && told <= 1 + (size_t)(now_ms() - start) / 10000, "%zu times", told);
    cr_assert(server_log_has(&server, "fs.epoll.max_user_watches"));
    client = client_connect(&server);
    for (int i = 0; i < 2; i++)
        expect_kept(&client, request("GET", "/hello", ""), "hello");
    server_stop(&server);
}

static pid_t ask_pid(struct client *client)
{
    client_send(client, request("GET", "/pid", ""));
    struct response response = client_read(client);
    expect_response(&response, 200, NULL);
    return atoi(response.body);
}

/* Finds out who holds which, and stops 'one'. Does each of two workers hold some, and this one still what it held when it was asked? Else
 * it goes on: one that is there may not accept yet, and is given its share when it does. */
static bool stop_where_both_hold(struct client clients[KEPT], pid_t holder[KEPT], pid_t one, int before)
{
    int held = 0;
    for (int i = 0; i < KEPT; i++) {
        holder[i] = ask_pid(&clients[i]);
        held += holder[i] == one;
    }
    kill(one, SIGSTOP);
    await(strstr(process_file(one, "status"), "State:\tT") != NULL);
    if (held > 0 && held < KEPT && process_sockets(one) == before + held)
        return true;
    kill(one, SIGCONT);
    return false;
}

/* It cannot give what it holds; new connections and those of others are served. */
Test(faults, a_stopped_worker_holds_up_a_reload_for_nobody_else)
{
    struct server server;
    struct client clients[KEPT];
    pid_t before[WORKERS_MAX], holder[KEPT];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, before);
    int sockets = process_sockets(before[0]);
    for (int i = 0; i < KEPT; i++)
        clients[i] = client_connect(&server);
    await(stop_where_both_hold(clients, holder, before[0], sockets));
    server_hup(&server);
    await(!process_alive(before[1]));
    for (int i = 0; i < KEPT; i++) {
        expect_get(&server, "/hello", 200, "hello");
        if (holder[i] == before[1])
            cr_assert_neq(ask_pid(&clients[i]), before[0]);
    }
    int64_t start = now_ms();
    await(now_ms() - start > 1500); /* it is given its time: [timeouts] graceful */
    kill(before[0], SIGCONT);
    server_await_replaced(&server, before, 2);
    expect_all_kept(clients, KEPT);
    server_stop(&server);
}

/* It waits for memory, and not by asking for it all the time; what its client is to wait is counted as if that did not read. */
Test(faults, a_stream_goes_on_when_the_kernel_has_memory_again)
{
    static const int errors[] = {ENOBUFS, ENOMEM};
    enum { SIZE = 300000 };
    struct server server;
    shim_start(&server, TWO_WORKERS PROBE);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct client client = client_connect(&server);
        expect_kept(&client, request("GET", "/hello", ""), "hello");
        fault_begin(&server, "sendmsg.plain", errors[i]);
        int64_t start = now_ms();
        client_send(&client, request("GET", text("/stream/%d", SIZE), ""));
        await(fault_count(&server, "sendmsg.plain") > 3);
        cr_assert_leq((int64_t)fault_count(&server, "sendmsg.plain"), 1 + (now_ms() - start) / 5);
        fault_end(&server, "sendmsg.plain");
        struct response response = client_read(&client);
        expect_response(&response, 200, NULL);
        cr_assert_eq(response.length, SIZE);
        client_close(&client);
    }
    server_stop(&server);
}

#define FILES "[app:www]\npath = /files\nmodule = static\nroot = @DIR@\n"

/* Asked for again a hundred times a second at most. */
static void expect_patience(const struct server *server, const char *call, int64_t start)
{
    cr_assert_leq((int64_t)fault_count(server, call), 1 + (now_ms() - start) / 5, "%s in %d ms", call, (int)(now_ms() - start));
}

/* The same of answers that nobody waits for: there is room to write all the while, so that this tells nothing. */
Test(faults, an_answer_goes_on_when_the_kernel_has_memory_again)
{
    static const struct {
        const char *call, *path;
        size_t length;
    } cases[] = {{"send", "/hello", 5}, {"sendmsg.plain", "/block/8000000", 8000000}, {"sendfile", "/files/large", 8000000}};
    static const int errors[] = {ENOBUFS, ENOMEM};
    struct server server;
    server_prepare(&server, ONE_WORKER PROBE FILES);
    file_write_bytes(text("%s/large", server.dir), calloc(1, 8000000), 8000000);
    shim_launch(&server);
    for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++) {
        const char *call = cases[i / 2].call;
        struct client client = client_connect(&server);
        expect_kept(&client, request("GET", "/hello", ""), "hello");
        fault_begin(&server, call, errors[i % 2]);
        int64_t start = now_ms();
        client_send(&client, text("%s%s", request("GET", cases[i / 2].path, ""), request("GET", "/hello", "")));
        await(fault_count(&server, call) > 3);
        expect_patience(&server, call, start);
        fault_end(&server, call);
        struct response response = client_read(&client);
        expect_response(&response, 200, NULL);
        cr_assert_eq(response.length, cases[i / 2].length);
        expect_kept(&client, NULL, "hello");
        expect_kept(&client, request("GET", "/hello", ""), "hello");
        client_close(&client);
    }
    server_stop(&server);
}

Test(faults, an_answer_for_which_the_kernel_has_no_memory_ends_after_send)
{
    struct server server;
    server_prepare(&server, ONE_WORKER "[timeouts]\nsend = 1s\n" PROBE FILES);
    file_write_bytes(text("%s/large", server.dir), calloc(1, 200000), 200000);
    shim_launch(&server);
    struct client client = client_connect(&server);
    fault_begin(&server, "sendfile", ENOBUFS);
    int64_t start = now_ms();
    client_send(&client, request("GET", "/files/large", ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    cr_assert_geq(now_ms() - start, 1000);
    expect_patience(&server, "sendfile", start);
    fault_end(&server, "sendfile");
    client_close(&client);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* A client who sees the end of an answer that has begun, before it is whole. */
static void expect_broken(const struct server *server, const char *path)
{
    struct client client = client_connect(server);
    client_send(&client, request("GET", path, ""));
    cr_assert(client_drain(&client, PATIENCE, NULL));
    cr_assert_lt(client.length, 100000);
    client_close(&client);
}

#define UNREADABLE "sends a file that cannot be read, so the connection is closed: Input/output error"

/* Once for many; and not what clients do. */
Test(faults, a_file_that_cannot_be_read_while_it_is_sent_is_told)
{
    static const int of_clients[] = {EPIPE, ECONNRESET, ETIMEDOUT};
    static char bytes[200000];
    struct server server;
    server_prepare(&server, ONE_WORKER "workers_max = 1\n" FILES "[app:out]\npath = /out\nmodule = @MODULES@/output.so\n");
    file_write_bytes(text("%s/large", server.dir), bytes, sizeof bytes);
    int64_t start = now_ms();
    shim_launch(&server);
    for (size_t i = 0; i < sizeof of_clients / sizeof *of_clients; i++) {
        fault_begin(&server, "sendfile", of_clients[i]);
        expect_broken(&server, "/files/large");
        cr_assert_eq(fault_count(&server, "sendfile"), 1);
        fault_end(&server, "sendfile");
    }
    cr_assert_not(server_log_has(&server, "sends a file"), "%s", server_log(&server));
    fault_begin(&server, "sendfile", EIO);
    for (int i = 0; i < KEPT; i++)
        expect_broken(&server, "/files/large?which");
    fault_end(&server, "sendfile");
    size_t told = text_count(server_log(&server), UNREADABLE " (answer to /files/large?which; ");
    cr_assert(told > 0 && told <= 1 + (size_t)(now_ms() - start) / 10000, "%zu times", told);
    fault_begin(&server, "pread", EIO);
    expect_broken(&server, text("/out/finish_what?what=file&file=%s/large", server.dir));
    fault_end(&server, "pread");
    server_log_await(&server, text("handler out.finish_what of module %s/output.so " UNREADABLE " (request", modules_path()), 1);
    struct response response = get(&server, "/files/large");
    cr_assert_eq(response.length, sizeof bytes);
    server_stop(&server);
}

/* The Date of an answer against the real clock. */
static long date_ahead(const struct server *server)
{
    struct tm then = {0};
    struct response response = get(server, "/hello");
    expect_response(&response, 200, "hello");
    const char *end = strptime(response_header(&response, "Date"), "%a, %d %b %Y %H:%M:%S GMT", &then);
    cr_assert(end != NULL && *end == 0, "%s", response.head);
    return (long)(timegm(&then) - time(NULL));
}

/* Is there a line of this format that ends with 'needle', and whose time is so far ahead? */
static bool line_is_ahead(const char *log, const char *format, const char *needle, long seconds)
{
    bool found = false;
    for (const char *line = log; line != NULL && !found; line = strchr(line, '\n')) {
        struct tm then = {.tm_isdst = -1};
        line += strspn(line, "\n");
        const char *at = strptime(line, format, &then), *end = line + strcspn(line, "\n"), *hit = at != NULL ? strstr(at, needle) : NULL;
        found = hit != NULL && hit < end && labs((long)(mktime(&then) - time(NULL)) - seconds) < 60;
    }
    return found;
}

Test(faults, a_clock_that_jumps_ends_nothing_and_is_told_right)
{
    static const long jumps[] = {5 * 3600, -7 * 3600, 400 * 86400, 0};
    struct server server;
    struct client clients[KEPT], half, body, slow;
    shim_start(&server, TWO_WORKERS PROBE TROUBLE);
    keep_all(&server, clients, KEPT);
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        half = client_connect(&server), body = client_connect(&server), slow = client_connect(&server);
        client_send(&half, "GET /hel");
        client_send(&body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde");
        client_send(&slow, request("GET", text("/trouble/gate/%zu", i), ""));
        server_log_await(&server, text("gate %zu entered", i), 1);
        clock_jump(&server, jumps[i]);
        await(labs(date_ahead(&server) - jumps[i]) < 60);
        expect_all_kept(clients, KEPT);
        server_open_gate(&server, text("%zu", i));
        struct response response = client_read(&slow);
        expect_response(&response, 200, text("through gate %zu", i));
        client_send(&half, "lo HTTP/1.1\r\nHost: a\r\n\r\n");
        expect_kept(&half, NULL, "hello");
        client_send(&body, "fghij");
        response = client_read(&body);
        expect_response(&response, 200, "abcdefghij");
        server_hup(&server);
        await(line_is_ahead(server_log(&server), "%Y-%m-%d %H:%M:%S", " serves", jumps[i]));
        await(line_is_ahead(file_read(server.access, NULL), "127.0.0.1 - - [%d/%b/%Y:%H:%M:%S", "GET /hello", jumps[i]));
        expect_all_kept(clients, KEPT);
    }
    server_stop(&server);
}

static size_t count_copies(const struct server *server)
{
    struct run ran = run("sh", "-c", text("cd %s; for at in . /run /var/tmp /dev/shm; do ls -d $at/tine-modules-%d-* 2>/dev/null; done",
                                          server->dir, (int)server->pid));
    return text_count(ran.out, "tine-modules-");
}

Test(faults, folders_for_copies_of_modules_do_not_pile_up)
{
    static const char *const ini = TWO_WORKERS "temp = @DIR@\n" PROBE;
    struct server server;
    shim_start(&server, ini);
    cr_assert_eq(count_copies(&server), 1);
    fault_begin(&server, "flock", ENOLCK); /* as of a file system from elsewhere */
    server_reload_refused(&server, ini);
    cr_assert_gt(fault_count(&server, "flock"), 0);
    fault_end(&server, "flock");
    await(count_copies(&server) == 1);
    fault_begin(&server, "opendir", EMFILE);
    server_reload(&server, ini);
    await(count_copies(&server) == 1);
    fault_end(&server, "opendir");
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
    cr_assert_eq(count_copies(&server), 0);
}

/* Does a worker have this open? */
static bool has_open(pid_t worker, const char *path)
{
    return run("sh", "-c", text("readlink /proc/%d/fd/* | grep -qx '%s'", (int)worker, path)).code == 0;
}

Test(faults, logs_that_workers_cannot_be_handed_at_once_are_handed_later)
{
    static const int errors[] = {ENOBUFS, EAGAIN, ETOOMANYREFS};
    struct server server;
    pid_t workers[WORKERS_MAX];
    shim_start(&server, TWO_WORKERS "[log]\naccess = @DIR@/current\n" PROBE);
    const char *current = text("%s/current", server.dir);
    server_await_workers(&server, 2, workers);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const char *before = text("%s.%zu", current, i);
        fault_begin_in(&server, "sendmsg", errors[i], server.pid);
        cr_assert_eq(rename(current, before), 0);
        server_signal(&server, SIGUSR1);
        await(fault_count(&server, "sendmsg") > 1); /* of either */
        fault_end(&server, "sendmsg");
        for (int k = 0; k < 2; k++)
            await(has_open(workers[k], current) && !has_open(workers[k], before));
        server_log_await(&server, text("cannot be told yet: %s", strerror(errors[i])), 2);
    }
    server_stop(&server);
}

/* The first of the new generation waits for that word; here it is the only one. */
Test(faults, a_first_worker_that_cannot_be_told_to_serve_at_once_is_told_later)
{
    struct server server;
    struct client clients[KEPT];
    shim_start(&server, ONE_WORKER PROBE);
    keep_all(&server, clients, KEPT);
    fault_begin_in(&server, "sendmsg.plain", ENOBUFS, server.pid);
    server_reload(&server, ONE_WORKER PROBE);
    await(fault_count(&server, "sendmsg.plain") > 0);
    fault_end(&server, "sendmsg.plain");
    expect_get(&server, "/hello", 200, "hello");
    expect_all_kept(clients, KEPT);
    server_stop(&server);
}

Test(faults, a_module_that_cannot_be_read_is_refused)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    const char *module = text("%s/torn.so", server.dir);
    size_t length;
    char *bytes = file_read(text("%s/probe.so", modules_path()), &length);
    const char *ini = text(TWO_WORKERS "[app:torn]\npath = /\nmodule = %s\n", module);
    for (size_t part = 0; part < 8; part++) {
        file_write_bytes(module, bytes, length * part / 8);
        server_reload_refused(&server, ini);
        cr_assert(server_log_has(&server, "[app:torn] module"));
        expect_all_kept(clients, KEPT);
    }
    unlink(module);
    cr_assert_eq(mkdir(module, 0755), 0);
    server_reload_refused(&server, ini);
    rmdir(module);
    cr_assert_eq(symlink("torn.so", module), 0);
    server_reload_refused(&server, ini);
    unlink(module);
    file_write_bytes(module, bytes, length);
    server_reload(&server, ini);
    expect_all_kept(clients, KEPT);
    server_stop(&server);
}
