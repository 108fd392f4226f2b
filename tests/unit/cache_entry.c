/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer as the battery cache keeps it: it comes again as it was, and bytes that somebody else left there are none.
 */
#include "modules/loaded/common/cache_entry.h"

#include "app/request.h"
#include "modules/loaded/common/keep.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct head_limits limits = {100, 100, 100, 10};
static struct tine_request *r;

static void setup(void)
{
    r = request_new(&limits);
}

static void teardown(void)
{
    request_free(r);
}

TestSuite(cache_entry, .init = setup, .fini = teardown);

#define STORED 1700000000000

static const void *make(const char *body, size_t body_length, size_t *length)
{
    struct cache_snapshot snapshot;
    struct cache_entry entry = {
        .status = 404, .stored_ms = STORED, .fresh_ms = 60000, .stale_ms = 5000, .body = body, .body_length = body_length};
    tine_set_header(r, "Outside", "as it was");
    tine_set_header(r, "Replaced", "outside");
    tine_add_header(r, "Added", "outside");
    cache_snapshot_take(r, &snapshot);
    tine_set_header(r, "Replaced", "inside");
    tine_add_header(r, "Added", "inside");
    tine_add_header(r, "New", "1");
    tine_add_header(r, "New", "2");
    tine_set_header(r, "Age", "1");
    tine_set_header(r, "X-Cache", "miss");
    tine_set_header(r, "Content-Type", "text/x");
    return cache_entry_make(r, &entry, &snapshot, length);
}

Test(cache_entry, is_read_as_it_was_made)
{
    struct cache_entry entry;
    size_t length;
    const void *data = make("body\0\n", 6, &length);
    cr_assert(data != NULL && cache_entry_read(r, data, length, &entry));
    cr_expect(entry.status == 404 && entry.stored_ms == STORED && entry.fresh_ms == 60000 && entry.stale_ms == 5000);
    cr_expect(entry.body_length == 6 && memcmp(entry.body, "body\0\n", 6) == 0);
    cr_expect_str_eq(entry.fields, ":text/x\n=Replaced: inside\n+Added: inside\n=New: 1\n+New: 2\n");
    cr_expect_eq(cache_entry_age(&entry, STORED + 1500), 1500);
    cr_expect_eq(cache_entry_age(&entry, STORED - 1500), 0, "a clock that went backwards");
}

/* Cut anywhere, longer, of another kind or version, with times and lengths that are none. */
Test(cache_entry, other_bytes_are_none)
{
    struct cache_entry entry;
    size_t length;
    const char *data = make("body", 4, &length);
    for (size_t cut = 0; cut < length; cut++) {
        char *there = memcpy(malloc(cut + (cut == 0)), data, cut);
        cr_expect(!cache_entry_read(r, there, cut, &entry), "cut to %zu", cut);
        free(there);
    }
    cr_expect(!cache_entry_read(r, tine_printf(r, "%*s", 200, ""), 200, &entry));
    char *other = memcpy(tine_alloc(r, length + 1), data, length);
    cr_expect(!cache_entry_read(r, other, length + 1, &entry));
    for (size_t i = 0; i < 8; i++) { /* kind, version, status, and the length of fields */
        other[i] ^= 0x40;
        cr_expect(i == 1 || i > 1 ? !cache_entry_read(r, other, length, &entry) : true, "byte %zu", i);
        other[i] ^= 0x40;
    }
    for (size_t i = 0; i < 3; i++) { /* times: minus something, and beyond all that can be added to */
        memset(other + 16 + i * 8, 0xff, 8);
        cr_expect_eq(cache_entry_read(r, other, length, &entry), i == 0, "time %zu", i);
        memset(other + 16 + i * 8, 0x7f, 8);
        cr_expect_eq(cache_entry_read(r, other, length, &entry), i == 0, "time %zu", i);
        memcpy(other, data, length);
    }
    cr_expect(cache_entry_read(r, other, length, &entry));
}

Test(cache_entry, that_is_longer_than_what_is_kept_is_not_made)
{
    static char body[KEEP_VALUE_MAX];
    size_t length;
    cr_expect_null(make(body, sizeof body, &length));
    cr_expect_null(make(body, sizeof body - 60, &length));
    cr_expect_not_null(make(body, sizeof body - 200, &length));
}

/* What somebody else wrote into a store that is shared becomes no field of an answer, and no second one. */
Test(cache_entry, fields_that_are_none_are_left_out)
{
    static const char fields[] = "=Good: 1\n=no colon\n=: empty\n=Bad Name: x\n=Split: a\rX-Evil: b\n=\n\n+Good: 2\nunended: x";
    struct cache_entry entry = {.status = 200, .fields = fields, .fields_length = sizeof fields - 1, .body = "x", .body_length = 1};
    const char *name, *value;
    cr_expect_eq(cache_entry_answer(r, &entry, 0), 200);
    for (size_t i = 0; tine_response_header_at(r, i, &name, &value) == 0; i++)
        cr_expect(strcmp(name, "Good") == 0 || strcmp(name, "Age") == 0 || strcmp(name, "Content-Type") == 0, "%s: %s", name, value);
}

Test(cache_entry, lists_are_told_from_answers)
{
    struct cache_entry entry;
    size_t length;
    uint64_t number;
    const char *vary;
    const void *made = cache_entry_make_list(r, 0x123456789abcdef0, "Accept, Cookie", &length);
    char *data = tine_alloc(r, length + 1); /* a NUL is behind it: see keep_get() */
    memcpy(data, made, length);
    data[length] = 0;
    cr_assert(cache_entry_is_list(data, length, &number, &vary));
    cr_expect_eq(number, 0x123456789abcdef0);
    cr_expect_str_eq(vary, "Accept, Cookie");
    cr_expect(!cache_entry_read(r, data, length, &entry));
    for (size_t i = 0; i < 2; i++) {
        data[i]++;
        cr_expect(!cache_entry_is_list(data, length, &number, &vary));
        data[i]--;
    }
    cr_expect(!cache_entry_is_list(data, 9, &number, &vary));
    data[length - 3] = 0;
    cr_expect(!cache_entry_is_list(data, length, &number, &vary), "a NUL in it");
}
