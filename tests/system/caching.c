/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter cache: what it keeps and how long, what it answers with that, and who makes it anew. X-Calls of an answer says which run of
 * the handler made it.
 */
#include "caching.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(caching, .timeout = 180);

#define CacheTest(name) Test(caching, name, .init = start, .fini = stop)

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
    require_module("cache");
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
    require_module("cache");
    server_start(&server, SERVER KEEP
                 "[filter:calm]\nmodule = rate_limit\nlimit = 10\nper = 1d\n[filter:small]\nmodule = gzip\n" APP("calm, small, keep"));
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
    require_module("cache");
    redis_require();
    server_prepare(&server, "");
    struct redis redis = {.dir = text("%s", server.dir), .more = ""};
    redis_start(&redis);
    char *ini = text("%s%sstore = redis://127.0.0.1:%d\nstore_timeout = 5s\n%s", SERVER, KEEP, redis.port, APP("keep"));
    struct server first;
    server_start(&first, ini);
    server_start(&server, ini);
    struct response made = get(&first, "/answer?length=60000&field=Vary:Accept&" MINUTE),
                    kept = get(&server, "/answer?length=60000&field=Vary:Accept&" MINUTE);
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
    require_module("cache");
    server_start(&server, SERVER KEEP "fill = 60s\nstore = redis://127.0.0.1:1\n" APP("keep"));
    for (int i = 0; i < 3; i++) /* and nobody is waited for */
        cr_assert(!is_kept("/answer?" MINUTE, ""));
}

/* The store is full many times over; a session, and what an address has used of its limit, are not what goes. */
Test(caching, a_flood_of_answers_pushes_out_no_session_and_no_limit, .fini = stop)
{
    require_module("cache");
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
    require_module("cache");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server_prepare(&server, text("%s[filter:keep]\nmodule = cache\n%s%s", SERVER, cases[i].line, APP("keep")));
        expect_bad_ini(&server, cases[i].reason);
    }
}
