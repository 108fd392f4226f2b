/* SPDX-License-Identifier: Apache-2.0
 *
 * See address.h.
 */
#include "config/address.h"

#include "config/values.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *parse_port(const char *text, in_port_t *port)
{
    int64_t number;

    if (!*text)
        return "has no port";
    /* The sign is refused here: value_parse_integer() would take "-0". */
    if (*text == '-' || !value_parse_integer(text, &number) || number > 65535)
        return "has a port that is not a number from 0 to 65535";
    *port = htons((uint16_t)number);
    return NULL;
}

static const char *parse_local(struct address *address, const char *path, const char *directory)
{
    struct sockaddr_un *local = &address->socket.local;
    const char *folder = *path == '/' || strcmp(directory, "/") == 0 ? "" : directory;
    int length;

    if (!*path)
        return "has no path behind 'unix:'";
    length = snprintf(local->sun_path, sizeof local->sun_path, "%s%s%s", folder, *path == '/' ? "" : "/", path);
    if ((size_t)length >= sizeof local->sun_path)
        return "is too long: the whole path of a Unix socket has at most 107 bytes";
    local->sun_family = AF_UNIX;
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
    return NULL;
}

static const char *parse_v6(struct address *address, const char *text)
{
    struct sockaddr_in6 *v6 = &address->socket.v6;
    const char *end = strchr(text, ']');
    char host[INET6_ADDRSTRLEN];

    if (!end)
        return "has a '[' without a ']'";
    if ((size_t)(end - text - 1) >= sizeof host)
        return "is not an IPv6 address";
    memcpy(host, text + 1, (size_t)(end - text - 1));
    host[end - text - 1] = '\0';
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return "is not an IPv6 address";
    if (end[1] != ':')
        return end[1] ? "has something other than a port behind the ']'" : "has no port";
    v6->sin6_family = AF_INET6;
    address->length = sizeof *v6;
    return parse_port(end + 2, &v6->sin6_port);
}

static const char *parse_any(struct address *address, const char *port)
{
    address->both_families = true;
    address->socket.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    address->length = sizeof address->socket.v6;
    return parse_port(port, &address->socket.v6.sin6_port);
}

static bool parse_host_v4(const char *text, size_t length, struct in_addr *host)
{
    char copy[INET_ADDRSTRLEN];

    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strcmp(copy, "localhost") == 0)
        host->s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_pton(AF_INET, copy, host) != 1)
        return false;
    return true;
}

static const char *parse_v4(struct address *address, const char *text)
{
    struct sockaddr_in *v4 = &address->socket.v4;
    size_t host_length = strcspn(text, ":");
    const char *port = text + host_length + (text[host_length] == ':');

    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->length = sizeof *v4;
    if (text[strspn(text, "0123456789")] == '\0')
        return parse_port(text, &v4->sin_port);
    if (strchr(port, ':'))
        return "has more than one ':' (an IPv6 address is written in brackets: [::1]:80)";
    if (host_length == 0)
        return "has no address (write '*' for all of this machine)";
    if (!parse_host_v4(text, host_length, &v4->sin_addr) && strcmp(text, "*") != 0)
        return "is not an IP address with a port (names are not looked up)";
    return parse_port(port, &v4->sin_port);
}

const char *address_parse(struct address *address, const char *text, const char *directory)
{
    *address = (struct address){0};
    if (!*text)
        return "is empty";
    if (strncmp(text, "unix:", 5) == 0)
        return parse_local(address, text + 5, directory);
    if (*text == '[')
        return parse_v6(address, text);
    if (strncmp(text, "*:", 2) == 0)
        return parse_any(address, text + 2);
    return parse_v4(address, text);
}

void address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
    const struct sockaddr_in *v4 = &address->socket.v4;
    const struct sockaddr_in6 *v6 = &address->socket.v6;
    char host[INET6_ADDRSTRLEN] = "";

    switch (address->socket.any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(v4->sin_port));
        break;
    case AF_INET6:
        if (address->both_families) {
            snprintf(text, ADDRESS_TEXT_MAX, "*:%u", ntohs(v6->sin6_port));
            break;
        }
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(v6->sin6_port));
        break;
    case AF_UNIX:
        snprintf(text, ADDRESS_TEXT_MAX, "unix:%s", address->socket.local.sun_path);
        break;
    default:
        text[0] = '\0';
    }
}

bool address_is_loopback(const struct address *address)
{
    if (address->socket.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
    return address->socket.any.sa_family == AF_INET && ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool address_equals(const struct address *a, const struct address *b)
{
    if (a->socket.any.sa_family != b->socket.any.sa_family || a->both_families != b->both_families)
        return false;
    switch (a->socket.any.sa_family) {
    case AF_INET:
        return a->socket.v4.sin_port == b->socket.v4.sin_port &&
               a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
    case AF_INET6:
        return a->socket.v6.sin6_port == b->socket.v6.sin6_port &&
               memcmp(&a->socket.v6.sin6_addr, &b->socket.v6.sin6_addr, sizeof a->socket.v6.sin6_addr) == 0;
    case AF_UNIX:
        return strcmp(a->socket.local.sun_path, b->socket.local.sun_path) == 0;
    default:
        return false;
    }
}
