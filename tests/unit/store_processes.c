/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers share, in use by many processes at once: sums are exact, and one that is killed at any instruction leaves it usable.
 */
#include "store_support.h"

#include "base/clock.h"

#include <criterion/criterion.h>
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

TestSuite(store_processes, .timeout = 120);

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

Test(store_processes, sums_are_exact_over_eight_processes)
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
Test(store_processes, swaps_are_exact_over_eight_processes)
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
Test(store_processes, of_several_who_add_one_succeeds)
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

Test(store_processes, survives_writers_that_are_killed_at_random)
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

Test(store_processes, survives_a_writer_that_is_killed_at_each_instruction)
{
    survive_at_each_instruction(by_set);
}

Test(store_processes, survives_a_swap_that_is_killed_at_each_instruction)
{
    survive_at_each_instruction(by_swap);
}

/* All that are for writers were taken by such as are gone. */
Test(store_processes, takes_over_places_of_those_that_are_gone)
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
