/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/loaded/common/store_url.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(store_url, says_where_a_redis_is)
{
    static const struct {
        const char *text;
        struct store_url url;
    } cases[] = {
        {"redis://h", {.host = "h", .port = "6379"}},
        {"redis://h/", {.host = "h", .port = "6379"}},
        {"redis://h:1/2", {.host = "h", .port = "1", .database = 2}},
        {"redis://h:65535/65535", {.host = "h", .port = "65535", .database = 65535}},
        {"rediss://h:06380", {.tls = true, .host = "h", .port = "6380"}},
        {"redis://[::1]", {.host = "::1", .port = "6379"}},
        {"redis://[2001:db8::1]:7/0", {.host = "2001:db8::1", .port = "7"}},
        {"redis://:p@h", {.host = "h", .port = "6379", .password = "p"}},
        {"redis://u:p@h", {.host = "h", .port = "6379", .user = "u", .password = "p"}},
        {"redis://u%40x:%3a%2F%40%25p:q@h:2/3", {.host = "h", .port = "2", .user = "u@x", .password = ":/@%p:q", .database = 3}},
        {"unix:/run/redis.sock", {.is_unix = true, .host = "/run/redis.sock"}},
        {"unix:/", {.is_unix = true, .host = "/"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_url url;
        const char *wrong = store_url_parse(cases[i].text, &url);
        cr_assert_null(wrong, "%s: %s", cases[i].text, wrong);
        cr_expect(url.tls == cases[i].url.tls && url.is_unix == cases[i].url.is_unix && url.database == cases[i].url.database, "%s",
                  cases[i].text);
        cr_expect_str_eq(url.host, cases[i].url.host);
        cr_expect_str_eq(url.port, cases[i].url.port);
        cr_expect_str_eq(url.user, cases[i].url.user);
        cr_expect_str_eq(url.password, cases[i].url.password);
    }
}

/* And what is said of it does not have the password. */
Test(store_url, that_is_wrong_is_told_without_its_password)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "it is none"},
        {"memory ", "it is none"},
        {"http://h", "it is none"},
        {"Redis://h", "it is none"},
        {"redis:/h", "it is none"},
        {"unix:run", "it is none"},
        {"redis://", "no host"},
        {"redis:///1", "no host"},
        {"redis://:6379", "no host"},
        {"redis://[]", "no host"},
        {"redis://[::1", "no ']'"},
        {"redis://[::1]x", "a port is a number"},
        {"redis://h:", "a port is a number"},
        {"redis://h:0", "a port is a number"},
        {"redis://h:65536", "a port is a number"},
        {"redis://h:+1", "a port is a number"},
        {"redis://h: 1", "written as %xx"},
        {"redis://h:1x", "a port is a number"},
        {"redis://::1", "no host"},
        {"redis://h:99999999999999999999", "a port is a number"},
        {"redis://h/x", "the database"},
        {"redis://h/-1", "the database"},
        {"redis://h/65536", "the database"},
        {"redis://h/1/2", "written as %xx"},
        {"redis://h?db=1", "written as %xx"},
        {"redis://h#1", "written as %xx"},
        {"redis://u@h", "a user has a password"},
        {"redis://u:@h", "no password before the '@'"},
        {"redis://u:secret%4@h", "user and password"},
        {"redis://u:secret%zz@h", "user and password"},
        {"redis://u:secret%00@h", "user and password"},
        {"redis://%0:secret@h", "user and password"},
        {"redis://u:sec@ret@h", "written as %xx"},
        {"redis://u:sec ret@h", "written as %xx"},
        {"redis://u:secret@", "no host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_url url;
        const char *wrong = store_url_parse(cases[i].text, &url);
        cr_assert(wrong != NULL && strstr(wrong, cases[i].reason) != NULL, "%s: %s", cases[i].text, wrong != NULL ? wrong : "(right)");
        cr_expect(strstr(wrong, "secret") == NULL && strstr(wrong, "ret@") == NULL, "%s", wrong);
    }
}

Test(store_url, has_bounds)
{
    struct store_url url;
    char text[1024], filler[300];
    memset(filler, 'x', sizeof filler);
    static const struct {
        const char *format;
        int fits;
    } cases[] = {{"redis://%.*s", 255}, {"redis://%.*s:p@h", 255}, {"redis://u:%.*s@h", 255}, {"unix:/%.*s", 106}, {"redis://[%.*s]", 255}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int more = 0; more < 2; more++) {
            snprintf(text, sizeof text, cases[i].format, cases[i].fits + more, filler);
            cr_expect_eq(store_url_parse(text, &url) == NULL, more == 0, "%s", text);
        }
}
