/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets, paths and queries.
 */
#include "http/uri.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void expect_slice(const char *name, struct slice actual, const char *expected)
{
    cr_expect_eq(actual.data == NULL, expected == NULL, "%s", name);
    if (actual.data != NULL && expected != NULL)
        cr_expect(slice_equals(actual, slice_from(expected)), "%s: '%.*s' is not '%s'", name, (int)actual.length,
                  actual.data, expected);
}

static const struct {
    const char *method, *text;
    enum target_form form;
    const char *path, *query, *authority;
} target_cases[] = {
    {"GET", "/", TARGET_ORIGIN, "/", NULL, NULL},
    {"GET", "/a/b", TARGET_ORIGIN, "/a/b", NULL, NULL},
    {"GET", "/a?b=c", TARGET_ORIGIN, "/a", "b=c", NULL},
    {"GET", "/?", TARGET_ORIGIN, "/", "", NULL},
    {"GET", "/a?b?c/../\\", TARGET_ORIGIN, "/a", "b?c/../\\", NULL},
    {"GET", "//host/a", TARGET_ORIGIN, "//host/a", NULL, NULL},
    {"GET", "/%00/%zz/../..", TARGET_ORIGIN, "/%00/%zz/../..", NULL, NULL},
    {"GET", "/!$%&'()*+,-.0:;=@AZ[]^_`az{|}~?!$%&'()*+,-.0:;=@AZ[]^_`az{|}~", TARGET_ORIGIN,
     "/!$%&'()*+,-.0:;=@AZ[]^_`az{|}~", "!$%&'()*+,-.0:;=@AZ[]^_`az{|}~", NULL},
    {"OPTIONS", "/", TARGET_ORIGIN, "/", NULL, NULL},
    {"OPTIONS", "*", TARGET_ASTERISK, NULL, NULL, NULL},
    {"GET", "http://a", TARGET_ABSOLUTE, "/", NULL, "a"},
    {"GET", "http://a/", TARGET_ABSOLUTE, "/", NULL, "a"},
    {"GET", "HTTPS://a:443/b?c", TARGET_ABSOLUTE, "/b", "c", "a:443"},
    {"GET", "http://[::1]:80?c", TARGET_ABSOLUTE, "/", "c", "[::1]:80"},
    {"OPTIONS", "http://a", TARGET_ABSOLUTE, "/", NULL, "a"},
    {"CONNECT", "a:1", TARGET_AUTHORITY, NULL, NULL, "a:1"},
    {"CONNECT", "[::1]:443", TARGET_AUTHORITY, NULL, NULL, "[::1]:443"},
};

Test(uri, targets_have_four_forms)
{
    for (size_t i = 0; i < sizeof target_cases / sizeof *target_cases; i++) {
        const char *text = target_cases[i].text;
        struct target target;
        cr_expect_eq(target_parse(&target, slice_from(text), slice_from(target_cases[i].method)), 0, "%s", text);
        cr_expect_eq(target.form, target_cases[i].form, "%s", text);
        expect_slice(text, target.path, target_cases[i].path);
        cr_expect(target.path.data == NULL || (target.path.data >= text && target.path.data < text + strlen(text)));
        expect_slice(text, target.query, target_cases[i].query);
        expect_slice(text, target.authority, target_cases[i].authority);
        cr_expect_eq(target.https, strncasecmp(text, "https:", 6) == 0, "%s", text);
    }
}

static const struct {
    const char *method, *text;
} bad_targets[] = {
    {"GET", ""},
    {"GET", "a"},
    {"GET", "*"},
    {"GET", "?a"},
    {"GET", "a:1"},
    {"options", "*"},
    {"OPTIONS", "**"},
    {"GET", "ftp://a/"},
    {"GET", "http:/a"},
    {"GET", "http:"},
    {"GET", "http://"},
    {"GET", "http:///a"},
    {"GET", "http://:80/"},
    {"GET", "http://user@a/"},
    {"GET", "http://a:b/"},
    {"GET", "http://a\\b/"},
    {"GET", "http://a#b"},
    {"GET", "http://a/b#c"},
    {"GET", "http://a?b#c"},
    {"GET", "https:/"},
    {"CONNECT", "/"},
    {"CONNECT", "a"},
    {"CONNECT", "a:"},
    {"CONNECT", "a:1/"},
    {"CONNECT", "http://a:1"},
    {"CONNECT", "*"},
    {"CONNECT", ""},
};

Test(uri, other_targets_are_refused)
{
    struct target target;
    for (size_t i = 0; i < sizeof bad_targets / sizeof *bad_targets; i++)
        cr_expect_eq(target_parse(&target, slice_from(bad_targets[i].text), slice_from(bad_targets[i].method)), -1,
                     "%s %s", bad_targets[i].method, bad_targets[i].text);
}

