/* SPDX-License-Identifier: Apache-2.0 */
#include "app/json_pack.h"

#include "app/json_text.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Of both, what is given by 'o' is taken: the caller has two references to it. */
static void as_jansson(const char *format, ...)
{
    struct buffer out = BUFFER_EMPTY, wanted = BUFFER_EMPTY;
    json_error_t error = {.text = ""}, theirs = {.text = ""};
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    json_t *value = json_vpack_ex(&theirs, 0, format, again);
    bool packed = value != NULL && json_text_append(&wanted, value);
    buffer_append_text(&out, "before:");
    bool made = json_pack_append(&out, format, arguments, &error);
    cr_expect_eq(made, packed, "'%s': made %d, wanted %d", format, made, packed);
    if (!packed)
        buffer_clear(&wanted, SIZE_MAX);
    cr_expect_eq(buffer_length(&out), 7 + buffer_length(&wanted), "'%s': %.*s", format, (int)buffer_length(&out), buffer_bytes(&out));
    cr_expect(buffer_length(&wanted) == 0 || memcmp(buffer_bytes(&out) + 7, buffer_bytes(&wanted), buffer_length(&wanted)) == 0,
              "'%s': %.*s", format, (int)buffer_length(&out), buffer_bytes(&out));
    if (value == NULL)
        cr_expect_str_eq(error.text, theirs.text);
    va_end(again);
    va_end(arguments);
    json_decref(value);
    buffer_release(&out);
    buffer_release(&wanted);
}

Test(json_pack, is_what_jansson_makes)
{
    as_jansson("{}");
    as_jansson("[]");
    as_jansson("{s:i, s:s, s:b, s:[i,i,i]}", "id", 7, "name", "Ada", "active", 1, "scores", 10, 20, 30);
    as_jansson("{s:b, s:n, s:I, s:{s:{}}}", "no", 0, "null", "big", (json_int_t)LLONG_MIN, "in", "deeper");
    as_jansson("[[], {}, [[i], s], n]", INT_MIN, "\"quoted\"\n");
    as_jansson("s", "alone");
    as_jansson("{s:s?, s:s ?, s:[s?]}", "none", NULL, "some", "text", "all", NULL);
    as_jansson("i", 7);
    as_jansson("n");
    as_jansson(" {\ts : i,\n s i } ", "a", 1, "b", 2);
    as_jansson("{s:s}", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac");
    as_jansson("{s:{s:i}, s:{s:i}}", "a", "same", 1, "b", "same", 2);
    as_jansson("[[[[[[[[i]]]]]]]]", 8);
    as_jansson("[[[[[[[[[i]]]]]]]]]", 9);
}

/* What is left to jansson: it gives the same as well. */
Test(json_pack, is_what_jansson_makes_of_letters_that_are_rare)
{
    as_jansson("{s:f, s:s?, s:s?, s:i}", "real", 0.1, "none", NULL, "some", "text", "last", 1);
    as_jansson("{s:s*, s:i}", "left out", NULL, "last", 1);
    as_jansson("{s:s#, s:s%, s:s++}", "a", "abc", 2, "b", "abc", (size_t)1, "c", "x", "y", "z");
    as_jansson("{s :s #}", "a", "abc", 2);
    as_jansson("{s:s?#, s:s?#}", "a", "abc", 2, "b", NULL, 0);
    as_jansson("[s?*]", "abc");
    as_jansson("{s?:i}", "a", 1);
    as_jansson("{s#:i}", "abc", 2, 1);
    as_jansson("[o?, O?]", NULL, NULL);
    as_jansson("{s:i, s:i, s:i}", "twice", 1, "other", 2, "twice", 3);
    as_jansson("{s:i, s:{s:i}, s:i}", "twice", 1, "in", "twice", 2, "twice", 3);
}

Test(json_pack, fails_where_jansson_does_and_says_why)
{
    as_jansson("");
    as_jansson("{");
    as_jansson("[i", 1);
    as_jansson("{s", "key");
    as_jansson("{s:", "key");
    as_jansson("{i:i}", 1, 2);
    as_jansson("{s:i} x", "a", 1);
    as_jansson("}");
    as_jansson("{]");
    as_jansson("[}");
    as_jansson("[i?]", 1);
    as_jansson("q");
    as_jansson("s", NULL);
    as_jansson("{s:s}", NULL, "value");
    as_jansson("{s:s}", "key", NULL);
    as_jansson("{s:s}", "key", "\xff");
    as_jansson("{s:i}", "\xff", 1);
    as_jansson("[o]", NULL);
}

Test(json_pack, takes_what_is_given_and_leaves_what_is_lent)
{
    json_t *given = json_pack("{s:[i,i]}", "list", 1, 2), *lent = json_string("lent");
    for (int i = 0; i < 4; i++)
        json_incref(given);
    as_jansson("{s:o, s:O, s:i}", "given", given, "lent", lent, "n", 1);
    cr_expect_eq(given->refcount, 3);
    cr_expect_eq(lent->refcount, 1);
    as_jansson("{s:o, s:s}", "given", given, "bad", NULL);
    cr_expect_eq(given->refcount, 1, "after a failure behind it");
    json_decref(given);
    json_decref(lent);
}

Test(json_pack, of_any_number_of_keys_and_references)
{
    json_t *one = json_integer(1);
    for (int i = 0; i < 80; i++)
        json_incref(one);
    as_jansson("[o,o,o,o,o,o,o,o,o,o,o,o,o,o,o,o]", one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one);
    as_jansson("[o,o,o,o,o,o,o,o,o,o,o,o,o,o,o,o,o]", one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one);
    cr_expect_eq(one->refcount, 81 - 66);
    while (one->refcount > 1)
        json_decref(one);
    json_decref(one);
#define EIGHT(a) #a "0", 0, #a "1", 1, #a "2", 2, #a "3", 3, #a "4", 4, #a "5", 5, #a "6", 6, #a "7", 7
#define EIGHT_KEYS "s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i"
    as_jansson("{" EIGHT_KEYS "," EIGHT_KEYS "," EIGHT_KEYS "," EIGHT_KEYS "}", EIGHT(a), EIGHT(b), EIGHT(c), EIGHT(d));
    as_jansson("{" EIGHT_KEYS "," EIGHT_KEYS "," EIGHT_KEYS "," EIGHT_KEYS ",s:i,s:i}", EIGHT(a), EIGHT(b), EIGHT(c), EIGHT(d), "e", 1, "f",
               2);
}

/* A reference that holds itself, or what is not UTF-8, is a value but no text. */
Test(json_pack, of_a_value_that_cannot_be_written_fails)
{
    json_t *bad = json_string_nocheck("\xff");
    json_incref(bad);
    json_incref(bad);
    as_jansson("[o]", bad);
    cr_expect_eq(bad->refcount, 1);
    json_decref(bad);
}
