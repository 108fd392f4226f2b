/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever little is changed, the sum tells.
 */
#include "base/checksum.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { WORDS = 600, SECRET = 77 };

static uint64_t words[WORDS];

static void setup(void)
{
    srandom(5);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^ (uint64_t)random();
}

TestSuite(checksum, .init = setup);

static uint64_t sum(void)
{
    return checksum(SECRET, words, sizeof words);
}

Test(checksum, of_the_same_is_the_same_wherever_it_lies)
{
    char elsewhere[sizeof words + 1];
    memcpy(elsewhere + 1, words, sizeof words);
    cr_expect_eq(checksum(SECRET, elsewhere + 1, sizeof words), sum());
}

Test(checksum, tells_every_bit)
{
    uint64_t before = sum();
    for (size_t i = 0; i < WORDS * 64; i++) {
        words[i / 64] ^= 1ull << i % 64;
        cr_assert_neq(sum(), before, "bit %zu", i);
        words[i / 64] ^= 1ull << i % 64;
    }
    cr_expect_eq(sum(), before);
}

/* What a loop that runs too far leaves. */
Test(checksum, tells_a_word_that_is_all_the_same_bits)
{
    static const uint64_t fills[] = {0, UINT64_MAX, 0xa5a5a5a5a5a5a5a5, 1ull << 63};
    uint64_t before = sum();
    for (size_t i = 0; i < WORDS; i++)
        for (size_t k = 0; k < sizeof fills / sizeof fills[0]; k++) {
            uint64_t kept = words[i];
            words[i] = fills[k];
            cr_assert_neq(sum(), before, "word %zu", i);
            words[i] = kept;
        }
}

Test(checksum, tells_words_that_changed_places)
{
    uint64_t before = sum();
    for (size_t i = 0; i < WORDS; i += 7)
        for (size_t k = i + 1; k < WORDS; k += 5) {
            uint64_t first = words[i], second = words[k];
            words[i] = second;
            words[k] = first;
            cr_assert_neq(sum(), before, "%zu and %zu", i, k);
            words[i] = first;
            words[k] = second;
        }
}

Test(checksum, tells_anothers_secret_and_length)
{
    memset(words, 0, sizeof words);
    cr_expect_neq(checksum(SECRET, words, sizeof words), checksum(SECRET + 1, words, sizeof words));
    cr_expect_eq(checksum(SECRET, words, 0), SECRET);
    words[1] = 1;
    cr_expect_neq(checksum(SECRET, words, 8), checksum(SECRET, words, 16));
    words[2] = 1;
    cr_expect_neq(checksum(SECRET, words, 16), checksum(SECRET, words, 24));
}
