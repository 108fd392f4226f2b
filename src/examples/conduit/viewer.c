/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks: `Authorization: Token ...`, found out once for a request.
 */
#include "conduit.h"

#include <strings.h>

static const struct account nobody = {.username = "", .email = "", .bio = "", .image = ""};

int unauthorized(tine_request *r)
{
    tine_set_header(r, "WWW-Authenticate", "Token");
    return tine_send(r, 401, NULL, "", 0);
}

/* NULL: there is none. "" is one, which is bad. */
static const char *token_of(tine_request *r)
{
    const char *value = tine_header(r, "Authorization");
    if (value == NULL)
        return NULL;
    return strncasecmp(value, "Token ", 6) == 0 ? value + 6 : "";
}

static struct account *be(tine_request *r, int64_t id)
{
    struct account *account = tine_alloc(r, sizeof *account);
    *account = nobody;
    account->id = id;
    tine_set_attribute(r, "viewer", account);
    return account;
}

static int read_token(tine_request *r, tine_app *self)
{
    const char *token = token_of(r);
    int64_t id = token != NULL ? token_account(tine_data(self), token) : 0;
    if (token != NULL && id == 0)
        return unauthorized(r);
    be(r, id);
    return 0;
}

static int need_member(tine_request *r, tine_app *self)
{
    struct rows *rows;
    const char *token = token_of(r);
    int64_t id = token != NULL ? token_account(tine_data(self), token) : 0;
    if (id == 0)
        return unauthorized(r);
    int status = ask(r, &rows, "SELECT username, email, bio, image FROM account WHERE id = $1", VALUES(NUMBER(id)));
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return unauthorized(r);
    struct account *account = be(r, id);
    account->username = rows_text(rows, 0, 0);
    account->email = rows_text(rows, 0, 1);
    account->bio = rows_text(rows, 0, 2);
    account->image = rows_text(rows, 0, 3);
    return 0;
}

const tine_filter reader = TINE_FILTER("reader", .before = read_token);
const tine_filter member = TINE_FILTER("member", .before = need_member);

const struct account *viewer(tine_request *r)
{
    const struct account *account = tine_attribute(r, "viewer");
    const char *token = account == NULL ? token_of(r) : NULL;
    if (account != NULL)
        return account;
    return be(r, token != NULL ? token_account(conduit_of(r), token) : 0);
}
