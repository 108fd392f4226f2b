/* SPDX-License-Identifier: Apache-2.0
 *
 * Cache-Control as the battery cache reads it.
 */
#include "modules/loaded/common/cache_control.h"

#include "app/request.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct head_limits limits = {100, 100, 100, 10};

static void add_field(struct tine_request *r, char *line)
{
    const char *colon = strchr(line, ':');
    r->bytes = line;
    r->fields[0] = (struct head_field){.name = 0,
                                       .name_length = (uint32_t)(colon - line),
                                       .value = (uint32_t)(colon - line + 2),
                                       .value_length = (uint32_t)strlen(colon + 2)};
    r->head.count = 1;
}

/* Of an answer with two lines, and of a request with one. */
static struct cache_control read_both(const char *first, const char *second)
{
    struct tine_request *r = request_new(&limits);
    struct cache_control control, request;
    tine_add_header(r, "Cache-Control", first);
    if (second != NULL)
        tine_add_header(r, "cache-control", second);
    tine_add_header(r, "Pragma", "no-cache");
    cache_control_of_answer(r, &control);
    if (second == NULL) {
        add_field(r, tine_printf(r, "Cache-Control: %s", first));
        cache_control_of_request(r, &request);
        cr_expect(memcmp(&control, &request, sizeof control) == 0, "%s", first);
    }
    request_free(r);
    return control;
}

#define NONE .max_age = -1, .s_maxage = -1, .min_fresh = -1, .stale_while_revalidate = -1

Test(cache_control, is_read_to_the_stricter_side)
{
    static const struct {
        const char *first, *second;
        struct cache_control control;
    } cases[] = {
        {"", NULL, {NONE}},
        {", ,,", NULL, {NONE}},
        {"unknown, x=1, y=\"max-age=1\"", NULL, {NONE}},
        {"no-store", NULL, {.no_store = true, NONE}},
        {"NO-Store ,No-Cache,pRivate", NULL, {.no_store = true, .no_cache = true, .is_private = true, NONE}},
        {"public,must-revalidate", NULL, {.is_public = true, .must_revalidate = true, NONE}},
        {"proxy-revalidate, only-if-cached", NULL, {.must_revalidate = true, .only_if_cached = true, NONE}},
        {"private=\"set-cookie\", no-cache=\"a,b\"", NULL, {.is_private = true, .no_cache = true, NONE}},
        {"x=\"a\\\", no-store\"", NULL, {NONE}},
        {"x=\"unended, no-store", NULL, {NONE}},
        {"no-storex, xno-store, no-stor", NULL, {NONE}},
        {"no-store", "max-age=9", {.no_store = true, .max_age = 9, .s_maxage = -1, .min_fresh = -1, .stale_while_revalidate = -1}},
        {"min-fresh=3, stale-while-revalidate=4, s-maxage=2, max-age=1",
         NULL,
         {.max_age = 1, .s_maxage = 2, .min_fresh = 3, .stale_while_revalidate = 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cache_control control = read_both(cases[i].first, cases[i].second), wanted = cases[i].control;
        cr_expect(control.no_store == wanted.no_store && control.no_cache == wanted.no_cache && control.is_private == wanted.is_private &&
                      control.is_public == wanted.is_public && control.must_revalidate == wanted.must_revalidate &&
                      control.only_if_cached == wanted.only_if_cached,
                  "%s", cases[i].first);
        cr_expect(control.max_age == wanted.max_age && control.s_maxage == wanted.s_maxage && control.min_fresh == wanted.min_fresh &&
                      control.stale_while_revalidate == wanted.stale_while_revalidate,
                  "%s", cases[i].first);
    }
}

Test(cache_control, seconds_that_cannot_be_read_are_none)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"max-age=0", 0},
        {"max-age=60", 60},
        {"max-age=\"60\"", 60},
        {"max-age = 60", 60},
        {"max-age=060", 60},
        {"max-age", 0},
        {"max-age=", 0},
        {"max-age=-1", 0},
        {"max-age=+1", 0},
        {"max-age=1x", 0},
        {"max-age=1.5", 0},
        {"max-age=x", 0},
        {"max-age=\"\"", 0},
        {"max-age=0x9", 0},
        {"max-age=2147483648", 2147483648},
        {"max-age=99999999999999999999999", 2147483648},
        {"max-age=60, max-age=30", 30},
        {"max-age=30, max-age=60", 30},
        {"max-age=30, max-age=x", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(read_both(cases[i].text, NULL).max_age, cases[i].seconds, "%s", cases[i].text);
}

Test(cache_control, pragma_counts_for_a_request_that_has_no_other)
{
    struct tine_request *r = request_new(&limits);
    struct cache_control control;
    add_field(r, tine_printf(r, "Pragma: no-cache"));
    cache_control_of_request(r, &control);
    cr_expect(control.no_cache);
    request_free(r);
}
