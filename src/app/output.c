/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h by which a handler builds its response. Runs in workers.
 */
#include "app/problem.h"
#include "app/response.h"
#include "base/log.h"
#include "http/date.h"
#include "http/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Ready to be built, whatever was built before. False when it is too late, which is logged. */
static bool start(tine_request *r, int status, const char *type)
{
    struct response *response = &r->response;
    if (response->state >= RESPONSE_BEGUN) {
        tine_log(r, TINE_ERROR, "handler %s builds a response after its response has begun", request_handler_name(r));
        return false;
    }
    if (status < 200 || status > 599) {
        tine_log(r, TINE_ERROR, "handler %s answers with status %d, which is not from 200 to 599",
                 request_handler_name(r), status);
        status = 500;
    }
    if (response->fd >= 0) {
        close(response->fd);
        response->fd = -1;
    }
    response_empty(r, status);
    response->type = type;
    return true;
}

int tine_text(tine_request *r, int status, const char *format, ...)
{
    if (!start(r, status, "text/plain; charset=utf-8"))
        return 500;
    va_list arguments;
    va_start(arguments, format);
    buffer_format_va(&r->response.body, format, arguments);
    va_end(arguments);
    return r->response.status;
}

static int append_json(const char *data, size_t length, void *body)
{
    buffer_append(body, data, length);
    return 0;
}

int tine_json(tine_request *r, int status, json_t *value)
{
    if (!start(r, status, "application/json")) {
        json_decref(value);
        return 500;
    }
    if (value == NULL || json_dump_callback(value, append_json, &r->response.body, JSON_COMPACT | JSON_ENCODE_ANY) < 0) {
        json_decref(value);
        tine_log(r, TINE_ERROR, "handler %s gives tine_json() %s", request_handler_name(r),
                 value == NULL ? "NULL: did json_pack() fail, of a text that is not UTF-8 perhaps?" : "a value that cannot be written");
        return tine_problem(r, 500, "the answer could not be made");
    }
    json_decref(value);
    return r->response.status;
}

int tine_send(tine_request *r, int status, const char *type, const void *data, size_t length)
{
    if (!start(r, status, type != NULL ? arena_copy(&r->arena, type, strlen(type)) : NULL))
        return 500;
    if (type != NULL && !field_is_value(slice_from(type))) {
        tine_log(r, TINE_ERROR, "handler %s gives tine_send() a media type with a control byte", request_handler_name(r));
        return tine_problem(r, 500, "the answer could not be made");
    }
    buffer_append(&r->response.body, data, length);
    return r->response.status;
}

int tine_problem(tine_request *r, int status, const char *format, ...)
{
    char detail[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (!start(r, status, NULL))
        return 500;
    response_set_field(r, "Content-Type", NULL);
    problem_build(r, detail);
    return r->response.status;
}

/* Visible ASCII stays as it is; everything else is percent-encoded, so a Location can carry no second field. */
static char *encode_location(tine_request *r, const char *location)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(&r->arena, strlen(location) * 3 + 1), *end = encoded;
    for (const unsigned char *p = (const unsigned char *)location; *p != 0; p++) {
        if (*p > 0x20 && *p < 0x7f && strchr("\"<>\\^`{|}", *p) == NULL) {
            *end++ = (char)*p;
            continue;
        }
        *end++ = '%';
        *end++ = digits[*p >> 4];
        *end++ = digits[*p & 15];
    }
    *end = 0;
    return encoded;
}

int tine_redirect(tine_request *r, int status, const char *location)
{
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
        tine_log(r, TINE_ERROR, "handler %s redirects with status %d", request_handler_name(r), status);
        return tine_problem(r, 500, "the answer could not be made");
    }
    if (!start(r, status, NULL))
        return 500;
    response_set_field(r, "Location", encode_location(r, location));
    return status;
}

int tine_send_fd(tine_request *r, int status, int fd, off_t offset, size_t length)
{
    if (!start(r, status, NULL)) {
        close(fd);
        return 500;
    }
    r->response.fd = fd;
    r->response.offset = offset;
    r->response.file_length = length;
    return r->response.status;
}

/* Does an If-None-Match list have this tag? Weak comparison (RFC 9110, 8.8.3.2). */
static bool has_etag(struct slice list, const char *etag)
{
    struct slice element, wanted = slice_from(etag != NULL ? etag : "");
    if (wanted.length > 2 && strncmp(etag, "W/", 2) == 0)
        wanted = (struct slice){etag + 2, wanted.length - 2};
    while (field_list_next(&list, &element)) {
        if (slice_equals(element, SLICE("*")))
            return true;
        if (element.length > 2 && strncmp(element.data, "W/", 2) == 0)
            element = (struct slice){element.data + 2, element.length - 2};
        if (slice_equals(element, wanted))
            return true;
    }
    return false;
}

int tine_fresh(tine_request *r, const char *etag, time_t modified)
{
    char date[DATE_LENGTH + 1];
    struct slice since = head_value(&r->head, r->bytes, HEAD_IF_MODIFIED_SINCE);
    struct slice method = request_method(r);
    time_t now = time(NULL), then;
    date_format(modified > now ? now : modified, date); /* never in the future (RFC 9110, 8.8.2.1) */
    tine_set_header(r, "Last-Modified", date);
    if (etag != NULL)
        tine_set_header(r, "ETag", etag);
    if (!slice_equals(method, SLICE("GET")) && !slice_equals(method, SLICE("HEAD")))
        return 0;
    if (r->head.known[HEAD_IF_NONE_MATCH] != 0) /* then If-Modified-Since does not count (13.1.3) */
        return has_etag(slice_from(tine_header(r, "If-None-Match")), etag);
    return since.data != NULL && date_parse(since, now, &then) == 0 && modified <= then;
}

/* Fields that say how the message is framed or that tine writes itself. */
static const char *const own_fields[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Keep-Alive", "Upgrade",
                                         "TE", "Trailer", "Server", "X-Request-Id", NULL};

static bool may_set(tine_request *r, const char *name, const char *value)
{
    const char *wrong = NULL;
    if (r->response.state >= RESPONSE_BEGUN)
        wrong = "the response has begun";
    else if (!field_is_token(slice_from(name)))
        wrong = "the name is not a token";
    else if (value != NULL && !field_is_value(slice_from(value)))
        wrong = "the value has a control byte or white space at its ends";
    for (const char *const *own = own_fields; wrong == NULL && *own != NULL; own++)
        if (strcasecmp(*own, name) == 0)
            wrong = "tine writes it itself";
    if (wrong != NULL)
        tine_log(r, TINE_WARNING, "handler %s sets field '%.80s', refused: %s", request_handler_name(r), name, wrong);
    return wrong == NULL;
}

int tine_set_header(tine_request *r, const char *name, const char *value)
{
    if (!may_set(r, name, value))
        return -1;
    response_set_field(r, name, value);
    return 0;
}

int tine_add_header(tine_request *r, const char *name, const char *value)
{
    if (value == NULL || !may_set(r, name, value))
        return -1;
    buffer_format(&r->response.fields, "%s: %s\r\n", name, value);
    return 0;
}

int tine_set_status(tine_request *r, int status)
{
    if (r->response.state < RESPONSE_BEGUN && status >= 200 && status <= 599)
        r->response.status = status;
    return r->response.status;
}

void tine_log(tine_request *r, tine_level level, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* tine_level and enum log_level have the same order. */
    if (r != NULL)
        log_message((enum log_level)level, "%s (request %s)", text, tine_id(r));
    else
        log_message((enum log_level)level, "%s", text);
}
