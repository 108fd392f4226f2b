/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in which the server changes by order: reloads, more and fewer workers, replaced ones, other addresses.
 */
#include "disruption.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FOUR_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"

enum { CLIENTS = 50 };

/* Every HUP was read by a reload of its own; the last may still be under way. */
static void await_generations(struct row *row, long sent)
{
    wait_until(PATIENCE, (long)row_log_count(row, " serves\n") - (long)row_log_count(row, "generation 1 serves") >= sent);
    row->done = (long)row_log_count(row, " serves\n") - (long)row_log_count(row, "generation 1 serves");
}

/* Until the time is over; then the row ends as one does that has lost nothing. */
static void reload_all_the_time(struct row *row)
{
    long sent = 0;
    for (; row_every(row, 500); sent++) {
        server_signal(&row->server, SIGHUP);
        if (row->patience > 1) /* else two may become one */
            await_generations(row, sent + 1);
    }
    row_crowd_leaves(row);
    await_generations(row, sent);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

void row_hup(struct row *row)
{
    row_serve(row, FOUR_WORKERS LEDGER);
    row_usual_crowd(row);
    reload_all_the_time(row);
}

/* Each time another process is the master. */
void row_upgrade(struct row *row)
{
    row_serve(row, FOUR_WORKERS LEDGER);
    row_usual_crowd(row);
    while (row_every(row, row->ms < 8000 ? row->ms / 4 : 2000)) {
        server_upgrade(&row->server);
        row->done++;
    }
    row_crowd_leaves(row);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

/* Fewer first: those that are there from the beginning hold connections, those that come later only what they are given. */
void row_population(struct row *row)
{
    long sent = 0;
    row_serve(row, FOUR_WORKERS LEDGER);
    row_usual_crowd(row);
    for (; row_every(row, 100); sent++) {
        server_signal(&row->server, sent / 3 % 2 == 0 ? SIGTTOU : SIGTTIN);
        if (row->patience > 1) /* else two may become one */
            wait_until(PATIENCE, (long)row_log_count(row, " workers\n") > sent);
    }
    row_crowd_leaves(row);
    wait_until(1000, (long)row_log_count(row, " workers\n") >= sent);
    row->done = (long)row_log_count(row, " workers\n");
    row_expect(row, row_total(row, "given") > 0, "those that left had nothing to give");
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

/* Thinking longer: each worker has a few seconds, not a few hundredths. */
void row_recycling(struct row *row)
{
    row_serve(row, FOUR_WORKERS "max_requests = 50\nmax_requests_jitter = 0%\n[log]\nlevel = debug\n" LEDGER);
    row_crowd(row, &(struct crowd_plan){.clients = {[KEEPS_ASKING] = CLIENTS}, .think_ms = 50});
    while (row_every(row, 500))
        continue;
    if (row->patience > 1)
        wait_until(PATIENCE, row_log_count(row, "has left") > 0);
    row_crowd_leaves(row);
    row->done = (long)row_log_count(row, "has left");
    /* A worker goes on until its successor is up, and beside other tests that may take any time. */
    row->planned = row->patience > 1 ? 1 : (row->tally.requests - 4 * 50) / 50;
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

/* What is wrong with a file, and how the verdict begins to tell it. */
static const struct {
    const char *ini, *verdict;
} bad_files[] = {
    {"[server]\nlisten = 127.0.0.1:0\nworkers = lots\n" LEDGER, "server\\.ini:3: \\[server\\] workers: 'lots'"},
    {"[server]\nlisten = 127.0.0.1:0\nworker = 4\n" LEDGER, "server\\.ini:3: \\[server\\] worker"},
    {"[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers = 5\n" LEDGER, "server\\.ini:4: \\[server\\] workers"},
    {"[nonsense]\nlisten = 127.0.0.1:0\n" LEDGER, "server\\.ini:1: .*nonsense"},
    {"[server]\nlisten = nowhere\n" LEDGER, "server\\.ini:2: \\[server\\] listen"},
    {"[server]\nlisten = 127.0.0.1:70000\n" LEDGER, "server\\.ini:2: \\[server\\] listen"},
    {"[server]\nlisten = 192.0.2.1:0\n" LEDGER, "192\\.0\\.2\\.1"},
    {"[server]\nlisten = 127.0.0.1:0\nuser = nobody-by-this-name\n" LEDGER, "server\\.ini:3: \\[server\\] user"},
    {"[server]\nlisten = 127.0.0.1:0\n[timeouts]\nheader = soon\n" LEDGER, "server\\.ini:4: \\[timeouts\\] header"},
    {"[server]\nlisten = 127.0.0.1:0\n[timeouts]\nheader = -1s\n" LEDGER, "server\\.ini:4: \\[timeouts\\] header"},
    {"[server]\nlisten = 127.0.0.1:0\n[limits]\nbody = 1x\n" LEDGER, "server\\.ini:4: \\[limits\\] body"},
    {"[server]\nlisten = 127.0.0.1:0\n[log]\nlevel = loud\n" LEDGER, "server\\.ini:4: \\[log\\] level"},
    {"[server]\nlisten = 127.0.0.1:0\n[log]\naccess = /nowhere/at/all\n" LEDGER, "/nowhere/at/all"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\nmodule = @DIR@/missing.so\n" LEDGER, "\\[app:x\\] module: .*missing\\.so"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\npath = /x\nmodule = @DIR@/server.ini\n" LEDGER, "\\[app:x\\] module"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\nmodule = @MODULES@/other_abi.so\n" LEDGER, "\\[app:x\\] module"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\nmodule = @MODULES@/undefined_symbol.so\n" LEDGER, "\\[app:x\\] module"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\nmodule = respond\nstatus = 99\n" LEDGER, "\\[app:x\\] status: must be 200 to 599"},
    {"[server]\nlisten = 127.0.0.1:0\n[app:x]\nmodule = respond\nno_such_setting = 1\n" LEDGER, "\\[app:x\\] no_such_setting"},
    {"[server]\nlisten = 127.0.0.1:0\nworkers = 4\n[app:ledger]\npath = /ledger\nmodule = @MODULES@/ledger.so\nfile = /nowhere\n",
     "ledger"},
};
enum { BAD_FILES = sizeof bad_files / sizeof *bad_files };

void row_bad_files(struct row *row)
{
    row_serve(row, FOUR_WORKERS LEDGER);
    row_usual_crowd(row);
    while (row_every(row, 200)) {
        size_t i = (size_t)row->done % BAD_FILES;
        server_configure(&row->server, bad_files[i].ini);
        struct run ran = run_tine("reload", "-c", row->server.ini);
        row->done++;
        row_expect(row, ran.code == 1 && text_matches(ran.err, bad_files[i].verdict) && strstr(ran.err, "generation 1 serves on") != NULL,
                   "file %zu: %d, %.200s", i, ran.code, ran.err);
    }
    row_crowd_leaves(row);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

/* The crowd's address is there in all four, once as a part of a wider one. Some of the crowd come anew each time. */
void row_addresses(struct row *row)
{
    char *files[4];
    int ports[3] = {port_reserve(), port_reserve(), port_reserve()};
    const char *lists[4] = {text("127.0.0.1:%d, 127.0.0.1:%d", ports[0], ports[1]), text("127.0.0.1:%d", ports[0]),
                            text("0.0.0.0:%d, 127.0.0.1:%d", ports[0], ports[2]), text("127.0.0.1:%d, 127.0.0.1:%d", ports[2], ports[0])};
    for (int i = 0; i < 4; i++)
        files[i] = text("[server]\nlisten = %s\nworkers = 4\n" LEDGER, lists[i]);
    row_serve(row, files[0]);
    row_crowd(row, &(struct crowd_plan){.address = text("127.0.0.1:%d", ports[0]),
                                        .clients = {[KEEPS_ASKING] = CLIENTS - 10, [COMES_ANEW] = 10}, .think_ms = 10});
    while (row_every(row, 500)) {
        server_configure(&row->server, files[(row->done + 1) % 4]);
        struct run ran = run_tine("reload", "-c", row->server.ini);
        row_expect(row, ran.code == 0, "reload to '%s': %d, %.200s", lists[(row->done + 1) % 4], ran.code, ran.err);
        row->done++;
    }
    row_crowd_leaves(row);
    row_expect_nothing_lost(row);
    row_stop(row);
}

void row_order(struct row *row)
{
    row_serve(row, FOUR_WORKERS LEDGER);
    row_crowd(row, &(struct crowd_plan){.clients = {[POSTS_SLOWLY] = CLIENTS / 2, [PIPELINES] = CLIENTS / 2}, .think_ms = 20});
    reload_all_the_time(row);
}

enum { IDLE = 10000, IDLE_SPARE = 1000 };

/* Without the buffer that client.h's clients have: 10,000 of them would be more than a gigabyte. */
static bool ask_again(struct client *client, const struct server *server, bool first)
{
    if (first)
        *client = client_connect(server);
    client_send(client, request("GET", "/hello", ""));
    struct response response = client_read(client);
    bool answered = response.status == 200 && response_header(&response, "Connection") == NULL;
    response_free(&response);
    free(client->data);
    *client = (struct client){.fd = client->fd};
    return answered;
}

/* Descriptors under way count against the limit of the user: root would never see it. */
void row_idle(struct row *row)
{
    struct rlimit limit;
    static struct client clients[IDLE];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < IDLE + IDLE_SPARE)
        harness_fail("needs %d descriptors, may have %ld: raise the hard limit (ulimit -Hn)", IDLE + IDLE_SPARE, (long)limit.rlim_max);
    server_prepare(&row->server, FOUR_WORKERS "[log]\naccess = off\n[timeouts]\nkeepalive = 10m\n" PROBE);
    const char *argv[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tine_path(), "-c", row->server.ini, NULL};
    server_launch_by(&row->server, argv);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit.rlim_max, limit.rlim_max}); /* ours alone: tine starts with what it was given */
    for (int i = 0; i < IDLE; i++)
        row->tally.requests += ask_again(&clients[i], &row->server, true);
    row->planned = row->ms / 3000 + 1;
    int64_t start = now_ms();
    for (row->done = 0; row->done < row->planned; row->done++) {
        server_await_workers(&row->server, 4, before);
        server_hup(&row->server);
        await(server_workers(&row->server, now) == 4 && !pids_overlap(now, 4, before, 4));
        for (int i = 0; i < IDLE; i++)
            row->tally.requests += ask_again(&clients[i], &row->server, false);
    }
    row->tally.connections = IDLE;
    row->max = (double)(now_ms() - start) / (double)row->done;
    row_expect(row, row->tally.requests == IDLE * (row->done + 1), "answered %ld of %ld", row->tally.requests, IDLE * (row->done + 1));
    for (int i = 0; i < IDLE; i++)
        client_close(&clients[i]);
    row_stop(row);
}
