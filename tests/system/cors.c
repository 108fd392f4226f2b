/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter cors: who may read, what preflights are told, what caches are told.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(cors, .timeout = 120);

#define SERVER ONE_WORKER "filters = cors, login\n[filter:login]\nmodule = @MODULES@/../../filter.so\ntoken = x\n"
#define OPEN_SERVER ONE_WORKER "filters = cors\n"
#define APP "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"
#define CORS(settings) "[filter:cors]\nmodule = cors\n" settings
#define NAMED "origins = https://a.example, http://localhost:3000, https://*.b.example\n"

#define ORIGIN(origin) "Origin: " origin "\r\n"
#define PREFLIGHT(origin) ORIGIN(origin) "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n"

static struct server server;

static void stop(void)
{
    server_stop(&server);
}

static void expect_allowed(const char *fields, const char *origin)
{
    struct response response = get_with(&server, "/", fields);
    expect_response(&response, 200, "plain");
    expect_field(&response, "Access-Control-Allow-Origin", origin);
    response_free(&response);
}

Test(cors, lets_only_scripts_of_named_sites_read, .fini = stop)
{
    server_start(&server, OPEN_SERVER CORS(NAMED) APP);
    expect_allowed(ORIGIN("https://a.example"), "https://a.example");
    expect_allowed(ORIGIN("http://localhost:3000"), "http://localhost:3000");
    expect_allowed(ORIGIN("https://x.b.example"), "https://x.b.example");
    expect_allowed(ORIGIN("https://x.y.b.example"), "https://x.y.b.example");
    static const char *const others[] = {
        "http://a.example", "https://a.example:8443", "https://a.example.evil.example", "https://evila.example", "https://A.example",
        "null", "https://b.example", "https://evilb.example", "https://.b.example", "https://evil.example/.b.example",
        "https://evil.example#.b.example",
        "https://x.b.example:8443", "http://x.b.example", "https://a.example, https://a.example", "https://a.example https://evil.example",
        "*", "https://*.b.example", "",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_allowed(text("Origin: %s\r\n", others[i]), NULL);
    expect_allowed(ORIGIN("https://a.example") ORIGIN("https://evil.example"), NULL);
}

Test(cors, answers_preflights_before_anything_else, .fini = stop)
{
    server_start(&server, SERVER CORS(NAMED "headers = X-A, Authorization\nmethods = PUT\nmax_age = 1m\n") APP);
    struct response response = ask(&server, request("OPTIONS", "/nowhere", PREFLIGHT("https://a.example")));
    expect_response(&response, 204, NULL);
    expect_field(&response, "Access-Control-Allow-Origin", "https://a.example");
    expect_field(&response, "Access-Control-Allow-Methods", "PUT");
    expect_field(&response, "Access-Control-Allow-Headers", "X-A, Authorization");
    expect_field(&response, "Access-Control-Max-Age", "60");
    expect_field(&response, "Access-Control-Allow-Credentials", NULL);
    expect_field(&response, "Vary", "Origin");
    response = ask(&server, request("OPTIONS", "/", PREFLIGHT("https://evil.example")));
    expect_response(&response, 403, NULL);
    expect_field(&response, "Access-Control-Allow-Origin", NULL);
    expect_field(&response, "Access-Control-Allow-Methods", NULL);
    expect_field(&response, "Vary", "Origin");
    /* What is no preflight goes on, and so does its answer, to be read. */
    response = ask(&server, request("OPTIONS", "/", ORIGIN("https://a.example")));
    expect_response(&response, 401, NULL);
    expect_field(&response, "Access-Control-Allow-Origin", "https://a.example");
}

/* What src/man/batteries.md shows for it, without one of its lines. */
static char *shown_for_logins(const char *left_out)
{
    char *page = file_read("src/man/batteries.md", NULL), *start = strstr(page, "**A page of another origin that logs in**");
    start = start != NULL ? strstr(start, "```ini\n") : NULL;
    cr_assert_not_null(start);
    char *ini = text("%.*s", (int)(strstr(start, "\n```\n") - start - 6), start + 7);
    char *line = left_out != NULL ? strstr(ini, left_out) : NULL;
    cr_assert(left_out == NULL || line != NULL, "%s", left_out);
    if (line != NULL)
        *line = ';';
    return text("%s%s\n%s", ONE_WORKER, ini, APP);
}

#define PAGE "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nSec-Fetch-Site: cross-site\r\nOrigin: https://app.example.net\r\n"

/* Logs in as its script does, and returns what the cookie and the answer are. */
static struct response log_in(const char *left_out)
{
    setenv("KEYS", "0123456789abcdef0123456789abcdef", 1);
    server_start(&server, shown_for_logins(left_out));
    return ask(&server, request("POST", "/session?user=ada", PAGE));
}

Test(cors, a_page_of_another_origin_logs_in, .fini = stop)
{
    struct response response = log_in(NULL);
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    expect_field(&response, "Access-Control-Allow-Origin", "https://app.example.net");
    expect_field(&response, "Access-Control-Allow-Credentials", "true");
    const char *cookie = response_header(&response, "Set-Cookie");
    cr_assert(cookie != NULL && strstr(cookie, "SameSite=None") != NULL && strstr(cookie, "Secure") != NULL, "%s", cookie);
    response = ask(&server, request("POST", "/session?cart=3", text(PAGE "Cookie: %.*s\r\n", (int)strcspn(cookie, ";"), cookie)));
    expect_response(&response, 200, "{\"user\":\"ada\",\"cart\":\"3\"}");
    response = ask(&server, request("OPTIONS", "/session", PAGE "Access-Control-Request-Method: POST\r\n"
                                                              "Access-Control-Request-Headers: content-type\r\n"));
    expect_response(&response, 204, NULL);
    expect_field(&response, "Access-Control-Allow-Credentials", "true");
    response = ask(&server, request("POST", "/session?cart=3", "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n"));
    expect_response(&response, 403, NULL);
}

Test(cors, each_of_the_settings_for_that_is_needed, .fini = stop)
{
    struct response response = log_in("credentials = on");
    expect_field(&response, "Access-Control-Allow-Credentials", NULL);
    server_stop(&server);
    response = log_in("same_site = None");
    cr_assert(strstr(response_header(&response, "Set-Cookie"), "SameSite=Lax") != NULL);
    server_stop(&server);
    response = log_in("origins = https://app.example.net    ;"); /* that of csrf */
    expect_response(&response, 403, NULL);
}

Test(cors, tells_caches_what_the_answer_depends_on, .fini = stop)
{
    server_start(&server, OPEN_SERVER CORS(NAMED) APP);
    struct response response = get(&server, "/");
    expect_field(&response, "Vary", "Origin");
    expect_field(&response, "Access-Control-Allow-Origin", NULL);
    response = get_with(&server, "/own?Vary=Accept-Language", ORIGIN("https://a.example"));
    cr_assert(strstr(response.head, "Vary: Accept-Language\r\n") && strstr(response.head, "Vary: Origin\r\n"), "%s", response.head);
    response = get_with(&server, "/nowhere", ORIGIN("https://a.example"));
    expect_response(&response, 404, NULL);
    expect_field(&response, "Access-Control-Allow-Origin", "https://a.example");
    response = get_with(&server, "/stream", ORIGIN("https://a.example"));
    expect_field(&response, "Access-Control-Allow-Origin", "https://a.example");
    expect_field(&response, "Vary", "Origin");
}

Test(cors, sends_credentials_and_exposed_fields_when_told, .fini = stop)
{
    server_start(&server, OPEN_SERVER CORS(NAMED "credentials = on\nexpose = X-Total\n") APP);
    struct response response = get_with(&server, "/", ORIGIN("https://a.example"));
    expect_field(&response, "Access-Control-Allow-Credentials", "true");
    expect_field(&response, "Access-Control-Expose-Headers", "X-Total");
    response = get_with(&server, "/", ORIGIN("https://evil.example"));
    expect_field(&response, "Access-Control-Allow-Credentials", NULL);
    expect_field(&response, "Access-Control-Expose-Headers", NULL);
    response = get_with(&server, "/own?Access-Control-Allow-Origin=https://c.example", ORIGIN("https://a.example"));
    expect_field(&response, "Access-Control-Allow-Origin", "https://c.example");
    expect_field(&response, "Access-Control-Allow-Credentials", NULL);
}

Test(cors, may_be_open_to_all_without_credentials, .fini = stop)
{
    server_start(&server, OPEN_SERVER CORS("origins = *\nheaders = *\n") APP);
    struct response response = get_with(&server, "/", ORIGIN("null"));
    expect_field(&response, "Access-Control-Allow-Origin", "*");
    expect_field(&response, "Access-Control-Allow-Credentials", NULL);
    expect_field(&response, "Vary", NULL);
    response = ask(&server, request("OPTIONS", "/", PREFLIGHT("https://a.example")));
    expect_response(&response, 204, NULL);
    expect_field(&response, "Access-Control-Allow-Headers", "*");
}

static void expect_refused(const char *settings, const char *reason)
{
    struct server refused;
    server_prepare(&refused, text("%s[filter:cors]\nmodule = cors\n%s%s", OPEN_SERVER, settings, APP));
    expect_bad_ini(&refused, reason);
}

Test(cors, bad_settings_are_refused_with_their_line)
{
    expect_refused("", "\\[filter:cors\\] origins: ");
    expect_refused("origins = \"\"\n", "server\\.ini:7: \\[filter:cors\\] origins: .*names none");
    expect_refused("origins = *\ncredentials = on\n", "server\\.ini:7: \\[filter:cors\\] origins: .*every user's session");
    expect_refused(NAMED "credentials = on\nheaders = *\n", "server\\.ini:9: \\[filter:cors\\] headers: .*without credentials");
    expect_refused(NAMED "methods = GET POST\n", "server\\.ini:8: \\[filter:cors\\] methods: 'GET POST' is no token");
    static const char *const wrong[] = {"null", "a.example", "https://A.example", "https://a.example/", "https://a.example:443",
                                        "http://a.example:80", "https://", "https://a.*.example", "https://a@b.example",
                                        "*, https://a.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_refused(text("origins = https://ok.example, %s\n", wrong[i]),
                       "server\\.ini:7: \\[filter:cors\\] origins: '.*' is no origin");
}
