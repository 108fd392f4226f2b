/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a session's cookie: CREATED.SEEN.ID.DATA.SIGNATURE. Times are seconds in decimal, the rest is base64url; the signature is
 * of all in front of it. Who has the cookie can read the data, but nothing of it can be made or changed without a key.
 */
#ifndef COMMON_TICKET_H
#define COMMON_TICKET_H

#include "seal.h"

enum {
    TICKET_ID = 16, /* random bytes */
    TICKET_ID_TEXT = 22,
    TICKET_MAX = 3800 /* characters of the cookie: browsers take 4096 with its name and attributes */
};

struct ticket {
    int64_t created, seen;
    char id[TICKET_ID_TEXT + 1];
    const char *data; /* NUL-terminated behind its length */
    size_t length;
    int key; /* number of the one that had signed it */
};

/* False: it is none of ours, or not whole. The data lives as long as the request. */
bool ticket_parse(struct ticket *ticket, tine_request *r, const struct seal *seal, const char *purpose, const char *text);

/* Lives as long as the request. NULL: there is too much data. */
const char *ticket_format(const struct ticket *ticket, tine_request *r, const struct seal *seal, const char *purpose);

/* Another id. */
void ticket_renew(struct ticket *ticket, int64_t now);

#endif
