/* SPDX-License-Identifier: Apache-2.0
 *
 * security_headers: fields that make browsers more careful with an answer. Runs in a worker.
 *
 *     [filter:security]
 *     module = security_headers
 *     content_security_policy = default-src 'self'
 *     frame_options = SAMEORIGIN
 *     referrer_policy = off
 *
 * Named outermost, so that answers of other filters get them as well. They are put in when the answer is there and only where it has
 * no such field: a page that must be framed says so itself, by a field of its own.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>

/* What may stand in a setting beside "off"; NULL: anything that may stand in a field. */
static const struct field {
    const char *setting, *name, *values;
} fields[] = {
    {"content_type_options", "X-Content-Type-Options", "nosniff"},
    {"frame_options", "X-Frame-Options", "DENY SAMEORIGIN"},
    {"referrer_policy", "Referrer-Policy",
     "no-referrer no-referrer-when-downgrade origin origin-when-cross-origin same-origin strict-origin strict-origin-when-cross-origin "
     "unsafe-url"},
    {"opener_policy", "Cross-Origin-Opener-Policy", "same-origin same-origin-allow-popups noopener-allow-popups unsafe-none"},
    {"resource_policy", "Cross-Origin-Resource-Policy", "same-origin same-site cross-origin"},
    {"content_security_policy", "Content-Security-Policy", NULL},
    {"content_security_report", "Content-Security-Policy-Report-Only", NULL},
    {"permissions_policy", "Permissions-Policy", NULL},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

struct headers {
    const char *values[FIELDS]; /* NULL: off */
    char transport[96];         /* Strict-Transport-Security; "": off */
};

static bool is_among(const char *value, const char *values)
{
    size_t length = strlen(value);

    for (const char *one = values; *one != '\0'; one += strcspn(one, " "), one += *one == ' ')
        if (strcspn(one, " ") == length && strncmp(one, value, length) == 0)
            return true;
    return false;
}

static int check(tine_app *app, const struct field *field, const char *value)
{
    if (field->values != NULL && !is_among(value, field->values))
        return tine_reject(app, field->setting, "must be off or one of: %s; not '%s'", field->values, value);
    for (const char *byte = value; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 0x7f)
            return tine_reject(app, field->setting, "has a control byte");
    return *value != '\0' ? 0 : tine_reject(app, field->setting, "is empty: write off for no such field");
}

static int set_transport(tine_app *app, struct headers *headers)
{
    long long seconds = tine_setting_number(app, "hsts") / 1000;
    bool preload = tine_setting_number(app, "hsts_preload"), below = tine_setting_number(app, "hsts_subdomains");

    if (preload && (!below || seconds < 31536000))
        return tine_reject(app, "hsts_preload", "browsers' lists take only who says hsts_subdomains = on and an hsts of 365d or more");
    if (seconds > 0)
        snprintf(headers->transport, sizeof headers->transport, "max-age=%lld%s%s", seconds, below ? "; includeSubDomains" : "",
                 preload ? "; preload" : "");
    return 0;
}

static int load(tine_app *app)
{
    struct headers *headers = calloc(1, sizeof *headers);

    if (headers == NULL)
        return tine_reject(app, NULL, "out of memory");
    tine_set_data(app, headers);
    for (size_t i = 0; i < FIELDS; i++) {
        const char *value = tine_setting(app, fields[i].setting);

        if (strcmp(value, "off") == 0)
            continue;
        if (check(app, &fields[i], value) != 0)
            return -1;
        headers->values[i] = value;
    }
    return set_transport(app, headers);
}

static void worker_exit(tine_app *app)
{
    free(tine_data(app));
    tine_set_data(app, NULL);
}

static void fill_in(tine_request *r, const char *name, const char *value)
{
    if (tine_response_header(r, name) == NULL)
        tine_set_header(r, name, value);
}

/* Strict-Transport-Security counts by TLS alone (RFC 6797, 7.2), and without it would be a promise that nobody can keep. */
static int after(tine_request *r, tine_app *self)
{
    const struct headers *headers = tine_data(self);

    for (size_t i = 0; i < FIELDS; i++)
        if (headers->values[i] != NULL)
            fill_in(r, fields[i].name, headers->values[i]);
    if (headers->transport[0] != '\0' && strcmp(tine_scheme(r), "https") == 0)
        fill_in(r, "Strict-Transport-Security", headers->transport);
    return 0;
}

static const tine_filter security = TINE_FILTER("security_headers", .after = after);

TINE_MODULE(.filters = TINE_FILTERS(&security),
            .settings =
                (const tine_option[]){
                    {"content_type_options", TINE_TEXT, "nosniff", "X-Content-Type-Options: nosniff, or off"},
                    {"frame_options", TINE_TEXT, "DENY", "X-Frame-Options: DENY, SAMEORIGIN, or off"},
                    {"referrer_policy", TINE_TEXT, "strict-origin-when-cross-origin", "Referrer-Policy, or off"},
                    {"opener_policy", TINE_TEXT, "same-origin", "Cross-Origin-Opener-Policy, or off"},
                    {"resource_policy", TINE_TEXT, "off", "Cross-Origin-Resource-Policy: same-origin, same-site or cross-origin, or off"},
                    {"content_security_policy", TINE_TEXT, "off", "Content-Security-Policy: default-src 'self'; or off"},
                    {"content_security_report", TINE_TEXT, "off", "Content-Security-Policy-Report-Only, to try one; or off"},
                    {"permissions_policy", TINE_TEXT, "off", "Permissions-Policy: camera=(), microphone=(); or off"},
                    {"hsts", TINE_TIME, "365d", "Strict-Transport-Security, where the client came by https: for how long; 0: none"},
                    {"hsts_subdomains", TINE_SWITCH, "off", "for all hosts below this one as well?"},
                    {"hsts_preload", TINE_SWITCH, "off", "may browsers' makers put it into their lists?"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
