/* SPDX-License-Identifier: Apache-2.0
 *
 * The PROXY protocol: whatever the splits, the same verdict, with the same byte; a header is bounded, and the address that was read can
 * be written and read again.
 */
#include "fuzz.h"

#include "http/proxy.h"

#include <arpa/inet.h>

static struct fuzz_bytes input;

static enum proxy_verdict parse(struct proxy_header *header, size_t length)
{
    memset(header, 0, sizeof *header);
    fuzz_show(&input, length);
    return proxy_parse(header, input.bytes, length);
}

static void check_same(const struct proxy_header *a, const struct proxy_header *b)
{
    FUZZ_CHECK(a->length == b->length && a->client == b->client && a->secure == b->secure);
    FUZZ_CHECK(a->client != PROXY_CLIENT_ADDRESS || memcmp(&a->address, &b->address, sizeof a->address) == 0);
}

/* As version 1 has it. */
static void check_round_trip(const struct proxy_header *header)
{
    char address[INET6_ADDRSTRLEN], text[128];
    struct proxy_header again = {.client = PROXY_CLIENT_SAME};
    bool v4 = IN6_IS_ADDR_V4MAPPED(&header->address);
    FUZZ_CHECK(inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &header->address.s6_addr[12] : header->address.s6_addr, address, sizeof address));
    int length = sprintf(text, "PROXY %s %s %s 1 2\r\n", v4 ? "TCP4" : "TCP6", address, v4 ? "192.0.2.1" : "2001:db8::1");
    FUZZ_CHECK(proxy_parse(&again, text, (size_t)length) == PROXY_WHOLE);
    FUZZ_CHECK(again.length == (size_t)length && again.client == PROXY_CLIENT_ADDRESS);
    FUZZ_CHECK(memcmp(&again.address, &header->address, sizeof again.address) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, other;
    if (!fuzz_copy(&input, data, size))
        return -1;
    enum proxy_verdict verdict = parse(&whole, size), piece = PROXY_PARTIAL;
    FUZZ_CHECK(verdict != PROXY_PARTIAL || size < PROXY_HEADER_MAX);
    FUZZ_CHECK(verdict != PROXY_WHOLE || (whole.length > 0 && whole.length <= size && whole.length <= PROXY_HEADER_MAX));
    size_t given = 0, most = size < 300 ? size : 300; /* byte by byte, and then at once */
    while (piece == PROXY_PARTIAL && given < most)
        piece = parse(&other, ++given);
    if (piece == PROXY_PARTIAL)
        piece = parse(&other, size);
    FUZZ_CHECK(piece == verdict);
    if (verdict != PROXY_WHOLE)
        return 0;
    check_same(&whole, &other);
    FUZZ_CHECK(given == whole.length || given == most);
    if (whole.client == PROXY_CLIENT_ADDRESS)
        check_round_trip(&whole);
    return 0;
}
