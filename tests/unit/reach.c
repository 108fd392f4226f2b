/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a route's requests a filter runs around, as far as its pattern tells.
 */
#include "app/reach.h"

#include <criterion/criterion.h>

static enum reach reach(const char *only, const char *except, const char *mount, const char *method, const char *pattern)
{
    struct pool *pool = pool_new();
    struct config_app section = {.is_filter = true};
    struct tine_app self = {.section = &section}, app = {.mount = slice_from(mount)};
    const struct filter filter = {.self = &self};
    const struct route route = {.method = slice_from(method), .pattern = pattern};
    const char *wrong = scope_parse(&section.only, only, pool, pool);

    cr_assert_null(wrong, "%s", wrong);
    wrong = scope_parse(&section.except, except, pool, pool);
    cr_assert_null(wrong, "%s", wrong);
    enum reach found = reach_of_filter(&filter, &app, &route);
    pool_free(pool);
    return found;
}

enum { NONE = REACH_NONE, PART = REACH_PART, ALL = REACH_ALL };

Test(reach, of_an_entry_depends_on_the_whole_pattern)
{
    static const struct {
        const char *entry, *mount, *pattern;
        int only;
    } cases[] = {
        {"/", "", "/", ALL}, {"/", "/api", "/x", ALL}, {"/", "", "/{rest:path}", ALL}, {"/api", "/api", "/", ALL},
        {"/api", "/api", "/x", ALL},
        {"/api/x", "/api", "/", NONE}, {"/api/x", "/api", "/x", ALL}, {"/api/x", "/api", "/x/y", ALL}, {"/api/x", "/api", "/xy", NONE},
        {"/api/x", "/api/x", "/y", ALL}, {"/api/x/y", "/api/x", "/y", ALL}, {"/api/x", "", "/api", NONE},
        {"/api", "/files", "/api", NONE},
        {"/api/x", "/api", "/{id}", PART}, {"/api/x", "/api", "/{id:int}", NONE}, {"/api/7", "/api", "/{id:int}", PART},
        {"/api/-7", "/api", "/{id:int}", PART}, {"/api/-", "/api", "/{id:int}", NONE}, {"/api/7x", "/api", "/{id:int}", NONE},
        {"/api/7.1", "/api", "/{id:int}", NONE}, {"/api/x", "/api", "/{rest:path}", PART},
        {"/api", "/api", "/{rest:path}", ALL}, {"/api/{x}", "/api", "/", NONE}, {"/api/{x}", "/api", "/y", ALL},
        {"/api/{x}", "/api", "/{id}", ALL}, {"/api/{x}", "/api", "/{id:int}", ALL}, {"/api/{x}", "/api", "/{rest:path}", PART},
        {"/api/{x}/y", "/api", "/{id}/y", ALL}, {"/api/{x}/y", "/api", "/{id}/z", NONE}, {"/api/{x}/y", "/api", "/{id}", NONE},
        {"/api/x/y", "/api", "/{id}/y", PART}, {"/api/x/y", "/api", "/{id}/z", NONE}, {"/api/x/{y}", "/api", "/{id}/z", PART},
    };
    static const enum reach opposite[] = {REACH_ALL, REACH_PART, REACH_NONE};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq((int)reach(cases[i].entry, "", cases[i].mount, "GET", cases[i].pattern), cases[i].only, "only %s: %s %s",
                     cases[i].entry, cases[i].mount, cases[i].pattern);
        cr_expect_eq(reach("", cases[i].entry, cases[i].mount, "GET", cases[i].pattern), opposite[cases[i].only], "except %s: %s %s",
                     cases[i].entry, cases[i].mount, cases[i].pattern);
    }
}

Test(reach, of_an_entry_depends_on_the_method)
{
    static const struct {
        const char *entry, *method;
        int only;
    } cases[] = {
        {"/x", "GET", ALL}, {"/x", "*", ALL}, {"POST /x", "POST", ALL}, {"POST /x", "GET", NONE}, {"POST /x", "*", PART},
        {"GET /x", "GET", ALL},
        {"GET /x", "HEAD", ALL}, {"HEAD /x", "GET", PART}, {"HEAD /x", "HEAD", ALL}, {"HEAD /x", "POST", NONE}, {"GET /x", "POST", NONE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq((int)reach(cases[i].entry, "", "", cases[i].method, "/x"), cases[i].only, "%s: %s", cases[i].entry, cases[i].method);
}

Test(reach, of_both_keys_is_the_lesser)
{
    static const struct {
        const char *only, *except, *pattern;
        int reach;
    } cases[] = {
        {"", "", "/x", ALL}, {"/x", "/x/y", "/x", ALL}, {"/x", "/x/y", "/x/y", NONE}, {"/x", "/x/y", "/x/{z}", PART},
        {"/x", "/y", "/z", NONE},
        {"/x/a, /x/{y}", "", "/x/{z}", ALL}, {"/x/{y}, /x/a", "", "/x/{z}", ALL}, {"/x/a, /y", "", "/x/{z}", PART},
        {"/a, /b", "", "/b", ALL},
        {"/x/a", "/x", "/x/{z}", NONE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq((int)reach(cases[i].only, cases[i].except, "", "GET", cases[i].pattern), cases[i].reach, "%s but %s: %s",
                     cases[i].only, cases[i].except, cases[i].pattern);
}
