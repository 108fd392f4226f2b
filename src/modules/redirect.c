/* SPDX-License-Identifier: Apache-2.0
 *
 * redirect: sends clients elsewhere. Runs in a worker.
 *
 *     [app:old]
 *     path = /old
 *     module = redirect
 *     to = https://example.org/new
 *     status = 301
 *     keep_path = on       ; /old/a?b goes to https://example.org/new/a?b; off: all goes to `to` itself
 *
 * Where to is the configuration's word alone: `to` has a host or begins with one slash, and what the client adds comes
 * behind exactly one slash, encoded. So no request can name another site or add a field.
 */
#include "encode.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <tine.h>

/* "/…" but not "//…", or "http://host…"; nothing but visible ASCII. */
static bool is_target(const char *to)
{
    for (const char *byte = to; *byte != '\0'; byte++) {
        if (*byte <= ' ' || *byte >= 0x7f || strchr("\"<>\\^`{|}", *byte) != NULL)
            return false;
    }
    if (strncasecmp(to, "http://", 7) == 0)
        to += 7;
    else if (strncasecmp(to, "https://", 8) == 0)
        to += 8;
    else
        return to[0] == '/' && to[1] != '/';
    return *to != '\0' && strchr("/?#", *to) == NULL;
}

static int load(tine_app *app)
{
    const char *to = tine_setting(app, "to");

    if (!is_target(to))
        return tine_reject(app, "to", "must be a path, or a URI with http or https, percent-encoded, not '%s'", to);
    if (tine_setting_number(app, "keep_path") && strpbrk(to, "?#") != NULL)
        return tine_reject(app, "to", "may have no query or fragment when keep_path is on");
    switch (tine_setting_number(app, "status")) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return 0;
    default:
        return tine_reject(app, "status", "must be 301, 302, 303, 307 or 308");
    }
}

/* `to` with what follows the app's own path and with the query. */
static const char *extend(tine_request *r, const char *to)
{
    const char *mount = tine_app_path(tine_request_app(r));
    const char *rest = tine_path(r) + (strcmp(mount, "/") == 0 ? 0 : strlen(mount));
    const char *query = tine_query_string(r);
    const char *joint = *rest == '/' ? "/" : "";
    size_t length = strlen(to);
    char *encoded;

    rest += strspn(rest, "/");
    encoded = tine_alloc(r, ENCODE_GROWTH * strlen(rest) + 1);
    encode_path(encoded, rest);
    if (*joint != '\0' && to[length - 1] == '/')
        length--;
    return tine_printf(r, "%.*s%s%s%s%s", (int)length, to, joint, encoded, *query ? "?" : "", query);
}

static int redirect(tine_request *r)
{
    tine_app *app = tine_request_app(r);
    const char *to = tine_setting(app, "to");

    return tine_redirect(r, (int)tine_setting_number(app, "status"),
                         tine_setting_number(app, "keep_path") ? extend(r, to) : to);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_ROUTE("*", "/{path:path}", redirect), {0}},
            .settings =
                (const tine_option[]){
                    {"to", TINE_TEXT, NULL, "path or URI to redirect to"},
                    {"status", TINE_INTEGER, "302", "301, 302, 303, 307 or 308"},
                    {"keep_path", TINE_SWITCH, "off", "append the path below the app's own, and the query"},
                    {0},
                },
            .load = load)
