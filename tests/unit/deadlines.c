/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/deadlines.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { COUNT = 500 };

static struct deadlines deadlines;

static void setup(void)
{
    deadlines = (struct deadlines){0};
}

static void teardown(void)
{
    free(deadlines.entries);
}

TestSuite(deadlines, .init = setup, .fini = teardown);

Test(deadlines, none_means_no_wait)
{
    cr_expect_eq(deadlines_wait(&deadlines, 5), -1);
    cr_expect_null(deadlines_next(&deadlines, 1000));
}

Test(deadlines, come_in_the_order_of_their_time)
{
    struct deadline all[COUNT];
    srandom(7);
    for (int i = 0; i < COUNT; i++) {
        all[i].position = DEADLINE_NONE;
        deadlines_set(&deadlines, &all[i], random() % 1000);
    }
    int64_t last = -1;
    for (int i = 0; i < COUNT; i++) {
        struct deadline *next = deadlines_next(&deadlines, 1000);
        cr_assert_not_null(next);
        cr_assert_geq(next->at, last);
        cr_assert_eq(next->position, DEADLINE_NONE);
        last = next->at;
    }
    cr_expect_null(deadlines_next(&deadlines, 1000));
}

Test(deadlines, one_that_was_put_off_does_not_come_early)
{
    struct deadline a = {.position = DEADLINE_NONE}, b = {.position = DEADLINE_NONE};
    deadlines_set(&deadlines, &a, 10);
    deadlines_set(&deadlines, &b, 20);
    deadlines_set(&deadlines, &a, 30);
    cr_expect_null(deadlines_next(&deadlines, 15));
    cr_expect_eq(deadlines_wait(&deadlines, 15), 5);
    cr_expect_eq(deadlines_next(&deadlines, 25), &b);
    cr_expect_eq(deadlines_wait(&deadlines, 25), 5);
    cr_expect_eq(deadlines_next(&deadlines, 30), &a);
}

Test(deadlines, one_that_was_brought_forward_comes_early)
{
    struct deadline a = {.position = DEADLINE_NONE}, b = {.position = DEADLINE_NONE};
    deadlines_set(&deadlines, &a, 10);
    deadlines_set(&deadlines, &b, 20);
    deadlines_set(&deadlines, &b, 5);
    cr_expect_eq(deadlines_wait(&deadlines, 2), 3);
    cr_expect_eq(deadlines_next(&deadlines, 6), &b);
}

/* Against the plainest of models: look through all. */
Test(deadlines, agree_with_a_search_through_all)
{
    struct deadline all[COUNT];
    int in[COUNT] = {0};
    srandom(11);
    for (int i = 0; i < COUNT; i++)
        all[i].position = DEADLINE_NONE;
    for (int64_t now = 0; now < 20000; now++) {
        int i = (int)(random() % COUNT);
        if (random() % 4 == 0 && in[i]) {
            deadlines_remove(&deadlines, &all[i]);
            in[i] = 0;
        } else {
            deadlines_set(&deadlines, &all[i], now + random() % 300);
            in[i] = 1;
        }
        struct deadline *due;
        while ((due = deadlines_next(&deadlines, now)) != NULL) {
            cr_assert_leq(due->at, now);
            in[due - all] = 0;
        }
        for (int k = 0; k < COUNT; k++)
            cr_assert(!in[k] || all[k].at > now, "missed one at %ld, now %ld", (long)all[k].at, (long)now);
    }
}

Test(deadlines, removing_twice_does_no_harm)
{
    struct deadline a = {.position = DEADLINE_NONE};
    deadlines_remove(&deadlines, &a);
    deadlines_set(&deadlines, &a, 1);
    deadlines_remove(&deadlines, &a);
    deadlines_remove(&deadlines, &a);
    cr_expect_eq(deadlines_wait(&deadlines, 0), -1);
}
