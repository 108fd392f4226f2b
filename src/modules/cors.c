/* SPDX-License-Identifier: Apache-2.0
 *
 * cors: lets scripts of other sites read answers, those of the sites that are named alone (Fetch Standard, "CORS protocol"). Runs in a
 * worker.
 *
 *     [filter:cors]
 *     module = cors
 *     origins = https://example.org, https://app.example.net
 *     credentials = on
 *
 * A preflight is answered here, whether there is such a path or not: what is further in (a login, say) does not see it, and so must be
 * named behind this. To a site that is not named no field is sent, and its browser keeps the answer from it; the request is served all
 * the same, because this grants, and forbids nothing: that is what csrf is for. What a handler has set itself stays.
 */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>

struct cors {
    const char *origins, *methods, *headers, *expose;
    char max_age[24];
    bool any, credentials;
};

static const char not_an_origin[] =
    "'%.*s' is no origin as browsers send it: scheme://host or scheme://host:port in lower case, without the scheme's own port and "
    "without a path; https://*.example.org is every host below example.org";

/* What browsers compare and send is in lower case and has no default port: any other would never match, which nobody would understand. */
static bool is_origin(const char *origin, size_t length)
{
    static const char *const defaults[] = {"http://", ":80", "https://", ":443"};
    const char *end = origin + length, *host = memmem(origin, length, "://", 3);

    if (host == NULL || host == origin || host + 3 == end)
        return false;
    host += 3;
    if (end - host > 2 && memcmp(host, "*.", 2) == 0)
        host += 2;
    for (const char *byte = origin; byte < end; byte++)
        if (*byte <= ' ' || *byte >= 0x7f || (*byte >= 'A' && *byte <= 'Z') || (byte >= host && strchr("/*?#@\"<>\\", *byte) != NULL))
            return false;
    for (size_t i = 0; i < 4; i += 2) {
        size_t port = strlen(defaults[i + 1]);

        if (strncmp(origin, defaults[i], strlen(defaults[i])) == 0 && length > port && memcmp(end - port, defaults[i + 1], port) == 0)
            return false;
    }
    return true;
}

static int check_tokens(tine_app *app, const char *setting, bool star_is_right)
{
    const char *list = tine_setting(app, setting), *one;
    size_t length;

    while (list_next(&list, &one, &length)) {
        if (!list_is_token(one, length))
            return tine_reject(app, setting, "'%.*s' is no token: write names with commas between them", (int)length, one);
        if (!star_is_right && length == 1 && *one == '*')
            return tine_reject(app, setting, "'*' stands for all only without credentials: name them");
    }
    return 0;
}

static int check_origins(tine_app *app, bool credentials)
{
    const char *list = tine_setting(app, "origins"), *one;
    size_t length, count = 0;

    if (strcmp(list, "*") == 0)
        return credentials
                   ? tine_reject(app, "origins", "'*' with credentials = on would open every user's session to every site: name them")
                   : 0;
    while (list_next(&list, &one, &length)) {
        count++;
        if (!is_origin(one, length))
            return tine_reject(app, "origins", not_an_origin, (int)length, one);
    }
    return count > 0 ? 0 : tine_reject(app, "origins", "names none: give origins with commas between them, or '*' for all");
}

static int load(tine_app *app)
{
    bool credentials = tine_setting_number(app, "credentials");
    struct cors *cors;

    if (check_origins(app, credentials) != 0 || check_tokens(app, "methods", !credentials) != 0 ||
        check_tokens(app, "headers", !credentials) != 0 || check_tokens(app, "expose", !credentials) != 0)
        return -1;
    cors = calloc(1, sizeof *cors);
    if (cors == NULL)
        return tine_reject(app, NULL, "no memory");
    cors->origins = tine_setting(app, "origins");
    cors->any = strcmp(cors->origins, "*") == 0;
    cors->methods = tine_setting(app, "methods");
    cors->headers = tine_setting(app, "headers");
    cors->expose = tine_setting(app, "expose");
    cors->credentials = credentials;
    snprintf(cors->max_age, sizeof cors->max_age, "%lld", (long long)tine_setting_number(app, "max_age") / 1000);
    tine_set_data(app, cors);
    return 0;
}

