/* SPDX-License-Identifier: Apache-2.0
 *
 * tine_set_cookie(): Set-Cookie as RFC 6265 (4.1) and its successor have it, careful unless told otherwise. Runs in workers.
 */
#include "app/blame.h"
#include "app/response.h"
#include "http/fields.h"

#include <inttypes.h>
#include <strings.h>

enum { COOKIE_MAX = 4096 }; /* name and value: browsers keep no larger one */

/* cookie-octet: visible ASCII but for the quote, comma, semicolon and backslash. */
static bool is_value(const char *text)
{
    for (; *text != 0; text++)
        if (*text <= 0x20 || *text >= 0x7f || strchr("\",;\\", *text) != NULL)
            return false;
    return true;
}

static bool is_attribute(const char *text)
{
    for (; *text != 0; text++)
        if (*text < 0x20 || *text >= 0x7f || *text == ';')
            return false;
    return true;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* What browsers do without a word: refuse a cookie whose name or SameSite promises what the rest does not keep. */
static bool must_be_secure(const char *name, const tine_cookie_options *options)
{
    return has_prefix(name, "__Secure-") || has_prefix(name, "__Host-") || strcmp(options->same_site, "None") == 0;
}

static const char *find_fault(const char *name, const char *value, const tine_cookie_options *options)
{
    if (name == NULL || !field_is_token(slice_from(name)))
        return "the name is not a token";
    if (!is_value(value))
        return "the value has a byte that no cookie can have: encode it";
    if (strlen(name) + strlen(value) > COOKIE_MAX)
        return "name and value are longer than 4096 bytes";
    if (options->path[0] != '/' || !is_attribute(options->path))
        return "the path does not begin with '/', or has a control byte or ';'";
    if (options->domain != NULL && (options->domain[0] == 0 || !is_attribute(options->domain)))
        return "the domain is empty, or has a control byte or ';'";
    if (strcmp(options->same_site, "Lax") != 0 && strcmp(options->same_site, "Strict") != 0 && strcmp(options->same_site, "None") != 0)
        return "same_site is not Lax, Strict or None";
    if (options->secure < 0 && must_be_secure(name, options))
        return "browsers take one of this name or same_site only if it is secure";
    if (has_prefix(name, "__Host-") && (options->domain != NULL || strcmp(options->path, "/") != 0))
        return "a __Host- cookie has no domain, and '/' for its path";
    return NULL;
}

/* In this server's layout, of a struct that may be older than this server; with its defaults. */
static tine_cookie_options own_copy(const tine_cookie_options *given, const char *value)
{
    tine_cookie_options options = {0};
    if (given != NULL)
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    if (options.path == NULL)
        options.path = "/";
    if (options.same_site == NULL)
        options.same_site = "Lax";
    if (value == NULL)
        options.max_age = -1;
    return options;
}

static void put_attribute(struct buffer *out, const char *name, const char *value)
{
    buffer_append_text(out, name);
    if (value != NULL)
        buffer_append_text(out, value);
}

int tine_set_cookie(tine_request *r, const char *name, const char *value, const tine_cookie_options *given)
{
    tine_cookie_options options = own_copy(given, value);
    struct buffer *out = &r->response.fields;
    const char *wrong = response_why_late(r);
    if (wrong != NULL)
        wrong = tine_printf(r, "it is too late after %s", wrong);
    else if (given != NULL && given->size > sizeof *given)
        wrong = tine_printf(r, "its options have %zu bytes, and this tine knows %zu: the module was built for a newer one", given->size, sizeof *given);
    else
        wrong = find_fault(name, value != NULL ? value : "", &options);
    if (wrong != NULL) {
        request_blame(r, TINE_WARNING, "sets cookie '%.80s', refused: %s", name != NULL ? name : "(null)", wrong);
        return -1;
    }
    bool secure = options.secure > 0 || must_be_secure(name, &options) || (options.secure == 0 && strcmp(tine_scheme(r), "https") == 0);
    buffer_format(out, "Set-Cookie: %s=%s; Path=%s", name, value != NULL ? value : "", options.path);
    if (options.domain != NULL)
        put_attribute(out, "; Domain=", options.domain);
    if (options.max_age != 0)
        buffer_format(out, "; Max-Age=%" PRId64, options.max_age > 0 ? options.max_age : 0);
    put_attribute(out, "; SameSite=", options.same_site);
    if (secure)
        put_attribute(out, "; Secure", NULL);
    if (!options.scripts)
        put_attribute(out, "; HttpOnly", NULL);
    buffer_append(out, "\r\n", 2);
    return 0;
}
