/* SPDX-License-Identifier: Apache-2.0
 *
 * The system is told whether others finish first. In a process of its own, as each test is.
 */
#include "worker/preemption.h"

#include <criterion/criterion.h>
#include <sched.h>

static int policy_when(struct preemption *preemption, bool busy)
{
    preemption_follow(preemption, busy);
    return sched_getscheduler(0);
}

Test(preemption, the_system_is_told)
{
    struct preemption preemption = {0};
    cr_expect_eq(policy_when(&preemption, false), SCHED_OTHER); /* nothing was said yet */
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH | SCHED_RESET_ON_FORK);
    cr_expect_eq(policy_when(&preemption, false), SCHED_OTHER | SCHED_RESET_ON_FORK);
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH | SCHED_RESET_ON_FORK);
}

Test(preemption, a_policy_that_others_chose_stays)
{
    struct sched_param none = {0};
    struct preemption preemption = {0};
    cr_assert_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(policy_when(&preemption, i % 2 == 0), SCHED_IDLE);
}

Test(preemption, a_policy_that_was_changed_meanwhile_stays)
{
    struct sched_param none = {0};
    struct preemption preemption = {0};
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH | SCHED_RESET_ON_FORK);
    cr_assert_eq(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &none), 0);
    cr_expect_eq(policy_when(&preemption, false), SCHED_IDLE | SCHED_RESET_ON_FORK);
    cr_expect_eq(policy_when(&preemption, true), SCHED_IDLE | SCHED_RESET_ON_FORK);
}
