/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of networks: "10.0.0.0/8, 2001:db8::/32, 192.0.2.7, unix:". Pure.
 */
#ifndef CONFIG_NETWORKS_H
#define CONFIG_NETWORKS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct network {
    struct in6_addr address; /* IPv4 mapped */
    unsigned bits;           /* that count; of 128 */
    bool local;              /* "unix:": who comes by a Unix socket, and has no address */
};

struct networks {
    struct network *all;
    size_t count;
    char *text; /* as it was written */
};

enum { NETWORK_TEXT_MAX = 64 };

/* Parses one. NULL, or what is wrong with it, to be read behind the text (static). */
const char *network_parse(struct network *network, const char *text, size_t length);

/* Takes the next one off a list, with commas, blanks or both between them. Returns false at the end. */
bool network_next(const char **list, const char **text, size_t *length);

/* "192.0.2.7" or "2001:db8::1"; IPv4 comes out mapped. */
bool network_parse_address(const char *text, struct in6_addr *address);

/* Is a client in one of them? 'local': it came by a Unix socket. */
bool networks_have(const struct networks *networks, const struct in6_addr *address, bool local);

#endif
