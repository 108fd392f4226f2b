/* SPDX-License-Identifier: Apache-2.0 */
#include "config/quote.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct quote_case {
    const char *raw;
    const char *value; /* or NULL, and then */
    const char *wrong;
};

static void expect_all(const struct quote_case *cases, size_t count)
{
    struct pool *pool = pool_new();

    for (size_t i = 0; i < count; i++) {
        const char *value = NULL, *wrong = quote_parse(cases[i].raw, pool, &value);
        const char *got = wrong ? wrong : value, *expected = cases[i].value ? cases[i].value : cases[i].wrong;

        cr_expect_eq(wrong == NULL, cases[i].value != NULL, "<%s> gave <%s>", cases[i].raw, got);
        cr_expect_str_eq(got, expected, "<%s> gave <%s>", cases[i].raw, got);
    }
    pool_free(pool);
}

#define EXPECT_ALL(cases) expect_all(cases, sizeof cases / sizeof *cases)

Test(quote, strips_blanks_and_comments_outside_of_quotes)
{
    static const struct quote_case cases[] = {
        {"", "", NULL}, {"v", "v", NULL}, {"  a b \t", "a b", NULL}, {"v ; c", "v", NULL}, {"v\t;c", "v", NULL}, {"; c", "", NULL},
        {";c", "", NULL}, {"a;b", "a;b", NULL}, {"a#b", "a#b", NULL}, {"#v", "#v", NULL}, {"'v # w'", "v # w", NULL},
        {"a\\b", "a\\b", NULL},
        {"\" v ; w \" ; c", " v ; w ", NULL}, {"' v ; w ';c", " v ; w ", NULL}, {"\"\"", "", NULL}, {"''", "", NULL},
        {"a \"b\" 'c'", "a \"b\" 'c'", NULL},
    };

    EXPECT_ALL(cases);
}

Test(quote, knows_two_escapes_in_double_quotes_and_none_in_single)
{
    static const struct quote_case cases[] = {
        {"\"a\\\"b\\\\c\"", "a\"b\\c", NULL}, {"'a\\n\"$b'", "a\\n\"$b", NULL}, {"\"it's\"", "it's", NULL},
        {"\"a\\nb\"", NULL, "in \"...\" a '\\' is followed by '\"' or '\\' (nothing is special in '...')"},
        {"\"a\\", NULL, "in \"...\" a '\\' is followed by '\"' or '\\' (nothing is special in '...')"},
        {"\"a", NULL, "the closing '\"' is missing"},
        {"\"", NULL, "the closing '\"' is missing"},
        {"\"a\\\"", NULL, "the closing '\"' is missing"},
        {"'a", NULL, "the closing \"'\" is missing"},
        {"\"a\" b", NULL, "'b' stands behind the closing quote (quote the whole value)"},
        {"'a'b", NULL, "'b' stands behind the closing quote (quote the whole value)"},
        {"a # b", NULL, "'# b': a comment behind a value begins with ';' (quote a value that has a '#')"},
        {"a\t#b", NULL, "'#b': a comment behind a value begins with ';' (quote a value that has a '#')"},
        {"# b", NULL, "'# b': a comment behind a value begins with ';' (quote a value that has a '#')"},
        {"#", NULL, "'#': a comment behind a value begins with ';' (quote a value that has a '#')"},
    };

    EXPECT_ALL(cases);
}

Test(quote, expands_the_environment)
{
    static const struct quote_case cases[] = {
        {"${TINE_A}", "one", NULL}, {"<${TINE_A}${TINE_A}>", "<oneone>", NULL}, {"\"${TINE_A} ;\"", "one ;", NULL},
        {"'${TINE_A}'", "${TINE_A}", NULL}, {"$$", "$", NULL}, {"$${TINE_A}", "${TINE_A}", NULL}, {"\"$$5\"", "$5", NULL},
        {"${TINE_A:-x}", "one", NULL}, {"${TINE_UNSET:-x y}", "x y", NULL}, {"${TINE_EMPTY:-x}", "x", NULL},
        {"<${TINE_EMPTY}>", "<>", NULL}, {"<${TINE_UNSET:-}>", "<>", NULL}, {"${TINE_UNSET:- ;x}", " ;x", NULL},
        {"a ${TINE_BLANKS} ", "a  b ; c ", NULL}, {"${TINE_QUOTE}", "\"$x", NULL},
        {"${TINE_UNSET}", NULL, "the environment has no variable TINE_UNSET (${TINE_UNSET:-default} would do without)"},
        {"${TINE_A", NULL, "'${' has no '}' behind it"},
        {"${}", NULL, "'${}' is neither ${NAME} nor ${NAME:-default}"},
        {"${1A}", NULL, "'${1A}' is neither ${NAME} nor ${NAME:-default}"},
        {"${TINE_A:x}", NULL, "'${TINE_A:x}' is neither ${NAME} nor ${NAME:-default}"},
        {"${TINE A}", NULL, "'${TINE A}' is neither ${NAME} nor ${NAME:-default}"},
        {"${TINE_LINE}", NULL, "the value of ${TINE_LINE} has a control byte"},
        {"$", NULL, "a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable"},
        {"$HOME", NULL, "a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable"},
        {"\"a$\"", NULL, "a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable"},
    };

    setenv("TINE_A", "one", 1);
    setenv("TINE_EMPTY", "", 1);
    setenv("TINE_BLANKS", " b ; c ", 1);
    setenv("TINE_QUOTE", "\"$x", 1);
    setenv("TINE_LINE", "a\nb", 1);
    unsetenv("TINE_UNSET");
    EXPECT_ALL(cases);
}

Test(quote, bounds_what_a_value_expands_to)
{
    char text[QUOTE_VALUE_MAX + 2];
    static const struct quote_case one_more[] = {{"${TINE_LONG}x", NULL, "the value is longer than 4000 bytes"},
                                                 {"\"${TINE_LONG}x", NULL, "the value is longer than 4000 bytes"}};

    memset(text, 'v', QUOTE_VALUE_MAX);
    text[QUOTE_VALUE_MAX] = '\0';
    setenv("TINE_LONG", text, 1);
    const struct quote_case whole[] = {{"${TINE_LONG}", text, NULL}};
    EXPECT_ALL(whole);
    EXPECT_ALL(one_more);
}

Test(quote, writes_what_reads_back_and_bare_where_that_is_possible)
{
    static const struct quote_case cases[] = {
        {"", "", NULL}, {"v", "v", NULL}, {"a b", "a b", NULL}, {"a;b", "a;b", NULL}, {"a\"b", "a\"b", NULL}, {"'; '", "; ", NULL},
        {"'a ;b'", "a ;b", NULL}, {"'a\t;b'", "a\t;b", NULL}, {"' a'", " a", NULL}, {"'a '", "a ", NULL}, {"'$5'", "$5", NULL},
        {"'\"a\"'", "\"a\"", NULL}, {"\"'a\"", "'a", NULL}, {"\"it's $$5\"", "it's $5", NULL}, {"\"' \\\" \\\\\"", "' \" \\", NULL},
        {"a#b", "a#b", NULL}, {"#a", "#a", NULL}, {"'# a'", "# a", NULL}, {"'a #b'", "a #b", NULL}, {"'#'", "#", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        quote_print(cases[i].value, out);
        fclose(out);
        cr_expect_str_eq(text, cases[i].raw);
        free(text);
    }
    EXPECT_ALL(cases);
}
