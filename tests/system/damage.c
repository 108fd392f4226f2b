/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that writes over the worker's own table of connections: those that it hit end, and no client gets what is
 * another's; all others go on, on the very connections they had. One that writes over what workers share with the master holds that up
 * in nothing.
 */
#include "client.h"

#include "shared/scoreboard.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(damage, .timeout = 120);

#define SCRIBBLE "[app:scribble]\npath = /scribble\nmodule = @MODULES@/scribble.so\n"

/* In the order of their coming, these are the records of the one worker's table. */
enum { KEPT = 20, FIRST = 5, LAST = 7, HIT = LAST - FIRST + 1 };

/* One that answers with the path tells whose answer it is. */
static void expect_own(struct client *client, int i)
{
    client_send(client, request("GET", text("/path/client-%d", i), ""));
    struct response response = client_read(client);
    expect_response(&response, 200, NULL);
    cr_assert(text_matches(response.body, text("client-%d$", i)), "client %d got: %s", i, response.body);
    cr_assert_null(response_header(&response, "Connection"), "%s", response.head);
    response_free(&response);
}

static void start(struct server *server, struct client *clients)
{
    server_start(server, ONE_WORKER "workers_max = 1\n" SCRIBBLE PROBE);
    for (int i = 0; i < KEPT; i++) {
        clients[i] = client_connect(server);
        expect_own(&clients[i], i);
    }
}

static bool is_hit(int i)
{
    return i >= FIRST && i <= LAST;
}

static void expect_others_kept(struct client *clients)
{
    for (int i = 0; i < KEPT; i++)
        if (!is_hit(i))
            expect_own(&clients[i], i);
}

static void expect_ended(struct client *client)
{
    bool clean;
    cr_assert(client_drain(client, PATIENCE, &clean));
    cr_assert_eq(client->length, 0);
}

static void expect_hit_ended(struct client *clients)
{
    for (int i = FIRST; i <= LAST; i++)
        expect_ended(&clients[i]);
}

static void expect_lost(const struct server *server, long lost)
{
    await(strstr(run_tine("status", "-c", server->ini).out, text("lost %ld\n", lost)) != NULL);
    cr_assert(server_log_has(server, text(": %ld of its connections are closed", lost)));
}

static void crash_and_expect_others_kept(const char *what)
{
    struct server server;
    struct client clients[KEPT];
    start(&server, clients);
    cr_assert_eq(get(&server, text("/scribble/%s/%d/%d/crash", what, FIRST, LAST)).status, 500);
    expect_hit_ended(clients);
    expect_others_kept(clients);
    expect_lost(&server, HIT);
    server_stop_after_crashes(&server);
}

Test(damage, records_written_over_before_a_crash_are_not_given)
{
    crash_and_expect_others_kept("all");
}

Test(damage, a_descriptor_that_is_anothers_is_not_given)
{
    crash_and_expect_others_kept("fd");
}

/* Nobody knows of it until such a connection is to be used. */
Test(damage, a_handler_that_returns_costs_no_more_when_it_is_found)
{
    struct server server;
    struct client clients[KEPT];
    start(&server, clients);
    cr_assert_eq(get(&server, text("/scribble/fd/%d/%d/return", FIRST, LAST)).status, 200);
    expect_others_kept(clients);
    client_send(&clients[FIRST], request("GET", "/hello", ""));
    expect_hit_ended(clients);
    expect_others_kept(clients);
    expect_lost(&server, HIT);
    server_stop_after_crashes(&server);
}

/* The master has it give its connections away while it still runs. */
Test(damage, a_handler_that_stalls_is_answered_before_its_worker_ends)
{
    struct server server;
    struct client clients[KEPT];
    start(&server, clients);
    cr_assert_eq(get(&server, text("/scribble/fd/%d/%d/nap", FIRST, LAST)).status, 200);
    expect_hit_ended(clients);
    expect_others_kept(clients);
    expect_lost(&server, HIT);
    server_stop_after_crashes(&server);
}

/* The handler's own record too: there is nobody left to answer, and nothing is said to the wrong one. */
Test(damage, of_the_whole_table_ends_that_worker_alone)
{
    static const char *const thens[] = {"crash", "return"};
    for (int i = 0; i < 2; i++) {
        struct server server;
        struct client clients[KEPT];
        start(&server, clients);
        struct client wild = client_connect(&server);
        client_send(&wild, request("GET", text("/scribble/all/0/%d/%s", KEPT, thens[i]), ""));
        expect_ended(&wild);
        for (int k = 0; k < KEPT; k++)
            expect_ended(&clients[k]);
        expect_get(&server, "/hello", 200, "hello");
        expect_lost(&server, KEPT + 1);
        server_stop_after_crashes(&server);
    }
}

