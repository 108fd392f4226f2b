/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter csrf: what browsers say of where a request comes from, and tokens: forged, cut, of others, of a key that is gone.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(csrf, .timeout = 120);

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"
#define APP "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"
#define SERVER ONE_WORKER "trusted = 127.0.0.1\nfilters = csrf\n[filter:csrf]\nmodule = csrf\n"
#define KEYS(keys) SERVER "keys = " keys "\n"

static struct server server;

static void stop(void)
{
    server_stop(&server);
}

static int status_of(const char *method, const char *path, const char *fields, const char *body)
{
    struct response response =
        ask(&server, text("%s %s HTTP/1.1\r\nHost: App.example:81\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s", method, path,
                          fields, strlen(body), body));
    int status = response.status;
    response_free(&response);
    return status;
}

static void expect_post(const char *fields, int status)
{
    int got = status_of("POST", "/", fields, "");
    cr_assert_eq(got, status, "%d, not %d, for: %s", got, status, fields);
}

#define ORIGIN(origin) "Origin: " origin "\r\n"
#define SITE(site) "Sec-Fetch-Site: " site "\r\n"
#define TLS "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"

Test(csrf, what_other_sites_send_is_refused, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "origins = https://friend.example, http://local:3000\n" APP);
    expect_post(SITE("same-origin"), 200);
    expect_post(SITE("none"), 200);
    expect_post(SITE("same-origin") ORIGIN("null"), 200);
    expect_post(SITE("cross-site"), 403);
    expect_post(SITE("same-site"), 403);
    expect_post(SITE("Same-Origin"), 403);
    expect_post(SITE(""), 403);
    expect_post(SITE("same-origin") SITE("same-origin"), 403);
    expect_post(SITE("cross-site") ORIGIN("http://app.example:81"), 403);
    expect_post(SITE("cross-site") ORIGIN("https://friend.example"), 200);
    expect_post(ORIGIN("http://local:3000"), 200);
    expect_post(ORIGIN("http://app.example:81"), 200);
    expect_post(ORIGIN("https://app.example:81"), 200); /* a proxy in front may speak TLS without saying so */
    expect_post(ORIGIN("https://app.example:81") TLS, 200);
    expect_post(ORIGIN("http://app.example:81") TLS, 403);
    static const char *const others[] = {"null", "", "http://app.example", "http://app.example:8", "http://app.example:811",
                                         "http://evil.example", "http://app.example:81.evil.example", "http://app.example:81/",
                                         "ftp://app.example:81", "app.example:81", "http://friend.example", "https://friend.example:8443",
                                         "https://friend.example, http://local:3000"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_post(text("Origin: %s\r\n", others[i]), 403);
}

Test(csrf, methods_that_change_nothing_pass, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    cr_assert_eq(status_of("GET", "/", SITE("cross-site"), ""), 200);
    cr_assert_eq(status_of("OPTIONS", "/", SITE("cross-site"), ""), 204);
    cr_assert_eq(status_of("DELETE", "/", SITE("cross-site"), ""), 403);
    cr_assert_eq(status_of("PUT", "/nowhere", SITE("cross-site"), ""), 403);
    cr_assert_eq(status_of("BREW", "/", SITE("cross-site"), ""), 403);
    cr_assert_eq(status_of("get", "/", SITE("cross-site"), ""), 403);
}

/* A page that was loaded: its token, and the cookie that came with it. */
struct page {
    const char *token, *cookie;
};

static struct page load(const char *fields)
{
    struct response response = get_with(&server, "/csrf", fields);
    expect_response(&response, 200, NULL);
    const char *cookie = response_header(&response, "Set-Cookie");
    return (struct page){response.body, cookie != NULL ? text("%.*s", (int)strcspn(cookie, ";"), cookie) : NULL};
}

static void expect_token(const char *cookie, const char *token, int status)
{
    expect_post(text("Cookie: %s\r\nX-CSRF-Token: %s\r\n", cookie, token), status);
}

Test(csrf, who_says_nothing_must_bring_a_token, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    struct page page = load("");
    expect_token(page.cookie, page.token, 200);
    expect_token(page.cookie, page.token, 200); /* two windows */
    const char *form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    cr_assert_eq(status_of("POST", "/form", text("Cookie: %s\r\n%s", page.cookie, form), text("value=1&csrf_token=%s", page.token)), 200);
    cr_assert_eq(status_of("POST", "/form", text("Cookie: %s\r\n%s", page.cookie, form), "value=1"), 403);
    cr_assert_eq(status_of("POST", "/form", text("Cookie: %s\r\n%s", page.cookie, form), "value=%zz"), 400);
    cr_assert_eq(status_of("POST", text("/form?csrf_token=%s", page.token), text("Cookie: %s\r\n%s", page.cookie, form), "value=1"), 403);
    expect_post("", 403);
    expect_post(text("X-CSRF-Token: %s\r\n", page.token), 403);
    expect_post(text("Cookie: %s\r\n", page.cookie), 403);
    expect_post("Authorization: Basic eDp5\r\n", 403);
    expect_post("Authorization: Bearer x\r\n", 200);
    expect_post(text("Cookie: %s\r\nX-CSRF-Token: %s\r\n" ORIGIN("http://evil.example"), page.cookie, page.token), 403);
    struct page again = load(text("Cookie: %s\r\n", page.cookie));
    cr_assert(again.cookie == NULL && strcmp(again.token, page.token) != 0, "each page has the same bytes, for compression to find");
    expect_token(page.cookie, again.token, 200);
    expect_token(page.cookie, page.token, 200);
}

