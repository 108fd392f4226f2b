/* SPDX-License-Identifier: Apache-2.0
 *
 * See handshakes.h.
 */
#include "master/handshakes.h"

#include "base/io.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { REPLY_BYTES = 32 << 10 };

static int family_of(const struct address *address)
{
    return address->socket.any.sa_family;
}

static in_port_t port_of(const struct address *address)
{
    return family_of(address) == AF_INET6 ? address->socket.v6.sin6_port : address->socket.v4.sin_port;
}

/* A wildcard has those of every address of its family. One that another socket is bound to besides may be that one's: then it is waited
 * for in vain, which has its bound. */
static bool is_at(const struct address *address, const struct inet_diag_sockid *id)
{
    if (port_of(address) != id->idiag_sport)
        return false;
    if (family_of(address) == AF_INET)
        return address->socket.v4.sin_addr.s_addr == INADDR_ANY || address->socket.v4.sin_addr.s_addr == id->idiag_src[0];
    return IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr) || memcmp(&address->socket.v6.sin6_addr, id->idiag_src, 16) == 0;
}

static bool is_asked_for(const struct handshakes *handshakes, int family, const struct inet_diag_sockid *id)
{
    for (size_t i = 0; i < handshakes->count; i++)
        if (family_of(handshakes->addresses[i]) == family && is_at(handshakes->addresses[i], id))
            return true;
    return false;
}

static bool has_family(const struct handshakes *handshakes, int family)
{
    for (size_t i = 0; i < handshakes->count; i++)
        if (family_of(handshakes->addresses[i]) == family)
            return true;
    return false;
}

/* 0, which is any, if they differ. */
static in_port_t common_port(const struct handshakes *handshakes, int family)
{
    in_port_t port = 0;
    for (size_t i = 0; i < handshakes->count; i++) {
        if (family_of(handshakes->addresses[i]) != family)
            continue;
        if (port != 0 && port != port_of(handshakes->addresses[i]))
            return 0;
        port = port_of(handshakes->addresses[i]);
    }
    return port;
}

/* Returns 1: found; 0: not in here; -1: an error; 2: not in here, and this was the end. */
static int search(const struct handshakes *handshakes, int family, const char *reply, size_t length)
{
    for (const struct nlmsghdr *header = (const struct nlmsghdr *)reply; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
        const struct inet_diag_msg *message = NLMSG_DATA(header);
        if (header->nlmsg_type == NLMSG_DONE)
            return 2;
        if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
            return -1; /* NLMSG_ERROR: a kernel without it */
        if (is_asked_for(handshakes, family, &message->id))
            return 1;
    }
    return 0;
}

/* The kernel makes the reply while it is read: nothing here waits. */
static int ask(int fd, const struct handshakes *handshakes, int family)
{
    static char reply[REPLY_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << TCP_SYN_RECV,
                 .id.idiag_sport = common_port(handshakes, family)},
    };
    if (send(fd, &request, sizeof request, 0) != (ssize_t)sizeof request)
        return -1;
    int result = 0;
    while (result == 0) {
        ssize_t length = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
        if (length < 0 && errno == EINTR)
            continue;
        result = length > 0 ? search(handshakes, family, reply, (size_t)length) : -1;
    }
    return result == 2 ? 0 : result;
}

int handshakes_by_diag(const struct handshakes *handshakes)
{
    static const int families[] = {AF_INET, AF_INET6};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof families / sizeof *families; i++) {
        if (!has_family(handshakes, families[i]))
            continue;
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG); /* a fresh one: of an answer cut short nothing is left */
        result = fd < 0 ? -1 : ask(fd, handshakes, families[i]);
        io_close(&fd);
    }
    return result;
}

/* One line of /proc/net/tcp: "  0: 0100007F:1F40 0100007F:C350 03 ..."; state 03 is SYN_RECV. By columns: a busy machine has a hundred
 * thousand of them. */
static bool is_in_line(const struct handshakes *handshakes, int family, const char *line)
{
    size_t digits = family == AF_INET6 ? 32 : 8, state = 2 + 2 * (digits + 1 + 4 + 1);
    const char *local = strchr(line, ':');
    unsigned port;
    struct inet_diag_sockid id = {0};
    if (local == NULL || strlen(local) <= state + 2 || memcmp(local + state, "03", 2) != 0)
        return false;
    for (size_t i = 0; i < digits / 8; i++) /* each word as the machine has it in memory */
        if (sscanf(local + 2 + 8 * i, "%8x", &id.idiag_src[i]) != 1)
            return false;
    if (sscanf(local + 2 + digits + 1, "%4x", &port) != 1)
        return false;
    id.idiag_sport = htons((uint16_t)port);
    return is_asked_for(handshakes, family, &id);
}

static int search_table(const struct handshakes *handshakes, int family, const char *path)
{
    static char buffer[1 << 18];
    char line[256];
    int found = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    setvbuf(file, buffer, _IOFBF, sizeof buffer);
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = is_in_line(handshakes, family, line);
    fclose(file);
    return found;
}

int handshakes_by_table(const struct handshakes *handshakes)
{
    int result = has_family(handshakes, AF_INET) ? search_table(handshakes, AF_INET, "/proc/net/tcp") : 0;
    if (result == 0 && has_family(handshakes, AF_INET6))
        result = search_table(handshakes, AF_INET6, "/proc/net/tcp6");
    return result;
}

bool handshakes_exist(const struct handshakes *handshakes)
{
    int result = handshakes_by_diag(handshakes);
    return (result >= 0 ? result : handshakes_by_table(handshakes)) > 0;
}
