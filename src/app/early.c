/* SPDX-License-Identifier: Apache-2.0
 *
 * See early.h.
 */
#include "app/early.h"

#include "app/blame.h"
#include "app/input.h"
#include "app/response.h"

/* A bit for each of those that are asked. Who comes before all others has the first word: behind a filter that cannot be asked early nobody
 * is, or who guesses at passwords would learn from the one what another, which counts, had not let him ask. */
static uint32_t find_asked(const struct tine_request *r)
{
    const struct filters *filters = r->filters;
    uint32_t skipped = filters->scoped != 0 ? filters_skipped(r) : 0, asked = 0;
    for (size_t i = 0; i < filters->count; i++) {
        if ((skipped >> i & 1) != 0)
            continue;
        if (filters->all[i].code.early != NULL)
            asked |= UINT32_C(1) << i;
        else if (filters->all[i].code.before != NULL)
            break;
    }
    return asked;
}

bool early_matters(const struct tine_request *r)
{
    return r->filters != NULL && r->filters->early != 0 && find_asked(r) != 0;
}

static int ask_one(struct tine_request *r, const struct filter *filter)
{
    r->filter = filter;
    int result = filter->code.early(r, filter->self);
    if (result == 0 || (result >= 200 && result <= 599))
        return result;
    request_blame(r, TINE_ERROR, "returned %d as its .early, which is neither 0 nor a status from 200 to 599", result);
    return 500;
}

static int ask(struct tine_request *r)
{
    int status = 0;
    for (uint32_t left = find_asked(r); left != 0 && status == 0; left &= left - 1)
        status = ask_one(r, &r->filters->all[__builtin_ctz(left)]);
    return status;
}

/* The head is as it came, too: another worker may have to read it. */
static void forget(struct tine_request *r, struct slice fields)
{
    filters_run_deferred(r);
    if (r->input != NULL)
        input_release(r->input);
    r->input = NULL;
    r->attributes = NULL;
    r->keys_of = NULL;
    response_reset(&r->response);
    buffer_append(&r->response.fields, fields.data, fields.length);
    head_restore(r->bytes, r->head.length);
}

int early_ask(struct tine_request *r)
{
    size_t length = buffer_length(&r->response.fields); /* of a 405, Allow */
    struct slice fields = {"", length};
    if (length > 0)
        fields.data = arena_copy(&r->arena, buffer_bytes(&r->response.fields), length);
    struct arena before = r->arena;
    r->phase = FILTERS_EARLY;
    int status = ask(r);
    forget(r, fields);
    r->filter = NULL;
    r->phase = FILTERS_BUILD;
    arena_rewind(&r->arena, &before);
    return status;
}
