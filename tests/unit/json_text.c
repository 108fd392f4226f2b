/* SPDX-License-Identifier: Apache-2.0 */
#include "app/json_text.h"

#include "base/slice.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { RANDOM_VALUES = 20000, MEMBERS_MAX = 6, TEXT_MAX = 40, DEEP = 100 };

/* Takes the value over. */
static void cr_as_jansson(json_t *value, const char *what)
{
    struct buffer out = BUFFER_EMPTY;
    char *wanted = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buffer_append_text(&out, "before:");
    bool made = json_text_append(&out, value);
    cr_assert_eq(made, wanted != NULL, "%s: made %d, wanted %s", what, made, wanted != NULL ? wanted : "(none)");
    buffer_append(&out, "", 1);
    cr_assert_eq(memcmp(buffer_bytes(&out), "before:", 7), 0, "%s", what);
    if (wanted != NULL)
        cr_assert_str_eq(buffer_bytes(&out) + 7, wanted, "%s", what);
    free(wanted);
    buffer_release(&out);
    json_decref(value);
}

Test(json_text, texts_are_escaped_as_jansson_does)
{
    static const struct {
        const char *text;
        size_t length;
    } texts[] = {{"", 0}, {"plain", 5}, {"\"", 1}, {"\\\\", 2}, {"a/b", 3}, {"\x7f", 1}, {"a\0b", 3}, {"\0", 1}, {"ends\n", 5},
                 {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 14}, {"\xe2\x80\xa8", 3}, {"\xff", 1}, {"\xc3", 1},
                 {"\xc0\xaf", 2}, {"\xed\xa0\x80", 3}, {"\xf4\x90\x80\x80", 4}, {"\xe0\x80\x80x", 4}, {"\xef\xbf\xbf", 3}, {"\x80", 1}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *object = json_object(), *text = json_stringn_nocheck(texts[i].text, texts[i].length);
        cr_as_jansson(json_incref(text), texts[i].text);
        json_object_setn_new_nocheck(object, texts[i].text, texts[i].length, text);
        cr_as_jansson(object, texts[i].text);
    }
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b', 0};
        cr_as_jansson(json_string_nocheck(text), text);
    }
}

Test(json_text, numbers_are_written_as_jansson_does)
{
    static const json_int_t integers[] = {0, 1, -1, 9, 10, -10, 1234567890, LLONG_MAX, LLONG_MIN, LLONG_MIN + 1};
    static const double reals[] = {0.0, -0.0, 1.0, -1.5, 0.1, 1e5, 1e15, 1e16, 1e17, 1e21, 1e22, 1e-4, 1e-5, 1e100, -1e-100, 5e-324,
                                   1.7976931348623157e308};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        cr_as_jansson(json_integer(integers[i]), "an integer");
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        cr_as_jansson(json_pack("[f]", reals[i]), "a real");
    cr_as_jansson(json_true(), "true");
    cr_as_jansson(json_pack("[b, n, {}, []]", 0), "false, null and what is empty");
}

static json_t *random_value(int depth);

/* Mostly of characters that are whole. */
static size_t random_text(char text[TEXT_MAX])
{
    static const char *const pieces[] = {"a", "bc", "hello, world", "\"", "\\", "\n", "\x01", "\xc3\xa4", "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80"};
    size_t length = 0;
    for (long i = random() % 4; i > 0 && length + 12 <= TEXT_MAX; i--) {
        const char *piece = pieces[(size_t)random() % (sizeof pieces / sizeof *pieces)];
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
    }
    if (random() % 500 == 0 && length < TEXT_MAX)
        text[length++] = (char)random();
    return length;
}

static json_t *random_container(int depth, bool is_object)
{
    json_t *container = is_object ? json_object() : json_array();
    for (long i = random() % MEMBERS_MAX; i > 0; i--) {
        char key[TEXT_MAX];
        size_t length = random_text(key);
        if (is_object)
            json_object_setn_new_nocheck(container, key, length, random_value(depth + 1));
        else
            json_array_append_new(container, random_value(depth + 1));
    }
    return container;
}

static double random_real(void)
{
    union {
        uint64_t bits;
        double real;
    } any = {.bits = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random()};
    return isfinite(any.real) ? any.real : (double)random() / 1000;
}

static json_t *random_value(int depth)
{
    char text[TEXT_MAX];
    switch (random() % (depth < 5 ? 9 : 6)) {
    case 0:
        return json_integer((json_int_t)((uint64_t)random() << 33 ^ (uint64_t)random() << 8) >> random() % 64);
    case 1:
        return json_real(random() % 2 == 0 ? random_real() : (double)(random() % 2000) / 8);
    case 2:
        return random() % 2 == 0 ? json_true() : json_false();
    case 3:
        return json_null();
    case 4:
    case 5:
        return json_stringn_nocheck(text, random_text(text));
    default:
        return random_container(depth, random() % 2 == 0);
    }
}

Test(json_text, any_value_is_written_as_jansson_does)
{
    srandom(11);
    for (int i = 0; i < RANDOM_VALUES; i++)
        cr_as_jansson(random_value(0), "a random value");
}

Test(json_text, depth_is_no_limit)
{
    json_t *value = json_integer(7);
    for (int i = 0; i < DEEP; i++) {
        value = i % 2 == 0 ? json_pack("[i, o]", i, value) : json_pack("{s: o}", "in", value);
        cr_as_jansson(json_incref(value), "a deep value");
    }
    json_decref(value);
}

/* json_array_append() refuses only the array itself. */
Test(json_text, a_value_that_holds_itself_is_none)
{
    json_t *outer = json_array(), *inner = json_array();
    json_array_append(outer, inner);
    json_array_append(inner, outer);
    cr_as_jansson(json_incref(outer), "a circle");
    json_array_clear(inner);
    json_decref(inner);
    json_decref(outer);
}
