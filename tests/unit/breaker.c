/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/breaker.h"

#include <criterion/criterion.h>

static struct breaker breaker;

static void setup(void)
{
    breaker = (struct breaker){0};
}

TestSuite(breaker, .init = setup);

static void open_it(int64_t now)
{
    cr_assert_eq(breaker_admit(&breaker, 1, now), BREAKER_PASS);
    cr_assert_not(breaker_crashed(&breaker, 1, 3, now));
    cr_assert_not(breaker_crashed(&breaker, 1, 3, now + 1));
    cr_assert(breaker_crashed(&breaker, 1, 3, now + 2));
}

Test(breaker, opens_at_the_limit_and_refuses_for_the_pause)
{
    open_it(1000000);
    cr_expect_eq(breaker_admit(&breaker, 1, 1000003), BREAKER_REFUSE);
    cr_expect_eq(breaker_admit(&breaker, 1, 1000001 + BREAKER_PAUSE_MS), BREAKER_REFUSE);
}

Test(breaker, one_request_tries_after_the_pause)
{
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    open_it(1000000);
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_REFUSE);
    breaker_succeeded(&breaker, 1);
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_PASS);
    cr_expect_not(breaker_crashed(&breaker, 1, 3, later));
}

Test(breaker, a_try_that_crashes_opens_it_again)
{
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    open_it(1000000);
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    cr_expect(breaker_crashed(&breaker, 1, 3, later));
    cr_expect_eq(breaker_admit(&breaker, 1, later + 1), BREAKER_REFUSE);
}

/* Its worker was killed, or it takes its time. */
Test(breaker, a_try_that_does_not_end_is_followed_by_another)
{
    open_it(1000000);
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    cr_expect_eq(breaker_admit(&breaker, 1, later + BREAKER_PAUSE_MS - 1), BREAKER_REFUSE);
    cr_expect_eq(breaker_admit(&breaker, 1, later + BREAKER_PAUSE_MS), BREAKER_TRY);
    cr_expect_eq(breaker_admit(&breaker, 1, later + BREAKER_PAUSE_MS), BREAKER_REFUSE);
    cr_expect(breaker_crashed(&breaker, 1, 3, later + 2 * BREAKER_PAUSE_MS), "it crashed in the end");
    cr_expect_eq(breaker_admit(&breaker, 1, later + 2 * BREAKER_PAUSE_MS), BREAKER_REFUSE);
}

Test(breaker, a_try_that_told_nothing_is_followed_by_another_at_once)
{
    open_it(1000000);
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    breaker_untried(&breaker, 1, later + 5);
    cr_expect_eq(breaker_admit(&breaker, 1, later + 5), BREAKER_TRY);
    breaker_untried(&breaker, 0, later + 6);
    cr_expect_eq(breaker_admit(&breaker, 1, later + 6), BREAKER_REFUSE, "that was another generation's");
    cr_expect(breaker_crashed(&breaker, 1, 3, later + 7), "once is enough");
}

Test(breaker, a_try_of_an_older_generation_tells_nothing_of_the_newer_one)
{
    open_it(1000000);
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    cr_expect_eq(breaker_admit(&breaker, 2, later), BREAKER_PASS);
    for (int i = 0; i < 3; i++)
        breaker_crashed(&breaker, 2, 3, later);
    breaker_succeeded(&breaker, 1);
    cr_expect_eq(breaker_admit(&breaker, 2, later + 1), BREAKER_REFUSE);
}

Test(breaker, crashes_of_another_minute_do_not_count)
{
    int64_t now = 1000000;
    cr_assert_not(breaker_crashed(&breaker, 1, 3, now));
    cr_assert_not(breaker_crashed(&breaker, 1, 3, now + 1));
    cr_assert_not(breaker_crashed(&breaker, 1, 3, now + 2 + BREAKER_WINDOW_MS));
}

Test(breaker, a_new_generation_begins_anew_and_the_old_one_is_let_be)
{
    open_it(1000000);
    cr_expect_eq(breaker_admit(&breaker, 2, 1000003), BREAKER_PASS);
    cr_expect_eq(breaker_admit(&breaker, 1, 1000003), BREAKER_PASS);
    for (int i = 0; i < 5; i++)
        cr_expect_not(breaker_crashed(&breaker, 1, 3, 1000010));
    cr_expect_eq(breaker_admit(&breaker, 2, 1000013), BREAKER_PASS);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(breaker_crashed(&breaker, 2, 3, 1000020), i == 2);
    cr_expect_eq(breaker_admit(&breaker, 2, 1000023), BREAKER_REFUSE);
}

Test(breaker, keeps_since_when_and_how_often)
{
    int64_t later = 1000002 + BREAKER_PAUSE_MS;
    open_it(1000000);
    cr_expect_eq(breaker.since, 1000002);
    cr_expect_eq(breaker.total, 3);
    cr_expect_eq(breaker_admit(&breaker, 1, later), BREAKER_TRY);
    cr_expect(breaker_crashed(&breaker, 1, 3, later + BREAKER_WINDOW_MS));
    cr_expect_eq(breaker.since, 1000002);
    cr_expect_eq(breaker.total, 4);
    breaker_succeeded(&breaker, 1);
    cr_expect_eq(breaker.since, 0);
    cr_expect_eq(breaker.total, 0);
}
