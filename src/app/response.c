/* SPDX-License-Identifier: Apache-2.0
 *
 * See response.h. What tine.h lets handlers call is in output.c.
 */
#include "app/response.h"

#include "app/blame.h"
#include "http/date.h"
#include "http/status.h"

#include <stdio.h>
#include <time.h>

enum { CLOCK_LINE_MAX = 64 };

/* "Server: tine\r\nDate: ...\r\n", made once a second. */
static struct {
    time_t second;
    size_t length;
    char text[CLOCK_LINE_MAX];
} clock_line;

static void release_borrowed(struct response *response)
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
    release_borrowed(response);
    response->state = RESPONSE_NONE;
    response->status = 0;
    response->type = NULL;
    response->fields.start = response->fields.end = 0;
    response->body.start = response->body.end = 0;
    response->chunked = response->close = response->closed = false;
    response->sent = 0;
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
    release_borrowed(response);
    response_empty(r, status);
    response->type = type;
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

static void append_clock_line(struct buffer *out)
{
    time_t now = time(NULL);
    if (now != clock_line.second) {
        char date[DATE_LENGTH + 1];
        date_format(now, date);
        clock_line.second = now;
        clock_line.length = (size_t)snprintf(clock_line.text, sizeof clock_line.text,
                                             "Server: tine\r\nDate: %s\r\n", date);
    }
    buffer_append(out, clock_line.text, clock_line.length);
}

static void append_literal(struct buffer *out, struct slice literal)
{
    buffer_append(out, literal.data, literal.length);
}

static void append_status_line(struct buffer *out, int status)
{
    if (status == 200) {
        append_literal(out, SLICE("HTTP/1.1 200 OK\r\n"));
        return;
    }
    append_literal(out, SLICE("HTTP/1.1 "));
    buffer_append_number(out, (unsigned)status);
    append_literal(out, SLICE(" "));
    buffer_append_text(out, status_reason(status));
    append_literal(out, SLICE("\r\n"));
}

static void append_framing(const struct tine_request *r, struct buffer *out)
{
    const struct response *response = &r->response;
    if (response->chunked) {
        append_literal(out, SLICE("Transfer-Encoding: chunked\r\n"));
    } else if (response->state == RESPONSE_BUILT && has_body(response->status)) {
        append_literal(out, SLICE("Content-Length: "));
        buffer_append_number(out, response_content_length(response));
        append_literal(out, SLICE("\r\n"));
    }
    if (!r->keep_alive || response->close)
        append_literal(out, SLICE("Connection: close\r\n"));
    else if (r->head.minor_version == 0)
        append_literal(out, SLICE("Connection: keep-alive\r\n"));
}

void response_format_head(struct tine_request *r, struct buffer *out)
{
    struct response *response = &r->response;
    buffer_reserve(out, 512 + buffer_length(&response->fields));
    append_status_line(out, response->status);
    append_clock_line(out);
    append_literal(out, SLICE("X-Request-Id: "));
    buffer_append_text(out, tine_id(r));
    append_literal(out, SLICE("\r\n"));
    if (response->type != NULL && response_field(response, SLICE("Content-Type")).data == NULL) {
        append_literal(out, SLICE("Content-Type: "));
        buffer_append_text(out, response->type);
        append_literal(out, SLICE("\r\n"));
    }
    buffer_append(out, buffer_bytes(&response->fields), buffer_length(&response->fields));
    append_framing(r, out);
    append_literal(out, SLICE("\r\n"));
}
