/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at the other end of a connection: by its socket, or by what a trusted proxy says in a PROXY header in front of all else. Runs
 * in workers.
 *
 * On a listener with proxy_protocol nothing is taken from anybody else: a client that got past the proxy could claim any address.
 */
#include "worker/introduce.h"

#include "base/log.h"
#include "http/proxy.h"
#include "worker/crowd.h"

#include <arpa/inet.h>

/* It is a stranger's fault, or the operator's, who has to be told. */
void introduce_tell(struct worker *w, const struct connection *c, const char *why)
{
    char address[INET6_ADDRSTRLEN] = "a Unix socket";
    if (!is_to_be_told(w, &w->refusal_told))
        return;
    if (!c->local && IN6_IS_ADDR_V4MAPPED(&c->address))
        inet_ntop(AF_INET, &c->address.s6_addr[12], address, sizeof address);
    else if (!c->local)
        inet_ntop(AF_INET6, &c->address, address, sizeof address);
    log_info("closed a connection of %s: %s (told every %d s at most)", address, why, TELL_FLOOD_MS / 1000);
}

bool introduce(struct worker *w, struct connection *c, bool proxied)
{
    c->trusted = networks_have(&w->config->trusted, &c->address, c->local);
    if (proxied && !c->trusted) {
        introduce_tell(w, c, "its listener takes PROXY headers, and [server] trusted does not name it");
        return false;
    }
    if (proxied) {
        c->began = w->now;
        connection_set_state(c, CONNECTION_PROXY);
    } else {
        crowd_join(w, c);
    }
    return true;
}

static void set_client(struct connection *c, const struct proxy_header *header)
{
    c->secure = header->secure;
    if (header->client == PROXY_CLIENT_SAME)
        return;
    c->local = header->client == PROXY_CLIENT_LOCAL;
    c->address = c->local ? in6addr_any : header->address;
}

/* Nothing is answered: who does not speak the PROXY protocol may not speak HTTP either. */
static bool turn_away(struct connection *c)
{
    c->ends = true;
    buffer_consume(&c->in, buffer_length(&c->in));
    return true;
}

bool introduce_step(struct worker *w, struct connection *c)
{
    struct proxy_header header;
    enum proxy_verdict verdict = proxy_parse(&header, buffer_bytes(&c->in), buffer_length(&c->in));
    if (verdict == PROXY_PARTIAL)
        return false;
    connection_set_state(c, CONNECTION_IDLE);
    if (verdict == PROXY_BAD) {
        introduce_tell(w, c, "it does not begin with a PROXY header");
        return turn_away(c);
    }
    buffer_consume(&c->in, header.length);
    set_client(c, &header);
    introduce(w, c, false);
    return crowd_refuses(w, c) ? turn_away(c) : true;
}
