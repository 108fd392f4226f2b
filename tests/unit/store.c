/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers share: counters, keys and values.
 */
#include "store_support.h"

#include "base/siphash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(store, .timeout = 120);

/* Vectors of the paper's authors: bytes 0, 1, 2, ... with the key 00 01 ... 0f. */
Test(store, hashes_as_siphash_is_published)
{
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const unsigned char bytes[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    cr_expect_eq(siphash(key, bytes, 0), 0x726fdb47dd0e0e31);
    cr_expect_eq(siphash(key, bytes, 8), 0x93f5f5799a932462);
    cr_expect_eq(siphash(key, bytes, 15), 0xa129ca6149be45e5);
}

Test(store, keeps_what_was_set_until_it_expires_or_is_deleted)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    struct store_value other = value_of("other", 0);
    expect(&map, "a", 1, NULL);
    cr_expect_eq(set(&map, "a", "one", 1, 0), STORE_DONE);
    cr_expect_eq(set(&map, "ab", "two", 1, 100), STORE_DONE);
    expect(&map, "a", 99, "one");
    expect(&map, "ab", 99, "two");
    expect(&map, "ab", 100, NULL);
    cr_expect_eq(store_add(&map, key_of("a"), 100, &other), STORE_PRESENT);
    cr_expect_eq(store_add(&map, key_of("ab"), 100, &other), STORE_DONE);
    expect(&map, "ab", 100, "other");
    cr_expect_eq(set(&map, "a", "", 100, 0), STORE_DONE);
    expect(&map, "a", 100, "");
    cr_expect_eq(store_delete(&map, key_of("a"), 100), STORE_DONE);
    cr_expect_eq(store_delete(&map, key_of("a"), 100), STORE_ABSENT);
    expect(&map, "a", 100, NULL);
    set(&map, "late", "x", 100, 200);
    cr_expect_eq(store_delete(&map, key_of("late"), 200), STORE_ABSENT);
}

Test(store, holds_keys_and_values_of_any_length_up_to_the_limit)
{
    struct store_map map = opened(1 << 20);
    for (size_t length = 1; length <= STORE_KEY_MAX; length++) {
        char key[STORE_KEY_MAX + 1];
        struct store_value value = {.length = length * STORE_VALUE_MAX / STORE_KEY_MAX}, got;
        memset(key, 'k', length);
        memset(value.data, (int)length, value.length);
        struct store_key whole = {key, length};
        cr_expect_eq(store_set(&map, whole, 1, &value), STORE_DONE);
        cr_expect_eq(store_get(&map, whole, 1, &got), STORE_DONE);
        cr_expect(got.length == value.length && memcmp(got.data, value.data, got.length) == 0, "%zu", length);
    }
}

Test(store, increments_numbers_and_nothing_else)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    int64_t sum;
    cr_expect_eq(store_increment(&map, key_of("n"), 1, 5, 50, &sum), STORE_DONE);
    cr_expect_eq(store_increment(&map, key_of("n"), 2, -7, 900, &sum), STORE_DONE);
    cr_expect_eq(sum, -2);
    expect(&map, "n", 49, "-2");
    expect(&map, "n", 50, NULL); /* it keeps its time */
    static const char *const bad[] = {"", "x", "1x", " 1", "+1", "9223372036854775808", "9223372036854775807",
                                      "111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set(&map, "bad", bad[i], 1, 0);
        cr_expect_eq(store_increment(&map, key_of("bad"), 1, 1, 0, &sum), STORE_NO_NUMBER, "'%s'", bad[i]);
        expect(&map, "bad", 1, bad[i]);
    }
}

Test(store, swaps_only_what_is_as_expected)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    struct store_value one = value_of("one", 0), two = value_of("two", 50), longer = value_of("one ", 0), empty = value_of("", 0);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, &one, &two), STORE_ABSENT);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, &empty, &two), STORE_ABSENT);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, NULL, &one), STORE_DONE);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, NULL, &two), STORE_PRESENT);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, &longer, &two), STORE_PRESENT);
    cr_expect_eq(store_swap(&map, key_of("s"), 1, &empty, &two), STORE_PRESENT);
    expect(&map, "s", 1, "one");
    cr_expect_eq(store_swap(&map, key_of("s"), 1, &one, &two), STORE_DONE);
    expect(&map, "s", 49, "two");
    expect(&map, "s", 50, NULL); /* the time is that of the new value */
    cr_expect_eq(store_swap(&map, key_of("s"), 50, &two, &one), STORE_ABSENT);
    cr_expect_eq(store_swap(&map, key_of("s"), 50, NULL, &empty), STORE_DONE);
    cr_expect_eq(store_swap(&map, key_of("s"), 50, &empty, &one), STORE_DONE);
    expect(&map, "s", 50, "one");
}

