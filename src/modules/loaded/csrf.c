/* SPDX-License-Identifier: Apache-2.0
 *
 * csrf: refuses what other sites make a user's browser send. Runs in a worker.
 * Needs: libcrypto
 *
 *     [filter:csrf]
 *     module = csrf
 *     keys = ${KEYS}
 *
 * Browsers say themselves where a request comes from, in fields that no script can write: Sec-Fetch-Site, and if there is none Origin.
 * Both decide alone. Only what has neither (an old browser, or none at all) must bring a token: an HMAC, masked anew each time so that
 * compression cannot give it away, of a random number that lies in a signed cookie, the session and the user. Another site can neither
 * read the token nor make the cookie, and a token of somebody else is not this user's.
 */
#include "common/personal.h"
#include "common/seal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <tine_batteries.h>

enum { NONCE = 16, NONCE_TEXT = 22, TOKEN_TEXT = seal_text_length(2 * SEAL_MAC) };

enum policy { TOKEN_MISSING, TOKEN_ALWAYS, TOKEN_OFF };

struct csrf {
    struct seal seal;
    enum policy policy;
    const char *origins, *cookie, *header, *field;
};

/* What the calls of a request know. */
struct request_csrf {
    tine_csrf_calls calls;
    const struct csrf *csrf;
    bool looked;                /* into the cookie: only when somebody wants to know */
    bool is_given;              /* a token, to the handler */
    char nonce[NONCE_TEXT + 1]; /* "": there is none yet */
};

static int check_origins(tine_app *app)
{
    for (const char *list = tine_setting(app, "origins"); *(list += strspn(list, ", ")) != '\0';) {
        size_t length = strcspn(list, ", ");
        const char *host = memmem(list, length, "://", 3);

        if (host == NULL || host == list || memchr(host + 3, '/', length - (size_t)(host + 3 - list)) != NULL ||
            memchr(list, '*', length) != NULL)
            return tine_reject(app, "origins", "'%.*s' is no origin as browsers send it: https://example.org", (int)length, list);
        list += length;
    }
    return 0;
}

static int load(tine_app *app)
{
    static const char *const policies[] = {"missing", "always", "off"};
    const char *policy = tine_setting(app, "token");
    struct csrf *csrf = calloc(1, sizeof *csrf);
    size_t i = 0;

    if (csrf == NULL)
        return tine_reject(app, NULL, "out of memory");
    tine_set_data(app, csrf);
    while (i < 3 && strcmp(policy, policies[i]) != 0)
        i++;
    if (i == 3)
        return tine_reject(app, "token", "must be missing, always or off, not '%s'", policy);
    csrf->policy = (enum policy)i;
    csrf->origins = tine_setting(app, "origins");
    csrf->cookie = tine_setting(app, "cookie");
    csrf->header = tine_setting(app, "header");
    csrf->field = tine_setting(app, "field");
    if (check_origins(app) != 0 || seal_check_cookie(app, "cookie") != 0)
        return -1;
    return csrf->policy == TOKEN_OFF ? 0 : seal_load(&csrf->seal, app);
}

static void worker_exit(tine_app *app)
{
    free(tine_data(app));
    tine_set_data(app, NULL);
}

/* ---- Where a request comes from ---- */

enum source { FROM_HERE, FROM_ELSEWHERE, UNKNOWN };

static bool is_listed(const char *list, const char *origin)
{
    while (*(list += strspn(list, ", ")) != '\0') {
        size_t length = strcspn(list, ", ");

        if (strlen(origin) == length && memcmp(list, origin, length) == 0)
            return true;
        list += length;
    }
    return false;
}

/* Where a proxy in front of us speaks TLS without saying so we are http to ourselves, and https to browsers. */
static bool is_own(tine_request *r, const char *origin)
{
    const char *host = tine_header(r, "Host"), *rest = NULL;

    if (strncmp(origin, "https://", 8) == 0)
        rest = origin + 8;
    else if (strncmp(origin, "http://", 7) == 0 && strcmp(tine_scheme(r), "https") != 0)
        rest = origin + 7;
    return rest != NULL && host != NULL && *host != '\0' && strcasecmp(rest, host) == 0;
}

