/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: registration, login, and what members change of their own.
 */
#include "conduit.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64, EMAIL_MAX = 254, PASSWORD_MAX = 256, BIO_MAX = 5000, IMAGE_MAX = 2000 };

static int answer(tine_request *r, int status, const struct account *account)
{
    return tine_json_pack(r, status, "{s:{s:s, s:s, s:s, s:s, s:s}}", "user", "email", account->email, "token", token_make(r, account->id),
                          "username", account->username, "bio", account->bio, "image", account->image);
}

struct account account_of(const struct rows *rows)
{
    return (struct account){rows_number(rows, 0, 0), rows_text(rows, 0, 1), rows_text(rows, 0, 2), rows_text(rows, 0, 3),
                            rows_text(rows, 0, 4)};
}

static bool has_control_bytes(const char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static const char *read_username(struct input *input, enum presence presence)
{
    const char *username = input_text(input, "username", presence, NAME_MAX_BYTES);
    if (username != NULL && has_control_bytes(username))
        input_wrong(input, "username has control characters");
    return username;
}

static const char *read_email(struct input *input, enum presence presence)
{
    const char *email = input_text(input, "email", presence, EMAIL_MAX), *at = email != NULL ? strrchr(email, '@') : NULL;
    if (email != NULL && (at == NULL || at == email || at[1] == 0 || strpbrk(email, " \t\r\n,;<>") != NULL || has_control_bytes(email)))
        input_wrong(input, "email is not an address");
    return email;
}

/* Which of both somebody else has: either may be NULL, and `id` has them for itself. */
static int tell_taken(tine_request *r, int64_t id, const char *username, const char *email)
{
    struct rows *rows;
    int status = ask(r, &rows, "SELECT username FROM account WHERE username = $1 AND id <> $2", VALUES(TEXT(username), NUMBER(id)));
    if (status != 0)
        return status;
    bool name_taken = rows_count(rows) > 0;
    status = ask(r, &rows, "SELECT email FROM account WHERE email = $1 AND id <> $2", VALUES(TEXT(email), NUMBER(id)));
    if (status != 0)
        return status;
    json_t *reasons = json_array();
    if (name_taken)
        json_array_append_new(reasons, json_string("username has already been taken"));
    if (rows_count(rows) > 0)
        json_array_append_new(reasons, json_string("email has already been taken"));
    if (json_array_size(reasons) == 0) /* it has been given up meanwhile */
        json_array_append_new(reasons, json_string("username or email has already been taken"));
    return refuse_all(r, 422, reasons);
}

/* Asked first whether it is taken: what a password costs is not to be had for nothing. */
int create_user(tine_request *r)
{
    struct input input;
    struct rows *rows;
    char hash[PASSWORD_HASH_SIZE];
    input_open(&input, r, "user");
    const char *username = read_username(&input, REQUIRED), *email = read_email(&input, REQUIRED);
    const char *password = input_text(&input, "password", REQUIRED, PASSWORD_MAX);
    int status = input_status(&input);
    if (status == 0)
        status = ask(r, &rows, "SELECT 1 FROM account WHERE username = $1 OR email = $2", VALUES(TEXT(username), TEXT(email)));
    if (status != 0)
        return status;
    if (rows_count(rows) > 0)
        return tell_taken(r, 0, username, email);
    if (!password_hash(password, conduit_of(r)->password_cost, hash))
        return refuse(r, 422, "password cannot be used");
    enum outcome outcome = write_row(r, &rows,
                                     "INSERT INTO account(username, email, password) VALUES($1, $2, $3) ON CONFLICT DO NOTHING"
                                     " RETURNING " ACCOUNT_COLUMNS,
                                     VALUES(TEXT(username), TEXT(email), TEXT(hash)));
    if (outcome != DONE)
        return database_status(r, outcome);
    if (rows_count(rows) == 0)
        return tell_taken(r, 0, username, email);
    struct account account = account_of(rows);
    return answer(r, 201, &account);
}

int login(tine_request *r)
{
    struct input input;
    struct rows *rows;
    input_open(&input, r, "user");
    const char *email = input_text(&input, "email", REQUIRED, EMAIL_MAX),
               *password = input_text(&input, "password", REQUIRED, PASSWORD_MAX);
    int status = input_status(&input);
    if (status == 0)
        status = ask(r, &rows, "SELECT " ACCOUNT_COLUMNS ", password FROM account WHERE email = $1", VALUES(TEXT(email)));
    if (status != 0)
        return status;
    const char *hash = rows_count(rows) > 0 ? rows_text(rows, 0, 5) : NULL;
    if (!password_matches(password, conduit_of(r)->password_cost, hash))
        return unauthorized(r);
    struct account account = account_of(rows);
    return answer(r, 200, &account);
}

int get_current_user(tine_request *r)
{
    return answer(r, 200, viewer(r));
}

int update_current_user(tine_request *r)
{
    struct input input;
    struct rows *rows;
    char hash[PASSWORD_HASH_SIZE];
    int64_t id = viewer(r)->id;
    input_open(&input, r, "user");
    const char *username = read_username(&input, OPTIONAL), *email = read_email(&input, OPTIONAL);
    const char *password = input_text(&input, "password", OPTIONAL, PASSWORD_MAX);
    const char *bio = input_any_text(&input, "bio", OPTIONAL, BIO_MAX), *image = input_any_text(&input, "image", OPTIONAL, IMAGE_MAX);
    input_need_any(&input);
    int status = input_status(&input);
    if (status != 0)
        return status;
    if (password != NULL && !password_hash(password, conduit_of(r)->password_cost, hash))
        return refuse(r, 422, "password cannot be used");
    enum outcome outcome = write_row(r, &rows,
                                     "UPDATE account SET username = COALESCE($2, username), email = COALESCE($3, email),"
                                     " password = COALESCE($4, password), bio = COALESCE($5, bio), image = COALESCE($6, image)"
                                     " WHERE id = $1 RETURNING " ACCOUNT_COLUMNS,
                                     VALUES(NUMBER(id), TEXT(username), TEXT(email), TEXT(password != NULL ? hash : NULL), TEXT(bio),
                                            TEXT(image)));
    if (outcome == TAKEN)
        return tell_taken(r, id, username, email);
    if (outcome != DONE)
        return database_status(r, outcome);
    if (rows_count(rows) == 0)
        return unauthorized(r);
    struct account account = account_of(rows);
    return answer(r, 200, &account);
}