/* All in one bucket, as far as one can go: the smallest store has few. */
Test(store, makes_room_by_the_expired_and_then_the_least_used)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    char key[24];
    int there = 0;
    set(&map, "kept", "x", 1, 0);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        cr_assert_eq(set(&map, key, "y", 2 + i, 0), STORE_DONE);
        expect(&map, "kept", 2 + i, "x"); /* it is in use */
        expect(&map, key, 2 + i, "y");
    }
    for (int i = 0; i < 2000; i++) {
        struct store_value value;
        snprintf(key, sizeof key, "%d", i);
        there += store_get(&map, key_of(key), 3000, &value) == STORE_DONE;
    }
    cr_expect_eq((size_t)there + 1, store_entries(&map));
    /* One that has expired goes before all others, however lately it was used. */
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "short %d", i);
        set(&map, key, "z", 4000 + i, 4001 + i);
    }
    there = 0;
    for (int i = 0; i < 2000; i++) {
        struct store_value value;
        snprintf(key, sizeof key, "%d", i);
        there += store_get(&map, key_of(key), 7000, &value) == STORE_DONE;
    }
    cr_expect_geq((size_t)there + 1 + store_buckets(&map), store_entries(&map), "%d are left", there);
}

/* Keys of owners, who are told apart by eight bytes: how many of the first 'count' are there. */
static int count_of(struct store_map *map, const char *owner, int count, int64_t now)
{
    struct store_value value;
    char key[32];
    int there = 0;
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%-8s%d", owner, i);
        there += store_get(map, key_of(key), now, &value) == STORE_DONE;
    }
    return there;
}

static void fill(struct store_map *map, const char *owner, int count, int64_t now)
{
    char key[32];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%-8s%d", owner, i);
        cr_assert_eq(set(map, key, owner, now, 0), STORE_DONE);
    }
}

Test(store, a_flood_of_one_owner_takes_nothing_from_who_has_less)
{
    struct store_map map = opened(1 << 20);
    int few = 12, flood = (int)store_entries(&map) * 8; /* 12 of 119 buckets: no four of them in one */
    fill(&map, "few", few, 1);
    fill(&map, "flood", flood, 2);
    cr_expect_eq(count_of(&map, "few", few, 3), few);
    cr_expect_eq(count_of(&map, "flood", flood, 3), (int)store_entries(&map) - few, "what nobody else wants it has");
    /* And who comes late gets as much as there is for each: a half of every bucket. */
    fill(&map, "late", flood, 4);
    cr_expect_eq(count_of(&map, "few", few, 5), few);
    cr_expect_geq(count_of(&map, "late", flood, 5), ((int)store_entries(&map) - few) / 2 - (int)store_buckets(&map));
    cr_expect_geq(count_of(&map, "flood", flood, 5), ((int)store_entries(&map) - few) / 2 - (int)store_buckets(&map));
}

Test(store, counters_are_found_by_name_until_there_is_no_room)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    struct counter *one = store_counter(&map, "one", 3);
    cr_expect_eq(counter_add(one, 3), 3);
    cr_expect_eq(counter_add(one, -5), -2);
    cr_expect_eq(store_counter(&map, "one", 3), one);
    for (size_t i = 1; i < store_counters(&map); i++)
        cr_expect_not_null(store_counter(&map, &i, sizeof i));
    cr_expect_null(store_counter(&map, "another", 7));
    cr_expect_eq(counter_get(store_counter(&map, "one", 3)), -2);
    counter_set(one, INT64_MAX);
    cr_expect_eq(counter_add(one, 1), INT64_MIN);
}

Test(store, is_adopted_by_its_file_alone)
{
    struct store_map map = opened(100000), other;
    set(&map, "a", "one", 1, 0);
    cr_assert_eq(store_adopt(&other, map.fd), 0);
    cr_expect_eq(other.size, store_round(100000));
    expect(&other, "a", 1, "one");
    int strange = memfd_create("strange", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(ftruncate(strange, 1 << 20), 0);
    cr_expect_eq(store_adopt(&other, strange), -1);
    cr_expect_eq(ftruncate(map.fd, 0), -1);
}
