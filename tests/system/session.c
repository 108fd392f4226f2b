/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter session: what it keeps, and for how long; cookies that are forged, cut, replayed, expired, planted or signed by another key.
 */
#include "client.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(session, .timeout = 120);

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"
#define APP "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"
#define SERVER TWO_WORKERS "trusted = 127.0.0.1\nfilters = session\n[filter:session]\nmodule = session\n"
#define KEYS(keys) SERVER "keys = " keys "\n"
#define STORED KEYS(KEY_A) "store = memory\n"
#define TLS "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"

static struct server server;

static void stop(void)
{
    server_stop(&server);
}

/* "session=..." as a browser would send it from now on, NULL if the answer does not say. */
static const char *cookie_of(const struct response *response)
{
    const char *cookie = response_header(response, "Set-Cookie");
    return cookie != NULL ? text("%.*s", (int)strcspn(cookie, ";"), cookie) : NULL;
}

static struct response send(const char *method, const char *path, const char *cookie)
{
    return ask(&server, request(method, path, cookie != NULL ? text("Cookie: %s\r\n", cookie) : ""));
}

/* The session as the handler has it, and the cookie that comes back. */
static const char *expect(const char *method, const char *path, const char *cookie, const char *body)
{
    struct response response = send(method, path, cookie);
    expect_response(&response, 200, body);
    return cookie_of(&response);
}

static void expect_none(const char *cookie)
{
    struct response response = send("GET", "/session", cookie);
    if (response.status != 200 || strcmp(response.body, "{}") != 0)
        harness_fail("%s: %d %s", cookie, response.status, response.body);
    response_free(&response);
}

static void keeps_what_is_set(const char *ini)
{
    server_start(&server, ini);
    cr_assert_null(expect("GET", "/session", NULL, "{}"), "a session without anything in it");
    cr_assert_null(expect("GET", "/", NULL, "plain"));
    const char *cookie = expect("POST", "/session?user=ada&cart=3", NULL, "{\"user\":\"ada\",\"cart\":\"3\"}");
    cr_assert(cookie != NULL && strncmp(cookie, "session=", 8) == 0, "%s", cookie);
    cr_assert_null(expect("GET", "/session", cookie, "{\"user\":\"ada\",\"cart\":\"3\"}"), "nothing has changed");
    cr_assert_null(expect("POST", "/session?user=ada", cookie, "{\"user\":\"ada\",\"cart\":\"3\"}"));
    const char *next = expect("POST", "/session?cart=", cookie, "{\"user\":\"ada\"}");
    cr_assert_not_null(next);
    expect("GET", "/session", next, "{\"user\":\"ada\"}");
    next = expect("POST", "/session?user=", next, "{}");
    cr_assert_str_eq(next, "session=", "one that is empty has ended: %s", next);
}

Test(session, keeps_what_is_set_in_the_cookie, .fini = stop)
{
    keeps_what_is_set(KEYS(KEY_A) APP);
}

Test(session, keeps_what_is_set_in_memory, .fini = stop)
{
    keeps_what_is_set(STORED APP);
}

static void forged_cookies_are_none(const char *ini)
{
    server_start(&server, ini);
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}"),
               *other = expect("POST", "/session?user=bob", NULL, "{\"user\":\"bob\"}");
    for (size_t i = 8; cookie[i] != 0; i++) {
        char *forged = text("%s", cookie);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        if (strcmp(send("GET", "/session", forged).body, "{}") != 0)
            harness_fail("%s is taken for %s", forged, cookie);
    }
    for (size_t length = 8; length < strlen(cookie); length += 7)
        expect_none(text("%.*s", (int)length, cookie));
    expect_none(text("%sA", cookie));
    expect_none(text("%s.", cookie));
    expect_none(text("%.*s%s", (int)(strrchr(cookie, '.') - cookie), cookie, strrchr(other, '.')));
    expect_none("session=....");
    expect_none("session=.");
    char *longest = calloc(1, 7000);
    memset(mempcpy(longest, "session=", 8), 'A', 6900);
    expect_none(longest);
    expect("GET", "/session", cookie, "{\"user\":\"ada\"}");
}

Test(session, forged_cookies_are_none, .fini = stop)
{
    forged_cookies_are_none(KEYS(KEY_A) APP);
}

Test(session, forged_cookies_are_none_to_a_store, .fini = stop)
{
    forged_cookies_are_none(STORED APP);
}

