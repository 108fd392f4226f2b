/* SPDX-License-Identifier: Apache-2.0
 *
 * Host fields and the authorities of targets: what is taken has one host, and at most one port, that another reader would see too.
 */
#include "fuzz.h"

#include "http/uri.h"

#include <arpa/inet.h>

static struct fuzz_bytes input;

/* Nothing of what makes one host look like another, or like two. */
static void check_host(struct slice host)
{
    FUZZ_CHECK(host.length > 0);
    for (size_t i = 0; i < host.length; i++) {
        unsigned char byte = (unsigned char)host.data[i];
        FUZZ_CHECK(byte > ' ' && byte < 0x7f && strchr("@/\\?#\",<>{}|^`", byte) == NULL);
        FUZZ_CHECK(host.data[0] == '[' || strchr(":[]", byte) == NULL);
    }
    if (host.data[0] != '[')
        return;
    char text[INET6_ADDRSTRLEN + 2] = "";
    struct in6_addr address;
    FUZZ_CHECK(host.length < sizeof text && host.data[host.length - 1] == ']');
    memcpy(text, host.data + 1, host.length - 2);
    FUZZ_CHECK(inet_pton(AF_INET6, text, &address) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    struct slice text = {input.bytes, size};
    if (!authority_is_valid(text))
        return 0;
    struct slice host = authority_host(text);
    FUZZ_CHECK(host.data == text.data && host.length <= text.length);
    check_host(host);
    FUZZ_CHECK(authority_is_valid(host) && slice_equals(authority_host(host), host));
    if (host.length < text.length) {
        FUZZ_CHECK(text.data[host.length] == ':');
        char port[FUZZ_MAX + 1];
        size_t length = text.length - host.length - 1;
        memcpy(port, text.data + host.length + 1, length);
        port[length] = 0;
        FUZZ_CHECK(strspn(port, "0123456789") == length && strtoul(port, NULL, 10) <= 65535);
    }
    return 0;
}
