/* SPDX-License-Identifier: Apache-2.0
 *
 * See response.h. What tine.h lets handlers call is in output.c.
 */
#include "app/response.h"

#include "app/blame.h"
#include "base/digits.h"
#include "http/date.h"
#include "http/status.h"

#include <stdio.h>
#include <time.h>

/* What nearly every head begins with, made once a second. */
#define STATUS_OK "HTTP/1.1 200 OK\r\n"
#define UP_TO_DATE "Server: tine\r\nDate: "
#define UP_TO_ID "\r\nX-Request-Id: "

enum { BEGINNING_LENGTH = sizeof(STATUS_OK UP_TO_DATE UP_TO_ID) - 1 + DATE_LENGTH };

static struct {
    time_t second;
    char text[BEGINNING_LENGTH + 1];
} beginning;

void response_release(struct response *response)
{
    void (*release)(void *owner) = response->release;
    response->memory = (struct slice){NULL, 0};
    response->room = 0;
    response->fd = -1;
    response->parts = NULL;
    response->part_count = 0;
    response->release = NULL;
    if (release != NULL)
        release(response->owner);
}

void response_reset(struct response *response)
{
    response_release(response);
    response->state = RESPONSE_NONE;
    response->status = 0;
    response->type = NULL;
    response->fields.start = response->fields.end = 0;
    response->body.start = response->body.end = 0;
    response->chunked = response->close = response->closed = false;
    response->sent = 0;
    response->begun_us = 0;
}

void response_discard(struct tine_request *r)
{
    bool close = r->response.close;
    if (r->response.state >= RESPONSE_BEGUN)
        return;
    response_reset(&r->response);
    r->response.close = close;
}

void response_empty(struct tine_request *r, int status)
{
    r->response.body.start = r->response.body.end = 0;
    r->response.type = NULL;
    r->response.status = status;
    r->response.state = RESPONSE_BUILT;
}

const char *response_why_late(const struct tine_request *r)
{
    switch (r->response.state) {
    case RESPONSE_BEGUN:
        return "its response has begun";
    case RESPONSE_SENT:
        return "tine_finish()";
    case RESPONSE_BROKEN:
        return "its response has failed";
    default:
        return r->response.closed ? "it was answered 503" : r->phase == FILTERS_DONE ? "the response was done" : NULL;
    }
}

bool response_start(struct tine_request *r, int status, const char *type)
{
    struct response *response = &r->response;
    const char *late = response_why_late(r);
    if (late == NULL && r->phase == FILTERS_STREAM)
        late = "its head";
    if (late != NULL) {
        request_blame(r, TINE_ERROR, "builds a response after %s", late);
        return false;
    }
    if (status < 200 || status > 599) {
        request_blame(r, TINE_ERROR, "answers with status %d, which is not from 200 to 599", status);
        status = 500;
    }
    response_release(response);
    response_empty(r, status);
    response->type = type;
    return true;
}

struct buffer *response_draft(struct tine_request *r)
{
    r->response.draft.start = r->response.draft.end = 0;
    return &r->response.draft;
}

bool response_start_with_draft(struct tine_request *r, int status, const char *type)
{
    struct buffer before = r->response.body;
    if (!response_start(r, status, type))
        return false;
    r->response.body = r->response.draft;
    r->response.draft = before;
    return true;
}

/* The length of the line at 'at', CRLF included. */
static size_t line_length(const struct buffer *fields, size_t at)
{
    const char *start = fields->data + at;
    const char *newline = memchr(start, '\n', fields->end - at);
    return (size_t)(newline - start) + 1;
}

static bool line_is(const struct buffer *fields, size_t at, struct slice name)
{
    return fields->end - at > name.length && fields->data[at + name.length] == ':' && (fields->data[at] ^ name.data[0]) % 32 == 0 &&
           slice_equals_nocase((struct slice){fields->data + at, name.length}, name);
}

struct slice response_field(const struct response *response, struct slice name)
{
    const struct buffer *fields = &response->fields;
    for (size_t at = fields->start; at < fields->end; at += line_length(fields, at))
        if (line_is(fields, at, name))
            return (struct slice){fields->data + at + name.length + 2, line_length(fields, at) - name.length - 4};
    return (struct slice){NULL, 0};
}

static void remove_field(struct buffer *fields, struct slice name)
{
    for (size_t at = fields->start; at < fields->end;) {
        size_t length = line_length(fields, at);
        if (!line_is(fields, at, name)) {
            at += length;
            continue;
        }
        memmove(fields->data + at, fields->data + at + length, fields->end - at - length);
        fields->end -= length;
    }
}

