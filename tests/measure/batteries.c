/* SPDX-License-Identifier: Apache-2.0
 *
 * What each battery costs: CPU time of the worker for a request through it, beside one to the same handler without it. A row says what is
 * done for each request. All are asked in turn on one kept connection, within one run of one server, and the best round of each counts.
 * What Redis does and the wait for it are not in it: that is time of others. A row whose module was not built is left out, and said so.
 *
 * The lines are those of README's table: `make -s measure M=batteries | grep '^|'` writes it.
 */
#include "measure.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ada and "secret", as `htpasswd -5` writes them, and the latter's SHA-256 */
#define USERS "ada:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1\n"
#define TOKEN "token.ada = 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n"
#define KEYS "keys = 0123456789abcdef0123456789abcdef\n"
#define REDIS "store = redis://127.0.0.1:%d\nstore_timeout = 10s\n"
#define FRESH "/own?Cache-Control=max-age%%3D60"

/* %d is a number, another each time: so a session is changed by each request. */
#define READ .path = "/user", .prepare = session_fields
#define WRITE .posts = true, .path = "/user?user=%1$d", .prepare = session_fields, .shows = "Set-Cookie: "
#define SAME(text) .path = text, .without = text

enum { ROUNDS = 50, REQUESTS = 100, WARM = 10 };

static char *session_fields(const struct server *server, int i);
static char *csrf_fields(const struct server *server, int i);

