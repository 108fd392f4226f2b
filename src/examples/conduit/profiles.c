/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles: what others see of an account, and who follows whom.
 */
#include "conduit.h"

json_t *profile_json(const struct rows *rows, size_t row, size_t column)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "username", rows_text(rows, row, column), "bio", rows_text(rows, row, column + 1), "image",
                     rows_text(rows, row, column + 2), "following", rows_is_true(rows, row, column + 3));
}

/* The account of the path: its profile and, unless `id` is NULL, its id. */
static int find(tine_request *r, struct rows **rows, int64_t *id)
{
    int status = ask_one(r, rows, "user",
                         "SELECT u.username, u.bio, u.image, EXISTS(SELECT 1 FROM follow w WHERE w.followed = u.id"
                         " AND w.follower = $1), u.id FROM account u WHERE u.username = $2",
                         VALUES(NUMBER(viewer(r)->id), TEXT(input_param(r, "username"))));
    if (status == 0 && id != NULL)
        *id = rows_number(*rows, 0, 4);
    return status;
}

int get_profile(tine_request *r)
{
    struct rows *rows;
    int status = find(r, &rows, NULL);
    return status != 0 ? status : tine_json_pack(r, 200, "{s:o}", "profile", profile_json(rows, 0, 0));
}

/* As often as one likes: it is so in the end. */
static int change(tine_request *r, const char *sql)
{
    struct rows *rows;
    int64_t id, own = viewer(r)->id;
    int status = find(r, &rows, &id);
    if (status != 0)
        return status;
    if (id == own)
        return refuse(r, 422, "nobody can follow themselves");
    enum outcome outcome = write_row(r, NULL, sql, VALUES(NUMBER(own), NUMBER(id)));
    return outcome != DONE ? database_status(r, outcome) : get_profile(r);
}

int follow_user(tine_request *r)
{
    return change(r, "INSERT INTO follow(follower, followed) VALUES($1, $2) ON CONFLICT DO NOTHING");
}

int unfollow_user(tine_request *r)
{
    return change(r, "DELETE FROM follow WHERE follower = $1 AND followed = $2");
}
