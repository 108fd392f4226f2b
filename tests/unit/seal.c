/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures of batteries, and base64url.
 * Needs: libcrypto
 */
#include "modules/loaded/common/seal.h"

#include <criterion/criterion.h>
#include <string.h>

/* In place of libcrypto's: whoever compares a secret in another way is not seen here. */
static struct {
    size_t calls, length;
} compared;

int CRYPTO_memcmp(const void *a, const void *b, size_t length);
int CRYPTO_memcmp(const void *a, const void *b, size_t length)
{
    compared.calls++;
    compared.length = length;
    return memcmp(a, b, length);
}

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"

static const struct seal both = {2, {{KEY_A, 32}, {KEY_B ", and what stands behind it", 32}}}, a_alone = {1, {{KEY_A, 32}}},
                         b_alone = {1, {{KEY_B, 32}}};

/* RFC 4648, 10, in the alphabet of its section 5 and without '='. */
Test(seal, bytes_are_text_and_bytes_again)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xbe", "_---"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        unsigned char bytes[16];
        size_t length = strlen(cases[i].bytes);
        seal_to_text(cases[i].bytes, length, text);
        cr_expect_str_eq(text, cases[i].text);
        cr_expect_eq(strlen(text), seal_text_length(length));
        cr_expect_eq(seal_from_text(text, strlen(text), bytes), (long)length);
        cr_expect_arr_eq(bytes, cases[i].bytes, length);
    }
}

/* There is one text only for the same bytes: no other alphabet, no '=', no bits that do not count. */
Test(seal, what_is_no_base64url_is_refused)
{
    static const char *const texts[] = {"A",    "AAAAA", "Zh",   "Zm9",   "Zg==", "Zm8=",    "Zm+v",
                                        "Zm/v", "Zm9v ", " Zm9", "Zm\n9", "Zm.v", "\xc3\xa4"};
    unsigned char bytes[16];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect_eq(seal_from_text(texts[i], strlen(texts[i]), bytes), -1, "'%s'", texts[i]);
    cr_expect_eq(seal_from_text("Zm\0v", 4, bytes), -1);
}

/* HMAC-SHA256(HMAC-SHA256(key, "purpose"), "data"), as another program has it: cookies outlive the binary that made them. */
Test(seal, signatures_are_the_same_in_every_version)
{
    char text[SEAL_TEXT + 1];
    seal_sign(&a_alone, "purpose", "data", 4, text);
    cr_expect_str_eq(text, "7cWOAmG4WyNwF-hFKOrf8V660ezxn_A9c3b0QffH8W4");
}

Test(seal, the_first_key_signs_and_each_is_good_for_checking)
{
    char text[SEAL_TEXT + 1], by_b[SEAL_TEXT + 1];
    seal_sign(&both, "p", "data", 4, text);
    seal_sign(&b_alone, "p", "data", 4, by_b);
    cr_expect_eq(seal_check(&both, "p", "data", 4, text, SEAL_TEXT), 0);
    cr_expect_eq(seal_check(&both, "p", "data", 4, by_b, SEAL_TEXT), 1);
    cr_expect_eq(seal_check(&a_alone, "p", "data", 4, text, SEAL_TEXT), 0);
    cr_expect_eq(seal_check(&b_alone, "p", "data", 4, text, SEAL_TEXT), -1);
    cr_expect_eq(seal_check(&(struct seal){0}, "p", "data", 4, text, SEAL_TEXT), -1);
}

Test(seal, of_another_purpose_or_text_it_is_none)
{
    char text[SEAL_TEXT + 1];
    seal_sign(&both, "p", "data", 4, text);
    cr_expect_eq(seal_check(&both, "q", "data", 4, text, SEAL_TEXT), -1);
    cr_expect_eq(seal_check(&both, "pd", "ata", 3, text, SEAL_TEXT), -1);
    cr_expect_eq(seal_check(&both, "p", "dat", 3, text, SEAL_TEXT), -1);
    cr_expect_eq(seal_check(&both, "p", "", 0, text, SEAL_TEXT), -1);
    cr_expect_eq(seal_check(&both, "p", "data", 4, text, SEAL_TEXT - 1), -1);
    cr_expect_eq(seal_check(&both, "p", "data", 4, "", 0), -1);
    for (size_t i = 0; i < SEAL_TEXT; i++) {
        char other = text[i];
        text[i] = other == 'A' ? 'B' : 'A';
        cr_expect_eq(seal_check(&both, "p", "data", 4, text, SEAL_TEXT), -1, "at %zu", i);
        text[i] = other;
    }
}

/* Wherever the first difference is, all of it is compared, by what takes as long for any. */
Test(seal, is_compared_in_a_time_that_says_nothing)
{
    char text[SEAL_TEXT + 1];
    for (size_t i = 0; i < SEAL_TEXT; i++) {
        seal_sign(&both, "p", "data", 4, text);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        compared.calls = compared.length = 0;
        seal_check(&both, "p", "data", 4, text, SEAL_TEXT);
        cr_expect(compared.calls == both.count && compared.length == SEAL_TEXT, "%zu calls of %zu bytes", compared.calls, compared.length);
    }
}

Test(seal, random_bytes_are_others_each_time)
{
    unsigned char one[16] = {0}, two[16] = {0};
    seal_random(one, sizeof one);
    seal_random(two, sizeof two);
    cr_expect_arr_neq(one, two, sizeof one);
}