/* The same key, and all else is different: another purpose, another name, another place. */
Test(session, a_cookie_of_another_use_is_none, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    struct response response = ask(&server, request("GET", "/session", text(TLS "Cookie: __Host-%s\r\n", cookie)));
    expect_response(&response, 200, "{}");
    server_restart(&server, KEYS(KEY_A) "cookie = other\n" APP);
    expect_none(text("other%s", cookie + strlen("session")));
    server_restart(&server, STORED APP);
    expect_none(cookie);
}

Test(session, keys_are_changed_one_after_the_other, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    server_restart(&server, KEYS(KEY_B ", " KEY_A) APP);
    const char *next = expect("GET", "/session", cookie, "{\"user\":\"ada\"}");
    cr_assert(next != NULL && strcmp(next, cookie) != 0, "it is not signed anew");
    cr_assert_null(expect("GET", "/", next, "plain"));
    server_restart(&server, KEYS(KEY_B) APP);
    expect_none(cookie);
    expect("GET", "/session", next, "{\"user\":\"ada\"}");
}

static void ends_when_nobody_comes(const char *ini)
{
    server_start(&server, ini);
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    int64_t start = now_ms();
    await(strcmp(send("GET", "/session", cookie).body, "{}") == 0);
    cr_assert(now_ms() - start > 1000, "%d ms", (int)(now_ms() - start));
}

Test(session, ends_when_nobody_comes, .fini = stop)
{
    ends_when_nobody_comes(KEYS(KEY_A) "idle = 2s\n" APP);
}

Test(session, ends_when_nobody_comes_to_a_store, .fini = stop)
{
    ends_when_nobody_comes(STORED "idle = 2s\n" APP);
}

/* Whoever comes again and again gets new cookies, and stays beyond `idle`; at the end of its life it ends all the same. */
static void lives_on_while_somebody_comes(const char *ini)
{
    server_start(&server, ini);
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    int64_t start = now_ms(), last = start;
    while (strcmp(send("GET", "/session", cookie).body, "{}") != 0) {
        struct response response = send("GET", "/", cookie);
        cookie = cookie_of(&response) != NULL ? cookie_of(&response) : cookie;
        last = now_ms();
        cr_assert(last - start < PATIENCE);
        pause_shortly();
    }
    cr_assert(last - start > 3500, "it ended after %d ms", (int)(last - start));
}

Test(session, lives_on_while_somebody_comes, .fini = stop)
{
    lives_on_while_somebody_comes(KEYS(KEY_A) "idle = 2s\nlifetime = 5s\n" APP);
}

Test(session, lives_on_in_a_store_while_somebody_comes, .fini = stop)
{
    lives_on_while_somebody_comes(STORED "idle = 2s\nlifetime = 5s\n" APP);
}

/* Fixation: who planted the cookie knows the id, which is another one after the login. */
Test(session, a_login_takes_the_old_id_out_of_use, .fini = stop)
{
    server_start(&server, STORED APP);
    const char *planted = expect("POST", "/session?cart=3", NULL, "{\"cart\":\"3\"}");
    const char *cookie = expect("POST", "/login?user=ada", planted, "{\"cart\":\"3\",\"user\":\"ada\"}");
    cr_assert(cookie != NULL && strcmp(cookie, planted) != 0);
    expect_none(planted);
    const char *next = expect("POST", "/login", cookie, "{\"cart\":\"3\",\"user\":\"ada\"}");
    expect_none(cookie);
    expect("GET", "/session", next, "{\"cart\":\"3\",\"user\":\"ada\"}");
}

Test(session, a_cookie_replayed_after_the_logout_is_none_to_a_store, .fini = stop)
{
    server_start(&server, STORED APP);
    const char *cookie = expect("POST", "/login?user=ada", NULL, "{\"user\":\"ada\"}");
    cr_assert_str_eq(expect("POST", "/logout", cookie, "ended"), "session=");
    expect_none(cookie);
    /* And what is set by who comes with it gets an id of its own. */
    const char *next = expect("POST", "/session?user=eve", cookie, "{\"user\":\"eve\"}");
    cr_assert(next != NULL && strncmp(strchr(strchr(next, '.') + 1, '.'), strchr(strchr(cookie, '.') + 1, '.'), 23) != 0, "%s, %s", next,
              cookie);
    expect_none(cookie);
}