#define PART(disposition, content) "--b\r\nContent-Disposition: form-data; " disposition "\r\n\r\n" content "\r\n"
#define MULTIPART "Content-Type: multipart/form-data; boundary=b\r\n"

static void expect_parts(const char *path, const char *cookie, const char *body, int status, const char *seen)
{
    struct response response =
        ask(&server, text("POST %s HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n" MULTIPART "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                          path, cookie, strlen(body), body));
    expect_response(&response, status, seen);
    response_free(&response);
}

/* Where no handler is to run there is nothing to protect, and of a body that was refused no token to be found. */
Test(csrf, what_is_refused_anyway_says_why, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "[limits]\nbody = 100\n" APP);
    const char *body = text("%0101d", 0);
    cr_assert_eq(status_of("POST", "/", "", ""), 403);
    cr_assert_eq(status_of("POST", "/", "", body), 413);
    cr_assert_eq(status_of("POST", "/", "Content-Type: application/x-www-form-urlencoded\r\n", body), 413);
    cr_assert_eq(status_of("POST", "/", MULTIPART, body), 413);
    cr_assert_eq(status_of("POST", "/nowhere", "", ""), 404);
    cr_assert_eq(status_of("DELETE", "/", "", ""), 405);
}

/* And the handler reads the parts as if nobody had looked, those of a large body that lies in a file too. */
Test(csrf, a_form_with_files_brings_it_too, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "[limits]\nbody_memory = 4k\n" APP);
    struct page page = load("");
    static const char *const paths[] = {"/parts", "/parts_arriving"};
    for (size_t i = 0; i < 2; i++) {
        char *token = text("%s", page.token), *seen = text("a=1\ncsrf_token=%.9s\nf*=text\n", token);
        expect_parts(
            paths[i], page.cookie,
            text(PART("name=\"a\"", "1") PART("name=\"csrf_token\"", "%s") PART("name=f; filename=f.txt", "text") "--b--\r\n", token), 200,
            seen);
        expect_parts(paths[i], page.cookie,
                     text(PART("name=\"f\"; filename=\"f\"", "%020000d") PART("name=\"csrf_token\"", "%s") "--b--\r\n", 0, token), 413,
                     NULL);
        expect_parts(paths[i], page.cookie, text(PART("name=\"csrf_token\"; filename=\"f\"", "%s") "--b--\r\n", token), 403, NULL);
        token[9] ^= 1;
        expect_parts(paths[i], page.cookie, text(PART("name=\"csrf_token\"", "%s") "--b--\r\n", token), 403, NULL);
        expect_parts(paths[i], page.cookie, PART("name=\"a\"", "1") "--b--\r\n", 403, NULL);
        expect_parts(paths[i], page.cookie, "--b", 400, NULL);
        expect_parts(paths[i], page.cookie, "", 400, NULL);
    }
}

/* One character at each place, another length, another alphabet. */
Test(csrf, forged_tokens_and_cookies_are_refused, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    struct page page = load(""), other = load("");
    expect_token(page.cookie, other.token, 403);
    expect_token(other.cookie, page.token, 403);
    for (size_t i = 0; page.token[i] != 0; i += 5) {
        char *token = text("%s", page.token);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        expect_token(page.cookie, token, 403);
    }
    for (size_t i = 5; page.cookie[i] != 0; i += 5) {
        char *cookie = text("%s", page.cookie);
        cookie[i] = cookie[i] == 'A' ? 'B' : 'A';
        expect_token(cookie, page.token, 403);
    }
    expect_token(page.cookie, text("%.*s", (int)strlen(page.token) - 1, page.token), 403);
    expect_token(page.cookie, text("%sA", page.token), 403);
    expect_token(page.cookie, "", 403);
    expect_token(text("%.*s", (int)strlen(page.cookie) - 1, page.cookie), page.token, 403);
    expect_token(text("%.*s", (int)strcspn(page.cookie, "."), page.cookie), page.token, 403);
    expect_token("csrf=.", page.token, 403);
    /* The plain double submit, with what a neighbour under the same domain has planted. */
    expect_token("csrf=AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA", 403);
}

