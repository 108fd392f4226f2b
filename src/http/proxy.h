/* SPDX-License-Identifier: Apache-2.0
 *
 * The PROXY protocol, versions 1 and 2: what a proxy says of its client in front of all else on a connection
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt). Strict: what is not exactly such a header is bad. Pure.
 */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROXY_HEADER_MAX = 4096 }; /* of version 2, with what it may carry besides the addresses; of version 1 107 */

enum proxy_verdict { PROXY_PARTIAL, PROXY_WHOLE, PROXY_BAD };

enum proxy_client {
    PROXY_CLIENT_SAME,    /* the proxy itself asks, or does not know for whom: UNKNOWN, LOCAL */
    PROXY_CLIENT_ADDRESS,
    PROXY_CLIENT_LOCAL    /* came to the proxy by a Unix socket */
};

struct proxy_header {
    size_t length;           /* of the header: behind it the client's own bytes begin */
    enum proxy_client client;
    struct in6_addr address; /* IPv4 mapped; with PROXY_CLIENT_ADDRESS */
    bool secure;             /* the client came to the proxy by TLS (version 2, PP2_TYPE_SSL) */
};

/* Parses the header at the front of bytes[0..length). The verdict depends only on the bytes up to the one that forces it, so it is
 * the same however they were split. 'header' is written when it is whole. */
enum proxy_verdict proxy_parse(struct proxy_header *header, const char *bytes, size_t length);

#endif
