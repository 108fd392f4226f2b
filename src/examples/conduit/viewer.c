/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks: `Authorization: Token ...`, found out once for a request.
 */
#include "conduit.h"

#include <strings.h>

int unauthorized(tine_request *r)
{
    tine_set_header(r, "WWW-Authenticate", "Token");
    return tine_send(r, 401, NULL, "", 0);
}

/* Whose token came along; 0: nobody's, or it is no good. */
static int64_t token_owner(tine_request *r)
{
    const char *value = tine_header(r, "Authorization");
    if (value == NULL || strncasecmp(value, "Token ", 6) != 0)
        return 0;
    return token_account(conduit_of(r), value + 6);
}

static const struct account *be(tine_request *r, struct account account)
{
    struct account *kept = tine_alloc(r, sizeof *kept);
    *kept = account;
    tine_set_attribute(r, "viewer", kept);
    return kept;
}

static int read_token(tine_request *r, tine_app *self)
{
    (void)self;
    if (viewer(r)->id == 0 && tine_header(r, "Authorization") != NULL)
        return unauthorized(r);
    return 0;
}

static int need_member(tine_request *r, tine_app *self)
{
    (void)self;
    struct rows *rows;
    int64_t id = token_owner(r);
    if (id == 0)
        return unauthorized(r);
    int status = ask(r, &rows, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1", VALUES(NUMBER(id)));
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return unauthorized(r);
    be(r, account_of(rows));
    return 0;
}

const tine_filter reader = TINE_FILTER("reader", .before = read_token);
const tine_filter member = TINE_FILTER("member", .before = need_member);

const struct account *viewer(tine_request *r)
{
    const struct account *account = tine_attribute(r, "viewer");
    return account != NULL ? account : be(r, (struct account){.id = token_owner(r)});
}
