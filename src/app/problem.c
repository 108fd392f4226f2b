/* SPDX-License-Identifier: Apache-2.0
 *
 * See problem.h.
 */
#include "app/problem.h"

#include "app/response.h"
#include "base/escape.h"
#include "http/fields.h"
#include "http/status.h"

static const char *title_of(int status)
{
    const char *title = status_reason(status);
    return title[0] != 0 ? title : "Error";
}

static void build_json(struct tine_request *r, const char *detail)
{
    struct buffer *body = &r->response.body;
    r->response.type = "application/problem+json";
    buffer_format(body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title_of(r->response.status),
                  r->response.status);
    if (detail[0] != 0) {
        buffer_append_text(body, ",\"detail\":\"");
        escape_json(body, slice_from(detail));
        buffer_append_text(body, "\"");
    }
    buffer_append_text(body, ",\"request_id\":\"");
    escape_json(body, slice_from(tine_id(r)));
    buffer_append_text(body, "\"}\n");
}

static void build_page(struct tine_request *r, const char *detail)
{
    struct buffer *body = &r->response.body;
    const char *title = title_of(r->response.status);
    r->response.type = "text/html; charset=utf-8";
    buffer_format(body,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">"
                  "<title>%d %s</title>"
                  "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}"
                  "small{opacity:.6}</style></head>\n<body><h1>%d %s</h1>\n<p>",
                  r->response.status, title, r->response.status, title);
    escape_html(body, slice_from(detail));
    buffer_append_text(body, "</p>\n<small>request ");
    escape_html(body, slice_from(tine_id(r)));
    buffer_append_text(body, "</small></body></html>\n");
}

static void add_line(struct buffer *fields, struct slice line)
{
    bool there = buffer_length(fields) > 0 && memmem(buffer_bytes(fields), buffer_length(fields), line.data, line.length) != NULL;
    if (!there)
        buffer_append(fields, line.data, line.length);
}

/* A handler may have spoken of other content already: the problem is neither encoded, nor are those its digests. */
static void drop_fields_of_content(struct tine_request *r)
{
    static const char *const names[] = {"Content-Encoding", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        response_set_field(r, names[i], NULL);
}

/* That a condition failed, or that a range lies outside, is so for this request alone, which caches do not tell from others: how long the
 * content may be kept is not said of that. */
static void forbid_keeping(struct tine_request *r)
{
    if (response_field(&r->response, SLICE("Cache-Control")).data != NULL)
        response_set_field(r, "Cache-Control", "no-store");
    response_set_field(r, "Expires", NULL);
}

/* Caches keep some errors too (RFC 9110, 15.1), and this one was chosen by Accept. Its detail may repeat what a stranger sent, so no
 * browser shall guess at another type than it has. What a handler says besides stays. */
static void set_fields(struct tine_request *r)
{
    drop_fields_of_content(r);
    if (r->response.status == 412 || r->response.status == 416)
        forbid_keeping(r);
    add_line(&r->response.fields, SLICE("Vary: Accept\r\n"));
    add_line(&r->response.fields, SLICE("X-Content-Type-Options: nosniff\r\n"));
}

static void build(struct tine_request *r, const char *detail)
{
    struct slice accept = {NULL, 0};
    set_fields(r);
    if (r->head.known[HEAD_ACCEPT] != 0)
        accept = head_value(&r->head, r->bytes, HEAD_ACCEPT);
    if (accept.data != NULL && accept_prefers_html(accept))
        build_page(r, detail);
    else
        build_json(r, detail);
}

int problem_answer(struct tine_request *r, int status, const char *detail)
{
    if (!response_start(r, status, NULL))
        return 500;
    response_set_field(r, "Content-Type", NULL);
    build(r, detail);
    return r->response.status;
}

int problem_of_wrong_answer(struct tine_request *r)
{
    return problem_answer(r, 500, "the answer could not be made");
}
