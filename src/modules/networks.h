/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of networks: "10.0.0.0/8, 2001:db8::/32, 192.0.2.7". Pure.
 */
#ifndef MODULES_NETWORKS_H
#define MODULES_NETWORKS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct network {
    struct in6_addr address; /* IPv4 mapped */
    unsigned bits;           /* that count; of 128 */
};

enum { NETWORK_TEXT_MAX = 64 };

/* Parses one, blanks around it allowed. NULL, or what is wrong with it, to be read behind the text (static). */
const char *network_parse(struct network *network, const char *text, size_t length);

/* Is 'client' (text of an address, as tine_client() has it) in it? False for what is no address. */
bool network_has(const struct network *network, const char *client);

#endif
