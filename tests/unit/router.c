/* SPDX-License-Identifier: Apache-2.0 */
#include "app/router.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int handler(tine_request *r)
{
    (void)r;
    return 0;
}

static struct router router;
static struct buffer allow;

static void setup(void)
{
    router_init(&router);
    allow = BUFFER_EMPTY;
}

static void teardown(void)
{
    router_release(&router);
    buffer_release(&allow);
}

static const char *add(const char *method, const char *pattern)
{
    return router_add(&router, method, pattern, handler, "handler", 0);
}

static int match(const char *method, const char *path, struct router_match *found)
{
    buffer_clear(&allow, 1 << 16);
    return router_match(&router, slice_from(method), slice_from(path), found, &allow);
}

static void cr_slice(struct slice got, const char *wanted)
{
    cr_expect(slice_equals(got, slice_from(wanted)), "got '%.*s', wanted '%s'", (int)got.length, got.data, wanted);
}

TestSuite(router, .init = setup, .fini = teardown);

Test(router, most_specific_pattern_wins)
{
    static const char *const patterns[] = {"/users/{id}", "/users/me", "/users/{id:int}", "/{rest:path}", "/users/{id}/posts",
                                           "/users/", "/", "/a/{x}/c", "/a/b/{rest:path}"};
    static const struct {
        const char *path, *pattern;
    } cases[] = {
        {"/users/me", "/users/me"},          {"/users/42", "/users/{id:int}"}, {"/users/-42", "/users/{id:int}"},
        {"/users/-", "/users/{id}"},         {"/users/4x", "/users/{id}"},     {"/users/4/posts", "/users/{id}/posts"},
        {"/users/", "/users/"},              {"/users", "/{rest:path}"},       {"/", "/"},
        {"/users/4/nothing", "/{rest:path}"}, {"//", "/{rest:path}"},          {"/a/b/c", "/a/b/{rest:path}"},
        {"/a/q/c", "/a/{x}/c"},              {"/a/q/d", "/{rest:path}"},       {"/a/b", "/{rest:path}"},
        {"/a/b/", "/a/b/{rest:path}"},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        cr_assert_null(add("GET", patterns[i]), "%s", patterns[i]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct router_match found;
        cr_expect_eq(match("GET", cases[i].path, &found), 0, "%s", cases[i].path);
        if (found.route != NULL)
            cr_expect_str_eq(found.route->pattern, cases[i].pattern, "%s", cases[i].path);
    }
}

Test(router, captures_values_in_the_order_of_the_pattern)
{
    struct router_match found;
    add("GET", "/{owner}/{repo}/files/{rest:path}");
    cr_assert_eq(match("GET", "/ada/engine/files/src/main.c", &found), 0);
    cr_assert_eq(found.route->param_count, 3);
    cr_slice(found.route->params[1], "repo");
    cr_slice(found.values[0], "ada");
    cr_slice(found.values[1], "engine");
    cr_slice(found.values[2], "src/main.c");
}

Test(router, values_of_a_way_that_led_nowhere_are_forgotten)
{
    struct router_match found;
    add("GET", "/{a:int}/x/y");
    add("GET", "/{b}/{c}/z");
    cr_assert_eq(match("GET", "/1/x/z", &found), 0);
    cr_slice(found.values[0], "1");
    cr_slice(found.values[1], "x");
}

Test(router, an_empty_segment_is_no_value)
{
    struct router_match found;
    add("GET", "/users/{id}");
    cr_expect_eq(match("GET", "/users/", &found), 404);
    cr_expect_eq(match("GET", "/users", &found), 404);
    cr_expect_eq(match("GET", "/users/1/", &found), 404);
}

Test(router, other_methods_are_405_with_what_is_allowed)
{
    struct router_match found;
    add("GET", "/users/{id}");
    add("DELETE", "/users/{id}");
    add("PUT", "/users/me");
    cr_expect_eq(match("POST", "/users/me", &found), 405);
    cr_slice((struct slice){buffer_bytes(&allow), buffer_length(&allow)}, "PUT, GET, HEAD, DELETE");
    cr_expect_eq(match("POST", "/nothing", &found), 404);
    cr_expect_null(found.route);
}

Test(router, a_less_specific_pattern_serves_a_method_that_the_specific_one_lacks)
{
    struct router_match found;
    add("PUT", "/users/me");
    add("GET", "/users/{id}");
    cr_assert_eq(match("GET", "/users/me", &found), 0);
    cr_expect_str_eq(found.route->pattern, "/users/{id}");
}

Test(router, head_is_served_by_get_unless_it_has_its_own)
{
    struct router_match found;
    add("GET", "/a");
    add("GET", "/b");
    add("HEAD", "/b");
    add("*", "/c");
    add("POST", "/c");
    cr_assert_eq(match("HEAD", "/a", &found), 0);
    cr_slice(found.route->method, "GET");
    cr_assert_eq(match("HEAD", "/b", &found), 0);
    cr_slice(found.route->method, "HEAD");
    cr_assert_eq(match("BREW", "/c", &found), 0);
    cr_slice(found.route->method, "*");
    cr_assert_eq(match("POST", "/c", &found), 0);
    cr_slice(found.route->method, "POST");
}

Test(router, trace_is_served_by_no_route_for_any_method)
{
    struct router_match found;
    add("*", "/c");
    cr_assert_eq(match("TRACE", "/c", &found), 405);
    add("TRACE", "/c");
    cr_assert_eq(match("TRACE", "/c", &found), 0);
}

Test(router, bad_routes_are_refused_with_the_reason)
{
    static const struct {
        const char *method, *pattern, *part;
    } cases[] = {
        {"GET", "users", "does not begin"},       {"G T", "/", "not a token"},       {"", "/", "not a token"},
        {"GET", "/{}", "not {name}"},             {"GET", "/{a", "not {name}"},      {"GET", "/a}", "not {name}"},
        {"GET", "/x{a}", "not {name}"},           {"GET", "/{a:float}", "not {name}"}, {"GET", "/{a:path}/b", "not the last"},
        {"GET", "/{a}{b}", "not {name}"},         {NULL, "/", "not a token"},        {"GET", NULL, "does not begin"},
        {"GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", "more than 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *wrong = add(cases[i].method, cases[i].pattern);
        cr_assert_not_null(wrong, "%s", cases[i].pattern);
        cr_expect(strstr(wrong, cases[i].part) != NULL, "%s: %s", cases[i].pattern, wrong);
    }
    cr_assert_null(add("GET", "/{a}"));
    cr_assert_not_null(add("GET", "/{b}"), "the same place under another name");
    cr_assert_not_null(router_add(&router, "GET", "/n", NULL, "none", 0));
}

Test(router, a_thousand_routes_are_all_found)
{
    static char patterns[1000][32];
    for (int i = 0; i < 1000; i++) {
        snprintf(patterns[i], sizeof patterns[i], "/r%d/{id}/x", i * 7919 % 1000);
        cr_assert_null(add("GET", patterns[i]));
    }
    for (int i = 0; i < 1000; i++) {
        char path[32];
        struct router_match found;
        snprintf(path, sizeof path, "/r%d/9/x", i);
        cr_assert_eq(match("GET", path, &found), 0);
        cr_slice(found.values[0], "9");
    }
}

/* Nanoseconds that a match takes among so many routes: the best of several tries, as others use the machine as well. */
static double time_match(int routes)
{
    enum { MATCHES = 4000, TRIES = 40 };
    char (*texts)[32] = calloc((size_t)routes, sizeof *texts);
    double best = 1e9;
    router_release(&router);
    router_init(&router);
    for (int i = 0; i < routes; i++) {
        snprintf(texts[i], sizeof *texts, "/api/r%04d/{id}/x", i);
        cr_assert_null(add("GET", texts[i]));
    }
    for (int try = 0; try < TRIES; try++) {
        struct router_match found;
        struct timespec from, to;
        int status = 0;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = 0; i < MATCHES; i++) {
            char path[] = "/api/r0000/17/x";
            int n = i * 7 % routes;
            for (int digit = 9; digit >= 6; digit--, n /= 10)
                path[digit] = (char)('0' + n % 10);
            status |= match("GET", path, &found);
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        cr_assert_eq(status, 0);
        double took = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / MATCHES;
        best = took < best ? took : best;
    }
    router_release(&router); /* its patterns are those texts */
    router_init(&router);
    free(texts);
    return best;
}

/* A segment is found by its hash. A list would take a hundred times as long; what is left is that more is looked at than caches hold. */
Test(router, a_thousand_routes_match_as_fast_as_ten)
{
    double ten = time_match(10), thousand = time_match(1000);
    cr_expect_lt(thousand, 4 * ten, "10 routes: %.0f ns, 1000 routes: %.0f ns", ten, thousand);
    cr_log_info("10 routes: %.0f ns, 1000 routes: %.0f ns", ten, thousand);
}
