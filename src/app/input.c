/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h by which a handler looks at its request. Text is terminated in place: the byte behind a
 * method, name or value is a delimiter that was parsed already. Runs in workers.
 */
#include "app/blame.h"
#include "app/input.h"
#include "app/request.h"

#include <stdlib.h>

static const char *terminated(tine_request *r, uint32_t at, uint32_t length)
{
    r->bytes[at + length] = 0;
    return r->bytes + at;
}

const char *tine_method(tine_request *r)
{
    return terminated(r, r->head.method, r->head.method_length);
}

const char *tine_path(tine_request *r)
{
    return r->path;
}

const char *tine_query_string(tine_request *r)
{
    struct slice query = r->target.query;
    return query.length == 0 ? "" : terminated(r, (uint32_t)(query.data - r->bytes), (uint32_t)query.length);
}

const char *input_param(tine_request *r, const char *name)
{
    const struct route *route = r->match.route.route;
    struct slice wanted = slice_from(name);
    for (unsigned i = 0; route != NULL && i < route->param_count; i++) {
        if (!slice_equals(route->params[i], wanted))
            continue;
        struct slice value = r->match.route.values[i];
        char *copy = arena_copy(&r->arena, value.data, value.length);
        /* A {name:path} keeps its "%2F": in it a slash separates. */
        if (!route->has_tail || i + 1 < route->param_count)
            copy[path_segment_decode(copy, value.length)] = 0;
        return copy;
    }
    return NULL;
}

/* Once for a route in each worker: a handler of two may do without on purpose, and a filter may ask whatever there is. */
const char *tine_param(tine_request *r, const char *name)
{
    struct route *route = r->match.route.route;
    const char *value = input_param(r, name);
    if (value == NULL && route != NULL && r->filter == NULL && !route->misnamed) {
        route->misnamed = true;
        request_blame(r, TINE_WARNING, "asks for {%s}, which its route's pattern %s does not have: it gets NULL", name, route->pattern);
    }
    return value;
}

static bool field_is(const tine_request *r, const struct head_field *field, struct slice name)
{
    return slice_equals_nocase((struct slice){r->bytes + field->name, field->name_length}, name);
}

/* "a, b" of all fields of the name from the i-th on; "a; b" of Cookie, in whose values a comma may stand (RFC 9113, 8.2.3). */
static const char *join_fields(tine_request *r, size_t i, struct slice name)
{
    const char *between = slice_equals_nocase(name, SLICE("Cookie")) ? "; " : ", ";
    size_t length = 0;
    for (size_t k = i; k < r->head.count; k++)
        if (field_is(r, &r->fields[k], name))
            length += r->fields[k].value_length + 2;
    char *joined = arena_alloc(&r->arena, length + 1), *end = joined;
    for (; i < r->head.count; i++) {
        const struct head_field *field = &r->fields[i];
        if (!field_is(r, field, name))
            continue;
        if (end > joined)
            end = mempcpy(end, between, 2);
        end = mempcpy(end, r->bytes + field->value, field->value_length);
    }
    *end = 0;
    return joined;
}

const char *tine_header(tine_request *r, const char *name)
{
    struct slice wanted = slice_from(name);
    /* With absolute-form the target's authority counts, and the Host that came is to be ignored (RFC 9112, 3.2.2). */
    if (r->target.form == TARGET_ABSOLUTE && slice_equals_nocase(wanted, SLICE("Host")))
        return arena_copy(&r->arena, r->target.authority.data, r->target.authority.length);
    long first = -1;
    for (size_t i = 0; i < r->head.count; i++) {
        if (!field_is(r, &r->fields[i], wanted))
            continue;
        if (first >= 0)
            return join_fields(r, (size_t)first, wanted);
        first = (long)i;
    }
    return first < 0 ? NULL : terminated(r, r->fields[first].value, r->fields[first].value_length);
}

int tine_header_at(tine_request *r, size_t i, const char **name, const char **value)
{
    if (i >= r->head.count)
        return -1;
    bool host = r->target.form == TARGET_ABSOLUTE && field_is(r, &r->fields[i], SLICE("Host"));
    if (name != NULL)
        *name = terminated(r, r->fields[i].name, r->fields[i].name_length);
    if (value != NULL)
        *value = host ? tine_header(r, "Host") : terminated(r, r->fields[i].value, r->fields[i].value_length);
    return 0;
}

const char *tine_client(tine_request *r)
{
    return r->client_text;
}

const char *tine_scheme(tine_request *r)
{
    return r->secure ? "https" : "http";
}

tine_app *tine_request_app(tine_request *r)
{
    return r->match.app;
}

void *tine_alloc(tine_request *r, size_t size)
{
    if (size > PTRDIFF_MAX) {
        request_blame(r, TINE_ERROR, "asks tine_alloc() for %zu bytes: was it negative?", size);
        abort(); /* it may not return NULL: the request is answered 500 */
    }
    return arena_alloc(&r->arena, size);
}

char *tine_printf(tine_request *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_format_va(&r->arena, format, arguments);
    va_end(arguments);
    return text;
}
