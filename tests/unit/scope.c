/* SPDX-License-Identifier: Apache-2.0
 *
 * Which requests a filter is for, as `only` and `except` say it.
 */
#include "config/scope.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct pool *pool;

static void make_pool(void)
{
    pool = pool_new();
}

static void free_pool(void)
{
    pool_free(pool);
}

TestSuite(scope, .init = make_pool, .fini = free_pool);

static struct scope parse(const char *text)
{
    struct scope scope = {0};
    const char *wrong = scope_parse(&scope, text, pool, pool);

    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_expect_str_eq(scope.text, text);
    return scope;
}

static bool admits(const char *only, const char *except, const char *method, const char *path)
{
    const struct scope a = parse(only), b = parse(except);
    /* Copies that end where they do, so that a look beyond them is seen. */
    char *copy = memcpy(malloc(strlen(path) + !*path), path, strlen(path));
    bool admitted = scope_admits(&a, &b, slice_from(method), (struct slice){copy, strlen(path)});

    free(copy);
    return admitted;
}

Test(scope, of_an_entry_is_its_path_and_all_below_it)
{
    static const struct {
        const char *entry, *path;
        bool has;
    } cases[] = {
        {"/a", "/a", true}, {"/a", "/a/", true}, {"/a", "/a/b", true}, {"/a", "/a/b/c", true}, {"/a", "/a//", true}, {"/a", "/ab", false},
        {"/a", "/", false}, {"/a", "/b/a", false}, {"/a", "/A", false}, {"/a", "/a%2Fb", false}, {"/a", "/a.b", false},
        {"/a/b", "/a", false}, {"/a/b", "/a/", false}, {"/a/b", "/a/b", true}, {"/a/b", "/a/c", false}, {"/a/b", "/a/bc", false},
        {"/", "/", true}, {"/", "/a", true}, {"/", "//", true}, {"/", "*", false}, {"/", "", false}, {"/a", "*", false},
        {"/a", "", false},
        {"/{x}", "/", false}, {"/{x}", "/a", true}, {"/{x}", "/a/b", true}, {"/{x}/b", "/a/b", true}, {"/{x}/b", "/a/c", false},
        {"/{x}/b", "/a/c/b", false}, {"/a/{x}", "/a", false}, {"/a/{x}", "/a/", false}, {"/a/{x}", "/a/b%2Fc", true},
        {"/a/{x}/c", "/a/b/c/d", true}, {"/a/{x}/c", "/a/b/d", false}, {"/a/{x}/{y}", "/a/b/c", true}, {"/a/{x}/{y}", "/a/b/", false},
        {"/\xc3\xa9", "/\xc3\xa9", true}, {"/a:b", "/a:b", true}, {"/~x", "/~x/y", true}, {"/.well-known", "/.well-known/x", true},
        {"/...", "/...", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(admits(cases[i].entry, "", "GET", cases[i].path), cases[i].has, "only %s has %s", cases[i].entry, cases[i].path);
        cr_expect_eq(!admits("", cases[i].entry, "GET", cases[i].path), cases[i].has, "except %s has %s", cases[i].entry, cases[i].path);
    }
}

/* Of what could be taken for one path only the filter's `only` has both. */
Test(scope, takes_empty_segments_to_the_safe_side)
{
    static const struct {
        const char *entry, *path;
        bool only, except;
    } cases[] = {
        {"/a/b", "//a/b", true, false}, {"/a/b", "/a//b", true, false}, {"/a/b", "///a///b", true, false}, {"/a/b", "/a/b//", true, true},
        {"/a/b", "//a", false, false}, {"/a/b", "/a//", false, false}, {"/a/{x}", "/a//b", true, false}, {"/a/{x}", "/a//", false, false},
        {"/{x}", "//", false, false}, {"/{x}", "//a", true, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(admits(cases[i].entry, "", "GET", cases[i].path), cases[i].only, "only %s has %s", cases[i].entry, cases[i].path);
        cr_expect_eq(!admits("", cases[i].entry, "GET", cases[i].path), cases[i].except, "except %s has %s", cases[i].entry, cases[i].path);
    }
}

Test(scope, of_an_entry_with_a_method_is_that_and_of_get_also_head)
{
    static const struct {
        const char *entry, *method;
        bool has;
    } cases[] = {
        {"/a", "GET", true}, {"/a", "BREW", true}, {"POST /a", "POST", true}, {"POST /a", "GET", false}, {"POST /a", "post", false},
        {"POST /a", "POSTS", false}, {"POST /a", "POS", false}, {"GET /a", "GET", true}, {"GET /a", "HEAD", true},
        {"GET /a", "OPTIONS", false},
        {"GET /a", "get", false}, {"HEAD /a", "HEAD", true}, {"HEAD /a", "GET", false}, {"OPTIONS /a", "OPTIONS", true},
        {"M-SEARCH /a", "M-SEARCH", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(admits(cases[i].entry, "", cases[i].method, "/a"), cases[i].has, "only %s has %s", cases[i].entry, cases[i].method);
        cr_expect_eq(!admits("", cases[i].entry, cases[i].method, "/a"), cases[i].has, "except %s has %s", cases[i].entry, cases[i].method);
    }
}

Test(scope, admits_what_only_has_and_except_has_not)
{
    static const struct {
        const char *only, *except, *method, *path;
        bool admitted;
    } cases[] = {
        {"", "", "GET", "/a", true}, {"", "", "OPTIONS", "*", true}, {"", "/", "OPTIONS", "*", true}, {"/", "", "OPTIONS", "*", false},
        {"", "/", "GET", "/a", false}, {"/a", "/a/b", "GET", "/a", true}, {"/a", "/a/b", "GET", "/a/b", false},
        {"/a", "/a/b", "GET", "/c", false},
        {"/a", "/a", "GET", "/a", false}, {"/a/b", "/a", "GET", "/a/b", false}, {"/a", "GET /a", "POST", "/a", true},
        {"/a", "GET /a", "HEAD", "/a", false}, {"/a,/b", "", "GET", "/b", true}, {"/a,/b", "", "GET", "/c", false},
        {" /a ,\t POST   /b , ", "", "POST", "/b", true}, {" /a ,\t POST   /b , ", "", "POST", "/a", true},
        {" , ,", " ,", "GET", "/a", true},
        {"", "/a, /b", "GET", "/b", false}, {"", "/a, /b", "GET", "/c", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(admits(cases[i].only, cases[i].except, cases[i].method, cases[i].path), cases[i].admitted, "only %s except %s: %s %s",
                     cases[i].only, cases[i].except, cases[i].method, cases[i].path);
}

Test(scope, that_is_wrong_is_told_with_what_to_write)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"login", "'login' does not begin with '/'; write /login"},
        {"/a, login", "'login' does not begin with '/'; write /login"},
        {"POST login", "'POST login': the path does not begin with '/'; write POST /login"},
        {"GET", "'GET' has no path, and each entry has one of its own; write GET / for all paths"},
        {"GET, POST /x", "'GET' has no path, and each entry has one of its own; write GET / for all paths"},
        {"*", "'*' is about no path, and no list has it; write / for all paths"},
        {"OPTIONS *", "'OPTIONS *' is about no path, and no list has it; write OPTIONS / for all paths"},
        {"http://example.org/x", "'http://example.org/x' is a whole URL; write its path alone ([app:NAME] host says for which host)"},
        {"GET http://example.org/x",
         "'GET http://example.org/x' is a whole URL; write its path alone ([app:NAME] host says for which host)"},
        {"example.org/x", "'example.org/x' does not begin with '/'; write /example.org/x"},
        {"post /x", "'post /x': methods are in capitals; write POST /x"},
        {"Get\t/x", "'Get /x': methods are in capitals; write GET /x"},
        {"* /x", "'* /x': for all methods write /x"},
        {"GET|POST /x", "'GET|POST /x': 'GET|POST' is not a method; write one of them or none, then the path"},
        {"/a /b", "'/a /b' has a blank; write ',' between entries, or {name} for a segment that has one"},
        {"POST /a\tPOST /b", "'/a\tPOST /b' has a blank; write ',' between entries, or {name} for a segment that has one"},
        {"/a?b=/c", "'/a?b=/c': only paths are compared; write /a"},
        {"/a#b", "'/a#b': only paths are compared; write /a"},
        {"/a%20b", "'/a%20b': paths are compared decoded; write the character itself, or {name} for any segment"},
        {"/a/*", "'/a/*': '*' stands for nothing here; a path is meant with all below it, {name} is any one segment"},
        {"/a/", "'/a/' ends with '/'; write /a, which is it and all below it"},
        {"/{a}/", "'/{a}/' ends with '/'; write /{a}, which is it and all below it"},
        {"//", "'//' has an empty segment, which no route has; leave a '/' out"},
        {"//a", "'//a' has an empty segment, which no route has; leave a '/' out"},
        {"/a//b", "'/a//b' has an empty segment, which no route has; leave a '/' out"},
        {"/a//", "'/a//' has an empty segment, which no route has; leave a '/' out"},
        {"/a/./b", "'/a/./b': paths are compared without '.' and '..' segments; write it without"},
        {"/..", "'/..': paths are compared without '.' and '..' segments; write it without"},
        {"/a/:b", "'/a/:b': any one segment is written {name}, not ':b'"},
        {"/{}", "'/{}': '{}' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{a", "'/{a': '{a' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/a}", "'/a}': 'a}' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{a}b", "'/{a}b': '{a}b' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/x{a}", "'/x{a}': 'x{a}' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{a{b}}", "'/{a{b}}': '{a{b}}' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{/}", "'/{/}': '{' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{a:", "'/{a:': '{a:' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{:int}", "'/{:int}': '{:int}' is not a parameter; write {name} for any one segment, which is all of it"},
        {"/{a:int}", "'/{a:int}': a parameter has no type here; write {a}, or nothing for all that is below"},
        {"/x/{a:path}", "'/x/{a:path}': a parameter has no type here; write {a}, or nothing for all that is below"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope scope = {.count = 7};
        const char *wrong = scope_parse(&scope, cases[i].text, pool, pool);

        cr_assert_not_null(wrong, "%s", cases[i].text);
        cr_expect_str_eq(wrong, cases[i].told, "%s\n%s", wrong, cases[i].told);
        cr_expect_eq(scope.count, 7, "%s", cases[i].text);
    }
}

Test(scope, has_64_entries_at_most)
{
    char text[65 * 4 + 1] = "";
    struct scope scope;

    for (int i = 0; i < 64; i++)
        strcat(text, "/a, ");
    cr_expect_eq(parse(text).count, 64);
    strcat(text, "/a");
    cr_expect_str_eq(scope_parse(&scope, text, pool, pool),
                     "has more than 64 entries; name a path above some of them, which is all below it");
}

/* What is shown of it is cut, and the message can be read. */
Test(scope, that_is_wrong_and_long_is_shown_in_part)
{
    static const char *const cases[] = {"/%s}", "/{%s:int}", "%s login", "%s", "%s /x", "POST/%s /x", "/a/:%s", "/%s?x", "/%s/"};
    char letters[1001];

    memset(letters, 'A', sizeof letters - 1);
    letters[sizeof letters - 1] = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope scope;
        const char *text = pool_format(pool, cases[i], letters), *wrong = scope_parse(&scope, text, pool, pool);

        cr_expect(i == 4 ? wrong == NULL : wrong != NULL && strlen(wrong) < 400, "%s: %s", cases[i], wrong);
    }
}