static void worker_exit(tine_app *app)
{
    free(tine_data(app));
    tine_set_data(app, NULL);
}

/* Bytes that stand in the place of '*': one or more labels of a host's name, and nothing that could end it. */
static bool is_labels(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == '_' ||
              text[i] == '.'))
            return false;
    return length > 0 && text[0] != '.';
}

static bool matches(const char *pattern, size_t length, const char *origin)
{
    const char *star = memchr(pattern, '*', length);
    size_t origin_length = strlen(origin), before, behind;

    if (star == NULL)
        return origin_length == length && memcmp(pattern, origin, length) == 0;
    before = (size_t)(star - pattern);
    behind = length - before - 1;
    return origin_length > before + behind && memcmp(pattern, origin, before) == 0 &&
           memcmp(star + 1, origin + origin_length - behind, behind) == 0 && is_labels(origin + before, origin_length - before - behind);
}

static bool may_read(const struct cors *cors, const char *origin)
{
    const char *list = cors->origins, *one;
    size_t length;

    if (cors->any)
        return true;
    while (list_next(&list, &one, &length))
        if (matches(one, length, origin))
            return true;
    return false;
}

/* What every answer to a script of that site carries. */
static void grant(tine_request *r, const struct cors *cors, const char *origin)
{
    if (tine_response_header(r, "Access-Control-Allow-Origin") != NULL)
        return;
    tine_set_header(r, "Access-Control-Allow-Origin", cors->any ? "*" : origin);
    if (cors->credentials)
        tine_set_header(r, "Access-Control-Allow-Credentials", "true");
}

static int preflight(tine_request *r, const struct cors *cors, const char *origin)
{
    if (!cors->any)
        tine_set_header(r, "Vary", "Origin");
    if (!may_read(cors, origin))
        return tine_problem(r, 403, "scripts of this origin may not ask here");
    grant(r, cors, origin);
    tine_set_header(r, "Access-Control-Allow-Methods", cors->methods);
    if (*cors->headers != '\0')
        tine_set_header(r, "Access-Control-Allow-Headers", cors->headers);
    tine_set_header(r, "Access-Control-Max-Age", cors->max_age);
    return 204;
}

static int before(tine_request *r, tine_app *self)
{
    const char *origin;

    if (strcmp(tine_method(r), "OPTIONS") != 0 || tine_header(r, "Access-Control-Request-Method") == NULL)
        return 0;
    origin = tine_header(r, "Origin");
    return origin != NULL ? preflight(r, tine_data(self), origin) : 0;
}

/* Vary also where no Origin was sent: a cache may not keep that answer for a script. It is added, for who is further in has a Vary of his
 * own. */
static int after(tine_request *r, tine_app *self)
{
    const struct cors *cors = tine_data(self);
    const char *origin = tine_header(r, "Origin");

    if (!cors->any)
        tine_add_header(r, "Vary", "Origin");
    if (origin == NULL || !may_read(cors, origin))
        return 0;
    grant(r, cors, origin);
    if (*cors->expose != '\0' && tine_response_header(r, "Access-Control-Expose-Headers") == NULL)
        tine_set_header(r, "Access-Control-Expose-Headers", cors->expose);
    return 0;
}

static const tine_filter cors_filter = TINE_FILTER("cors", .before = before, .after = after, .early = before);

TINE_MODULE(.filters = TINE_FILTERS(&cors_filter),
            .settings =
                (const tine_option[]){
                    {"origins", TINE_TEXT, NULL,
                     "sites whose scripts may read answers: https://example.org, https://*.example.net; or *, without credentials"},
                    {"methods", TINE_TEXT, "GET, HEAD, POST, PUT, PATCH, DELETE", "what they may ask by"},
                    {"headers", TINE_TEXT, "Content-Type", "which request fields they may send beside the harmless ones"},
                    {"expose", TINE_TEXT, "", "which fields of the answer they may see beside the harmless ones"},
                    {"credentials", TINE_SWITCH, "off", "may they send cookies and logins along?"},
                    {"max_age", TINE_TIME, "10m", "how long a browser may remember this, in place of asking again"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