static enum source find_source(tine_request *r, const struct csrf *csrf)
{
    const char *site = tine_header(r, "Sec-Fetch-Site"), *origin = tine_header(r, "Origin");

    if (origin != NULL && is_listed(csrf->origins, origin))
        return FROM_HERE;
    if (site != NULL)
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 ? FROM_HERE : FROM_ELSEWHERE;
    if (origin != NULL)
        return is_own(r, origin) ? FROM_HERE : FROM_ELSEWHERE;
    return UNKNOWN;
}

/* ---- The token ---- */

/* Behind the number whose it is, as far as filters in front of this one know. */
static void make_mac(tine_request *r, const struct request_csrf *request, size_t key, unsigned char mac[SEAL_MAC])
{
    const char *session = tine_attribute(r, "session_id"), *user = tine_attribute(r, "user");
    const char *text = tine_printf(r, "%s|%s|%s", request->nonce, session != NULL ? session : "", user != NULL ? user : "");

    seal_mac(&request->csrf->seal, key, "csrf token", text, strlen(text), mac);
}

/* The number from the cookie, if it is one that we have given out. */
static bool has_cookie(tine_request *r, struct request_csrf *request)
{
    const char *cookie = request->looked ? NULL : tine_cookie(r, seal_cookie_name(r, request->csrf->cookie));

    request->looked = true;
    if (cookie != NULL && strlen(cookie) == NONCE_TEXT + 1 + SEAL_TEXT && cookie[NONCE_TEXT] == '.' &&
        seal_check(&request->csrf->seal, "csrf cookie", cookie, NONCE_TEXT, cookie + NONCE_TEXT + 1, SEAL_TEXT) >= 0)
        memcpy(request->nonce, cookie, NONCE_TEXT);
    return request->nonce[0] != '\0';
}

static int set_cookie(tine_request *r, struct request_csrf *request)
{
    unsigned char nonce[NONCE];
    char text[SEAL_TEXT + 1];

    seal_random(nonce, NONCE);
    seal_to_text(nonce, NONCE, request->nonce);
    seal_sign(&request->csrf->seal, "csrf cookie", request->nonce, NONCE_TEXT, text);
    return tine_set_cookie(r, seal_cookie_name(r, request->csrf->cookie), tine_printf(r, "%s.%s", request->nonce, text), NULL);
}

/* A page with a token is one user's. */
static const char *token(tine_request *r, tine_csrf_calls *calls)
{
    struct request_csrf *request = (struct request_csrf *)calls;
    unsigned char both[2 * SEAL_MAC], mac[SEAL_MAC];
    char *text;

    if (request->csrf->policy == TOKEN_OFF || (!has_cookie(r, request) && set_cookie(r, request) != 0))
        return NULL;
    request->is_given = true;
    personal_mark(r);
    make_mac(r, request, 0, mac);
    seal_random(both, SEAL_MAC);
    for (size_t i = 0; i < SEAL_MAC; i++)
        both[SEAL_MAC + i] = both[i] ^ mac[i];
    text = tine_alloc(r, TOKEN_TEXT + 1);
    seal_to_text(both, sizeof both, text);
    return text;
}

static bool is_right(tine_request *r, struct request_csrf *request, const char *text)
{
    unsigned char both[TOKEN_TEXT / 4 * 3 + 3], mac[SEAL_MAC];
    bool right = false;

    if (text == NULL || strlen(text) != TOKEN_TEXT || !has_cookie(r, request) || seal_from_text(text, TOKEN_TEXT, both) != 2 * SEAL_MAC)
        return false;
    for (size_t i = 0; i < SEAL_MAC; i++)
        both[i] ^= both[SEAL_MAC + i];
    for (size_t key = 0; key < request->csrf->seal.count; key++) {
        make_mac(r, request, key, mac);
        right |= CRYPTO_memcmp(mac, both, SEAL_MAC) == 0;
    }
    return right;
}