/* The app of battery.so is asked with this filter before it, and without. What is not given is GET, "/" and nothing. */
static const struct row {
    const char *name, *does;
    const char *module, *settings;
    bool posts;
    const char *path, *without, *fields; /* 'without': the path there; fields each with their line end */
    char *(*prepare)(const struct server *server, int i); /* asks the app for what is needed, and makes the fields of it */
    const char *shows; /* what the heads of answers have; nothing where the status tells */
    const char *app;   /* another test module than battery */
    double bound;      /* times the request without */
} rows[] = {
    {"security_headers", "four fields are added", "security_headers", "", .shows = "X-Frame-Options: ", .bound = 1.5},
    {"cors", "GET from a named origin", "cors", "origins = https://example.org\n", .fields = "Origin: https://example.org\r\n",
     .shows = "Access-Control-Allow-Origin: ", .bound = 1.5},
    {"basic_auth", "a password that the worker remembers", "basic_auth", "file = @DIR@/users\n",
     .fields = "Authorization: Basic YWRhOnNlY3JldA==\r\n", .bound = 2},
    {"bearer", "a token is hashed and found", "bearer", TOKEN, .fields = "Authorization: Bearer secret\r\n", .bound = 1.5},
    {"session", "in the signed cookie, read", "session", KEYS, READ, .bound = 2},
    {"session", "in the signed cookie, changed and written", "session", KEYS, WRITE, .bound = 3},
    {"session", "in memory, read", "session", KEYS "store = memory\n", READ, .bound = 2},
    {"session", "in memory, changed and written", "session", KEYS "store = memory\n", WRITE, .bound = 3},
    {"session", "in Redis, read", "session", KEYS REDIS, READ, .bound = 6},
    {"session", "in Redis, changed and written", "session", KEYS REDIS, WRITE, .bound = 6},
    {"csrf", "POST with Sec-Fetch-Site", "csrf", KEYS, .posts = true, .fields = "Sec-Fetch-Site: same-origin\r\n", .bound = 1.5},
    {"csrf", "POST with a token", "csrf", KEYS, .posts = true, .prepare = csrf_fields, .bound = 2},
    {"rate_limit", "a token from memory", "rate_limit", "limit = 600000\n", .shows = "RateLimit: ", .bound = 2},
    {"rate_limit", "a token from Redis", "rate_limit", "limit = 600000\n" REDIS, .shows = "RateLimit: ", .bound = 6},
    {"gzip", "4 KB of JSON, level 5", "gzip", "", SAME("/records"), .fields = "Accept-Encoding: gzip\r\n",
     .shows = "Content-Encoding: gzip", .bound = 5},
    {"cache", "hit, in memory", "cache", "tell = on\n", SAME(FRESH), .shows = "X-Cache: hit", .bound = 2},
    {"cache", "hit, in Redis", "cache", "tell = on\n" REDIS, SAME(FRESH), .shows = "X-Cache: hit", .bound = 6},
    {"cache", "miss, kept in memory", "cache", "tell = on\n", SAME(FRESH "&X-N=%1$d"), .shows = "X-Cache: miss", .bound = 3},
    {"template", "a list of ten, beside the page ready-made", "template", "folder = pages\n", .app = "pages", .path = "/list",
     .without = "/ready", .bound = 3},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const char *or_else(const char *given, const char *other)
{
    return given != NULL ? given : other;
}

/* Redis on a port of its own; 0 where there is none. */
static int start_redis(const char *dir)
{
    if (!program_exists("redis-server") || !program_exists("redis-cli"))
        return 0;
    int number = port_reserve();
    const char *port = text("%d", number), *log = text("%s/redis.log", dir);
    const char *argv[] = {"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", dir, NULL};
    kill_at_exit(process_start(argv, log, log));
    await(strstr(run("redis-cli", "-p", port, "ping").out, "PONG") != NULL);
    return number;
}

/* Its sections: an app below a path of its own, and the same without the filter. */
static char *sections(const struct row *row, int i, int redis_port)
{
    const char *app = or_else(row->app, "battery");
    return text("[filter:f%1$d]\nmodule = %2$s\n%3$s[app:a%1$d]\npath = /a%1$d\nmodule = @MODULES@/%4$s.so\nfilters = f%1$d\n"
                "[app:n%1$d]\npath = /n%1$d\nmodule = @MODULES@/%4$s.so\n", i, row->module, text(row->settings, redis_port), app);
}

/* What was not built is left out, and the others are measured. */
static bool is_possible(struct server *server, const struct row *row, int i, int redis_port)
{
    if (strstr(row->settings, "redis:") != NULL && redis_port == 0) {
        printf("%s, %s: left out: there is no redis-server\n", row->name, row->does);
        return false;
    }
    server_configure(server, text("[server]\nlisten = 127.0.0.1:0\n%s", sections(row, i, redis_port)));
    struct run ran = run_tine("-t", "-c", server->ini);
    if (ran.code == 0)
        return true;
    if (strstr(ran.err, text("there is no module '%s'", row->module)) == NULL)
        harness_fail("%s: %s", row->name, ran.err);
    printf("%s, %s: left out: its module was not built\n", row->name, row->does);
    return false;
}

/* ---- what a request has to bring ---- */

static char *cookie_of(const struct response *response)
{
    const char *set = response_header(response, "Set-Cookie");
    if (response->status != 200 || set == NULL)
        harness_fail("there is no cookie in:\n%s%s", response->head, response->body);
    return text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
}

static char *session_fields(const struct server *server, int i)
{
    struct response response = ask(server, request("POST", text("/a%d/user?user=ada", i), "Content-Length: 0\r\n"));
    return cookie_of(&response);
}

static char *csrf_fields(const struct server *server, int i)
{
    struct response response = get(server, text("/a%d/csrf", i));
    return text("%sX-CSRF-Token: %s\r\n", cookie_of(&response), response.body);
}

/* ---- asking ---- */

/* 'which' is a or n: with the filter, and without. */
static char *request_of(const struct row *row, int i, char which, const char *fields)
{
    static int number;
    const char *path = text(or_else(which == 'a' ? row->path : row->without, "/"), ++number);
    return text("%s /%c%d%s HTTP/1.1\r\nHost: a\r\n%s%s\r\n", row->posts ? "POST" : "GET", which, i, path,
                row->posts ? "Content-Length: 0\r\n" : "", or_else(fields, ""));
}

static void ask_once(struct client *client, const char *sent, const char *shows)
{
    client_send(client, sent);
    struct response response = client_read(client);
    if (response.status != 200 || strstr(response.head, shows) == NULL)
        harness_fail("%s%s%s", sent, response.head, response.body);
    response_free(&response);
}

static double ask_all(struct client *client, pid_t worker, int i, char which, const char *fields)
{
    const char *shows = which == 'a' ? or_else(rows[i].shows, "") : "";
    for (int k = 0; k < WARM; k++)
        ask_once(client, request_of(&rows[i], i, which, fields), k > 0 ? shows : "");
    long long before = cpu_ns(worker);
    for (int k = 0; k < REQUESTS; k++)
        ask_once(client, request_of(&rows[i], i, which, fields), shows);
    return (double)(cpu_ns(worker) - before) / REQUESTS;
}

static double lesser(double one, double other)
{
    return one < other ? one : other;
}

/* The best of each row in ns, with and without. */
static void measure_rows(const struct server *server, const bool *possible, double *with, double *without)
{
    pid_t workers[WORKERS_MAX];
    const char *fields[ROWS];
    server_await_workers(server, 1, workers);
    for (int i = 0; i < ROWS; i++) {
        fields[i] = possible[i] && rows[i].prepare != NULL ? rows[i].prepare(server, i) : rows[i].fields;
        with[i] = without[i] = 1e12;
    }
    struct client client = client_connect(server);
    for (int k = 0; k < ROUNDS; k++)
        for (int i = 0; i < ROWS; i++) {
            if (!possible[i])
                continue;
            with[i] = lesser(with[i], ask_all(&client, workers[0], i, 'a', fields[i]));
            without[i] = lesser(without[i], ask_all(&client, workers[0], i, 'n', fields[i]));
        }
    client_close(&client);
}

static bool report_row(const struct row *row, double with, double without)
{
    printf("| `%s` | %s | %.1f | %.1f | %.2f |\n", row->name, row->does, without / 1000, (with - without) / 1000, with / without);
    return with <= row->bound * without || report(false, "%s, %s: at most %.1f times is the bound", row->name, row->does, row->bound);
}

/* Ourselves, and who is started from here. Two who answer each other in turn take twice the time where the system puts them on two
 * processors, which it does for a while, and then not. */
static void stay_on(const cpu_set_t *processors)
{
    if (sched_setaffinity(0, sizeof *processors, processors) != 0)
        harness_fail("sched_setaffinity: %s", strerror(errno));
}

static void stay_on_one(cpu_set_t *before)
{
    cpu_set_t one;
    int first = 0;
    sched_getaffinity(0, sizeof *before, before);
    while (!CPU_ISSET(first, before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    stay_on(&one);
}

bool measure_batteries(void)
{
    cpu_set_t before;
    struct server server;
    bool possible[ROWS], met = true;
    double with[ROWS], without[ROWS];
    stay_on_one(&before);
    server_prepare(&server, "");
    file_write(text("%s/users", server.dir), USERS);
    mkdir(text("%s/pages", server.dir), 0755);
    file_write(text("%s/pages/list.html", server.dir), "<ul>{{#people}}<li id=\"{{id}}\">{{name}}</li>{{/people}}</ul>");
    int redis_port = start_redis(server.dir);
    char *ini = ONE_WORKER "workers_max = 1\n[log]\naccess = off\n";
    for (int i = 0; i < ROWS; i++) {
        possible[i] = is_possible(&server, &rows[i], i, redis_port);
        ini = possible[i] ? text("%s%s", ini, sections(&rows[i], i, redis_port)) : ini;
    }
    server_configure(&server, ini);
    server_launch(&server);
    measure_rows(&server, possible, with, without);
    server_stop(&server);
    stay_on(&before);
    printf("| battery | for each request | µs without | µs more | times |\n|---|---|---|---|---|\n");
    for (int i = 0; i < ROWS; i++)
        met = (!possible[i] || report_row(&rows[i], with[i], without[i])) && met;
    return report(met, "CPU time of a request through a battery, to that without: each within its bound");
}
