/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h for pages. Runs in workers.
 */
#include "base/html.h"

#include "app/blame.h"
#include "app/problem.h"
#include "app/response.h"
#include "base/escape.h"

const char *tine_escape_html(tine_request *r, const char *text)
{
    struct buffer escaped = BUFFER_EMPTY;
    if (text == NULL)
        return "";
    escape_html(&escaped, slice_from(text));
    const char *copy = arena_copy(&r->arena, buffer_length(&escaped) > 0 ? buffer_bytes(&escaped) : "", buffer_length(&escaped));
    buffer_release(&escaped);
    return copy;
}

static bool format_page(tine_request *r, struct buffer *out, const char *call, const char *format, va_list arguments)
{
    if (format != NULL && html_format_va(out, format, arguments))
        return true;
    request_blame(r, TINE_ERROR, "gives %s a format that it cannot take: '%.80s'", call, format != NULL ? format : "(null)");
    return false;
}

int tine_html(tine_request *r, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool good = format_page(r, response_draft(r), "tine_html()", format, arguments);
    va_end(arguments);
    if (!good)
        return problem_of_wrong_answer(r);
    return response_start_with_draft(r, status, "text/html; charset=utf-8") ? r->response.status : 500;
}

int tine_write_html(tine_request *r, const char *format, ...)
{
    struct buffer text = BUFFER_EMPTY;
    va_list arguments;
    va_start(arguments, format);
    bool good = format_page(r, &text, "tine_write_html()", format, arguments);
    va_end(arguments);
    int result = good ? response_append(r, buffer_bytes(&text), buffer_length(&text), "tine_write_html()") : -1;
    buffer_release(&text);
    return result;
}
