/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a listening socket is bound: host:port, [v6]:port, *:port or unix:/path. Pure: no socket
 * is made here and no name is looked up.
 */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } socket;
    socklen_t length;
    bool both_families; /* "*:port": holds [::]:port; the caller opens 0.0.0.0:port too, on its own socket */
};

enum { ADDRESS_TEXT_MAX = 128 }; /* longest text, NUL included */

/* Parses 'text' ("127.0.0.1:80", "localhost:80", "[::1]:80", "*:80", "unix:/run/x.sock"). A bare
 * port ("8000") is 127.0.0.1. "localhost" is 127.0.0.1. A relative Unix path is taken from
 * 'directory'. Returns NULL, or what is wrong with it, to be read behind the text: "has no port" (static). */
const char *address_parse(struct address *address, const char *text, const char *directory);

/* Writes the address as address_parse() would read it ("*:80" for both families). */
void address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

/* 127.0.0.0/8 and ::1: its connections do not leave this machine, unless a packet filter was told to redirect some. Not a Unix socket. */
bool address_is_loopback(const struct address *address);

bool address_equals(const struct address *a, const struct address *b);

#endif
