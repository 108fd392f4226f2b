/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers share: counters, keys and values; and that one who is killed at any instruction leaves it usable.
 */
#include "shared/store.h"

#include "base/clock.h"
#include "base/siphash.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(store, .timeout = 120);

static struct store_map opened(size_t size)
{
    struct store_map map;
    cr_assert_eq(store_open(&map, size), 0, "%s", strerror(errno));
    return map;
}

static struct store_key key_of(const char *text)
{
    return (struct store_key){text, strlen(text)};
}

static struct store_value value_of(const char *text, int64_t expires)
{
    struct store_value value = {.length = strlen(text), .expires = expires};
    memcpy(value.data, text, value.length);
    return value;
}

static enum store_result set(struct store_map *map, const char *key, const char *text, int64_t now, int64_t expires)
{
    struct store_value value = value_of(text, expires);
    return store_set(map, key_of(key), now, &value);
}

static void expect(struct store_map *map, const char *key, int64_t now, const char *text)
{
    struct store_value value;
    enum store_result result = store_get(map, key_of(key), now, &value);
    if (text == NULL)
        cr_expect_eq(result, STORE_ABSENT, "'%s' is there", key);
    else
        cr_expect(result == STORE_DONE && value.length == strlen(text) && memcmp(value.data, text, value.length) == 0,
                  "'%s': result %d, '%.*s' in place of '%s'", key, result, (int)value.length, value.data, text);
}

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
    static const char *const bad[] = {"", "x", "1x", " 1", "+1", "9223372036854775808", "9223372036854775807", "111111111111111111111111111111"};
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

/* ---- many processes ---- */

enum { WORKERS = 8, ROUNDS = 20000, COUNTED = 1000000 };

/* A child that does not outlive the test: some of them write for ever. */
static pid_t fork_child(void)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
        _exit(2);
    return child;
}

static void await_all(const pid_t *children, int count)
{
    for (int i = 0; i < count; i++) {
        int status;
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    }
}

/* All are there before the first counts, and then do nothing else: what is lost between a load and a store would be lost here. */
static void count_with_the_others(struct store_map *map, struct counter *here)
{
    struct counter *hits = store_counter(map, "hits", 4);
    int64_t sum;
    counter_add(here, 1);
    while (counter_get(here) < WORKERS)
        sched_yield();
    for (int k = 0; k < COUNTED; k++)
        counter_add(hits, 1);
    for (int k = 0; k < ROUNDS; k++)
        if (store_increment(map, key_of("hits"), 1, 1, 0, &sum) != STORE_DONE)
            _exit(1);
    _exit(0);
}

Test(store, sums_are_exact_over_eight_processes)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    struct counter *here = store_counter(&map, "here", 4);
    pid_t children[WORKERS];
    int64_t sum;
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork_child();
        if (children[i] == 0)
            count_with_the_others(&map, here);
    }
    await_all(children, WORKERS);
    cr_expect_eq(counter_get(store_counter(&map, "hits", 4)), (int64_t)WORKERS * COUNTED);
    store_increment(&map, key_of("hits"), 1, 0, 0, &sum);
    cr_expect_eq(sum, WORKERS * ROUNDS);
}

static void count_by_swaps(struct store_map *map)
{
    for (int k = 0; k < ROUNDS;) {
        struct store_value there, next = {0};
        bool is_there = store_get(map, key_of("n"), 1, &there) == STORE_DONE;
        int number = is_there ? atoi(memcpy((char[12]){0}, there.data, there.length)) : 0;
        next.length = (size_t)snprintf(next.data, sizeof next.data, "%d", number + 1);
        k += store_swap(map, key_of("n"), 1, is_there ? &there : NULL, &next) == STORE_DONE;
    }
    _exit(0);
}

/* Each reads, adds one and swaps: a swap that were not one step would lose some. */
Test(store, swaps_are_exact_over_eight_processes)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    pid_t children[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork_child();
        if (children[i] == 0)
            count_by_swaps(&map);
    }
    await_all(children, WORKERS);
    int64_t sum;
    store_increment(&map, key_of("n"), 1, 0, 0, &sum);
    cr_expect_eq(sum, WORKERS * ROUNDS);
}

/* One key is there at most once, however many add and delete it at once: each that is added is deleted once. */
Test(store, of_several_who_add_one_succeeds)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    struct counter *added = store_counter(&map, "added", 5), *deleted = store_counter(&map, "deleted", 7);
    pid_t children[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork_child();
        for (int k = 0; children[i] == 0 && k < ROUNDS; k++) {
            struct store_value value = value_of("x", 0);
            if (store_add(&map, key_of("lock"), 1, &value) == STORE_DONE)
                counter_add(added, 1);
            if (k % 2 == 0 && store_delete(&map, key_of("lock"), 1) == STORE_DONE)
                counter_add(deleted, 1);
        }
        if (children[i] == 0)
            _exit(0);
    }
    await_all(children, WORKERS);
    int left = store_delete(&map, key_of("lock"), 1) == STORE_DONE;
    cr_expect_eq(counter_get(added), counter_get(deleted) + left);
    expect(&map, "lock", 1, NULL);
}

/* ---- killed ---- */

