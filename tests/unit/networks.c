/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks, as 'allow', 'deny' and 'trusted' take them.
 */
#include "config/networks.h"

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
        {"::/0", "10.0.0.1", false}, {"2001:db8::/33", "2001:db8:7fff::1", true}, {"2001:db8::/33", "2001:db8:8000::", false},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true}, {"::ffff:0.0.0.0/96", "10.1.1.1", true}, {"10.0.0.0/8", "unix:", false},
        {"::/0", "unix:", false}, {"unix:", "unix:", true}, {"unix:", "127.0.0.1", false}, {"unix:", "::", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;
        struct in6_addr address = {0};
        const struct networks networks = {.all = &network, .count = 1};
        bool local = strcmp(cases[i].client, "unix:") == 0;
        const char *wrong = network_parse(&network, cases[i].network, strlen(cases[i].network));

        cr_assert_null(wrong, "%s: %s", cases[i].network, wrong);
        cr_assert(local || network_parse_address(cases[i].client, &address));
        cr_expect_eq(networks_have(&networks, &address, local), cases[i].has, "%s has %s", cases[i].network, cases[i].client);
    }
}

Test(networks, of_a_list_are_parted_by_commas_and_blanks)
{
    static const char *const lists[] = {"a,b,c", " a, b ,c ", "a b\tc", ",a,,b,c,"};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const char *list = lists[i], *text;
        size_t length;

        for (const char *wanted = "abc"; *wanted; wanted++) {
            cr_assert(network_next(&list, &text, &length), "%s", lists[i]);
            cr_expect(length == 1 && *text == *wanted, "%s", lists[i]);
        }
        cr_expect_not(network_next(&list, &text, &length), "%s", lists[i]);
    }
}

Test(networks, several_have_what_one_of_them_has)
{
    struct network all[2];
    struct in6_addr address;
    struct networks networks = {.all = all, .count = 2};

    network_parse(&all[0], "10.0.0.0/8", 10);
    network_parse(&all[1], "unix:", 5);
    cr_assert(network_parse_address("10.9.9.9", &address));
    cr_expect(networks_have(&networks, &address, false));
    cr_expect(networks_have(&networks, &address, true));
    networks.count = 1;
    cr_expect_not(networks_have(&networks, &address, true));
    networks.count = 0;
    cr_expect_not(networks_have(&networks, &address, false));
}

Test(networks, that_are_none_are_refused)
{
    static const char *const cases[] = {"", " ", "localhost", "10", "10.0.0/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                                        "10.0.0.0/0008", "::1/129", "10.0.0.0/ 8", "10.1.0.0/8", "2001:db8::1/32", "1.2.3.4 5.6.7.8",
                                        "unix", "unix:/x", " 10.0.0.0/8",
                                        "11111111111111111111111111111111111111111111111111111111111111111111111111"};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;

        cr_expect_not_null(network_parse(&network, cases[i], strlen(cases[i])), "%s", cases[i]);
    }
}
