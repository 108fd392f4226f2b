/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digits.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void check(unsigned long long number)
{
    char text[DIGITS_MAX + 1] = "", wanted[DIGITS_MAX + 1];
    size_t length = digits_put(text, number);
    snprintf(wanted, sizeof wanted, "%llu", number);
    cr_expect_str_eq(text, wanted);
    cr_expect_eq(length, strlen(wanted));
}

Test(digits, are_those_of_printf)
{
    check(0);
    check(UINT64_MAX);
    check(UINT64_MAX - 1);
    for (unsigned long long power = 1, i = 0; i < DIGITS_MAX; i++, power *= 10) {
        check(power - 1);
        check(power);
        check(power + 1);
        check(power * 7 / 3);
    }
}