/* Of the cookie and of the token, and of the token with each key. */
Test(csrf, tokens_are_compared_in_a_time_that_says_nothing, .fini = stop)
{
    shim_start(&server, KEYS(KEY_A ", " KEY_B) APP);
    struct page page = load("");
    char *token = text("%s", page.token);
    for (int wrong = 0; wrong < 2; wrong++) {
        fault_begin(&server, "CRYPTO_memcmp", 1);
        expect_token(page.cookie, token, wrong ? 403 : 200);
        cr_expect_eq(fault_count(&server, "CRYPTO_memcmp"), 3);
        token[0] = token[0] == 'A' ? 'B' : 'A';
    }
}

Test(csrf, keys_are_changed_one_after_the_other, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    struct page page = load("");
    server_restart(&server, KEYS(KEY_B ", " KEY_A) APP);
    expect_token(page.cookie, page.token, 200);
    struct page next = load("");
    server_restart(&server, KEYS(KEY_B) APP);
    expect_token(page.cookie, page.token, 403);
    expect_token(next.cookie, next.token, 200);
}

Test(csrf, a_token_can_be_asked_of_all_or_none, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) "token = always\ncookie = c\nheader = X-T\n" APP);
    struct page page = load("");
    expect_post(SITE("same-origin"), 403);
    expect_post("Authorization: Bearer x\r\n", 403);
    expect_post(text(SITE("same-origin") "Cookie: %s\r\nX-T: %s\r\n", page.cookie, page.token), 200);
    server_restart(&server, SERVER "token = off\n" APP);
    expect_post("", 200);
    expect_post(SITE("cross-site"), 403);
    page = load("");
    cr_assert(page.cookie == NULL && strcmp(page.token, "(none)") == 0);
}

Test(csrf, the_cookie_is_this_hosts_alone_on_https, .fini = stop)
{
    server_start(&server, KEYS(KEY_A) APP);
    struct response response = get_with(&server, "/csrf", TLS);
    const char *cookie = response_header(&response, "Set-Cookie");
    cr_assert(cookie != NULL && strncmp(cookie, "__Host-csrf=", 12) == 0, "%s", cookie);
    cr_assert(strstr(cookie, "Secure") && strstr(cookie, "HttpOnly") && strstr(cookie, "Path=/"), "%s", cookie);
    expect_field(&response, "Cache-Control", "no-store");
    struct page page = load("");
    expect_post(text(TLS "Cookie: %s\r\nX-CSRF-Token: %s\r\n", page.cookie, page.token), 403);
}

/* Of another user it is another token, though the cookie stays. */
Test(csrf, a_token_is_one_users, .fini = stop)
{
    server_start(&server, ONE_WORKER "filters = tokens, csrf\n[filter:tokens]\nmodule = bearer\noptional = on\n"
                                     "token.ada = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
                                     "[filter:csrf]\nmodule = csrf\ntoken = always\nkeys = " KEY_A "\n" APP);
    struct page page = load("Authorization: Bearer test\r\n");
    expect_token(page.cookie, page.token, 403);
    expect_post(text("Authorization: Bearer test\r\nCookie: %s\r\nX-CSRF-Token: %s\r\n", page.cookie, page.token), 200);
}

static void expect_refused(const char *settings, const char *reason)
{
    struct server refused;
    server_prepare(&refused, text("%s%s%s", SERVER, settings, APP));
    const char *told = expect_bad_ini(&refused, reason);
    cr_assert(strstr(told, "0123456789abcdef") == NULL, "the key is told: %s", told);
}

Test(csrf, bad_settings_are_refused_with_their_line)
{
    expect_refused("", "\\[filter:csrf\\].* keys: has none");
    expect_refused("keys = 0123456789abcdef\n", "server\\.ini:8: \\[filter:csrf\\] keys: number 1 has 16 characters");
    expect_refused("keys = " KEY_A ", short\n", "server\\.ini:8: \\[filter:csrf\\] keys: number 2 has 5 characters");
    expect_refused("token = off\norigins = friend.example\n", "server\\.ini:9: \\[filter:csrf\\] origins: 'friend.example' is no origin");
    expect_refused("token = off\norigins = https://*.friend.example\n", "server\\.ini:9: \\[filter:csrf\\] origins: ");
    expect_refused("token = maybe\n", "server\\.ini:8: \\[filter:csrf\\] token: must be missing, always or off, not 'maybe'");
    expect_refused("token = off\ncookie = a b\n", "server\\.ini:9: \\[filter:csrf\\] cookie: ");
    expect_refused("token = off\ncookie = __Host-x\n", "server\\.ini:9: \\[filter:csrf\\] cookie: ");
}
