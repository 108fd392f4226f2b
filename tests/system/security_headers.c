/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter security_headers: what is there, what can be changed, whose word counts.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(security_headers, .timeout = 120);

#define SERVER ONE_WORKER "trusted = 127.0.0.1\nfilters = security\n[filter:security]\nmodule = security_headers\n"
#define APPS "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n[app:files]\npath = /files\nmodule = static\nroot = @DIR@\n"

static struct server server;

static void stop(void)
{
    server_stop(&server);
}

static void expect_defaults(const char *path, int status)
{
    struct response response = get(&server, path);
    expect_response(&response, status, NULL);
    expect_field(&response, "X-Content-Type-Options", "nosniff");
    expect_field(&response, "X-Frame-Options", "DENY");
    expect_field(&response, "Referrer-Policy", "strict-origin-when-cross-origin");
    expect_field(&response, "Cross-Origin-Opener-Policy", "same-origin");
    expect_field(&response, "Content-Security-Policy", NULL);
    expect_field(&response, "Strict-Transport-Security", NULL);
    cr_assert_eq(text_count(response.head, "nosniff"), 1, "%s", response.head);
    response_free(&response);
}

Test(security_headers, stand_on_every_answer, .fini = stop)
{
    server_start(&server, SERVER APPS);
    expect_defaults("/", 200);
    expect_defaults("/nowhere", 404);
    expect_defaults("/fail", 500);
    expect_defaults("/stream", 200);
    expect_defaults("/files/server.ini", 200);
}

Test(security_headers, transport_security_is_for_https_alone, .fini = stop)
{
    server_start(&server, SERVER APPS);
    struct response response = get_with(&server, "/", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n");
    expect_field(&response, "Strict-Transport-Security", "max-age=31536000");
    server_restart(&server, SERVER "hsts = 730d\nhsts_subdomains = on\nhsts_preload = on\n" APPS);
    response = get_with(&server, "/", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n");
    expect_field(&response, "Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload");
    server_restart(&server, SERVER "hsts = 0\n" APPS);
    response = get_with(&server, "/", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n");
    expect_field(&response, "Strict-Transport-Security", NULL);
}

Test(security_headers, never_override_what_a_handler_set, .fini = stop)
{
    server_start(&server, SERVER "content_security_policy = default-src 'self'\n" APPS);
    struct response response =
        get(&server, "/own?X-Frame-Options=SAMEORIGIN&Content-Security-Policy=script-src+'none'&referrer-policy=origin");
    expect_field(&response, "X-Frame-Options", "SAMEORIGIN");
    expect_field(&response, "Content-Security-Policy", "script-src 'none'");
    expect_field(&response, "Referrer-Policy", "origin");
    expect_field(&response, "X-Content-Type-Options", "nosniff");
    cr_assert_eq(text_count(response.head, "Content-Security-Policy"), 1, "%s", response.head);
}

Test(security_headers, each_can_be_changed_or_switched_off, .fini = stop)
{
    server_start(&server, SERVER "content_type_options = off\nframe_options = SAMEORIGIN\nreferrer_policy = no-referrer\n"
                                 "opener_policy = off\n"
                                 "resource_policy = same-site\ncontent_security_policy = \"default-src 'self'; img-src *\"\n"
                                 "permissions_policy = camera=()\n" APPS);
    struct response response = get(&server, "/");
    expect_field(&response, "X-Content-Type-Options", NULL);
    expect_field(&response, "X-Frame-Options", "SAMEORIGIN");
    expect_field(&response, "Referrer-Policy", "no-referrer");
    expect_field(&response, "Cross-Origin-Opener-Policy", NULL);
    expect_field(&response, "Cross-Origin-Resource-Policy", "same-site");
    expect_field(&response, "Content-Security-Policy", "default-src 'self'; img-src *");
    expect_field(&response, "Permissions-Policy", "camera=()");
}

static void expect_refused(const char *settings, const char *reason)
{
    struct server refused;
    server_prepare(&refused, text("%s%s%s", SERVER, settings, APPS));
    expect_bad_ini(&refused, reason);
}

Test(security_headers, bad_settings_are_refused_with_their_line)
{
    expect_refused("frame_options = ALLOW\n", "server\\.ini:8: \\[filter:security\\] frame_options: .*DENY SAMEORIGIN; not 'ALLOW'");
    expect_refused("referrer_policy = origin-when\n", "server\\.ini:8: \\[filter:security\\] referrer_policy: ");
    expect_refused("content_security_policy = \"\"\n", "server\\.ini:8: \\[filter:security\\] content_security_policy: .*write off");
    expect_refused("hsts_preload = on\n", "server\\.ini:8: \\[filter:security\\] hsts_preload: .*hsts_subdomains");
    expect_refused("hsts = 1d\nhsts_subdomains = on\nhsts_preload = on\n", "server\\.ini:10: \\[filter:security\\] hsts_preload: .*365d");
}
