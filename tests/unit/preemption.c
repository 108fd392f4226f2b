/* SPDX-License-Identifier: Apache-2.0
 *
 * When a worker lets others finish first.
 */
#include "worker/preemption.h"

#include <criterion/criterion.h>
#include <sched.h>

Test(preemption, a_busy_worker_is_polite_until_it_is_calm)
{
    static const struct {
        int64_t now;
        uint32_t events;
        bool changes, polite;
    } turns[] = {
        {1000, 64, false, false},  /* whatever was before the first turn is no rate */
        {1001, 1000, false, false}, {1049, 1, false, false}, /* not before the window is over */
        {1050, 0, true, true},
        {1100, 200, false, true},  {1150, 100, false, true}, /* between calm and busy it stays */
        {1200, 99, true, false},
        {1250, 199, false, false}, {1300, 150, false, false}, /* so it does from the other side */
        {1350, 200, true, true},
        {9000, 1, true, false},    /* the end of a long wait */
        {9050, 0, false, false},
    };
    struct preemption preemption = {0};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        bool changes = preemption_count(&preemption, turns[i].now, turns[i].events);
        cr_expect(changes == turns[i].changes && preemption.polite == turns[i].polite, "%zu: %d %d", i, changes, preemption.polite);
    }
}

/* In a process of its own, as each test is. */
Test(preemption, the_system_is_told)
{
    struct preemption preemption = {.since = 1000};
    preemption_note(&preemption, 1050, 500);
    cr_expect_eq(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
    preemption_note(&preemption, 1100, 0);
    cr_expect_eq(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK);
    preemption_note(&preemption, 1150, 500);
    cr_expect_eq(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
}

Test(preemption, a_policy_that_others_chose_stays)
{
    struct sched_param none = {0};
    struct preemption preemption = {.since = 1000};
    cr_assert_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    preemption_note(&preemption, 1050, 500);
    preemption_note(&preemption, 1100, 0);
    preemption_note(&preemption, 1150, 500);
    cr_expect_eq(sched_getscheduler(0), SCHED_IDLE);
}
