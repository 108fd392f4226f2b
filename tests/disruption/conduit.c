/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows with a database behind: the crowd creates articles of the example Conduit, on SQLite, and afterwards each that was answered stands
 * there once, with its tag, and nothing stands there twice.
 */
#include "disruption.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONDUIT "[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\nfile = @DIR@/conduit.sqlite\npassword_cost = 1\n"
#define FOUR_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 4\n"

enum { CLIENTS = 10, THINK_MS = 30, PAGE = 100 };

static struct server *server; /* of this row: recount() asks it */

static struct response answer(const char *method, const char *path, const char *body)
{
    const char *fields = text("Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    struct client client = client_connect(server);
    client_send(&client, text("%s%s", request(method, path, fields), body));
    struct response response = client_read(&client);
    client_close(&client);
    return response;
}

/* How many articles there are, as a list of them says. */
static long total(const char *query)
{
    struct response response = answer("GET", text("/api/articles?%s", query), "");
    const char *at = strstr(response.body, "\"articlesCount\":");
    if (response.status != 200 || at == NULL)
        harness_fail("%d: %s", response.status, response.body);
    return strtol(at + strlen("\"articlesCount\":"), NULL, 10);
}

/* Page by page. A title is called as its number; the same once more would have another slug. */
static void recount(struct crowd *crowd)
{
    long count = total("limit=1");
    for (long offset = 0; offset < count; offset += PAGE) {
        struct response response = answer("GET", text("/api/articles?limit=%d&offset=%ld", PAGE, offset), "");
        for (const char *at = response.body; (at = strstr(at, "\"title\":\"n")) != NULL; at++)
            crowd->ledger[strtoul(at + strlen("\"title\":\"n"), NULL, 10)]++;
        response_free(&response);
    }
    if (total("tag=all") != count)
        harness_fail("%ld articles, but %ld with their tag", count, total("tag=all"));
}

static void serve(struct row *row, const char *ini)
{
    if (!file_exists(text("%s/../../conduit.so", modules_path())))
        harness_fail("Conduit was not built for want of a library: scripts/setup test installs them");
    server = &row->server;
    server_prepare(&row->server, ini);
    chmod(row->server.dir, 0777); /* workers may be nobody, and make the file */
    crowd_prepare(&row->crowd, &row->server);
    row->crowd.recount = recount;
    server_launch(&row->server);
    struct response response =
        answer("POST", "/api/users", "{\"user\":{\"username\":\"ada\",\"email\":\"ada@example.org\",\"password\":\"p\"}}");
    char *token = strstr(response.body, "\"token\":\"");
    if (response.status != 201 || token == NULL)
        harness_fail("%d: %s", response.status, response.body);
    token += strlen("\"token\":\"");
    row_crowd(row, &(struct crowd_plan){.clients = {[KEEPS_ASKING] = CLIENTS},
                                        .think_ms = THINK_MS,
                                        .token = text("%.*s", (int)strcspn(token, "\""), token)});
}

/* Beside other tests all of it takes its time, an upgrade above all: then what counts is that it happened. */
static void leave(struct row *row)
{
    row_crowd_leaves(row);
    if (row->patience > 1 && row->done > 0)
        row->planned = row->done;
}

void row_conduit_hup(struct row *row)
{
    serve(row, FOUR_WORKERS CONDUIT);
    for (; row_every(row, 500); row->done++)
        server_hup(&row->server);
    leave(row);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

void row_conduit_upgrade(struct row *row)
{
    serve(row, FOUR_WORKERS CONDUIT);
    for (; row_every(row, row->ms < 8000 ? row->ms / 4 : 2000); row->done++)
        server_upgrade(&row->server);
    leave(row);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

void row_conduit_recycling(struct row *row)
{
    serve(row, FOUR_WORKERS "max_requests = 50\nmax_requests_jitter = 0%\n[log]\nlevel = debug\n" CONDUIT);
    while (row_every(row, 500))
        continue;
    if (row->patience > 1)
        wait_until(PATIENCE, row_log_count(row, "has left") > 0);
    leave(row);
    row->done = (long)row_log_count(row, "has left");
    row->planned = row->patience > 1 ? 1 : (row->tally.requests - 4 * 50) / 100;
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop(row);
}

void row_conduit_crashes(struct row *row)
{
    static const char *const ways[] = {"null", "abort", "exit", "stack"};
    serve(row, FOUR_WORKERS CONDUIT TROUBLE);
    for (; row_every(row, 100); row->done++) {
        struct response response = get(&row->server, text("/trouble/crash/%s", ways[row->done % 4]));
        row_expect(row, response.status == 500, "a crash was answered %d", response.status);
    }
    leave(row);
    row_expect_nothing_lost(row);
    row_expect_same_sockets(row, CLIENTS);
    row_stop_after_crashes(row);
}

/* What a killed worker held may be lost; but no article is half there, or there twice, and none that was answered is missing. */
void row_conduit_killed(struct row *row)
{
    serve(row, FOUR_WORKERS CONDUIT);
    row_kill_workers(row);
    leave(row);
    row_expect_only_held_lost(row);
    row_stop(row);
}