/* The list of free records leads to one that is a client's: who comes next is given a record of his own. */
Test(damage, a_record_in_use_is_nobody_elses)
{
    enum { ENDED = KEPT - 1 };
    struct server server;
    struct client clients[KEPT];
    start(&server, clients);
    client_close(&clients[ENDED]);
    await(text_matches(run_tine("status", "-c", server.ini).out, text(" %d +%d$", KEPT, ENDED)));
    client_send(&clients[0], request("GET", text("/scribble/link/%d/1", ENDED), ""));
    cr_assert_eq(client_read(&clients[0]).status, 200);
    struct client next = client_connect(&server);
    expect_own(&next, KEPT);
    clients[ENDED] = client_connect(&server);
    for (int i = 0; i < KEPT; i++)
        expect_own(&clients[i], i);
    expect_own(&next, KEPT);
    await(server_log_has(&server, "what it keeps of connections was written over"));
    server_stop_after_crashes(&server);
}

/* So does that of those who are idle: the worker that finds it out gives all that it holds, and ends. */
Test(damage, a_list_of_idle_ones_that_leads_astray_is_found_out)
{
    struct server server;
    struct client clients[KEPT];
    start(&server, clients);
    expect_kept(&clients[0], request("GET", text("/scribble/link/%d/1", FIRST), ""), "written over");
    client_close(&clients[FIRST]);
    await(server_log_has(&server, ": 0 of its connections are closed"));
    clients[FIRST] = client_connect(&server);
    for (int i = 0; i < KEPT; i++)
        expect_own(&clients[i], i);
    server_stop_after_crashes(&server);
}

/* Where the scoreboard is mapped, in the master as in its workers. */
static off_t scoreboard_of(pid_t process)
{
    unsigned long from, to, size = (sizeof(struct scoreboard) + 4095) / 4096 * 4096;
    char *maps = process_file(process, "maps");
    for (char *line = strtok(maps, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (sscanf(line, "%lx-%lx rw-s", &from, &to) == 2 && strstr(line, " rw-s ") != NULL && to - from == size)
            return (off_t)from;
    harness_fail("no mapping of %lu bytes in %d", size, (int)process);
}

#define SLOT(field) offsetof(struct scoreboard, slots) + offsetof(struct slot, field)
#define LOG_HEAD SLOT(log) + offsetof(struct log_ring, head)

/* Its only worker is inside a handler meanwhile, and cannot put right what is its own. */
static void write_over_and_stop(const char *what, size_t offset, size_t length, unsigned char byte)
{
    struct server server;
    char bytes[sizeof(struct totals) + 1024];
    server_start(&server, ONE_WORKER "workers_max = 1\n[timeouts]\ngraceful = 1s\n" PROBE TROUBLE);
    expect_get(&server, "/hello", 200, "hello");
    struct client busy = client_connect(&server);
    client_enter_gate(&busy, &server, "a");
    int memory = open(text("/proc/%d/mem", (int)server.pid), O_WRONLY | O_CLOEXEC);
    memset(bytes, byte, sizeof bytes);
    cr_assert(length <= sizeof bytes && pwrite(memory, bytes, length, scoreboard_of(server.pid) + (off_t)offset) == (ssize_t)length);
    close(memory);
    process_expect_rest(server.pid, what);
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0, "%s", what);
    client_close(&busy);
}

Test(damage, of_the_scoreboard_holds_up_no_master)
{
    write_over_and_stop("a log's head", LOG_HEAD, 8, 0x7e);
    write_over_and_stop("who writes a log", SLOT(log) + offsetof(struct log_ring, writer), 4, 0x7e);
    write_over_and_stop("an order", SLOT(order), 8, 0x7e);
    write_over_and_stop("the time that is allowed", SLOT(allowed), 8, 0x7f);
    write_over_and_stop("since when", SLOT(since), 8, 0x80);
    write_over_and_stop("all that a slot says", SLOT(pid), offsetof(struct slot, log), 0x7e);
    write_over_and_stop("who wakes the master", 0, 8, 0x7e);
    write_over_and_stop("how many slots there are", offsetof(struct scoreboard, used), 8, 0x7e);
    write_over_and_stop("all before the slots", 0, offsetof(struct scoreboard, totals), 0x7e);
}
