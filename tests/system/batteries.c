/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong under batteries takes no worker down: a store with bytes that nobody of them wrote, memory that is full, files that are
 * cut off under them. (A Redis that is gone or answers nonsense is in redis.c.)
 */
#include "client.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(batteries, .timeout = 180);

#define KEY "0123456789abcdef0123456789abcdef"
#define SERVER ONE_WORKER "workers_max = 1\n"
#define MINUTE "field=Cache-Control:max-age=60"

static struct server server;
static pid_t workers[WORKERS_MAX];

/* The only one: "serves" means that it is ready. */
static void note_worker(void)
{
    server_await_workers(&server, 1, workers);
}

static void expect_the_same_worker(void)
{
    pid_t now[WORKERS_MAX];
    server_await_workers(&server, 1, now);
    cr_expect(now[0] == workers[0], "the worker is a new one; the log:\n%s", server_log(&server));
}

static struct response send(const char *method, const char *path, const char *fields)
{
    return ask(&server, request(method, path, fields));
}

static const char *cookie_of(const struct response *response)
{
    const char *cookie = response_header(response, "Set-Cookie");
    return cookie != NULL ? text("Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie) : "";
}

/* All three on one store, each with something in it. */
static const char *ini_of(const char *store)
{
    return text(SERVER "[filter:session]\nmodule = session\nkeys = " KEY
                       "\nstore = %s\n[filter:keep]\nmodule = cache\ntell = on\nfill = 100ms\nstore = %s\n"
                       "[filter:calm]\nmodule = rate_limit\nlimit = 10000\nper = 1d\nstore = %s\n"
                       "[app:a]\npath = /a\nmodule = @MODULES@/answers.so\nfilters = calm, keep\n[app:b]\npath = /b\nmodule = "
                       "@MODULES@/battery.so\nfilters = calm, session\n",
                store, store, store);
}

static const char *const paths[] = {"/a/answer?" MINUTE, "/a/answer?length=9000&field=Vary:Accept&" MINUTE};

static void expect_answers(const char *cookie)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        for (int k = 0; k < 2; k++)
            cr_expect_eq(send("GET", paths[i], "").status, 200, "%s", paths[i]);
    struct response response = send("GET", "/b/session", cookie);
    cr_expect(response.status == 200 && (strcmp(response.body, "{}") == 0 || strstr(response.body, "ada") != NULL), "%d %s",
              response.status, response.body);
}

/* Lua: what each key has then. Of one that is of another type Redis itself says an error, which is an outage for that command. */
Test(batteries, what_others_wrote_into_their_store_harms_nobody)
{
    static const struct {
        const char *make;
        int session; /* status of who needs it */
    } cases[] = {
        {"redis.call('set', k, '')", 200},
        {"redis.call('set', k, 'x')", 200},
        {"redis.call('set', k, '[1,2]')", 200},
        {"redis.call('set', k, '{' .. string.rep('[', 5000))", 200},
        {"redis.call('set', k, 'A1' .. string.rep(string.char(255), 60))", 200},
        {"redis.call('set', k, 'L1' .. string.rep(string.char(0), 60))", 200},
        {"redis.call('set', k, string.rep('9', 40) .. 'x')", 200},
        {"redis.call('append', k, 'x')", 200},
        {"local v = redis.call('get', k); redis.call('set', k, string.sub(v, 1, #v / 2))", 200},
        {"redis.call('del', k); redis.call('rpush', k, 'x')", 503},
        {"redis.call('set', k, string.rep(string.char(0), 200000))", 503},
    };
    redis_require();
    server_prepare(&server, "");
    chmod(server.dir, 0777);
    struct redis redis = {.dir = text("%s", server.dir), .more = ""};
    redis_start(&redis);
    server_configure(&server, ini_of(text("redis://127.0.0.1:%d\nstore_timeout = 5s", redis.port)));
    server_launch(&server);
    note_worker();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        redis_say(&redis, "flushall");
        struct response response = send("POST", "/b/session?user=ada", "");
        const char *cookie = cookie_of(&response);
        expect_answers(cookie);
        const char *said =
            redis_say(&redis, text("eval \"local n = 0; for _, k in ipairs(redis.call('keys', '*')) do %s; n = n + 1 end return n\" 0",
                                   cases[i].make));
        cr_assert(strtol(said, NULL, 10) >= 4, "%s", said);
        response = send("GET", "/b/session", cookie);
        cr_expect_eq(response.status, cases[i].session, "%s: %d %s", cases[i].make, response.status, response.body);
        if (cases[i].session == 200)
            expect_answers(cookie);
    }
    expect_the_same_worker();
    redis_kill(&redis);
    server_stop(&server);
}

Test(batteries, memory_that_is_full_forgets_and_serves_on)
{
    server_start(&server, text(SERVER "shared = 64k\n%s", ini_of("memory") + strlen(SERVER)));
    note_worker();
    const char *cookies[4] = {"", "", "", ""};
    for (int i = 0; i < 300; i++) {
        struct response response = send("POST", text("/b/fill?size=%d", i * 100), "");
        cr_assert_eq(response.status, 200, "%d: %s", response.status, response.body);
        cookies[i % 4] = cookie_of(&response);
        response_free(&response);
        response = send("GET", text("/a/answer?length=%d&" MINUTE, i * 200), "");
        cr_assert_eq(response.status, 200);
        response_free(&response);
        /* Some of what is there no more, or in part. */
        cr_assert_eq(send("GET", "/b/session", cookies[(i + 1) % 4]).status, 200);
        cr_assert_eq(send("GET", text("/a/answer?length=%d&" MINUTE, i * 200), "").status, 200);
    }
    expect_the_same_worker();
    server_stop(&server);
}

#define LOGIN \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\nfilters = login\n[filter:login]\nmodule = basic_auth\nfile = " \
    "@DIR@/users\n" \
    "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"

static const char *hashed(const char *password)
{
    return text("%s", crypt(password, "$5$rounds=1000$abcdefgh$"));
}

static int login(void)
{
    return send("GET", "/", "Authorization: Basic YWRhOnNlY3JldA==\r\n").status;
}

/* While it runs, and while it reloads: whoever could come in still can. */
Test(batteries, a_file_of_users_that_is_cut_off_shuts_nobody_out)
{
    server_prepare(&server, LOGIN);
    const char *path = text("%s/users", server.dir), *whole = text("ada:%s\nbob:%s\n", hashed("secret"), hashed("other"));
    file_write(path, whole);
    server_launch(&server);
    note_worker();
    cr_assert_eq(login(), 200);
    for (size_t cut = strlen(whole) - 2; cut > strlen(whole) / 2 + 4; cut -= 20) {
        cr_assert_eq(truncate(path, (long)cut), 0);
        server_reload_refused(&server, LOGIN);
        cr_assert_eq(login(), 200);
    }
    await(login() == 200 && server_log_has(&server, "; what was read before still counts"));
    expect_the_same_worker();
    file_write(path, whole);
    server_reload(&server, LOGIN);
    cr_assert_eq(login(), 200);
    server_stop(&server);
}
