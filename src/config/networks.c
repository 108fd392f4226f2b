/* SPDX-License-Identifier: Apache-2.0
 *
 * See networks.h.
 */
#include "config/networks.h"

#include <arpa/inet.h>
#include <string.h>

static bool parse_address(const char *text, struct in6_addr *address, unsigned *bits)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in_addr v4;

    *bits = 128;
    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    if (inet_pton(AF_INET, text, &v4) != 1)
        return false;
    memcpy(address->s6_addr, mapped, sizeof mapped);
    memcpy(address->s6_addr + sizeof mapped, &v4, sizeof v4);
    *bits = 32;
    return true;
}

/* At most three digits and at most 'most'; -1 for anything else. */
static int parse_bits(const char *text, unsigned most)
{
    unsigned bits = 0;
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 3 || text[length] != '\0')
        return -1;
    for (; *text != '\0'; text++)
        bits = bits * 10 + (unsigned)(*text - '0');
    return bits <= most ? (int)bits : -1;
}

/* Bits behind the prefix are a mistake more often than meant: 10.1.2.3/8 could be 10.1.2.3 or 10/8. */
static bool has_bits_behind(const struct network *network)
{
    for (unsigned bit = network->bits; bit < 128; bit++) {
        if ((network->address.s6_addr[bit / 8] & (0x80 >> bit % 8)) != 0)
            return true;
    }
    return false;
}

bool network_parse_address(const char *text, struct in6_addr *address)
{
    unsigned bits;

    return parse_address(text, address, &bits);
}

static const char not_one[] = "is not an address or network (10.0.0.0/8, 2001:db8::/32) or unix:";

const char *network_parse(struct network *network, const char *text, size_t length)
{
    char copy[NETWORK_TEXT_MAX];
    unsigned most;
    int bits;

    *network = (struct network){.local = length == 5 && memcmp(text, "unix:", 5) == 0};
    if (network->local)
        return NULL;
    if (length == 0 || length >= sizeof copy)
        return not_one;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!parse_address(copy, &network->address, &most))
        return not_one;
    bits = slash != NULL ? parse_bits(slash + 1, most) : (int)most;
    if (bits < 0)
        return "has no right number of bits behind the '/'";
    network->bits = (unsigned)bits + 128 - most;
    return has_bits_behind(network) ? "has bits set behind the network's" : NULL;
}

bool network_next(const char **list, const char **text, size_t *length)
{
    static const char separators[] = ", \t";

    *text = *list + strspn(*list, separators);
    *length = strcspn(*text, separators);
    *list = *text + *length;
    return *length > 0;
}

/* "::/0" is all of IPv6 and none of IPv4, as elsewhere, though that is kept as a part of it. */
static bool has(const struct network *network, const struct in6_addr *address, bool local)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (local || network->local)
        return local && network->local;
    if (IN6_IS_ADDR_V4MAPPED(address) && network->bits < 96)
        return false;
    if (memcmp(address, &network->address, whole) != 0)
        return false;
    return rest == 0 || ((address->s6_addr[whole] ^ network->address.s6_addr[whole]) & (0xff00 >> rest & 0xff)) == 0;
}

bool networks_have(const struct networks *networks, const struct in6_addr *address, bool local)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (has(&networks->all[i], address, local))
            return true;
    }
    return false;
}
