/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections by client address.
 */
#include "shared/addresses.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

static struct address_places find(const struct addresses *addresses, const char *text)
{
    struct in6_addr address;
    cr_assert_eq(inet_pton(AF_INET6, text, &address), 1, "%s", text);
    return addresses_find(addresses, &address);
}

static bool same(struct address_places a, struct address_places b)
{
    return a.place[0] == b.place[0] && a.place[1] == b.place[1];
}

Test(addresses, of_ipv4_stand_for_themselves_and_of_ipv6_for_their_network)
{
    struct addresses *addresses = addresses_new();
    cr_assert_not_null(addresses);
    cr_expect(same(find(addresses, "::ffff:192.0.2.1"), find(addresses, "::ffff:192.0.2.1")));
    cr_expect_not(same(find(addresses, "::ffff:192.0.2.1"), find(addresses, "::ffff:192.0.2.2")));
    cr_expect(same(find(addresses, "2001:db8:0:1::1"), find(addresses, "2001:db8:0:1:ffff::2")));
    cr_expect_not(same(find(addresses, "2001:db8:0:1::1"), find(addresses, "2001:db8:0:2::1")));
    cr_expect_not(same(find(addresses, "::1"), find(addresses, "::ffff:0.0.0.1")));
}

Test(addresses, are_counted_over_all_slots)
{
    struct addresses *addresses = addresses_new();
    struct address_places places = find(addresses, "::ffff:192.0.2.1"), others = find(addresses, "::ffff:192.0.2.2");
    for (size_t slot = 0; slot < 3; slot++)
        for (size_t i = 0; i <= slot; i++)
            cr_assert(addresses_add(addresses, slot, places));
    cr_expect_eq(addresses_count(addresses, 3, places), 6);
    cr_expect_eq(addresses_count(addresses, 2, places), 3);
    cr_expect_eq(addresses_count(addresses, 3, others), 0);
    addresses_remove(addresses, 2, places);
    cr_expect_eq(addresses_count(addresses, 3, places), 5);
    addresses_clear(addresses, 1); /* its worker has died */
    addresses_clear(addresses, 5);
    cr_expect_eq(addresses_count(addresses, 3, places), 3);
    cr_assert(addresses_add(addresses, 1, others)); /* and another has come */
    cr_expect_eq(addresses_count(addresses, 3, places), 3);
    cr_expect_eq(addresses_count(addresses, 3, others), 1);
}

Test(addresses, that_share_one_place_with_others_are_told_apart_by_the_other)
{
    struct addresses *addresses = addresses_new();
    struct address_places one = {{1, 1}}, two = {{1, 2}}, three = {{3, 1}};
    addresses_add(addresses, 0, one);
    addresses_add(addresses, 0, one);
    cr_expect_eq(addresses_count(addresses, 1, two), 0);
    cr_expect_eq(addresses_count(addresses, 1, three), 0);
    addresses_add(addresses, 0, two);
    cr_expect_eq(addresses_count(addresses, 1, one), 2);
    cr_expect_eq(addresses_count(addresses, 1, two), 1);
}

Test(addresses, are_not_counted_beyond_what_a_count_holds)
{
    struct addresses *addresses = addresses_new();
    struct address_places one = {{1, 1}}, two = {{2, 1}}, three = {{1, 3}};
    for (int i = 0; i < UINT16_MAX; i++)
        cr_assert(addresses_add(addresses, 0, one));
    cr_expect_not(addresses_add(addresses, 0, one));
    cr_expect_not(addresses_add(addresses, 0, two));
    cr_expect_not(addresses_add(addresses, 0, three));
    cr_expect_eq(addresses_count(addresses, 1, one), UINT16_MAX);
}

/* Places are used evenly: a thousand addresses in a row leave a stranger alone. */
Test(addresses, of_a_network_spread_over_the_table)
{
    struct addresses *addresses = addresses_new();
    size_t wrong = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char text[INET6_ADDRSTRLEN];
        snprintf(text, sizeof text, "::ffff:10.0.%u.%u", i >> 8, i & 255);
        addresses_add(addresses, 0, find(addresses, text));
    }
    for (unsigned i = 0; i < 1000; i++) {
        char text[INET6_ADDRSTRLEN];
        snprintf(text, sizeof text, "::ffff:10.9.%u.%u", i >> 8, i & 255);
        wrong += addresses_count(addresses, 1, find(addresses, text)) > 0;
    }
    cr_expect_lt(wrong, 20, "%zu", wrong); /* one is to be expected */
}
