/* SPDX-License-Identifier: Apache-2.0
 *
 * printf for HTML: what is put in is escaped, numbers are as printf has them, what cannot be done is said.
 */
#include "base/html.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>

static bool format(char text[static 256], const char *pattern, ...)
{
    struct buffer out = BUFFER_EMPTY;
    va_list arguments;
    va_start(arguments, pattern);
    bool good = html_format_va(&out, pattern, arguments);
    va_end(arguments);
    snprintf(text, 256, "%.*s", (int)buffer_length(&out), out.data != NULL ? buffer_bytes(&out) : "");
    buffer_release(&out);
    return good;
}

#define EXPECT(wanted, ...)                              \
    do {                                                 \
        char text[256];                                  \
        cr_expect(format(text, __VA_ARGS__), "%s", wanted);  \
        cr_expect_str_eq(text, wanted);                  \
    } while (0)

Test(html, escapes_what_is_put_in_and_not_the_format)
{
    EXPECT("<b>&lt;i&gt; &amp; &quot;&#39;</b>", "<b>%s</b>", "<i> & \"'");
    EXPECT("<&lt;>", "<%c>", '<');
    EXPECT("<p>&lt;a</p>", "<p>%.2s</p>", "<ab");
    EXPECT("&lt;a", "%.*s", 2, "<ab");
    EXPECT("&lt;ab", "%.*s", -1, "<ab");
    EXPECT("100% (null)", "100%% %s", (char *)NULL);
    EXPECT("", "%s", "");
}

Test(html, numbers_are_as_printf_has_them)
{
    EXPECT("1.500000 7", "%.*f %.*d", -1, 1.5, -3, 7); /* as if no precision were given */
    EXPECT("-1 4294967295 ff", "%d %u %x", -1, 4294967295u, 255);
    EXPECT("-5000000000 -6000000000 7000000000 8", "%ld %lld %zu %jd", -5000000000L, -6000000000LL, (size_t)7000000000, (intmax_t)8);
    EXPECT("[   7][7  ][007][   7]", "[%4d][%-3d][%03d][%*d]", 7, 7, 7, 4, 7);
    EXPECT("1.50 2 1e+06 2.5", "%.2f %g %.0e %.1Lf", 1.5, 2.0, 1e6, 2.5L);
    EXPECT("1 2 <3", "%hhd %hd %s<3", 1, 2, "");
}

Test(html, what_it_cannot_do_is_said)
{
    static const char *const patterns[] = {"%n", "%ls", "%lc", "%y", "%", "%5", "%.", "%Ld", "%00000000000000000000000000000000000001d",
                                           "%9999999999d"};
    char text[256];
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        cr_expect_not(format(text, patterns[i], 0, 0), "%s", patterns[i]);
}
