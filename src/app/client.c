/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h.
 */
#include "app/client.h"

#include <arpa/inet.h>

/* "127.0.0.1" without the cost of inet_ntop(), which every request would pay. */
static size_t format_ipv4(const uint8_t *bytes, char *text)
{
    char *p = text;
    for (int i = 0; i < 4; i++) {
        unsigned byte = bytes[i];
        if (byte >= 100)
            *p++ = (char)('0' + byte / 100);
        if (byte >= 10)
            *p++ = (char)('0' + byte / 10 % 10);
        *p++ = (char)('0' + byte % 10);
        *p++ = '.';
    }
    *--p = 0;
    return (size_t)(p - text);
}

void client_set(struct tine_request *r, const struct in6_addr *address, bool local)
{
    size_t length;
    /* Its last request came from there as well, nearly always: the text stands. */
    if (r->client.length > 0 && r->local == local && IN6_ARE_ADDR_EQUAL(&r->address, address))
        return;
    r->address = *address;
    r->local = local;
    if (local)
        length = strlen(strcpy(r->client_text, "unix:"));
    else if (IN6_IS_ADDR_V4MAPPED(address))
        length = format_ipv4(&address->s6_addr[12], r->client_text);
    else
        length = strlen(inet_ntop(AF_INET6, address, r->client_text, sizeof r->client_text));
    r->client = (struct slice){r->client_text, length};
}

bool client_is_admitted(const struct tine_request *r)
{
    const struct tine_app *app = r->match.app;
    if (app->allow.count > 0 && !networks_have(&app->allow, &r->address, r->local))
        return false;
    return !networks_have(&app->section->deny, &r->address, r->local);
}
