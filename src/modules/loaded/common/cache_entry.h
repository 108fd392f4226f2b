/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer as the cache keeps it: a head, lines for its fields, and the body; or in place of it the list of the fields that it was
 * chosen by. It may come from a store that others write to: what is not as it should be is none.
 */
#ifndef LOADED_COMMON_CACHE_ENTRY_H
#define LOADED_COMMON_CACHE_ENTRY_H

#include <stdbool.h>
#include <tine.h>

struct cache_entry {
    int status;
    int64_t stored_ms, fresh_ms, stale_ms; /* of the clock; since then; and then */
    const char *fields;                    /* "=Name: value\n" replaces, "+Name: value\n" adds, ":text/html\n" is the type */
    size_t fields_length;
    const char *body;
    size_t body_length;
};

/* Fields that were there before the handler. */
struct cache_snapshot {
    size_t count;
    const char **names, **values;
};

void cache_snapshot_take(tine_request *r, struct cache_snapshot *snapshot);

/* The answer that was built, with status, times and body of 'entry', but for fields that are still as they were. NULL: it is too long. */
const void *cache_entry_make(tine_request *r, const struct cache_entry *entry, const struct cache_snapshot *snapshot, size_t *length);
bool cache_entry_read(tine_request *r, const void *data, size_t length, struct cache_entry *entry);

/* Milliseconds since it was made; a clock that went backwards is taken for no time. */
int64_t cache_entry_age(const struct cache_entry *entry, int64_t now_ms);

/* Makes the response of it: also 304 and 412. Returns its status. */
int cache_entry_answer(tine_request *r, const struct cache_entry *entry, int64_t now_ms);

const void *cache_entry_make_list(tine_request *r, uint64_t number, const char *vary, size_t *length);
bool cache_entry_is_list(const void *data, size_t length, uint64_t *number, const char **vary);

#endif
