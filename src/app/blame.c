/* SPDX-License-Identifier: Apache-2.0
 *
 * See blame.h.
 */
#include "app/blame.h"

#include <stdint.h>
#include <stdio.h>

enum { BLAMES_MAX = 8 };

void request_blame(tine_request *r, tine_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (++r->blames > BLAMES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct tine_app *app = r->filter != NULL ? r->filter->self : r->match.app;
    tine_log(r, level, "%s %s of module %s %s%s", r->filter != NULL ? "filter" : "handler", request_handler_name(r),
             app != NULL ? app->section->module : "-", text, r->blames == BLAMES_MAX ? "; more of this request is not told" : "");
}

bool request_gives_memory(tine_request *r, const char *call, const void *data, size_t length)
{
    if (length > PTRDIFF_MAX)
        request_blame(r, TINE_ERROR, "gives %s a length of %zu: was it negative?", call, length);
    else if (data == NULL && length > 0)
        request_blame(r, TINE_ERROR, "gives %s NULL for %zu bytes", call, length);
    else
        return true;
    return false;
}