static bool type_is(const char *type, const char *wanted)
{
    size_t length = strlen(wanted);

    return strncasecmp(type, wanted, length) == 0 && (type[length] == '\0' || strchr("; \t", type[length]) != NULL);
}

/* A form is taken apart only if it is one: what the handler is to read otherwise stays unread. */
static const char *brought(tine_request *r, const struct csrf *csrf)
{
    const char *text = tine_header(r, csrf->header), *type = tine_header(r, "Content-Type");

    if (text != NULL || type == NULL)
        return text;
    return type_is(type, "application/x-www-form-urlencoded") || type_is(type, "multipart/form-data") ? tine_form(r, csrf->field) : NULL;
}

/* No browser sends this field of its own accord, and to make it the script of another site must ask before. */
static bool has_bearer(tine_request *r)
{
    const char *field = tine_header(r, "Authorization");

    return field != NULL && strncasecmp(field, "Bearer ", 7) == 0;
}

static int decide(tine_request *r, struct request_csrf *request)
{
    const struct csrf *csrf = request->csrf;
    enum source source = find_source(r, csrf);

    if (source == FROM_ELSEWHERE)
        return tine_problem(r, 403, "this was sent by another site");
    if (tine_status(r) != 0) /* no handler runs, and of a body that was refused nothing is there */
        return 0;
    if (csrf->policy == TOKEN_OFF || (csrf->policy == TOKEN_MISSING && (source == FROM_HERE || has_bearer(r))))
        return 0;
    if (is_right(r, request, brought(r, csrf)))
        return 0;
    if (tine_failed(r) != 0)
        return tine_failed(r);
    return tine_problem(r, 403, "the token, in field %s or in the form, is missing or too old: load the page again", csrf->header);
}

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0 || strcmp(method, "TRACE") == 0;
}

/* A token may still be in the body; and one that is no good is told of where a handler would run. */
static int early(tine_request *r, tine_app *self)
{
    return !is_safe(tine_method(r)) && find_source(r, tine_data(self)) == FROM_ELSEWHERE ? 403 : 0;
}

static int before(tine_request *r, tine_app *self)
{
    struct request_csrf *request = tine_alloc(r, sizeof *request);

    *request = (struct request_csrf){.calls.token = token, .csrf = tine_data(self)};
    if (tine_set_attribute(r, "csrf", &request->calls) != 0)
        return 500;
    return is_safe(tine_method(r)) ? 0 : decide(r, request);
}

/* Kept by a cache between, and handed out with its cookie, the token would be known to all. */
static int after(tine_request *r, tine_app *self)
{
    const struct request_csrf *request = tine_attribute(r, "csrf");

    if (request != NULL && request->csrf == tine_data(self) && request->is_given && !personal_is_said(r))
        tine_set_header(r, "Cache-Control", "no-store");
    return 0;
}

static const tine_filter csrf_filter = TINE_FILTER("csrf", .before = before, .after = after, .early = early);

TINE_MODULE(.filters = TINE_FILTERS(&csrf_filter),
            .settings =
                (const tine_option[]){
                    SEAL_SETTING(""),
                    {"token", TINE_TEXT, "missing",
                     "who must bring a token: missing, what says not where it comes from; always, everything; off, nothing"},
                    {"origins", TINE_TEXT, "", "other sites that may send: https://example.org, https://app.example.net"},
                    {"cookie", TINE_TEXT, "csrf", "name of the cookie; on https __Host- is put in front"},
                    {"header", TINE_TEXT, "X-CSRF-Token", "request field of the token"},
                    {"field", TINE_TEXT, "csrf_token", "field of a form, for the same"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
