/* SPDX-License-Identifier: Apache-2.0
 *
 * For whom the filter cache keeps an answer, and the ways in which one client's request might spoil another's.
 */
#include "caching.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(caching_apart, .timeout = 180);

#define ApartTest(name) Test(caching_apart, name, .init = start, .fini = stop)

/* In all of these what the first may see, or has brought, is not for the second. */
ApartTest(nobody_gets_what_was_for_another)
{
    static const struct {
        const char *path, *fields, *others_path, *others;
    } cases[] = {
        {"/answer?a&" MINUTE, "Authorization: Basic YTpi\r\n", NULL, ""},
        {"/answer?b&" MINUTE, "", NULL, "Authorization: Basic YTpi\r\n"},
        {"/answer?c&" MINUTE, "Cookie: sid=1\r\n", NULL, ""},
        {"/answer?d&" MINUTE, "Cache-Control: no-store\r\n", NULL, ""},
        {"/answer?e&field=Vary:Cookie&" MINUTE, "Cookie: sid=1\r\n", NULL, "Cookie: sid=2\r\n"},
        {"/answer?f&field=Vary:Accept&field=Vary:Accept-Language&" MINUTE, "Accept-Language: de\r\n", NULL, "Accept-Language: fr\r\n"},
        {"/answer?g&field=Vary:Accept,Accept-Language&" MINUTE, "Accept: a\r\nAccept-Language: b\r\n", NULL, "Accept: a\r\n"},
        {"/answer?g2&field=Vary:A,B&" MINUTE, "A: x\r\n", NULL, "B: x\r\n"},
        {"/answer?h&field=Vary:Accept&" MINUTE, "", NULL, "Accept:\r\n"},
        {"/answer?x=1&y=2&" MINUTE, "", "/answer?y=2&x=1&" MINUTE, ""},
        {"/answer?i=1&" MINUTE, "", "/answer?i=1&i=2&" MINUTE, ""},
        {"/answer?" MINUTE "&j", "", "/answer?" MINUTE "&J", ""},
        {"/answer?" MINUTE "&k", "", "/answer%3F" MINUTE "&k", ""},
        {"/answer?" MINUTE "&l", "Content-Length: 3\r\n\r\nabc", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_kept_for(cases[i].path, cases[i].fields, cases[i].others_path != NULL ? cases[i].others_path : cases[i].path,
                        cases[i].others, false);
    const char *with = "Cookie: sid=1\r\n", *open = "/answer?field=Cache-Control:public,max-age=60",
               *vary = "/answer?m&field=Vary:cookie&" MINUTE;
    expect_kept_for(open, with, open, "", true);
    expect_kept_for(vary, with, vary, with, true);
}

ApartTest(fields_that_no_key_has_do_not_poison_it)
{
    static const char *const fields[] = {"X-Forwarded-Host", "x-forwarded-host", "X-Host", "X-Original-URL", "X-Rewrite-URL",
                                         "X-HTTP-Method-Override", "X-Forwarded-Scheme", "X-Forwarded-Prefix", "Forwarded",
                                         "X_Forwarded_Host", "X-Any-Other"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *path = text("/answer?echo=%s&n=%zu&" MINUTE, fields[i], i), *evil = text("%s: evil.example\r\n", fields[i]);
        struct response poisoned = ask_for("GET", path, evil);
        expect_response(&poisoned, 200, "evil.example");
        struct response clean = ask_for("GET", path, "");
        expect_response(&clean, 200, "nothing");
        clean = ask_for("GET", path, evil); /* and who sends it sees what all see */
        expect_response(&clean, 200, "nothing");
    }
    char *vary = "/answer?echo=X-Lang&field=Vary:X-Lang&" MINUTE;
    expect_kept_for(vary, "X-Lang: de\r\n", vary, "X-Lang: de\r\n", true);
    cr_assert(!is_kept(vary, "X-Lang: fr\r\n"));
    expect_kept_for("/answer?q&" MINUTE, "X-Forwarded-For: 10.1.1.1\r\n", "/answer?q&" MINUTE, "", true);
}

/* What a handler has made of one user's session or token is not for others, even if it says so, and even before the cookie is set by a
 * filter further out. */
Test(caching_apart, nobody_gets_what_was_made_of_another_s_session, .fini = stop)
{
    require_module("cache");
    server_start(&server, SERVER KEEP "[filter:session]\nmodule = session\nkeys = 0123456789abcdef0123456789abcdef\n"
                          "[filter:csrf]\nmodule = csrf\nkeys = 0123456789abcdef0123456789abcdef\n"
                          "[app:b]\npath = /\nmodule = @MODULES@/battery.so\nfilters = session, csrf, keep\n");
    struct response response = ask_for("POST", "/session?user=ada", "Sec-Fetch-Site: same-origin\r\n");
    const char *set = response_header(&response, "Set-Cookie"), *ada = text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    const char *path = "/session?control=public,+max-age=60,+s-maxage=60";
    response = ask_for("GET", path, ada);
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    response = ask_for("GET", path, "");
    expect_response(&response, 200, "{}");
    response = ask_for("GET", path, ada); /* nor ada the one of nobody */
    expect_response(&response, 200, "{\"user\":\"ada\"}");
    path = "/csrf?control=public,+max-age=60";
    response = ask_for("GET", path, "");
    expect_field(&response, "Cache-Control", "no-store");
    set = response_header(&response, "Set-Cookie");
    const char *token = text("%s", response.body), *mine = text("Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    response = ask_for("GET", path, mine);
    expect_field(&response, "Cache-Control", "no-store");
    cr_assert_str_neq(response.body, token);
    struct response others = ask_for("GET", path, "");
    cr_assert(strcmp(others.body, response.body) != 0 && response_header(&others, "Set-Cookie") != NULL, "%s", others.head);
    expect_kept_for("/own?Cache-Control=max-age=60", "", "/own?Cache-Control=max-age=60", "", true);
}

static char *to_host(const char *host, const char *path)
{
    return text("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
}

ApartTest(hosts_and_methods_are_apart)
{
    const char *path = "/answer?echo=Host&" MINUTE;
    struct response response = ask(&server, to_host("evil.example", path));
    expect_response(&response, 200, "evil.example");
    response = ask(&server, to_host("good.example", path));
    expect_response(&response, 200, "good.example");
    response = ask(&server, to_host("GOOD.example", path));
    expect_response(&response, 200, "good.example");
    response = ask(&server, to_host("good.example:80", path));
    expect_response(&response, 200, "good.example:80");
    response = ask(&server, text("GET http://evil.example%s HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", path));
    expect_response(&response, 200, "evil.example");
    /* Of two hosts that contradict each other the target's counts, to the handler as to the key (RFC 9112, 3.2.2). */
    response = ask(&server, text("GET http://other.example%s HTTP/1.1\r\nHost: third.example\r\nConnection: close\r\n\r\n", path));
    expect_response(&response, 200, "other.example");
    response = ask(&server, to_host("third.example", path));
    expect_response(&response, 200, "third.example");
    path = "/answer?text=x&" MINUTE;
    response = ask_for("HEAD", path, ""); /* fills nothing */
    response = ask_for("GET", path, "");
    expect_response(&response, 200, "GET x");
    expect_field(&response, "Age", NULL);
    response = ask_for("POST", path, "Content-Length: 0\r\n");
    expect_response(&response, 200, "POST x");
    response = ask_for("GET", path, "");
    expect_field(&response, "Age", NULL); /* what was changed is made again */
    expect_response(&response, 200, "GET x");
}

/* What is right on http may be wrong on https (a redirect to it, say). Who is no proxy of ours says nothing by X-Forwarded-Proto. */
Test(caching_apart, schemes_are_apart, .fini = stop)
{
    require_module("cache");
    server_start(&server, SERVER "trusted = 127.0.0.1\n" KEEP APP("keep"));
    const char *path = "/answer?" MINUTE, *tls = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n",
               *plain = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: http\r\n";
    expect_kept_for(path, plain, path, tls, false);
    cr_assert(is_kept(path, tls));
    cr_assert(is_kept(path, plain));
    server_stop(&server);
    start();
    expect_kept_for(path, tls, path, plain, true);
}

ApartTest(a_change_forgets_every_variant)
{
    const char *path = "/answer?field=Vary:Accept&" MINUTE;
    expect_kept_for(path, "Accept: a\r\n", path, "Accept: a\r\n", true);
    expect_kept_for(path, "Accept: b\r\n", path, "Accept: b\r\n", true);
    ask_for("POST", path, "Content-Length: 0\r\n");
    cr_assert(!is_kept(path, "Accept: a\r\n"));
    cr_assert(!is_kept(path, "Accept: b\r\n"));
    cr_assert(is_kept(path, "Accept: a\r\n"));
}

ApartTest(long_targets_are_told_apart_to_the_last_byte)
{
    char *path = text("/answer?" MINUTE "&%06000d", 1), *other = text("/answer?" MINUTE "&%06000d", 2);
    expect_kept_for(path, "", other, "", false);
    cr_assert(is_kept(path, ""));
    char *vary = "/answer?field=Vary:Accept&" MINUTE;
    expect_kept_for(vary, text("Accept: %07000d\r\n", 1), vary, text("Accept: %07000d\r\n", 2), false);
    cr_assert(is_kept(vary, text("Accept: %07000d\r\n", 1)));
}