Test(session, cookies_are_this_hosts_alone_and_not_for_scripts, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "same_site = Strict\nidle = 10m\n" APP);
    struct response response = ask(&server, request("POST", "/session?user=ada", TLS));
    const char *cookie = response_header(&response, "Set-Cookie");
    cr_assert(cookie && strncmp(cookie, "__Host-session=", 15) == 0 && strstr(cookie, "Secure") && strstr(cookie, "HttpOnly") &&
                  strstr(cookie, "SameSite=Strict") && strstr(cookie, "Path=/") && !strstr(cookie, "Max-Age"),
              "%s", cookie);
    server_restart(&server, KEYS(KEY_A) "persistent = on\nidle = 10m\n" APP);
    response = send("POST", "/session?user=ada", NULL);
    cookie = response_header(&response, "Set-Cookie");
    cr_assert(cookie && strstr(cookie, "Max-Age=600") && strstr(cookie, "SameSite=Lax") && !strstr(cookie, "Secure"), "%s", cookie);
}

/* What caches may keep has no cookie in it, and nothing that one client alone may see is left to them. */
Test(session, caches_get_no_session, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "idle = 16s\n" APP);
    struct response response = send("POST", "/session?user=ada&control=public", NULL);
    expect_field(&response, "Cache-Control", "no-store");
    expect_field(&response, "Vary", "Cookie");
    const char *cookie = cookie_of(&response);
    response = send("GET", "/session", cookie);
    expect_field(&response, "Cache-Control", "private");
    expect_field(&response, "Vary", "Cookie");
    response = send("GET", "/", cookie);
    expect_field(&response, "Cache-Control", NULL);
    expect_field(&response, "Vary", NULL);
    await(cookie_of((struct response[]){send("GET", "/", cookie)}) != NULL); /* a 16th of idle has gone by */
    response = send("GET", "/own?Cache-Control=max-age=60", cookie);
    expect_field(&response, "Cache-Control", "max-age=60");
    expect_field(&response, "Set-Cookie", NULL);
}

Test(session, what_is_too_large_is_a_failure_and_not_cut, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    const char *cookie = expect("POST", "/fill?size=2500", NULL, "filled");
    struct response response = send("GET", "/session", cookie);
    cr_assert_eq(response.length, 2500 + strlen("{\"fill\":\"\"}"));
    response = send("POST", "/fill?size=3500", cookie);
    expect_response(&response, 500, NULL);
    expect_field(&response, "Set-Cookie", NULL);
    server_log_await(&server, "too many for a cookie: use a store", 1);
    server_restart(&server, STORED APP);
    cookie = expect("POST", "/fill?size=30000", NULL, "filled");
    response = send("GET", "/session", cookie);
    cr_assert_eq(response.length, 30000 + strlen("{\"fill\":\"\"}"));
    response = send("POST", "/fill?size=40000", cookie);
    expect_response(&response, 500, NULL);
}

/* A token of csrf is bound to the session: a login makes the old ones worthless. */
Test(session, tokens_of_csrf_end_with_it, .fini = stop)
{
    server_start(&server, ONE_WORKER "filters = session, csrf\n[filter:session]\nmodule = session\nkeys = " KEY_A "\n"
                                     "[filter:csrf]\nmodule = csrf\nkeys = " KEY_A "\n" APP);
    struct response response = ask(&server, request("POST", "/session?a=1", "Sec-Fetch-Site: same-origin\r\n"));
    const char *session = cookie_of(&response);
    response = send("GET", "/csrf", session);
    const char *cookies = text("%s; %s", session, cookie_of(&response)), *csrf = cookie_of(&response), *token = response.body;
    response = ask(&server, request("POST", "/login?user=ada", text("Cookie: %s\r\nX-CSRF-Token: %s\r\n", cookies, token)));
    expect_response(&response, 200, NULL);
    cookies = text("%s; %s", cookie_of(&response), csrf);
    response = ask(&server, request("POST", "/session?b=1", text("Cookie: %s\r\nX-CSRF-Token: %s\r\n", cookies, token)));
    expect_response(&response, 403, NULL);
}

static struct redis redis;

static const char *with_redis(const char *more)
{
    return text(KEYS(KEY_A) "store = redis://127.0.0.1:%d\nstore_timeout = 10s\n%s" APP, redis.port, more);
}

static void start_redis(const char *more)
{
    redis_require();
    server_prepare(&server, "");
    chmod(server.dir, 0777);
    redis = (struct redis){.dir = server.dir, .more = ""};
    redis_start(&redis);
    server_configure(&server, with_redis(more));
    server_launch(&server);
}

static void stop_both(void)
{
    server_stop(&server);
    redis_kill(&redis);
}

