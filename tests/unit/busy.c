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
        {1050, 2200, true},
        {1100, 3400, true}, {1150, 4000, true}, /* between calm and busy it stays */
        {1200, 4599, false},
        {1250, 5798, false}, {1300, 6698, false}, /* so it does from the other side */
        {1350, 7898, true},
        {1450, 9098, true}, {1550, 10297, false}, /* a longer window */
        {1600, 12697, true},
        {9000, 12698, false}, /* the end of a long wait */
        {9050, 12698, false},
    };
    struct busy busy = {0};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        cr_expect(busy_is_due(&busy, looks[i].now), "%zu", i);
        cr_expect_eq(busy_look(&busy, looks[i].now, looks[i].requests, 2), looks[i].busy, "%zu", i);
        cr_expect_not(busy_is_due(&busy, looks[i].now + 49), "%zu", i);
    }
}
