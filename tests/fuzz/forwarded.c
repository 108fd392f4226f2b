/* SPDX-License-Identifier: Apache-2.0
 *
 * Forwarded, X-Forwarded-For and X-Forwarded-Proto: the lists end, their elements lie in them, and an address that was read can be
 * written and read again, by either field.
 */
#include "fuzz.h"

#include "http/forwarded.h"

#include <arpa/inet.h>

static struct fuzz_bytes input;

static void check_address(const struct in6_addr *address)
{
    char host[INET6_ADDRSTRLEN], text[128];
    struct forwarded_hop hop;
    bool v4 = IN6_IS_ADDR_V4MAPPED(address);
    FUZZ_CHECK(inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address->s6_addr[12] : address->s6_addr, host, sizeof host));
    sprintf(text, v4 ? "proto=https;for=%s" : "proto=https;for=\"[%s]:80\"", host);
    struct slice rest = slice_from(text);
    FUZZ_CHECK(forwarded_next(&rest, &hop) == FORWARDED_HOP && hop.has_address && hop.scheme == FORWARDED_HTTPS);
    FUZZ_CHECK(memcmp(&hop.address, address, sizeof *address) == 0);
    FUZZ_CHECK(forwarded_next(&rest, &hop) == FORWARDED_END);
    rest = slice_from(host);
    FUZZ_CHECK(forwarded_for_next(&rest, &hop) && hop.has_address && memcmp(&hop.address, address, sizeof *address) == 0);
}

static void check_forwarded(struct slice rest)
{
    struct forwarded_hop hop;
    enum forwarded_verdict verdict;
    for (size_t before = rest.length + 1; (verdict = forwarded_next(&rest, &hop)) == FORWARDED_HOP; before = rest.length) {
        FUZZ_CHECK(rest.length < before);
        FUZZ_CHECK(hop.scheme == FORWARDED_UNSAID || hop.scheme == FORWARDED_HTTP || hop.scheme == FORWARDED_HTTPS);
        if (hop.has_address)
            check_address(&hop.address);
    }
    FUZZ_CHECK(verdict == FORWARDED_BAD || rest.length == 0);
}

static void check_forwarded_for(struct slice text)
{
    struct slice rest = text, element;
    struct forwarded_hop hop;
    size_t elements = 0, hops = 0;
    while (forwarded_element_next(&rest, &element)) {
        FUZZ_CHECK(element.length > 0 && element.data >= text.data && element.data + element.length <= text.data + text.length);
        FUZZ_CHECK(memchr(element.data, ',', element.length) == NULL);
        elements++;
    }
    FUZZ_CHECK(rest.length == 0);
    for (rest = text; forwarded_for_next(&rest, &hop); hops++)
        if (hop.has_address)
            check_address(&hop.address);
    FUZZ_CHECK(hops == elements);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    check_forwarded((struct slice){input.bytes, size});
    check_forwarded_for((struct slice){input.bytes, size});
    forwarded_scheme((struct slice){input.bytes, size});
    return 0;
}
