/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of the example Conduit, and a tine that serves it, on SQLite or PostgreSQL. What was asked and answered is kept for the check
 * against the specification.
 */
#ifndef SYSTEM_CONDUIT_CLIENT_H
#define SYSTEM_CONDUIT_CLIENT_H

#include "client.h"
#include "database.h"

#include <jansson.h>

enum conduit_kind { ON_SQLITE, ON_POSTGRES };

/* Skips the test where what it needs is missing. `settings` are lines of [server] or NULL. */
void conduit_serve(struct server *server, enum conduit_kind kind, const char *settings);

/* One call below /api; `token` and `body` may be NULL. The path and body are formatted before. */
struct call {
    int status;
    json_t *json; /* NULL: there was no body */
    char *body;
};
struct call conduit_call(const struct server *server, const char *method, const char *path, const char *token, const char *body);

/* The same as bytes, for who sends by other means. */
char *conduit_request(const char *method, const char *path, const char *token, const char *body);

/* Fails unless the call has this status; returns what came. */
json_t *conduit_expect(const struct server *server, int status, const char *method, const char *path, const char *token, const char *body);

/* Fails unless it is 422 (or what else) with exactly these reasons, joined by "; ". */
void conduit_refused(const struct server *server, int status, const char *reasons, const char *method, const char *path, const char *token,
                     const char *body);

/* What stands in a document at "article.author.username" or "articles.0.slug"; NULL: nothing. */
json_t *conduit_at(const json_t *json, const char *path);
const char *conduit_text(const json_t *json, const char *path);
int conduit_number(const json_t *json, const char *path); /* also 0 and 1 for false and true; -1: it is none */

/* Registers NAME with NAME@example.org and the password "difference"; its token. */
char *conduit_member(const struct server *server, const char *name);

/* Creates an article with a description, a body and the tags (a JSON array); its slug. */
char *conduit_article(const struct server *server, const char *token, const char *title, const char *tags);

/* The file with all exchanges so far. */
const char *conduit_exchanges(void);

#endif