Test(uri, targets_have_no_strange_bytes)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = "/a/b?c=d";
        struct target target;
        bool bad = byte <= ' ' || byte >= 0x7f || strchr("#\"<>", byte) != NULL;
        text[2] = (char)byte;
        cr_expect_eq(target_parse(&target, (struct slice){text, 8}, SLICE("GET")), bad || byte == '\\' ? -1 : 0,
                     "%02x in the path", byte);
        text[2] = '/';
        text[6] = (char)byte;
        cr_expect_eq(target_parse(&target, (struct slice){text, 8}, SLICE("GET")), bad ? -1 : 0,
                     "%02x in the query", byte);
    }
}

static const struct {
    const char *path, *decoded; /* NULL: refused */
} path_cases[] = {
    {"/", "/"},
    {"/a/b", "/a/b"},
    {"/a%20b+c", "/a b+c"},
    {"/%41%c3%A4%7e%39%90", "/A\xc3\xa4~9\x90"},
    {"/%0a%01%7F", "/\n\x01\x7f"},
    {"//", "//"},
    {"//a//b//", "//a//b//"},
    {"/.", "/"},
    {"/./", "/"},
    {"/./a", "/a"},
    {"/a/.", "/a/"},
    {"/a/./b", "/a/b"},
    {"/a/..", "/"},
    {"/a/../", "/"},
    {"/a/../b", "/b"},
    {"/a/b/../../c", "/c"},
    {"/a/b/..", "/a/"},
    {"//..", "/"},
    {"/a//..", "/a/"},
    {"/a//../..", "/"},
    {"/a/.//..", "/a/"},
    {"/...", "/..."},
    {"/.a/..b/c./d../...", "/.a/..b/c./d../..."},
    {"/%2e%2E/", NULL},
    {"/a/%2e%2e/b", "/b"},
    {"/a/%2e/b", "/a/b"},
    {"/a/.%2e", "/"},
    /* an encoded slash is data */
    {"/a%2fb", "/a%2Fb"},
    {"/a%2Fb", "/a%2Fb"},
    {"/a%2f..%2fb", "/a%2F..%2Fb"},
    {"/..%2f..", "/..%2F.."},
    {"/a/%2e%2e%2fb", "/a/..%2Fb"},
    {"/%2F/..", "/"},
    /* and what would look like one keeps its "25" */
    {"/%252F", "/%252F"},
    {"/%252f", "/%252f"},
    {"/%25252F", "/%25252F"},
    {"/%25%32%46", "/%252F"},
    {"/%25%32%35%32%66", "/%25252f"},
    {"/%2525%32F", "/%25252F"},
    {"/%2541", "/%41"},
    {"/%25", "/%"},
    {"/%252", "/%2"},
    {"/%25252", "/%252"},
    {"/%252525", "/%2525"},
    {"/%25%2F", "/%%2F"},
    {"/%25/2F", "/%/2F"},
    {"/%252G", "/%2G"},
    {"/%252/F", "/%2/F"},
    {"/%2524F", "/%24F"},
    {"/%252%00", NULL},
    {"/%2525%3", NULL},
    /* refused */
    {"", NULL},
    {"a", NULL},
    {"*", NULL},
    {"/..", NULL},
    {"/../", NULL},
    {"/../a", NULL},
    {"/a/../..", NULL},
    {"/./..", NULL},
    {"//../..", NULL},
    {"/%00", NULL},
    {"/a%00b", NULL},
    {"/%", NULL},
    {"/%4", NULL},
    {"/%4g", NULL},
    {"/%g4", NULL},
    {"/% 4", NULL},
    {"/%/4", NULL},
    {"/%:4", NULL},
    {"/%@4", NULL},
    {"/%`4", NULL},
    {"/%%41", NULL},
};

/* Decodes from and into allocations that are not a byte too large. Returns the length, or -1. */
static long decode_path(struct slice path, char *result)
{
    char *in = malloc(path.length > 0 ? path.length : 1), *out = malloc(path.length + 1);
    memcpy(in, path.data, path.length);
    long length = path_decode((struct slice){in, path.length}, out);
    if (length >= 0) {
        cr_assert(length > 0 && (size_t)length <= path.length && out[length] == '\0');
        memcpy(result, out, (size_t)length + 1);
    }
    free(in);
    free(out);
    return length;
}

Test(uri, paths_are_decoded_once_and_normalised)
{
    char decoded[64];
    for (size_t i = 0; i < sizeof path_cases / sizeof *path_cases; i++) {
        long length = decode_path(slice_from(path_cases[i].path), decoded);
        cr_expect_eq(length < 0, path_cases[i].decoded == NULL, "%s", path_cases[i].path);
        if (length >= 0 && path_cases[i].decoded != NULL)
            cr_expect_str_eq(decoded, path_cases[i].decoded, "%s gives %s", path_cases[i].path, decoded);
    }
    cr_expect_eq(decode_path((struct slice){"/a\0b", 4}, decoded), -1);
    cr_expect_eq(decode_path((struct slice){"/\xff", 2}, decoded), 2);
}

