/* SPDX-License-Identifier: Apache-2.0
 *
 * Cookies, queries, forms and numbers, as handlers ask for them. Runs in workers.
 */
#include "app/input.h"

#include "http/cookie.h"
#include "http/form.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

const char *tine_cookie(tine_request *r, const char *name)
{
    struct slice wanted = slice_from(name), found, value;
    for (size_t i = 0; i < r->head.count; i++) {
        const struct head_field *field = &r->fields[i];
        struct slice rest = {r->bytes + field->value, field->value_length};
        if (!slice_equals_nocase((struct slice){r->bytes + field->name, field->name_length}, SLICE("Cookie")))
            continue;
        while (cookie_next(&rest, &found, &value))
            if (slice_equals(found, wanted))
                return arena_copy(&r->arena, value.data, value.length);
    }
    return NULL;
}

static bool is_form(struct tine_request *r)
{
    if (input_type_is(r, SLICE("application/x-www-form-urlencoded")))
        return input_is_utf8(r, tine_header(r, "Content-Type"));
    input_fail(r, 415, "the body must be application/x-www-form-urlencoded");
    return false;
}

/* The body, once it is known to be a form in order. */
static struct slice form_of(struct tine_request *r)
{
    static const char *const wrong[] = {
        [FORM_BROKEN] = "is not percent-encoded as it must be", [FORM_NUL] = "has an encoded NUL", [FORM_NOT_TEXT] = "is not UTF-8"};
    struct input *input = input_of(r);
    struct slice body;
    size_t at;
    if (input->form_known)
        return input->form;
    input->form_known = true;
    if (!is_form(r) || !input_is_uncoded(r) || !input_body(r, &body))
        return input->form;
    enum form_verdict verdict = form_check(body, &at);
    if (verdict == FORM_FINE)
        input->form = body;
    else
        input_fail(r, 400, "the pair at byte %zu of the form %s", at, wrong[verdict]);
    return input->form;
}

static const char *decode(struct tine_request *r, struct slice text)
{
    char *value = arena_alloc(&r->arena, text.length + 1);
    return query_decode(text, value) < 0 ? NULL : value;
}

static const char *find_value(struct tine_request *r, struct slice pairs, const char *name)
{
    struct slice wanted = slice_from(name), found, value;
    while (pairs.data != NULL && query_next(&pairs, &found, &value))
        if (query_equals(found, wanted)) /* a client may send any number of names that are not it: they take no memory */
            return decode(r, value);
    return NULL;
}

const char *tine_query(tine_request *r, const char *name)
{
    return find_value(r, r->target.query, name);
}

const char *tine_form(tine_request *r, const char *name)
{
    return input_type_is(r, SLICE("multipart/form-data")) ? parts_find(r, name) : find_value(r, form_of(r), name);
}

/* The i-th pair of 'all', undecoded. It is looked for from the last one that was found on: who goes through all of them, in order, does
 * not pay for each with a walk from the beginning. */
static bool find_pair(struct slice all, struct pair_place *last, size_t i, struct slice *name, struct slice *value)
{
    if (i < last->index)
        *last = (struct pair_place){0, 0};
    struct slice rest = {all.data + last->at, all.length - last->at};
    for (size_t k = last->index; query_next(&rest, name, value); k++) {
        *last = (struct pair_place){k, (size_t)(name->data - all.data)};
        if (k == i)
            return true;
    }
    return false;
}

static int pair_at(struct tine_request *r, struct slice all, struct pair_place *last, size_t i, const char **name, const char **value)
{
    struct slice found, text;
    if (all.data == NULL || !find_pair(all, last, i, &found, &text))
        return -1;
    const char *decoded_name = decode(r, found), *decoded_value = decode(r, text);
    if (decoded_name == NULL || decoded_value == NULL) {
        input_fail(r, 400, "the query is not percent-encoded as it must be");
        return -1;
    }
    if (name != NULL)
        *name = decoded_name;
    if (value != NULL)
        *value = decoded_value;
    return 0;
}

int tine_query_at(tine_request *r, size_t i, const char **name, const char **value)
{
    return pair_at(r, r->target.query, &input_of(r)->query_at, i, name, value);
}

int tine_form_at(tine_request *r, size_t i, const char **name, const char **value)
{
    return pair_at(r, form_of(r), &input_of(r)->form_at, i, name, value);
}

/* An optional '-' and digits, nothing else. */
static bool read_integer(const char *text, int64_t *value)
{
    const char *digits = text + (text[0] == '-');
    if (digits[0] == 0 || digits[strspn(digits, "0123456789")] != 0)
        return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0;
}

static int get_integer(struct tine_request *r, const char *kind, const char *name, const char *text, int64_t lo, int64_t hi, int64_t *value)
{
    int64_t number;
    if (lo > hi)
        return input_mistake(r, "asks for %s '%s' from %" PRId64 " to %" PRId64 ": no integer is", kind, name, lo, hi);
    if (text == NULL)
        return input_fail(r, 400, "%s '%s' is missing", kind, name);
    if (!read_integer(text, &number) || number < lo || number > hi)
        return input_fail(r, 400, "%s '%s' must be an integer from %" PRId64 " to %" PRId64, kind, name, lo, hi);
    *value = number;
    return 0;
}

int tine_param_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value)
{
    const char *text = input_param(r, name);
    if (text == NULL)
        return input_mistake(r, "asks for {%s}, which its route's pattern does not have", name);
    return get_integer(r, "path parameter", name, text, lo, hi, value);
}

int tine_query_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value)
{
    return get_integer(r, "query parameter", name, tine_query(r, name), lo, hi, value);
}

int tine_form_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value)
{
    return get_integer(r, "form field", name, tine_form(r, name), lo, hi, value);
}
