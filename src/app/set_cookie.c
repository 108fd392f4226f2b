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

/* A host name (RFC 1034, 3.5; RFC 1123, 2.1). Browsers pass over a Domain that ends in a dot, and refuse a cookie whose
 * Domain they cannot read. */
static bool is_domain(const char *text)
{
    static const char inside[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    for (;;) {
        size_t length = strspn(text, inside);
        if (length == 0 || text[0] == '-' || text[length - 1] == '-')
            return false;
        if (text[length] != '.')
            return text[length] == 0;
        text += length + 1;
    }
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
    if (options->domain != NULL && !is_domain(options->domain))
        return "the domain is not a host name: letters, digits and '-', with a '.' between them";
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

/* Is the line of this cookie? A name with another path or domain is another cookie. */
static bool is_same_cookie(struct slice line, struct slice start, struct slice scope)
{
    const char *semicolon = line.length > start.length ? memchr(line.data + start.length, ';', line.length - start.length) : NULL;
    if (semicolon == NULL || memcmp(line.data, start.data, start.length) != 0)
        return false;
    size_t left = line.length - (size_t)(semicolon - line.data);
    return left > scope.length && memcmp(semicolon, scope.data, scope.length) == 0 && semicolon[scope.length] == ';' &&
           strncmp(semicolon + scope.length, "; Domain=", 9) != 0;
}

/* Of two for the same cookie only the last would count, so only that is sent (RFC 6265, 4.1.1). */
static void remove_cookie(struct buffer *fields, struct slice start, struct slice scope)
{
    for (size_t at = fields->start; at < fields->end;) {
        struct slice line = {fields->data + at, 0};
        line.length = (size_t)((const char *)memchr(line.data, '\n', fields->end - at) + 1 - line.data);
        if (!is_same_cookie(line, start, scope)) {
            at += line.length;
            continue;
        }
        memmove(fields->data + at, fields->data + at + line.length, fields->end - at - line.length);
        fields->end -= line.length;
    }
}

static void put_cookie(tine_request *r, const char *name, const char *value, const tine_cookie_options *options)
{
    struct buffer *out = &r->response.fields;
    bool secure = options->secure > 0 || must_be_secure(name, options) || (options->secure == 0 && strcmp(tine_scheme(r), "https") == 0);
    const char *start = tine_printf(r, "Set-Cookie: %s=", name), *domain = options->domain;
    const char *scope = tine_printf(r, "; Path=%s%s%s", options->path, domain != NULL ? "; Domain=" : "", domain != NULL ? domain : "");
    remove_cookie(out, slice_from(start), slice_from(scope));
    buffer_format(out, "%s%s%s", start, value, scope);
    if (options->max_age > 0)
        buffer_format(out, "; Max-Age=%" PRId64, options->max_age);
    else if (options->max_age < 0) /* the grammar has no Max-Age=0 */
        buffer_append_text(out, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    buffer_format(out, "; SameSite=%s%s%s\r\n", options->same_site, secure ? "; Secure" : "", options->scripts ? "" : "; HttpOnly");
}

int tine_set_cookie(tine_request *r, const char *name, const char *value, const tine_cookie_options *given)
{
    tine_cookie_options options = own_copy(given, value);
    const char *wrong = response_why_late(r);
    if (value == NULL)
        value = "";
    if (wrong != NULL)
        wrong = tine_printf(r, "it is too late after %s", wrong);
    else if (given != NULL && given->size > sizeof *given)
        wrong = tine_printf(r, "its options have %zu bytes, and this tine knows %zu: the module was built for a newer one",
                            given->size, sizeof *given);
    else
        wrong = find_fault(name, value, &options);
    if (wrong != NULL) {
        request_blame(r, TINE_WARNING, "sets cookie '%.80s', refused: %s", name != NULL ? name : "(null)", wrong);
        return -1;
    }
    put_cookie(r, name, value, &options);
    return 0;
}