Test(uri, segments_give_their_slashes_back)
{
    static const struct {
        const char *segment, *decoded;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a%2Fb%2F", "a/b/"},
        {"%252F", "%2F"},
        {"%252f", "%2f"},
        {"%25252F", "%252F"},
        {"%252F%2F%252F", "%2F/%2F"},
        {"%", "%"},
        {"%%2F", "%/"},
        {"%2", "%2"},
        {"%25", "%25"},
        {"%252", "%252"},
        {"%2525", "%2525"},
        {"%2G", "%2G"},
        {"%3F", "%3F"},
        {"%41", "%41"},
        {"%24F", "%24F"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].segment);
        char *segment = malloc(length > 0 ? length : 1);
        memcpy(segment, cases[i].segment, length);
        length = path_segment_decode(segment, length);
        expect_slice(cases[i].segment, (struct slice){segment, length}, cases[i].decoded);
        free(segment);
    }
}

Test(uri, queries_are_cut_into_pairs)
{
    static const struct {
        const char *query, *pairs; /* "[name=value]" */
    } cases[] = {
        {"", ""},
        {"&", ""},
        {"&&&", ""},
        {"a", "[a=]"},
        {"a=", "[a=]"},
        {"=", "[=]"},
        {"=b", "[=b]"},
        {"a=b", "[a=b]"},
        {"a=b=c", "[a=b=c]"},
        {"a=b&c=d", "[a=b][c=d]"},
        {"&a=b&&c&", "[a=b][c=]"},
        {"a;b=c", "[a;b=c]"},
        {"a&b=c", "[a=][b=c]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice rest = slice_from(cases[i].query), name, value;
        char pairs[64] = "";
        while (query_next(&rest, &name, &value))
            sprintf(pairs + strlen(pairs), "[%.*s=%.*s]", (int)name.length, name.data, (int)value.length, value.data);
        cr_expect_str_eq(pairs, cases[i].pairs, "%s", cases[i].query);
    }
    cr_expect(!query_next(&(struct slice){NULL, 0}, &(struct slice){NULL, 0}, &(struct slice){NULL, 0}));
}

Test(uri, queries_are_decoded_with_plus_as_space)
{
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a+b%20c%2B", "a b c+"},
        {"%26%3d%25", "&=%"},
        {"%2541", "%41"},
        {"%e4\xff", "\xe4\xff"},
        {"%2F%2e", "/."},
        {"%00", NULL},
        {"%", NULL},
        {"a%4", NULL},
        {"%zz", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out = malloc(strlen(cases[i].text) + 1);
        long length = query_decode(slice_from(cases[i].text), out);
        cr_expect_eq(length < 0, cases[i].decoded == NULL, "%s", cases[i].text);
        if (length >= 0 && cases[i].decoded != NULL) {
            cr_expect_str_eq(out, cases[i].decoded, "%s gives %s", cases[i].text, out);
            cr_expect_eq((size_t)length, strlen(out));
        }
        free(out);
    }
    char out[4];
    cr_expect_eq(query_decode((struct slice){"a\0b", 3}, out), -1);
}

Test(uri, queries_are_compared_as_if_decoded)
{
    static const struct {
        const char *text, *wanted;
        bool equal;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"name", "name", true},
        {"name", "nama", false},
        {"name", "names", false},
        {"name", "nam", false},
        {"%6e%61%6D%65", "name", true},
        {"n%61me", "name", true},
        {"n%61mes", "name", false},
        {"na%6", "nad", false},
        {"nam%", "name", false},
        {"name%", "name", false},
        {"n%zzme", "name", false},
        {"%6ename%6e", "nname", false},
        {"a+b%20c%2B", "a b c+", true},
        {"a+b", "a+b", false},
        {"a%2bb", "a+b", true},
        {"%2541", "%41", true},
        {"%2541", "A", false},
        {"%00", "", false},
        {"a%00", "a", false},
        {"%c3%a9", "\xc3\xa9", true},
        {"\xc3%a9", "\xc3\xa9", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(query_equals(slice_from(cases[i].text), slice_from(cases[i].wanted)), cases[i].equal, "'%s' and '%s'", cases[i].text,
                     cases[i].wanted);
    cr_expect(!query_equals((struct slice){"a\0", 2}, SLICE("a")));
    cr_expect(!query_equals((struct slice){"\0", 1}, (struct slice){"\0", 1}));
}
