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
        {1001, 9000, false}, {1049, 9000, false}, /* not before the window is over */
        {1050, 9000, true},
        {1100, 9400, true}, {1150, 9600, true}, /* between calm and busy it stays */
        {1200, 9799, false},
        {1250, 10198, false}, {1300, 10498, false}, /* so it does from the other side */
        {1350, 10898, true},
        {1450, 11298, true}, {1550, 11697, false}, /* a longer window */
        {1600, 12697, true},
        {9000, 12698, false}, /* the end of a long wait */
        {9050, 12698, false},
    };
    struct busy busy = {0};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        cr_expect_eq(busy_look(&busy, looks[i].now, looks[i].requests, 2), looks[i].busy, "%zu", i);
}