void response_set_field(struct tine_request *r, const char *name, const char *value)
{
    struct buffer *fields = &r->response.fields;
    remove_field(fields, slice_from(name));
    if (value == NULL)
        return;
    buffer_append_text(fields, name);
    buffer_append(fields, ": ", 2);
    buffer_append_text(fields, value);
    buffer_append(fields, "\r\n", 2);
}

static bool has_body(int status)
{
    return status != 204 && status != 304;
}

/* 205 has a body, but it is empty (RFC 9110, 15.3.6). */
bool response_has_content(int status)
{
    return has_body(status) && status != 205;
}

bool response_is_for_head(const struct tine_request *r)
{
    return slice_equals(request_method(r), SLICE("HEAD"));
}

uint64_t response_content_length(const struct response *response)
{
    uint64_t length = 0;
    if (!response_has_content(response->status))
        return 0;
    if (response->memory.data != NULL)
        return response->memory.length;
    if (response->fd < 0)
        return buffer_length(&response->body);
    for (size_t i = 0; i < response->part_count; i++)
        length += response->parts[i].text.length + response->parts[i].length;
    return length;
}

uint64_t response_body_length(const struct tine_request *r)
{
    return response_is_for_head(r) ? 0 : response_content_length(&r->response);
}

static inline char *add(char *to, struct slice text)
{
    return mempcpy(to, text.data, text.length);
}

static char *add_text(char *to, const char *text)
{
    return add(to, slice_from(text));
}

/* Status line, Server, Date and the name of the id's field. */
static char *add_beginning(char *to, int status)
{
    time_t now = time(NULL);
    if (now != beginning.second) {
        char date[DATE_LENGTH + 1];
        date_format(now, date);
        snprintf(beginning.text, sizeof beginning.text, STATUS_OK UP_TO_DATE "%s" UP_TO_ID, date);
        beginning.second = now;
    }
    if (status == 200)
        return mempcpy(to, beginning.text, BEGINNING_LENGTH);
    to = add(to, SLICE("HTTP/1.1 "));
    to += digits_put(to, (unsigned)status);
    to = add(to, SLICE(" "));
    to = add_text(to, status_reason(status));
    to = add(to, SLICE("\r\n"));
    return mempcpy(to, beginning.text + sizeof STATUS_OK - 1, BEGINNING_LENGTH - (sizeof STATUS_OK - 1));
}

static char *add_framing(char *to, const struct tine_request *r)
{
    const struct response *response = &r->response;
    if (response->chunked) {
        to = add(to, SLICE("Transfer-Encoding: chunked\r\n"));
    } else if (response->state == RESPONSE_BUILT && has_body(response->status)) {
        to = add(to, SLICE("Content-Length: "));
        to += digits_put(to, response_content_length(response));
        to = add(to, SLICE("\r\n"));
    }
    if (!r->keep_alive || response->close)
        return add(to, SLICE("Connection: close\r\n\r\n"));
    if (r->head.minor_version == 0)
        return add(to, SLICE("Connection: keep-alive\r\n\r\n"));
    return add(to, SLICE("\r\n"));
}

/* Room for all but the type and the fields. No reason phrase is longer than 40. */
enum {
    HEAD_MAX = BEGINNING_LENGTH + 40 + REQUEST_ID_MAX + DIGITS_MAX +
               sizeof "\r\nContent-Type: \r\nContent-Length: \r\nConnection: keep-alive\r\n\r\n"
};

void response_format_head(struct tine_request *r, struct buffer *out)
{
    const struct response *response = &r->response;
    bool typed = response->type != NULL && response_field(response, SLICE("Content-Type")).data == NULL;
    size_t type_length = typed ? strlen(response->type) : 0, fields_length = buffer_length(&response->fields);
    char *to = buffer_reserve(out, HEAD_MAX + type_length + fields_length);
    to = add_beginning(to, response->status);
    to = add_text(to, tine_id(r));
    to = add(to, SLICE("\r\n"));
    if (typed) {
        to = add(to, SLICE("Content-Type: "));
        to = add(to, (struct slice){response->type, type_length});
        to = add(to, SLICE("\r\n"));
    }
    if (fields_length > 0)
        to = add(to, (struct slice){buffer_bytes(&response->fields), fields_length});
    to = add_framing(to, r);
    out->end = (size_t)(to - out->data);
}
