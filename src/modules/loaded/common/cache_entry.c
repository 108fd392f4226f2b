/* SPDX-License-Identifier: Apache-2.0
 *
 * See cache_entry.h.
 */
#include "cache_entry.h"

#include "keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    LIST = 'L',
    ANSWER = 'A',
    VERSION = '1',
    LIST_HEAD = 2 + sizeof(uint64_t)
};

struct head {
    char kind, version;
    uint16_t status;
    uint32_t fields_length, body_length;
    int64_t stored_ms, fresh_ms, stale_ms;
};

/* ---- fields ---- */

void cache_snapshot_take(tine_request *r, struct cache_snapshot *snapshot)
{
    size_t count = 0;

    while (tine_response_header_at(r, count, NULL, NULL) == 0)
        count++;
    snapshot->names = tine_alloc(r, count * sizeof *snapshot->names + 1);
    snapshot->values = tine_alloc(r, count * sizeof *snapshot->values + 1);
    for (snapshot->count = 0; snapshot->count < count; snapshot->count++)
        tine_response_header_at(r, snapshot->count, &snapshot->names[snapshot->count], &snapshot->values[snapshot->count]);
}

static bool was_there(const struct cache_snapshot *snapshot, const char *name, const char *value)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (strcasecmp(snapshot->names[i], name) == 0 && strcmp(snapshot->values[i], value) == 0)
            return true;
    }
    return false;
}

/* Has the handler left what was there of this name? Then it added. */
static bool has_stayed(tine_request *r, const struct cache_snapshot *snapshot, const char *wanted)
{
    const char *name, *value;
    size_t before = 0, now = 0;

    for (size_t i = 0; i < snapshot->count; i++)
        before += strcasecmp(snapshot->names[i], wanted) == 0;
    for (size_t i = 0; tine_response_header_at(r, i, &name, &value) == 0; i++)
        now += strcasecmp(name, wanted) == 0 && was_there(snapshot, name, value);
    return before > 0 && now >= before;
}

/* Of this answer to this client alone. */
static bool is_own(const char *name)
{
    return strcasecmp(name, "Age") == 0 || strcasecmp(name, "X-Cache") == 0;
}

/* The first of a name replaces what is there, further ones add. */
static const char *make_fields(tine_request *r, const struct cache_snapshot *snapshot, size_t *length)
{
    const char *type = tine_response_header(r, "Content-Type"), *name, *value;
    const char *fields = type != NULL ? tine_printf(r, ":%s\n", type) : "";

    for (size_t i = 0; tine_response_header_at(r, i, &name, &value) == 0; i++) {
        const char *earlier;
        bool adds = has_stayed(r, snapshot, name);
        if (is_own(name) || strcasecmp(name, "Content-Type") == 0 || was_there(snapshot, name, value))
            continue;
        for (size_t k = 0; k < i && !adds; k++)
            adds = tine_response_header_at(r, k, &earlier, NULL) == 0 && strcasecmp(earlier, name) == 0;
        fields = tine_printf(r, "%s%c%s: %s\n", fields, adds ? '+' : '=', name, value);
    }
    *length = strlen(fields);
    return fields;
}

/* ---- bytes ---- */

const void *cache_entry_make(tine_request *r, const struct cache_entry *entry, const struct cache_snapshot *snapshot, size_t *length)
{
    size_t fields_length;
    const char *fields = make_fields(r, snapshot, &fields_length);

    if (entry->body_length > KEEP_VALUE_MAX || sizeof(struct head) + fields_length + entry->body_length > KEEP_VALUE_MAX)
        return NULL;
    const struct head head = {ANSWER, VERSION, (uint16_t)entry->status, (uint32_t)fields_length, (uint32_t)entry->body_length,
                              entry->stored_ms, entry->fresh_ms, entry->stale_ms};

    *length = sizeof head + fields_length + entry->body_length;
    char *data = tine_alloc(r, *length);

    memcpy(data, &head, sizeof head);
    memcpy(data + sizeof head, fields, fields_length);
    memcpy(data + sizeof head + fields_length, entry->body, entry->body_length);
    return data;
}

