/* SPDX-License-Identifier: Apache-2.0
 *
 * The system is told whether others finish first. In a process of its own, as each test is.
 */
#include "worker/preemption.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int policy_when(struct preemption *preemption, bool busy)
{
    preemption_follow(preemption, busy);
    return sched_getscheduler(0);
}

static void set_policy(int policy)
{
    struct sched_param none = {0};
    cr_assert_eq(sched_setscheduler(0, policy, &none), 0);
}

Test(preemption, the_system_is_told)
{
    struct preemption preemption = {0};
    preemption_open(&preemption, true);
    cr_expect_eq(policy_when(&preemption, false), SCHED_OTHER);
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH);
    cr_expect_eq(policy_when(&preemption, false), SCHED_OTHER);
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH);
}

Test(preemption, it_can_be_left_out)
{
    struct preemption preemption = {0};
    preemption_open(&preemption, false);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(policy_when(&preemption, i % 2 == 0), SCHED_OTHER);
}

Test(preemption, a_policy_that_others_chose_stays)
{
    static const int policies[] = {SCHED_BATCH, SCHED_IDLE};
    for (size_t n = 0; n < 2; n++) {
        struct preemption preemption = {0};
        set_policy(policies[n]);
        preemption_open(&preemption, true);
        for (int i = 0; i < 4; i++)
            cr_expect_eq(policy_when(&preemption, i % 2 == 0), policies[n]);
    }
}

Test(preemption, a_policy_that_was_changed_meanwhile_stays)
{
    struct preemption preemption = {0};
    preemption_open(&preemption, true);
    cr_expect_eq(policy_when(&preemption, true), SCHED_BATCH);
    set_policy(SCHED_IDLE);
    cr_expect_eq(policy_when(&preemption, false), SCHED_IDLE);
    cr_expect_eq(policy_when(&preemption, true), SCHED_IDLE);
}

/* As under a filter of system calls, which systemd's RestrictRealtime= is too. */
static void refuse_system_call(int number)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(preemption, what_may_not_be_changed_stays)
{
    struct preemption preemption = {0};
    refuse_system_call(SYS_sched_setscheduler);
    preemption_open(&preemption, true);
    cr_expect(preemption.fixed);
    cr_expect_eq(policy_when(&preemption, true), SCHED_OTHER);
}

/* systemd's RestrictRealtime= lets through what is below or SCHED_IDLE, and compares the whole argument: flags in it would be refused. */
Test(preemption, no_flag_makes_it_look_like_a_real_time_policy)
{
    struct preemption preemption = {0};
    preemption_open(&preemption, true);
    cr_expect_leq(policy_when(&preemption, true), SCHED_IDLE);
}
