/* SPDX-License-Identifier: Apache-2.0
 *
 * What each battery costs: CPU time of the worker for each request on one kept connection, beside the same handler without any. All are asked in
 * turn within one run of one server, and the best round of each counts. A row whose module was not built is left out, and said so.
 */
#include "measure.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ada and "secret", as `htpasswd -5` writes them */
#define USERS "ada:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1\n"

enum { ROUNDS = 15, REQUESTS = 300 };

/* To a filter of that name and these settings around `respond`; or, with a path of its own, to the module keep.so. */
static const struct row {
    const char *name;
    const char *module, *settings;
    const char *path;   /* NULL: "/", behind the filter */
    const char *fields; /* of the request, each with its line end */
    double bound;       /* times the request without */
} rows[] = {
    {"without", NULL, "", NULL, "", 1},
    {"security_headers", "security_headers", "", NULL, "", 1.5},
    {"cors", "cors", "origins = https://example.org\n", NULL, "Origin: https://example.org\r\n", 1.5},
    {"basic_auth", "basic_auth", "file = @DIR@/users\n", NULL, "Authorization: Basic YWRhOnNlY3JldA==\r\n", 2},
    {"bearer", "bearer", "token.ada = 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n" /* of "secret" */, NULL,
     "Authorization: Bearer secret\r\n", 1.5},
    {"csrf", "csrf", "keys = 0123456789abcdef0123456789abcdef\n", NULL, "Sec-Fetch-Site: same-origin\r\n", 1.5},
    {"gzip of 4 KB", "gzip", "level = 5\n", NULL, "Accept-Encoding: gzip\r\n", 5},
    {"session", "session", "keys = 0123456789abcdef0123456789abcdef\n", NULL, "", 2},
    {"rate_limit", "rate_limit", "limit = 600000\n", NULL, "", 2},
    {"cache", "cache", "", NULL, "", 2},
    {"a value in memory", "@MODULES@/keep.so", "", "/get?key=a", "", 2},
    {"a token in memory", "@MODULES@/keep.so", "", "/take?key=t&interval=1&burst=1000000", "", 2},
    {"a value in Redis", "@MODULES@/keep.so", "store = redis://127.0.0.1:%d\nstore_timeout = 10s\n", "/get?key=a", "", 6},
    {"a token in Redis", "@MODULES@/keep.so", "store = redis://127.0.0.1:%d\nstore_timeout = 10s\n", "/take?key=t&interval=1&burst=1000000", "", 6},
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool is_keep(const struct row *row)
{
    return row->path != NULL;
}

/* Redis on a port of its own; 0 where there is none. */
static int start_redis(const char *dir)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!program_exists("redis-server") || !program_exists("redis-cli") || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return 0;
    close(fd);
    const char *port = text("%d", ntohs(address.sin_port)), *log = text("%s/redis.log", dir);
    const char *argv[] = {"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", dir, NULL};
    kill_at_exit(process_start(argv, log, log));
    await(strstr(run("redis-cli", "-p", port, "ping").out, "PONG") != NULL);
    return ntohs(address.sin_port);
}

/* Its sections: each row is an app below a path of its own. */
static char *sections(const struct row *row, int i, int redis_port)
{
    char *settings = text(row->settings, redis_port);
    if (is_keep(row))
        return text("[app:a%d]\npath = /%d\nmodule = %s\n%s", i, i, row->module, settings);
    char *filter = row->module != NULL ? text("[filter:f%d]\nmodule = %s\n%s", i, row->module, settings) : "";
    char *body = strstr(row->name, "4 KB") != NULL ? text("%03900d", 1) : "hello";
    return text("%s[app:a%d]\npath = /%d\nmodule = respond\nbody = %s\n%s", filter, i, i, body,
                row->module != NULL ? text("filters = f%d\n", i) : "");
}

/* What was not built is left out, and the others are measured. */
static bool is_possible(struct server *server, const struct row *row, int i, int redis_port)
{
    if (strstr(row->settings, "redis:") != NULL && redis_port == 0) {
        printf("       %-18s left out: there is no redis-server\n", row->name);
        return false;
    }
    server_configure(server, text("[server]\nlisten = 127.0.0.1:0\n%s", sections(row, i, redis_port)));
    struct run ran = run_tine("-t", "-c", server->ini);
    if (ran.code == 0)
        return true;
    if (strstr(ran.err, text("there is no module '%s'", row->module)) == NULL && !is_keep(row))
        harness_fail("%s: %s", row->name, ran.err);
    printf("       %-18s left out: its module was not built\n", row->name);
    return false;
}

static char *request_of(const struct row *row, int i)
{
    const char *path = is_keep(row) ? row->path : "";
    bool posts = strncmp(path, "/take", 5) == 0;
    return text("%s /%d%s HTTP/1.1\r\nHost: a\r\n%s%s\r\n", posts ? "POST" : "GET", i, path, posts ? "Content-Length: 0\r\n" : "", row->fields);
}

static double ask_all(struct client *client, pid_t worker, const char *sent)
{
    long long before = cpu_ns(worker);
    for (int i = 0; i < REQUESTS; i++) {
        client_send(client, sent);
        struct response response = client_read(client);
        if (response.status != 200)
            harness_fail("%s%s%s", sent, response.head, response.body);
        response_free(&response);
    }
    return (double)(cpu_ns(worker) - before) / REQUESTS;
}

/* The best of each row in ns, 0 where it was left out. */
static void measure_rows(const struct server *server, const bool *possible, double *best)
{
    pid_t workers[WORKERS_MAX];
    char *sent[ROWS];
    server_await_workers(server, 1, workers);
    struct client client = client_connect(server);
    for (int i = 0; i < ROWS; i++) {
        sent[i] = request_of(&rows[i], i);
        if (possible[i] && is_keep(&rows[i]))
            ask(server, text("POST /%d/set?key=a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", i));
    }
    for (int k = 0; k < ROUNDS * ROWS; k++) {
        int i = k % ROWS;
        double ns = possible[i] ? ask_all(&client, workers[0], sent[i]) : 0;
        best[i] = k < ROWS || ns < best[i] ? ns : best[i];
    }
    client_close(&client);
}

bool measure_batteries(void)
{
    struct server server;
    bool possible[ROWS], met = true;
    double best[ROWS];
    server_prepare(&server, "");
    file_write(text("%s/users", server.dir), USERS);
    int redis_port = start_redis(server.dir);
    char *ini = "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[log]\naccess = off\n";
    for (int i = 0; i < ROWS; i++) {
        possible[i] = is_possible(&server, &rows[i], i, redis_port);
        ini = possible[i] ? text("%s%s", ini, sections(&rows[i], i, redis_port)) : ini;
    }
    server_configure(&server, ini);
    server_launch(&server);
    measure_rows(&server, possible, best);
    server_stop(&server);
    for (int i = 0; i < ROWS; i++)
        if (possible[i])
            met = report(best[i] <= rows[i].bound * best[0], "%-18s %6.2f us of CPU a request, %5.2f times that without (bound: %.1f)", rows[i].name,
                         best[i] / 1000, best[i] / best[0], rows[i].bound) && met;
    return met;
}
