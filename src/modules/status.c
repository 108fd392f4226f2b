/* SPDX-License-Identifier: Apache-2.0
 *
 * status: what the server does, for a person as text and for a program as JSON (Accept: application/json, or ?format=json). Runs
 * in a worker.
 *
 *     [app:status]
 *     path = /-/status
 *     module = status
 *     allow = 127.0.0.1, 10.0.0.0/8
 *
 * It shows requests that others have made, so it answers those alone who ask from this machine, unless 'allow' says otherwise.
 * Behind a proxy on the same machine everybody does, but for those that [server] trusted tells apart.
 */
#include "status_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>

static bool wants_json(tine_request *r)
{
    const char *format = tine_query(r, "format"), *accept = tine_header(r, "Accept");

    if (format != NULL)
        return strcmp(format, "json") == 0;
    return accept != NULL && strcasestr(accept, "application/json") != NULL;
}

static int show(tine_request *r)
{
    tine_set_header(r, "Cache-Control", "no-store");
    tine_set_header(r, "Vary", "Accept");
    json_t *status = tine_server_status();
    if (wants_json(r))
        return tine_json(r, 200, status);
    char *text = status != NULL ? status_text(status) : NULL;
    int result = text != NULL ? tine_send(r, 200, "text/plain; charset=utf-8", text, strlen(text)) : 500;
    json_decref(status);
    free(text);
    return result;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", show), {0}},
            .allow = "127.0.0.0/8, ::1, unix:")
