/* SPDX-License-Identifier: Apache-2.0
 *
 * When the server has much to do.
 */
#include "master/busy.h"

#include <criterion/criterion.h>

Test(busy, what_is_much_follows_from_the_rate_and_the_cpus)
{
    static const struct {
        int64_t now;
        uint64_t requests;
        bool busy;
    } looks[] = {
        {1000, 1000, false}, /* whatever was before the first look is no rate */
        {1050, 1400, true},
        {1100, 1800, true}, {1150, 2000, true}, /* between calm and busy it stays */
        {1200, 2199, false},
        {1250, 2598, false}, {1300, 2898, false}, /* so it does from the other side */
        {1350, 3298, true},
        {1450, 3698, true}, {1550, 4097, false}, /* a longer window */
        {1600, 4897, true},
        {9000, 4898, false}, /* the end of a long wait */
        {9050, 4898, false},
    };
    struct busy busy = {0};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        cr_expect(busy_is_due(&busy, looks[i].now), "%zu", i);
        cr_expect_eq(busy_look(&busy, looks[i].now, looks[i].requests, 8, 2), looks[i].busy, "%zu", i);
        cr_expect_not(busy_is_due(&busy, looks[i].now + 49), "%zu", i);
    }
}

Test(busy, few_clients_are_not_much)
{
    struct busy busy = {.since = 1000};
    cr_expect_not(busy_look(&busy, 1050, 100000, 7, 2));
    cr_expect(busy_look(&busy, 1100, 200000, 8, 2));
    cr_expect_not(busy_look(&busy, 1150, 300000, 7, 2));
}
