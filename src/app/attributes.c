/* SPDX-License-Identifier: Apache-2.0
 *
 * What filters and handlers tell each other of a request, what they leave for its end, and how they see its response: functions of
 * tine.h. Runs in workers.
 */
#include "app/blame.h"
#include "app/response.h"

int tine_set_attribute(tine_request *r, const char *name, void *value)
{
    if (name == NULL || name[0] == 0) {
        request_blame(r, TINE_ERROR, "sets an attribute without a name");
        return -1;
    }
    for (struct request_attribute *attribute = r->attributes; attribute != NULL; attribute = attribute->next)
        if (strcmp(attribute->name, name) == 0) {
            attribute->value = value;
            return 0;
        }
    struct request_attribute *attribute = arena_alloc(&r->arena, sizeof *attribute);
    *attribute = (struct request_attribute){arena_copy(&r->arena, name, strlen(name)), value, r->attributes};
    r->attributes = attribute;
    return 0;
}

void *tine_attribute(tine_request *r, const char *name)
{
    if (name == NULL)
        request_blame(r, TINE_ERROR, "asks for an attribute without a name");
    for (const struct request_attribute *attribute = r->attributes; attribute != NULL && name != NULL; attribute = attribute->next)
        if (strcmp(attribute->name, name) == 0)
            return attribute->value;
    return NULL;
}

int tine_defer(tine_request *r, void (*function)(void *argument), void *argument)
{
    if (function == NULL) {
        request_blame(r, TINE_ERROR, "gives tine_defer() no function");
        return -1;
    }
    struct request_deferred *deferred = arena_alloc(&r->arena, sizeof *deferred);
    *deferred = (struct request_deferred){function, argument, r->deferred};
    r->deferred = deferred;
    return 0;
}

int tine_status(tine_request *r)
{
    return r->response.state == RESPONSE_NONE ? r->answer : r->response.status;
}

uint64_t tine_sent(tine_request *r)
{
    return r->response.state >= RESPONSE_BEGUN ? r->response.sent : response_body_length(r);
}

const char *tine_response_header(tine_request *r, const char *name)
{
    struct slice value = response_field(&r->response, slice_from(name));
    if (value.data != NULL)
        return arena_copy(&r->arena, value.data, value.length);
    return strcasecmp(name, "Content-Type") == 0 ? r->response.type : NULL;
}

int tine_response_header_at(tine_request *r, size_t i, const char **name, const char **value)
{
    const struct buffer *fields = &r->response.fields;
    const char *line = fields->data + fields->start, *end = fields->data + fields->end;
    for (; line < end && i > 0; i--)
        line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
    if (line >= end)
        return -1;
    const char *colon = memchr(line, ':', (size_t)(end - line)), *newline = memchr(line, '\r', (size_t)(end - line));
    if (name != NULL)
        *name = arena_copy(&r->arena, line, (size_t)(colon - line));
    if (value != NULL)
        *value = arena_copy(&r->arena, colon + 2, (size_t)(newline - colon - 2));
    return 0;
}

const void *tine_response_body(tine_request *r, size_t *length)
{
    const struct response *response = &r->response;
    size_t ignored;
    length = length != NULL ? length : &ignored;
    *length = 0;
    if (response->state >= RESPONSE_BEGUN || r->phase == FILTERS_STREAM || response->fd >= 0)
        return NULL;
    struct slice body = response->memory;
    if (body.data == NULL)
        body = (struct slice){buffer_length(&response->body) > 0 ? buffer_bytes(&response->body) : "", buffer_length(&response->body)};
    *length = body.length;
    return body.data;
}
