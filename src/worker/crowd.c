/* SPDX-License-Identifier: Apache-2.0
 *
 * See crowd.h. Whoever comes too often is answered 503 rather than just closed, since it may be an honest crowd behind one address, or the
 * operator, who would look for the fault elsewhere. But nothing is parsed, kept or waited for: a flood is to cost less than its requests.
 */
#include "worker/crowd.h"

#include "shared/addresses.h"
#include "worker/introduce.h"

#include <sys/socket.h>

static size_t own_slot(const struct worker *w)
{
    return (size_t)(w->slot - w->setup->board->slots);
}

void crowd_join(struct worker *w, struct connection *c)
{
    struct addresses *addresses = w->setup->addresses;
    if (addresses == NULL || c->local || c->trusted)
        return;
    c->places = addresses_find(addresses, &c->address);
    c->counted = addresses_add(addresses, own_slot(w), c->places);
    c->uncountable = !c->counted;
}

void crowd_leave(struct worker *w, struct connection *c)
{
    if (c->counted)
        addresses_remove(w->setup->addresses, own_slot(w), c->places);
    c->counted = false;
}

static bool is_too_large(const struct worker *w, const struct connection *c)
{
    const struct addresses *addresses = w->setup->addresses;
    if (!c->counted)
        return c->uncountable;
    return addresses_count(addresses, scoreboard_used(w->setup->board), c->places) > (uint64_t)w->config->limits.per_address;
}

#define PROBLEM                                                                         \
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503," \
    "\"detail\":\"too many connections from this address\"}\n"
#define HEAD "HTTP/1.1 503 Service Unavailable\r\nServer: tine\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\n" \
             "Content-Length: 116\r\nConnection: close\r\n\r\n"
_Static_assert(sizeof PROBLEM - 1 == 116, "what Content-Length says");

/* What has come of the request is read first: closing with unread input would be a reset, and the answer lost. */
static void answer(struct connection *c)
{
    char scrap[16384];
    ssize_t length = recv(c->fd, scrap, sizeof scrap, 0);
    bool head = length >= 5 && memcmp(scrap, "HEAD ", 5) == 0;
    static const char whole[] = HEAD PROBLEM;
    send(c->fd, whole, head ? sizeof HEAD - 1 : sizeof whole - 1, MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_WR);
}

bool crowd_refuses(struct worker *w, struct connection *c)
{
    if (!is_too_large(w, c))
        return false;
    introduce_tell(w, c, "its client has as many as [limits] per_address allows");
    answer(c);
    return true;
}
