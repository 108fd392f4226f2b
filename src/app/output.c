/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h by which a handler builds its response. Runs in workers.
 */
#include "app/blame.h"
#include "app/json_pack.h"
#include "app/json_text.h"
#include "app/problem.h"
#include "app/response.h"
#include "base/log.h"
#include "http/fields.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Each makes its body before anything of the response before is given up: arguments may point into it. */
static int answer_with_draft(tine_request *r, int status, const char *type)
{
    return response_start_with_draft(r, status, type) ? r->response.status : 500;
}

int tine_text(tine_request *r, int status, const char *format, ...)
{
    if (format == NULL) {
        request_blame(r, TINE_ERROR, "gives tine_text() NULL for a format");
        return problem_of_wrong_answer(r);
    }
    va_list arguments;
    va_start(arguments, format);
    buffer_format_va(response_draft(r), format, arguments);
    va_end(arguments);
    return answer_with_draft(r, status, "text/plain; charset=utf-8");
}

int tine_json(tine_request *r, int status, json_t *value)
{
    bool made = value != NULL && json_text_append(response_draft(r), value);
    if (!made)
        request_blame(r, TINE_ERROR, "gives tine_json() %s",
                      value == NULL ? "NULL: did json_pack() fail, of a text that is not UTF-8 perhaps?"
                                    : "a value that cannot be written");
    json_decref(value);
    return made ? answer_with_draft(r, status, "application/json") : problem_of_wrong_answer(r);
}

int tine_json_pack(tine_request *r, int status, const char *format, ...)
{
    json_error_t error = {.text = "the format is NULL"};
    va_list arguments;
    va_start(arguments, format);
    bool made = format != NULL && json_pack_append(response_draft(r), format, arguments, &error);
    va_end(arguments);
    if (made)
        return answer_with_draft(r, status, "application/json");
    request_blame(r, TINE_ERROR, "gives tine_json_pack() what it cannot write by '%s': %s", format != NULL ? format : "", error.text);
    return problem_of_wrong_answer(r);
}

int tine_send(tine_request *r, int status, const char *type, const void *data, size_t length)
{
    size_t type_length = type != NULL ? strlen(type) : 0;
    if (type != NULL && !field_is_value((struct slice){type, type_length})) {
        request_blame(r, TINE_ERROR, "gives tine_send() a media type with a control byte");
        return problem_of_wrong_answer(r);
    }
    if (!request_gives_memory(r, "tine_send()", data, length))
        return problem_of_wrong_answer(r);
    buffer_append(response_draft(r), data, length);
    return answer_with_draft(r, status, type != NULL ? arena_copy(&r->arena, type, type_length) : NULL);
}

int tine_problem(tine_request *r, int status, const char *format, ...)
{
    char detail[2048];
    va_list arguments;
    va_start(arguments, format);
    detail[0] = 0;
    if (format != NULL)
        vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    log_trim(detail);
    int answered = problem_answer(r, status, detail);
    if (status == 500 && r->response.state == RESPONSE_BUILT)
        request_blame(r, TINE_ERROR, "answers 500: %s", detail[0] != 0 ? detail : "it says no more");
    return answered;
}

/* The end of the host in "//host…" and "scheme://host…", where alone brackets may stand; of others the start. */
static const char *authority_end(const char *location)
{
    const char *slashes = strstr(location, "//");
    size_t scheme = strcspn(location, "/?#");
    if (slashes == NULL || slashes != location + scheme || (scheme > 0 && slashes[-1] != ':'))
        return location;
    return slashes + 2 + strcspn(slashes + 2, "/?#");
}

/* May the byte at 'p' stand in a URI reference (RFC 3986, 4.1) that is well-formed up to it? */
static bool is_uri_byte(const char *p, const char *authority, const char *fragment)
{
    if (*p <= 0x20 || *p >= 0x7f || strchr("\"<>\\^`{|}", *p) != NULL)
        return false;
    if (*p == '%')
        return isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]);
    if (*p == '[' || *p == ']')
        return p < authority;
    return *p != '#' || p == fragment;
}

/* What may stand in a URI stays as it is; everything else is percent-encoded, so a Location can carry no second field. */
static char *encode_location(tine_request *r, const char *location)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(&r->arena, strlen(location) * 3 + 1), *end = encoded;
    const char *authority = authority_end(location), *fragment = strchr(location, '#');
    for (const unsigned char *p = (const unsigned char *)location; *p != 0; p++) {
        if (is_uri_byte((const char *)p, authority, fragment)) {
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
        request_blame(r, TINE_ERROR, "redirects with status %d", status);
        return problem_of_wrong_answer(r);
    }
    if (location == NULL) {
        request_blame(r, TINE_ERROR, "redirects to NULL");
        return problem_of_wrong_answer(r);
    }
    const char *encoded = encode_location(r, location);
    if (!response_start(r, status, NULL))
        return 500;
    response_set_field(r, "Location", encoded);
    return status;
}

/* Fields that say how the message is framed or that tine writes itself. */
static const char *const own_fields[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Keep-Alive", "Upgrade",
                                         "TE", "Trailer", "Server", "X-Request-Id", NULL};

static bool may_set(tine_request *r, const char *name, const char *value)
{
    const char *wrong = response_why_late(r);
    if (wrong != NULL)
        wrong = tine_printf(r, "it is too late after %s", wrong);
    else if (name == NULL || !field_is_token(slice_from(name)))
        wrong = "the name is not a token";
    else if (value != NULL && !field_is_value(slice_from(value)))
        wrong = "the value has a control byte or white space at its ends";
    for (const char *const *own = own_fields; wrong == NULL && *own != NULL; own++)
        if (((*own)[0] ^ name[0]) % 32 == 0 && strcasecmp(*own, name) == 0)
            wrong = "tine writes it itself";
    if (wrong != NULL)
        request_blame(r, TINE_WARNING, "sets field '%.80s', refused: %s", name != NULL ? name : "(null)", wrong);
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
    if (value == NULL) {
        request_blame(r, TINE_WARNING, "adds field '%.80s' without a value, refused", name != NULL ? name : "(null)");
        return -1;
    }
    if (!may_set(r, name, value))
        return -1;
    buffer_format(&r->response.fields, "%s: %s\r\n", name, value);
    return 0;
}

int tine_set_status(tine_request *r, int status)
{
    const char *late = response_why_late(r);
    if (late == NULL && r->phase == FILTERS_STREAM)
        late = "its head";
    if (late != NULL)
        request_blame(r, TINE_ERROR, "sets status %d after %s", status, late);
    else if (status < 200 || status > 599)
        request_blame(r, TINE_ERROR, "sets status %d, which is not from 200 to 599", status);
    else
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
    log_trim(text);
    /* tine_level and enum log_level have the same order. */
    if (r == NULL) { /* in worker_exit() or a thread, say: nothing bounds how long that would wait */
        log_message((enum log_level)level, "%s", text);
        return;
    }
    log_wait(true); /* there is [timeouts] request for that */
    log_message((enum log_level)level, "%s (request %s)", text, tine_id(r));
    log_wait(false);
}
