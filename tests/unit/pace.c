/* SPDX-License-Identifier: Apache-2.0
 *
 * Time that is bought with bytes.
 */
#include "worker/pace.h"

#include <criterion/criterion.h>

Test(pace, bytes_are_worth_time)
{
    static const struct {
        uint64_t bytes;
        int64_t rate, ms;
    } cases[] = {
        {0, 240, 0}, {1, 240, 5}, {240, 240, 1000}, {241, 240, 1005}, {1000, 1, 1000000}, {1, 1000000, 1},
        {0, 0, 0}, {1, 0, INT32_MAX}, {240000000, 240, INT32_MAX}, {UINT64_MAX, 1, INT32_MAX}, {UINT64_MAX, INT64_C(1) << 40, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(pace_worth(cases[i].bytes, cases[i].rate), cases[i].ms, "%zu: %ld", i,
                     (long)pace_worth(cases[i].bytes, cases[i].rate));
}

Test(pace, a_client_is_never_given_more_than_the_timeout)
{
    cr_expect_eq(pace_extend(1000, 900, 0, 100, 30000), 1000);
    cr_expect_eq(pace_extend(1000, 900, 100, 100, 30000), 2000);
    cr_expect_eq(pace_extend(1000, 900, 100000, 100, 30000), 30900);
    cr_expect_eq(pace_extend(1000, 900, 1, 0, 30000), 30900);
    cr_expect_eq(pace_extend(1000, 900, 0, 0, 30000), 1000);
}

/* Half the rate: its time runs at half the speed. */
Test(pace, who_is_slower_than_the_rate_runs_out_of_time)
{
    int64_t now = 0, until = 30000;
    for (; now < until && now < 1000000; now += 100)
        until = pace_extend(until, now, 12, 240, 30000);
    cr_expect(now >= 59000 && now <= 61000, "%ld", (long)now);
    for (now = 0, until = 30000; now < until && now < 1000000; now += 100)
        until = pace_extend(until, now, 24, 240, 30000);
    cr_expect_geq(now, 1000000);
}
