/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter cache: what it keeps, for whom and how long, and the ways in which one client's request might spoil another's answer.
 * X-Calls of an answer says which run of the handler made it.
 */
#include "client.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(caching, .timeout = 180);

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers_max = 4\nshared = 8m\n"
#define KEEP "[filter:keep]\nmodule = cache\ntell = on\n"
#define APP(filters) "[app:a]\npath = /\nmodule = @MODULES@/answers.so\nfilters = " filters "\n"
#define MINUTE "field=Cache-Control:max-age=60"

static struct server server;

static void need(void)
{
    if (!file_exists(text("%s/../../modules/cache.so", modules_path())))
        cr_skip_test("cache was not built: scripts/setup test installs what it needs");
}

static void start(void)
{
    need();
    server_start(&server, SERVER KEEP APP("keep"));
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define CacheTest(name) Test(caching, name, .init = start, .fini = stop)

static struct response ask_for(const char *method, const char *path, const char *fields)
{
    struct client client = client_connect(&server);
    client_send(&client, request(method, path, fields));
    struct response response = strcmp(method, "HEAD") == 0 ? client_read_head(&client) : client_read(&client);
    client_close(&client);
    return response;
}

/* Is it an answer that was made before? */
static bool is_kept(const char *path, const char *fields)
{
    struct response response = ask_for("GET", path, fields);
    const char *age = response_header(&response, "Age"), *cache = response_header(&response, "X-Cache");
    bool kept = age != NULL;
    cr_assert_eq(kept, cache != NULL && strcmp(cache, "hit") == 0, "%s", response.head);
    response_free(&response);
    return kept;
}

static void expect_kept_for(const char *path, const char *fields, const char *others_path, const char *others, bool kept)
{
    is_kept(path, fields);
    if (is_kept(others_path, others) != kept)
        harness_fail("%s with '%s' is %s kept for %s with '%s'", path, fields, kept ? "not" : "wrongly", others_path, others);
}

CacheTest(answers_that_say_so_are_kept)
{
    static const struct {
        const char *path;
        bool kept;
    } cases[] = {
        {"/answer?" MINUTE, true},
        {"/answer?field=Cache-Control:s-maxage=60", true},
        {"/answer?field=Cache-Control:public,+max-age=60&status=301", true},
        {"/answer?field=CACHE-control:MAX-age=60&status=404", true},
        {"/answer?field=Cache-Control:x=%22a,+no-store%22,+max-age=60", true},
        {"/content?" MINUTE, true},
        {"/answer?length=60000&" MINUTE, true},
        {"/answer?length=66000&" MINUTE, false},
        {"/answer?", false},
        {"/answer?field=Cache-Control:public", false},
        {"/answer?field=Cache-Control:max-age=0", false},
        {"/answer?field=Cache-Control:max-age=60,+s-maxage=0", false},
        {"/answer?field=Cache-Control:max-age=60x", false},
        {"/answer?field=Cache-Control:max-age=-1", false},
        {"/answer?field=Cache-Control:max-age=60,+max-age=0", false},
        {"/answer?field=Cache-Control:max-age=60,+private", false},
        {"/answer?field=Cache-Control:max-age=60,+private=%22x%22", false},
        {"/answer?field=Cache-Control:max-age=60,no-store", false},
        {"/answer?field=Cache-Control:max-age=60,+no-cache=%22a,b%22", false},
        {"/answer?" MINUTE "&field=Cache-Control:private", false},
        {"/answer?" MINUTE "&field=cache-control:No-Store", false},
        {"/answer?" MINUTE "&field=Set-Cookie:a=b", false},
        {"/answer?" MINUTE "&field=Vary:*", false},
        {"/answer?" MINUTE "&field=Vary:Accept&field=Vary:*", false},
        {"/answer?status=500&" MINUTE, false},
        {"/answer?status=302&" MINUTE, false},
        {"/answer?status=206&" MINUTE, false},
        {"/stream?" MINUTE, false},
        {"/flushed?" MINUTE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_kept_for(cases[i].path, "", cases[i].path, "", cases[i].kept);
}

CacheTest(fields_come_again_as_they_were)
{
    const char *path = "/answer?length=3000&type=text/x-own&field=Link:1&field=Link:2&field=X-Any:+y&" MINUTE;
    struct response first = ask_for("GET", path, ""), second = ask_for("GET", path, ""), head = ask_for("HEAD", path, "");
    cr_assert_eq(second.length, 3000);
    cr_assert_str_eq(first.body, second.body);
    cr_assert(strstr(second.head, "Link: 1\r\nLink: 2\r\nX-Any: y\r\n") != NULL, "%s", second.head);
    expect_field(&second, "Content-Type", "text/x-own");
    expect_field(&second, "X-Calls", response_header(&first, "X-Calls"));
    expect_field(&second, "Cache-Control", "max-age=60");
    expect_field(&head, "Content-Length", "3000");
    expect_field(&head, "X-Calls", response_header(&first, "X-Calls"));
    cr_assert_eq(text_count(second.head, "X-Cache: "), 1);
    cr_assert_eq(text_count(second.head, "X-Request-Id: "), 1);
    cr_assert_str_neq(response_header(&first, "X-Request-Id"), response_header(&second, "X-Request-Id"));
}

CacheTest(answers_are_not_kept_beyond_their_time)
{
    const char *path = "/answer?field=Cache-Control:max-age=1";
    expect_kept_for(path, "", path, "", true);
    await(!is_kept(path, ""));
}

/* In all of these what the first may see, or has brought, is not for the second. */
CacheTest(nobody_gets_what_was_for_another)
{
    static const struct {
        const char *path, *fields, *others_path, *others;
    } cases[] = {
        {"/answer?a&" MINUTE, "Authorization: Basic YTpi\r\n", NULL, ""},
        {"/answer?b&" MINUTE, "", NULL, "Authorization: Basic YTpi\r\n"},
        {"/answer?c&" MINUTE, "Cookie: sid=1\r\n", NULL, ""},
        {"/answer?d&" MINUTE, "Cache-Control: no-store\r\n", NULL, ""},
        {"/answer?e&field=Vary:Cookie&" MINUTE, "Cookie: sid=1\r\n", NULL, "Cookie: sid=2\r\n"},
        {"/answer?f&field=Vary:Accept&field=Vary:Accept-Language&" MINUTE, "Accept-Language: de\r\n", NULL, "Accept-Language: fr\r\n"},
        {"/answer?g&field=Vary:Accept,Accept-Language&" MINUTE, "Accept: a\r\nAccept-Language: b\r\n", NULL, "Accept: a\r\n"},
        {"/answer?g2&field=Vary:A,B&" MINUTE, "A: x\r\n", NULL, "B: x\r\n"},
        {"/answer?h&field=Vary:Accept&" MINUTE, "", NULL, "Accept:\r\n"},
        {"/answer?x=1&y=2&" MINUTE, "", "/answer?y=2&x=1&" MINUTE, ""},
        {"/answer?i=1&" MINUTE, "", "/answer?i=1&i=2&" MINUTE, ""},
        {"/answer?" MINUTE "&j", "", "/answer?" MINUTE "&J", ""},
        {"/answer?" MINUTE "&k", "", "/answer%3F" MINUTE "&k", ""},
        {"/answer?" MINUTE "&l", "Content-Length: 3\r\n\r\nabc", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_kept_for(cases[i].path, cases[i].fields, cases[i].others_path != NULL ? cases[i].others_path : cases[i].path, cases[i].others, false);
    const char *with = "Cookie: sid=1\r\n", *open = "/answer?field=Cache-Control:public,max-age=60", *vary = "/answer?m&field=Vary:cookie&" MINUTE;
    expect_kept_for(open, with, open, "", true);
    expect_kept_for(vary, with, vary, with, true);
}

CacheTest(fields_that_no_key_has_do_not_poison_it)
{
    static const char *const fields[] = {"X-Forwarded-Host", "x-forwarded-host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override",
                                         "X-Forwarded-Scheme", "X-Forwarded-Prefix", "Forwarded", "X_Forwarded_Host", "X-Any-Other"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *path = text("/answer?echo=%s&n=%zu&" MINUTE, fields[i], i), *evil = text("%s: evil.example\r\n", fields[i]);
        struct response poisoned = ask_for("GET", path, evil);
        expect_response(&poisoned, 200, "evil.example");
        struct response clean = ask_for("GET", path, "");
        expect_response(&clean, 200, "nothing");
        clean = ask_for("GET", path, evil); /* and who sends it sees what all see */
        expect_response(&clean, 200, "nothing");
    }
    char *vary = "/answer?echo=X-Lang&field=Vary:X-Lang&" MINUTE;
    expect_kept_for(vary, "X-Lang: de\r\n", vary, "X-Lang: de\r\n", true);
    cr_assert(!is_kept(vary, "X-Lang: fr\r\n"));
    expect_kept_for("/answer?q&" MINUTE, "X-Forwarded-For: 10.1.1.1\r\n", "/answer?q&" MINUTE, "", true);
}

/* What a handler has made of one user's session or token is not for others, even if it says so, and even before the cookie is set by a
 * filter further out. */
Test(caching, nobody_gets_what_was_made_of_another_s_session, .fini = stop)
{
    need();
    server_start(&server, SERVER KEEP "[filter:session]\nmodule = session\nkeys = 0123456789abcdef0123456789abcdef\n"
                          "[filter:csrf]\nmodule = csrf\nkeys = 0123456789abcdef0123456789abcdef\n"
                          "[app:b]\npath = /\nmodule = @MODULES@/battery.so\nfilters = session, csrf, keep\n");
    struct response response = ask_for("POST", "/session?user=ada", "Sec-Fetch-Site: same-origin\r\n");
    const char *set = response_header(&response, "Set-Cookie"), *ada = text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    const char *path = "/session?control=public,+max-age=60,+s-maxage=60";
    response = ask_for("GET", path, ada);
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    response = ask_for("GET", path, "");
    expect_response(&response, 200, "{}");
    response = ask_for("GET", path, ada); /* nor ada the one of nobody */
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    path = "/csrf?control=public,+max-age=60";
    response = ask_for("GET", path, "");
    expect_field(&response, "Cache-Control", "no-store");
    set = response_header(&response, "Set-Cookie");
    const char *token = text("%s", response.body), *mine = text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    response = ask_for("GET", path, mine);
    expect_field(&response, "Cache-Control", "no-store");
    cr_assert_str_neq(response.body, token);
    struct response others = ask_for("GET", path, "");
    cr_assert(strcmp(others.body, response.body) != 0 && response_header(&others, "Set-Cookie") != NULL, "%s", others.head);
    expect_kept_for("/own?Cache-Control=max-age=60", "", "/own?Cache-Control=max-age=60", "", true);
}

static char *to_host(const char *host, const char *path)
{
    return text("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
}

CacheTest(hosts_and_methods_are_apart)
{
    const char *path = "/answer?echo=Host&" MINUTE;
    struct response response = ask(&server, to_host("evil.example", path));
    expect_response(&response, 200, "evil.example");
    response = ask(&server, to_host("good.example", path));
    expect_response(&response, 200, "good.example");
    response = ask(&server, to_host("GOOD.example", path));
    expect_response(&response, 200, "good.example");
    response = ask(&server, to_host("good.example:80", path));
    expect_response(&response, 200, "good.example:80");
    response = ask(&server, text("GET http://evil.example%s HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", path));
    expect_response(&response, 200, "evil.example");
    /* Of two hosts that contradict each other the target's counts, to the handler as to the key (RFC 9112, 3.2.2). */
    response = ask(&server, text("GET http://other.example%s HTTP/1.1\r\nHost: third.example\r\nConnection: close\r\n\r\n", path));
    expect_response(&response, 200, "other.example");
    response = ask(&server, to_host("third.example", path));
    expect_response(&response, 200, "third.example");
    path = "/answer?text=x&" MINUTE;
    response = ask_for("HEAD", path, ""); /* fills nothing */
    response = ask_for("GET", path, "");
    expect_response(&response, 200, "GET x");
    expect_field(&response, "Age", NULL);
    response = ask_for("POST", path, "Content-Length: 0\r\n");
    expect_response(&response, 200, "POST x");
    response = ask_for("GET", path, "");
    expect_field(&response, "Age", NULL); /* what was changed is made again */
    expect_response(&response, 200, "GET x");
}

/* What is right on http may be wrong on https (a redirect to it, say). Who is no proxy of ours says nothing by X-Forwarded-Proto. */
Test(caching, schemes_are_apart, .fini = stop)
{
    need();
    server_start(&server, SERVER "trusted = 127.0.0.1\n" KEEP APP("keep"));
    const char *path = "/answer?" MINUTE, *tls = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n",
               *plain = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: http\r\n";
    expect_kept_for(path, plain, path, tls, false);
    cr_assert(is_kept(path, tls));
    cr_assert(is_kept(path, plain));
    server_stop(&server);
    start();
    expect_kept_for(path, tls, path, plain, true);
}

CacheTest(a_change_forgets_every_variant)
{
    const char *path = "/answer?field=Vary:Accept&" MINUTE;
    expect_kept_for(path, "Accept: a\r\n", path, "Accept: a\r\n", true);
    expect_kept_for(path, "Accept: b\r\n", path, "Accept: b\r\n", true);
    ask_for("POST", path, "Content-Length: 0\r\n");
    cr_assert(!is_kept(path, "Accept: a\r\n"));
    cr_assert(!is_kept(path, "Accept: b\r\n"));
    cr_assert(is_kept(path, "Accept: a\r\n"));
}

CacheTest(long_targets_are_told_apart_to_the_last_byte)
{
    char *path = text("/answer?" MINUTE "&%06000d", 1), *other = text("/answer?" MINUTE "&%06000d", 2);
    expect_kept_for(path, "", other, "", false);
    cr_assert(is_kept(path, ""));
    char *vary = "/answer?field=Vary:Accept&" MINUTE;
    expect_kept_for(vary, text("Accept: %07000d\r\n", 1), vary, text("Accept: %07000d\r\n", 2), false);
    cr_assert(is_kept(vary, text("Accept: %07000d\r\n", 1)));
}

CacheTest(requests_say_what_they_want)
{
    const char *path = "/answer?z&" MINUTE;
    struct response response = ask_for("GET", path, "Cache-Control: only-if-cached\r\n");
    cr_assert_eq(response.status, 504);
    is_kept(path, "");
    cr_assert(is_kept(path, "Cache-Control: only-if-cached\r\n"));
    cr_assert(is_kept(path, "Cache-Control: max-age=50\r\n"));
    cr_assert(!is_kept(path, "Cache-Control: no-cache\r\n"));
    cr_assert(!is_kept(path, "Pragma: no-cache\r\n"));
    cr_assert(!is_kept(path, "Cache-Control: min-fresh=61\r\n"));
    cr_assert(!is_kept(path, "Cache-Control: no-store\r\n"));
    response = ask_for("GET", path, "Cache-Control: no-cache\r\n");
    expect_field(&response, "X-Cache", "miss");
    struct response next = ask_for("GET", path, "");
    expect_field(&next, "X-Calls", response_header(&response, "X-Calls")); /* and the new one is kept */
}

CacheTest(conditions_are_answered_by_what_is_kept)
{
    const char *path = "/content?" MINUTE;
    struct response first = ask_for("GET", path, "");
    expect_field(&first, "ETag", "\"one\"");
    struct response response = ask_for("GET", path, "If-None-Match: \"one\"\r\n");
    cr_assert_eq(response.status, 304);
    expect_field(&response, "X-Calls", response_header(&first, "X-Calls"));
    expect_field(&response, "ETag", "\"one\"");
    response = ask_for("GET", path, "If-None-Match: \"two\"\r\n");
    cr_assert_eq(response.status, 200);
    expect_field(&response, "X-Calls", response_header(&first, "X-Calls"));
    cr_assert_eq(ask_for("GET", path, "If-Match: \"two\"\r\n").status, 412);
    const char *other = "/answer?etag=%22a%22&" MINUTE;
    expect_kept_for(other, "If-None-Match: \"a\"\r\n", other, "", false); /* a 304 is nothing to keep */
}

/* A 412 would be kept by caches further on with the fields of a 200, and has another body than it; a 304 has none. */
CacheTest(a_412_and_a_304_have_no_fields_of_the_content)
{
    const char *path = "/content?field=Content-Language:en&field=Content-Encoding:x-own&field=Link:1&" MINUTE;
    is_kept(path, "");
    struct response response = ask_for("GET", path, "If-Match: \"two\"\r\n");
    cr_assert_eq(response.status, 412);
    expect_field(&response, "X-Cache", "hit");
    static const char *const names[] = {"Cache-Control", "ETag", "Accept-Ranges", "Content-Encoding", "Content-Language", "Link", "Age"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_field(&response, names[i], NULL);
    expect_field(&response, "Content-Type", "application/problem+json");
    response = ask_for("GET", path, "If-None-Match: \"one\"\r\n");
    cr_assert_eq(response.status, 304);
    expect_field(&response, "X-Cache", "hit");
    expect_field(&response, "Cache-Control", "max-age=60");
    expect_field(&response, "ETag", "\"one\"");
    expect_field(&response, "Link", "1");
    expect_field(&response, "Content-Encoding", NULL);
    expect_field(&response, "Content-Language", NULL);
    expect_field(&response, "Accept-Ranges", NULL);
    response = ask_for("GET", path, "If-Match: \"one\"\r\n");
    cr_assert_eq(response.status, 200);
    expect_field(&response, "X-Cache", "hit");
    expect_field(&response, "Content-Encoding", "x-own");
    expect_field(&response, "ETag", "\"one\"");
}

/* Clients that ask at once; how many times the handler ran for them. */
static int calls_for(int clients, const char *path)
{
    struct client all[16];
    int64_t first = atoll(response_header(&(struct response){.head = ask_for("GET", "/answer", "").head}, "X-Calls"));
    for (int i = 0; i < clients; i++) {
        all[i] = client_connect(&server);
        client_send(&all[i], request("GET", path, ""));
    }
    for (int i = 0; i < clients; i++) {
        struct response response = client_read(&all[i]);
        cr_assert_eq(response.status, 200);
        client_close(&all[i]);
    }
    return (int)(atoll(response_header(&(struct response){.head = ask_for("GET", "/answer", "").head}, "X-Calls")) - first) - 1;
}

CacheTest(of_many_who_miss_one_fills)
{
    cr_expect_eq(calls_for(12, "/answer?ms=500&" MINUTE), 1);
    cr_expect_eq(calls_for(12, "/answer?ms=500&" MINUTE), 0);
    cr_expect_eq(calls_for(4, "/answer?ms=300&status=200"), 4); /* what is not kept is not waited for longer than once */
    int64_t before = now_ms();
    cr_expect_eq(calls_for(4, "/answer?ms=300&status=200"), 4);
    cr_expect_lt(now_ms() - before, 4 * 300, "one after another");
}

Test(caching, who_fills_too_slowly_is_not_waited_for, .fini = stop)
{
    need();
    server_start(&server, SERVER KEEP "fill = 50ms\n" APP("keep"));
    cr_expect_geq(calls_for(4, "/answer?ms=600&" MINUTE), 2);
}

/* Of two who come then one makes it, and the other need not wait. */
CacheTest(what_is_stale_serves_while_one_makes_it_anew)
{
    const char *path = "/answer?ms=1000&field=Cache-Control:max-age=2,+stale-while-revalidate=60";
    struct response first = ask_for("GET", path, ""), responses[2];
    struct client clients[2] = {client_connect(&server), client_connect(&server)};
    int64_t filled = now_ms();
    await(now_ms() - filled > 2100);
    for (int i = 0; i < 2; i++)
        client_send(&clients[i], request("GET", path, ""));
    for (int i = 0; i < 2; i++) {
        responses[i] = client_read(&clients[i]);
        client_close(&clients[i]);
    }
    int old = response_header(&responses[0], "Age") == NULL;
    expect_field(&responses[old], "X-Calls", response_header(&first, "X-Calls"));
    expect_field(&responses[old], "Age", "2");
    expect_field(&responses[!old], "Age", NULL);
    struct response next = ask_for("GET", path, "");
    expect_field(&next, "X-Calls", response_header(&responses[!old], "X-Calls"));
}

Test(caching, fields_of_filters_outside_are_set_anew, .fini = stop)
{
    need();
    server_start(&server, SERVER KEEP "[filter:calm]\nmodule = rate_limit\nlimit = 10\nper = 1d\n[filter:small]\nmodule = gzip\n" APP("calm, small, keep"));
    const char *path = "/answer?length=5000&" MINUTE;
    ask_for("GET", path, "");
    struct response response = ask_for("GET", path, "Accept-Encoding: gzip\r\n");
    expect_field(&response, "RateLimit", "\"calm\";r=8;t=17280");
    cr_assert_eq(text_count(response.head, "RateLimit: "), 1);
    expect_field(&response, "Content-Encoding", "gzip");
    expect_field(&response, "X-Cache", "hit");
    response = ask_for("GET", path, "");
    expect_field(&response, "Content-Encoding", NULL);
    cr_assert_eq(response.length, 5000);
}

Test(caching, in_redis_it_is_kept_for_several_machines, .fini = stop)
{
    need();
    redis_require();
    server_prepare(&server, "");
    struct redis redis = {.dir = text("%s", server.dir), .more = ""};
    redis_start(&redis);
    char *ini = text("%s%sstore = redis://127.0.0.1:%d\nstore_timeout = 5s\n%s", SERVER, KEEP, redis.port, APP("keep"));
    struct server first;
    server_start(&first, ini);
    server_start(&server, ini);
    struct response made = get(&first, "/answer?length=60000&field=Vary:Accept&" MINUTE), kept = get(&server, "/answer?length=60000&field=Vary:Accept&" MINUTE);
    expect_field(&made, "X-Cache", "miss");
    expect_field(&kept, "X-Cache", "hit");
    cr_assert_str_eq(made.body, kept.body);
    redis_kill(&redis);
    made = get(&server, "/answer?length=60000&field=Vary:Accept&" MINUTE);
    expect_field(&made, "X-Cache", "miss");
    redis_start(&redis);
    await(is_kept("/answer?" MINUTE, "")); /* it comes back by itself */
    redis_kill(&redis);
    server_stop(&first);
}

Test(caching, without_the_store_handlers_answer, .fini = stop)
{
    need();
    server_start(&server, SERVER KEEP "fill = 60s\nstore = redis://127.0.0.1:1\n" APP("keep"));
    for (int i = 0; i < 3; i++) /* and nobody is waited for */
        cr_assert(!is_kept("/answer?" MINUTE, ""));
}

/* The store is full many times over; a session, and what an address has used of its limit, are not what goes. */
Test(caching, a_flood_of_answers_pushes_out_no_session_and_no_limit, .fini = stop)
{
    need();
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nworkers_max = 2\nshared = 64k\n" KEEP
                          "[filter:calm]\nmodule = rate_limit\nlimit = 1\nper = 300d\n"
                          "[filter:session]\nmodule = session\nstore = memory\nkeys = 0123456789abcdef0123456789abcdef\n" APP("keep")
                          "[app:b]\npath = /b\nmodule = @MODULES@/battery.so\nfilters = session\n"
                          "[app:c]\npath = /c\nmodule = @MODULES@/answers.so\nfilters = calm\n");
    struct response response = ask_for("POST", "/b/session?user=ada", "");
    const char *set = response_header(&response, "Set-Cookie"), *cookie = text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    cr_assert_eq(ask_for("GET", "/c/answer", "").status, 200);
    for (int i = 0; i < 500; i++) {
        response = ask_for("GET", text("/answer?length=3000&n=%d&" MINUTE, i), "");
        response_free(&response);
    }
    response = ask_for("GET", "/b/session", cookie);
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    cr_assert_eq(ask_for("GET", "/c/answer", "").status, 429);
    await(is_kept("/answer?length=3000&n=500&" MINUTE, "")); /* and it still keeps what comes */
}

Test(caching, bad_settings_are_named)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"max_ttl = 0\n", "server\\.ini:8: \\[filter:keep\\] max_ttl: .*from 1s to 366d"},
        {"max_ttl = 367d\n", "server\\.ini:8: \\[filter:keep\\] max_ttl: "},
        {"fill = 9ms\n", "server\\.ini:8: \\[filter:keep\\] fill: .*from 10ms to 60s"},
        {"fill = 61s\n", "server\\.ini:8: \\[filter:keep\\] fill: "},
        {"store = elsewhere\n", "server\\.ini:8: \\[filter:keep\\] store: "},
        {"tell = perhaps\n", "server\\.ini:8: \\[filter:keep\\] tell: "},
    };
    need();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_prepare(&server, text("%s[filter:keep]\nmodule = cache\n%s%s", SERVER, cases[i].line, APP("keep")));
        struct run ran = run_tine("-t", "-c", server.ini);
        cr_assert(ran.code != 0 && text_matches(ran.err, cases[i].reason), "%s: %d %s", cases[i].line, ran.code, ran.err);
    }
}
