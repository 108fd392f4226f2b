/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks, as the status module's 'allow' takes them.
 */
#include "modules/networks.h"

#include <criterion/criterion.h>
#include <string.h>

Test(networks, hold_their_addresses)
{
    static const struct {
        const char *network, *client;
        bool has;
    } cases[] = {
        {"127.0.0.0/8", "127.0.0.1", true}, {"127.0.0.0/8", "127.255.255.255", true}, {"127.0.0.0/8", "128.0.0.0", false},
        {"127.0.0.0/8", "::1", false}, {"::1", "::1", true}, {"::1", "::2", false}, {"::1", "127.0.0.1", false},
        {"10.0.0.0/9", "10.127.0.1", true}, {"10.0.0.0/9", "10.128.0.1", false}, {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false}, {"192.0.2.6/31", "192.0.2.7", true}, {"192.0.2.6/31", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.9", true}, {"0.0.0.0/0", "2001:db8::1", false}, {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", true}, {"2001:db8::/33", "2001:db8:7fff::1", true}, {"2001:db8::/33", "2001:db8:8000::", false},
        {" 10.0.0.0/8\t", "10.1.1.1", true}, {"::ffff:10.0.0.0/104", "10.1.1.1", true}, {"10.0.0.0/8", "unix:", false},
        {"10.0.0.0/8", "", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;
        const char *wrong = network_parse(&network, cases[i].network, strlen(cases[i].network));

        cr_assert_null(wrong, "%s: %s", cases[i].network, wrong);
        cr_expect_eq(network_has(&network, cases[i].client), cases[i].has, "%s has %s", cases[i].network, cases[i].client);
    }
}

Test(networks, that_are_none_are_refused)
{
    static const char *const cases[] = {"", " ", "localhost", "10", "10.0.0/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                                        "10.0.0.0/0008", "::1/129", "10.0.0.0/ 8", "10.1.0.0/8", "2001:db8::1/32", "1.2.3.4 5.6.7.8",
                                        "11111111111111111111111111111111111111111111111111111111111111111111111111"};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;

        cr_expect_not_null(network_parse(&network, cases[i], strlen(cases[i])), "%s", cases[i]);
    }
}
