/* SPDX-License-Identifier: Apache-2.0
 *
 * Reason phrases.
 */
#include "http/status.h"

#include <criterion/criterion.h>

Test(status, has_the_registered_phrase)
{
    static const struct {
        int status;
        const char *reason;
    } cases[] = {
        {100, "Continue"},
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {431, "Request Header Fields Too Large"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
        {511, "Network Authentication Required"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(status_reason(cases[i].status), cases[i].reason);
}

Test(status, has_none_for_the_others)
{
    static const int others[] = {-2147483647 - 1, -1, 0, 99, 199, 299, 306, 418, 499, 510, 512, 600, 2147483647};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_str_eq(status_reason(others[i]), "", "%d", others[i]);
}
