/* SPDX-License-Identifier: Apache-2.0
 *
 * See filters.h.
 */
#include "app/filters.h"

#include "app/blame.h"
#include "app/response.h"
#include "base/memory.h"

#include <string.h>

/* They live as long as the process, as modules do. */
static const struct filters *all_lists;

static struct filters *new_list(size_t count, bool *too_many)
{
    if (count == 0 || count > FILTERS_MAX) {
        *too_many |= count > FILTERS_MAX;
        return NULL;
    }
    struct filters *filters = memory_new(sizeof *filters + count * sizeof filters->all[0]);
    filters->count = count;
    filters->next = all_lists;
    all_lists = filters;
    return filters;
}

const struct filters *filters_join(const struct filters *outer, const struct filters *inner, bool *too_many)
{
    if (outer == NULL || inner == NULL)
        return outer != NULL ? outer : inner;
    struct filters *filters = new_list(outer->count + inner->count, too_many);
    if (filters == NULL)
        return NULL;
    memcpy(mempcpy(filters->all, outer->all, outer->count * sizeof outer->all[0]), inner->all, inner->count * sizeof inner->all[0]);
    filters->scoped = outer->scoped | inner->scoped << outer->count;
    filters->early = outer->early | inner->early << outer->count;
    return filters;
}

const struct filters *filters_of_module(const tine_filter *const *list, struct tine_app *self, bool *too_many)
{
    const struct config_app *section = self->section;
    size_t count = 0;
    while (list != NULL && count <= FILTERS_MAX && list[count] != NULL)
        count++;
    struct filters *filters = new_list(count, too_many);
    for (size_t i = 0; filters != NULL && i < count; i++) {
        size_t size = list[i]->size; /* an older module's ends earlier */
        memcpy(&filters->all[i].code, list[i], size < sizeof(tine_filter) ? size : sizeof(tine_filter));
        filters->all[i].self = self;
        filters->scoped |= (uint32_t)(section->only.count + section->except.count > 0) << i;
        filters->early |= (uint32_t)(filters->all[i].code.early != NULL) << i;
    }
    return filters;
}

uint32_t filters_skipped(const tine_request *r)
{
    const struct filters *filters = r->filters;
    struct slice method = request_method(r), path = slice_from(r->path);
    uint32_t skipped = 0;
    for (uint32_t left = filters->scoped; left != 0; left &= left - 1) {
        int i = __builtin_ctz(left);
        const struct config_app *section = filters->all[i].self->section;
        skipped |= (uint32_t)!scope_admits(&section->only, &section->except, method, path) << i;
    }
    return skipped;
}

/* For the whole of the request: of one that did not run before it, nothing runs after it. */
static bool is_skipped(const tine_request *r, size_t i)
{
    return (r->skipped >> i & 1) != 0;
}

int filters_before(tine_request *r)
{
    const struct filters *filters = r->filters;
    r->skipped = filters->scoped != 0 ? filters_skipped(r) : 0;
    for (r->passed = 0; r->passed < filters->count; r->passed++) {
        const struct filter *filter = &filters->all[r->passed];
        if (is_skipped(r, r->passed))
            continue;
        r->filter = filter;
        int result = filter->code.before != NULL ? filter->code.before(r, filter->self) : 0;
        /* Whatever was sent is the answer, and one that is half sent cannot be followed by another. */
        if (result == 0 && (r->response.state >= RESPONSE_BEGUN || r->response.closed))
            result = 200;
        if (result != 0)
            return result;
    }
    r->filter = NULL;
    return 0;
}

void filters_after(tine_request *r, bool stream)
{
    const struct filter *outer = r->filter; /* one that streams its answer, or none */
    bool closed = r->response.closed;       /* to the handler, but not to filters */
    if (r->filters == NULL || r->afters_ran)
        return;
    r->afters_ran = true;
    r->response.closed = false;
    r->phase = stream ? FILTERS_STREAM : FILTERS_AFTER;
    for (size_t i = r->passed; i-- > 0;) {
        if (is_skipped(r, i))
            continue;
        const struct filter *filter = r->filter = &r->filters->all[i];
        int result = filter->code.after != NULL ? filter->code.after(r, filter->self) : 0;
        if (result == 0)
            continue;
        if (stream)
            request_blame(r, TINE_ERROR, "answers after the response has begun");
        else
            request_complete(r, result);
    }
    r->filter = outer;
    r->phase = FILTERS_BUILD;
    r->response.closed = closed;
}

void filters_run_deferred(tine_request *r)
{
    while (r->deferred != NULL) { /* one may defer another */
        struct request_deferred *deferred = r->deferred;
        r->deferred = deferred->next;
        deferred->function(deferred->argument);
    }
}

void filters_done(tine_request *r)
{
    r->phase = FILTERS_DONE;
    for (size_t i = r->filters != NULL ? r->passed : 0; i-- > 0;) {
        if (is_skipped(r, i))
            continue;
        const struct filter *filter = r->filter = &r->filters->all[i];
        if (filter->code.done != NULL)
            filter->code.done(r, filter->self);
    }
    r->filter = NULL;
    filters_run_deferred(r);
}