bool cache_entry_read(tine_request *r, const void *data, size_t length, struct cache_entry *entry)
{
    struct head head;

    if (length < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (head.kind != ANSWER || head.version != VERSION || (uint64_t)head.fields_length + head.body_length != length - sizeof head ||
        head.fresh_ms < 0 || head.stale_ms < 0 || head.fresh_ms > INT64_MAX / 4 || head.stale_ms > INT64_MAX / 4 ||
        (head.status != 200 && head.status != 301 && head.status != 404))
        return false;
    *entry =
        (struct cache_entry){head.status, head.stored_ms, head.fresh_ms, head.stale_ms, NULL, head.fields_length, NULL, head.body_length};
    entry->fields = tine_printf(r, "%.*s", (int)head.fields_length, (const char *)data + sizeof head);
    entry->body = (const char *)data + sizeof head + head.fields_length;
    return true;
}

int64_t cache_entry_age(const struct cache_entry *entry, int64_t now_ms)
{
    return now_ms > entry->stored_ms ? now_ms - entry->stored_ms : 0;
}

/* ---- the answer ---- */

/* One line of entry->fields: kind is '=', '+', or ':' for the type, which has no name. */
struct field {
    char kind;
    const char *name, *value;
};

/* The next line that is one; false behind the last. */
static bool next_field(tine_request *r, const char **fields, struct field *field)
{
    for (const char *end; (end = strchr(*fields, '\n')) != NULL;) {
        const char *line = tine_printf(r, "%.*s", (int)(end - *fields), *fields), *colon = strstr(*line != '\0' ? line + 1 : line, ": ");
        *fields = end + 1;
        if (*line != ':' && colon == NULL)
            continue;
        *field = *line == ':' ? (struct field){':', "", line + 1}
                              : (struct field){*line, tine_printf(r, "%.*s", (int)(colon - line - 1), line + 1), colon + 2};
        return true;
    }
    return false;
}

/* Does it speak of the content? Then it is not for a 304, which has none (RFC 9110, 15.4.5). */
static bool is_of_content(const char *name)
{
    static const char *const names[] = {"Content-Encoding", "Content-Language", "Content-Range", "Content-Disposition", "Content-Digest",
                                        "Repr-Digest",      "Digest",           "Content-MD5",   "Accept-Ranges"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Returns the type, or NULL. */
static const char *set_fields(tine_request *r, const char *fields, bool with_content)
{
    const char *type = NULL;
    struct field field;

    while (next_field(r, &fields, &field)) {
        if (field.kind == ':')
            type = field.value;
        else if (with_content || !is_of_content(field.name))
            (field.kind == '+' ? tine_add_header : tine_set_header)(r, field.name, field.value);
    }
    return type;
}

static const char *etag_in(tine_request *r, const char *fields)
{
    struct field field;

    while (next_field(r, &fields, &field)) {
        if (strcasecmp(field.name, "ETag") == 0)
            return field.value;
    }
    return NULL;
}

/* The conditions go first: what is kept says nothing of a 412, and one that has its Cache-Control would be kept for others. */
int cache_entry_answer(tine_request *r, const struct cache_entry *entry, int64_t now_ms)
{
    const char *etag = entry->status == 200 ? etag_in(r, entry->fields) : NULL;
    int status = etag != NULL ? tine_precondition(r, etag, 0) : 0;

    if (etag != NULL)
        tine_set_header(r, "ETag", NULL); /* it is among the fields */
    if (status == 412)
        return tine_problem(r, 412, "it is not the version that was asked for");
    const char *type = set_fields(r, entry->fields, status != 304);

    tine_set_header(r, "Age", tine_printf(r, "%" PRId64, cache_entry_age(entry, now_ms) / 1000));
    return status != 0 ? status : tine_send(r, entry->status, type, entry->body, entry->body_length);
}

/* ---- lists ---- */

const void *cache_entry_make_list(tine_request *r, uint64_t number, const char *vary, size_t *length)
{
    size_t vary_length = strlen(vary);
    char *data = tine_alloc(r, LIST_HEAD + vary_length);

    data[0] = LIST;
    data[1] = VERSION;
    memcpy(data + 2, &number, sizeof number);
    memcpy(data + LIST_HEAD, vary, vary_length);
    *length = LIST_HEAD + vary_length;
    return data;
}

/* The data has a NUL behind it: see keep_get(). */
bool cache_entry_is_list(const void *data, size_t length, uint64_t *number, const char **vary)
{
    const char *bytes = data;

    if (length < LIST_HEAD || bytes[0] != LIST || bytes[1] != VERSION)
        return false;
    memcpy(number, bytes + 2, sizeof *number);
    *vary = bytes + LIST_HEAD;
    return strlen(*vary) == length - LIST_HEAD;
}