/* Logged in on one, logged out on the other, whichever the client comes to. */
Test(session, machines_share_a_store)
{
    start_redis("");
    struct server first = server, second;
    server_start(&second, with_redis(""));
    const char *cookie = expect("POST", "/login?user=ada", NULL, "{\"user\":\"ada\"}");
    server = second;
    expect("GET", "/session", cookie, "{\"user\":\"ada\"}");
    expect("POST", "/session?cart=3", cookie, "{\"user\":\"ada\",\"cart\":\"3\"}");
    server = first;
    expect("GET", "/session", cookie, "{\"user\":\"ada\",\"cart\":\"3\"}");
    expect("POST", "/logout", cookie, "ended");
    server = second;
    expect_none(cookie);
    server_stop(&second);
    server = first;
    stop_both();
}

Test(session, a_store_that_is_down_refuses_who_needs_it)
{
    start_redis("");
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    redis_kill(&redis);
    struct response response = send("GET", "/session", cookie);
    expect_response(&response, 503, NULL);
    expect_field(&response, "Retry-After", "1");
    expect_field(&response, "Set-Cookie", NULL);
    response = send("POST", "/login?user=eve", cookie);
    expect_response(&response, 503, NULL);
    response = send("POST", "/session?user=eve", NULL);
    expect_response(&response, 503, NULL);
    expect("GET", "/", cookie, "plain");
    expect("GET", "/session", NULL, "{}");
    redis_start(&redis);
    await(send("GET", "/session", cookie).status == 200);
    stop_both();
}

Test(session, a_store_that_is_down_may_leave_it_empty)
{
    start_redis("store_down = empty\n");
    const char *cookie = expect("POST", "/session?user=ada", NULL, "{\"user\":\"ada\"}");
    redis_kill(&redis);
    cr_assert_null(expect("GET", "/session", cookie, "{}"), "the cookie is to be good when the store is there again");
    cr_assert_null(expect("POST", "/session?user=eve", cookie, "{\"user\":\"eve\"}"));
    cr_assert_null(expect("POST", "/session?user=eve", NULL, "{\"user\":\"eve\"}"));
    expect("POST", "/login?user=eve", cookie, "not renewed");
    stop_both();
}

static void expect_refused(const char *settings, const char *reason)
{
    struct server refused;
    server_prepare(&refused, text("%s%s%s", SERVER, settings, APP));
    expect_bad_ini(&refused, reason);
}

Test(session, bad_settings_are_refused_with_their_line)
{
#define KEY "keys = " KEY_A "\n"
    expect_refused("", "\\[filter:session\\] keys: ");
    expect_refused("keys = short\n", "server\\.ini:8: \\[filter:session\\] keys: number 1 has 5 characters");
    expect_refused(KEY "idle = 10ms\n", "server\\.ini:9: \\[filter:session\\] idle: must be 1s or more");
    expect_refused(KEY "idle = 2d\n", "\\[filter:session\\] lifetime: must not be shorter than idle");
    expect_refused(KEY "same_site = lax\n", "server\\.ini:9: \\[filter:session\\] same_site: must be Lax, Strict or None, not 'lax'");
    expect_refused(KEY "store_down = open\n", "server\\.ini:9: \\[filter:session\\] store_down: must be refuse or empty, not 'open'");
    expect_refused(KEY "store = mysql://x\n", "server\\.ini:9: \\[filter:session\\] store: ");
    expect_refused(KEY "cookie = a=b\n", "server\\.ini:9: \\[filter:session\\] cookie: ");
}

/* NULL, which json_object_*() take for empty, looks like a session that is lost from one request to the next. */
Test(session, without_the_filter_is_told_once)
{
    server_start(&server, ONE_WORKER APP);
    for (int i = 0; i < 3; i++) {
        expect_get(&server, "/session", 500, NULL);
        expect_get(&server, "/csrf", 200, NULL);
        struct response response = ask(&server, request("POST", "/login", "Content-Length: 0\r\n"));
        expect_response(&response, 200, "not renewed");
    }
    server_stop(&server);
    char *log = file_read(server.log, NULL);
    cr_expect(text_matches(log, " warning .* main\\.show_session calls tine_session\\(\\), which does nothing: "
                               "no filter of module 'session' runs around it"));
    cr_expect_eq(text_count(log, "calls tine_session(),"), 1, "%s", log);
    cr_expect_eq(text_count(log, "main.csrf_token calls tine_csrf_token(),"), 1, "%s", log);
    cr_expect_eq(text_count(log, "calls tine_session_renew(),"), 1, "%s", log);
}