static const char *const texts[] = {"aaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "ccccccccccc"};

static void expect_whole(struct store_map *map, const char *key)
{
    struct store_value value;
    if (store_get(map, key_of(key), 1, &value) != STORE_DONE)
        return;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (value.length == strlen(texts[i]) && memcmp(value.data, texts[i], value.length) == 0)
            return;
    cr_assert_fail("'%s' is torn: '%.*s'", key, (int)value.length, value.data);
}

static _Noreturn void write_for_ever(struct store_map *map)
{
    struct store_value value = value_of("x", 0);
    for (unsigned i = 0;; i++) {
        char key[2] = {(char)('a' + i % 7), 0};
        set(map, key, texts[i % 3], 1, 0);
        if (i % 3 == 0)
            store_delete(map, key_of(key), 1);
        if (i % 5 == 0)
            store_add(map, key_of("once"), 1, &value);
        struct store_value before = value_of(texts[i % 3], 0), after = value_of(texts[(i + 1) % 3], 0);
        store_swap(map, key_of(key), 1, &before, &after);
    }
}

Test(store, survives_writers_that_are_killed_at_random)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    enum { KILLS = 2000, WRITERS = 4, KILLS_LEAST = 100, ENOUGH_US = 5000000 }; /* on a machine that is busy a kill takes its time */
    int64_t begun = clock_us();
    pid_t writers[WRITERS] = {0};
    unsigned seed = 1;
    for (int kills = 0; kills < KILLS && (kills < KILLS_LEAST || clock_us() - begun < ENOUGH_US); kills++) {
        pid_t *writer = &writers[kills % WRITERS];
        if (*writer != 0) {
            kill(*writer, SIGKILL);
            waitpid(*writer, NULL, 0);
        }
        *writer = fork_child();
        if (*writer == 0)
            write_for_ever(&map);
        int64_t until = clock_us() + rand_r(&seed) % 600;
        while (clock_us() < until)
            expect_whole(&map, (char[]){(char)('a' + kills % 7), 0});
        cr_assert_eq(set(&map, "a", texts[0], 1, 0), STORE_DONE, "held up after %d kills", kills);
    }
    for (int i = 0; i < WRITERS; i++) {
        kill(writers[i], SIGKILL);
        waitpid(writers[i], NULL, 0);
    }
    set(&map, "a", texts[2], 1, 0);
    expect(&map, "a", 1, texts[2]);
}

/* The steps are counted from the very call, where that can be had. */
static void stop_here(void)
{
#if defined __x86_64__
    __asm__ volatile("int3");
#else
    raise(SIGTRAP);
#endif
}

typedef void writer(struct store_map *map);

static void by_set(struct store_map *map)
{
    set(map, "a", texts[1], 1, 0);
}

static void by_swap(struct store_map *map)
{
    struct store_value before = value_of(texts[0], 0), after = value_of(texts[1], 0);
    store_swap(map, key_of("a"), 1, &before, &after);
}

/* What a child that writes the key leaves behind at each of its instructions: memory as it is from one to the next, each state once. That
 * child is gone when they are looked at, as if it had been killed there. Returns how many there are. */
enum { STATES_MAX = 400, STEPS_MAX = 100000 };
static size_t step_through(struct store_map *map, writer *write_key, char *states, long *steps)
{
    int status;
    size_t count = 0;
    pid_t child = fork_child();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(9);
        stop_here();
        write_key(map);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
        cr_skip_test("this system does not let processes be traced");
    for (*steps = 0; WIFSTOPPED(status); ++*steps) {
        if (*steps == STEPS_MAX) { /* it waits for what nobody will do */
            kill(child, SIGKILL);
            cr_assert_fail("it is not through after %d instructions", STEPS_MAX);
        }
        if (count == 0 || memcmp(states + (count - 1) * map->size, map->store, map->size) != 0) {
            cr_assert_lt(count, STATES_MAX);
            memcpy(states + count++ * map->size, map->store, map->size);
        }
        ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
        waitpid(child, &status, 0);
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    return count;
}

static void survive_at_each_instruction(writer *write_key)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    size_t before = 0, after = 0;
    long steps;
    char *states = mmap(NULL, STATES_MAX * map.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    set(&map, "a", texts[0], 1, 0);
    size_t count = step_through(&map, write_key, states, &steps);
    for (size_t i = 0; i < count; i++) {
        struct store_value value;
        memcpy(map.store, states + i * map.size, map.size);
        cr_assert_eq(store_get(&map, key_of("a"), 1, &value), STORE_DONE);
        expect_whole(&map, "a");
        *(value.data[0] == 'a' ? &before : &after) += 1;
        /* The one place that it took is lost until nobody has another; no more than that. */
        for (int k = 0; k < 100; k++) {
            char key[12];
            snprintf(key, sizeof key, "%d", k);
            cr_assert_eq(set(&map, key, texts[2], 1, 0), STORE_DONE, "held up by one that is gone, state %zu", i);
            expect(&map, key, 1, texts[2]);
        }
    }
    cr_expect(steps > 300 && before > 8 && after >= 1, "%ld steps, %zu states before, %zu after", steps, before, after);
}

Test(store, survives_a_writer_that_is_killed_at_each_instruction)
{
    survive_at_each_instruction(by_set);
}

Test(store, survives_a_swap_that_is_killed_at_each_instruction)
{
    survive_at_each_instruction(by_swap);
}

/* All that are for writers were taken by such as are gone. */
Test(store, takes_over_places_of_those_that_are_gone)
{
    struct store_map map = opened(STORE_SIZE_MIN);
    char *states = mmap(NULL, STATES_MAX * map.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    long steps;
    for (int i = 0; i < STORE_PLACES + 2; i++) {
        size_t count = step_through(&map, by_set, states, &steps);
        memcpy(map.store, states + count / 2 * map.size, map.size); /* it has a place, and was not through */
    }
    cr_expect_eq(set(&map, "a", texts[2], 1, 0), STORE_DONE);
    expect(&map, "a", 1, texts[2]);
}
