/* SPDX-License-Identifier: Apache-2.0
 *
 * See ticket.h.
 * Needs: libcrypto
 */
#include "ticket.h"

#include <stdlib.h>
#include <string.h>

/* What stands up to the next dot; moves behind it. */
static const char *next(const char **text, const char *end, size_t *length)
{
    const char *field = *text, *dot = memchr(field, '.', (size_t)(end - field));

    *length = (size_t)((dot != NULL ? dot : end) - field);
    *text = dot != NULL ? dot + 1 : end;
    return field;
}

/* What is signed was written by us: so this need not be strict, only never go beyond its end. */
static bool parse_fields(struct ticket *ticket, tine_request *r, const char *text, const char *end)
{
    size_t length;
    const char *field = next(&text, end, &length);
    unsigned char *data;
    long size;

    ticket->created = strtoll(field, NULL, 10);
    ticket->seen = strtoll(next(&text, end, &length), NULL, 10);
    field = next(&text, end, &length);
    if (length != TICKET_ID_TEXT)
        return false;
    memcpy(ticket->id, field, TICKET_ID_TEXT);
    field = next(&text, end, &length);
    data = tine_alloc(r, length / 4 * 3 + 4);
    size = seal_from_text(field, length, data);
    if (size < 0 || text != end)
        return false;
    data[size] = '\0';
    ticket->data = (const char *)data;
    ticket->length = (size_t)size;
    return true;
}

bool ticket_parse(struct ticket *ticket, tine_request *r, const struct seal *seal, const char *purpose, const char *text)
{
    const char *dot = strrchr(text, '.');

    *ticket = (struct ticket){.key = -1};
    if (dot == NULL || strlen(text) > TICKET_MAX)
        return false;
    ticket->key = seal_check(seal, purpose, text, (size_t)(dot - text), dot + 1, strlen(dot + 1));
    return ticket->key >= 0 && parse_fields(ticket, r, text, dot);
}

const char *ticket_format(const struct ticket *ticket, tine_request *r, const struct seal *seal, const char *purpose)
{
    char *data, signature[SEAL_TEXT + 1];
    const char *text;

    if (seal_text_length(ticket->length) > TICKET_MAX)
        return NULL;
    data = tine_alloc(r, seal_text_length(ticket->length) + 1);
    seal_to_text(ticket->data, ticket->length, data);
    text = tine_printf(r, "%lld.%lld.%s.%s", (long long)ticket->created, (long long)ticket->seen, ticket->id, data);
    seal_sign(seal, purpose, text, strlen(text), signature);
    text = tine_printf(r, "%s.%s", text, signature);
    return strlen(text) <= TICKET_MAX ? text : NULL;
}

void ticket_renew(struct ticket *ticket, int64_t now)
{
    unsigned char id[TICKET_ID];

    seal_random(id, TICKET_ID);
    seal_to_text(id, TICKET_ID, ticket->id);
    ticket->created = ticket->seen = now;
}
