/* SPDX-License-Identifier: Apache-2.0
 *
 * Comments on articles, newest first.
 */
#include "conduit.h"

enum { COMMENT_MAX = 10000, LISTED_MAX = 1000 }; /* the specification has no pages here */

#define COMMENT_COLUMNS                                                                                                 \
    "c.id, c.created, c.updated, c.body, u.username, u.bio, u.image,"                                                   \
    " EXISTS(SELECT 1 FROM follow w WHERE w.followed = c.author AND w.follower = $1)"

static json_t *comment_json(tine_request *r, const struct rows *rows, size_t row)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t)rows_number(rows, row, 0), "createdAt",
                     time_text(r, rows_number(rows, row, 1)), "updatedAt", time_text(r, rows_number(rows, row, 2)), "body",
                     rows_text(rows, row, 3), "author", profile_json(rows, row, 4));
}

int get_comments(tine_request *r)
{
    struct rows *rows;
    int64_t article, author;
    int status = article_find(r, input_param(r, "slug"), &article, &author);
    if (status == 0)
        status = ask(r, &rows,
                     "SELECT " COMMENT_COLUMNS
                     " FROM comment c JOIN account u ON u.id = c.author WHERE c.article = $2 ORDER BY c.id DESC LIMIT $3",
                     VALUES(NUMBER(viewer(r)->id), NUMBER(article), NUMBER(LISTED_MAX)));
    if (status != 0)
        return status;
    json_t *comments = json_array();
    for (size_t i = 0; i < rows_count(rows); i++)
        json_array_append_new(comments, comment_json(r, rows, i));
    return tine_json_pack(r, 200, "{s:o}", "comments", comments);
}

/* The article may be deleted at the same time: then the database refuses the comment, or has taken it along. */
int create_comment(tine_request *r)
{
    struct input input;
    struct rows *rows;
    int64_t article, author;
    int status = article_find(r, input_param(r, "slug"), &article, &author);
    if (status != 0)
        return status;
    input_open(&input, r, "comment");
    const char *body = input_text(&input, "body", REQUIRED, COMMENT_MAX);
    status = input_status(&input);
    if (status == 0)
        status = database_status(r, write_row(r, &rows,
                                              "INSERT INTO comment(article, author, body, created, updated) VALUES($1, $2, $3, $4, $4) "
                                              "RETURNING id",
                                              VALUES(NUMBER(article), NUMBER(viewer(r)->id), TEXT(body), NUMBER(time_now()))));
    if (status == 0)
        status = ask_one(r, &rows, "article", "SELECT " COMMENT_COLUMNS " FROM comment c JOIN account u ON u.id = c.author WHERE c.id = $2",
                         VALUES(NUMBER(viewer(r)->id), NUMBER(rows_number(rows, 0, 0))));
    return status != 0 ? status : tine_json_pack(r, 200, "{s:o}", "comment", comment_json(r, rows, 0));
}

int delete_comment(tine_request *r)
{
    struct rows *rows;
    int64_t article, author, id;
    int status = article_find(r, input_param(r, "slug"), &article, &author);
    if (status != 0)
        return status;
    if (tine_param_int(r, "id", 1, INT64_MAX, &id))
        return refuse(r, 404, "there is no such comment");
    status = ask_one(r, &rows, "comment", "SELECT author FROM comment WHERE id = $1 AND article = $2", VALUES(NUMBER(id), NUMBER(article)));
    if (status != 0)
        return status;
    if (rows_number(rows, 0, 0) != viewer(r)->id)
        return refuse(r, 403, "it is somebody else's comment");
    status = database_status(r, write_row(r, NULL, "DELETE FROM comment WHERE id = $1", VALUES(NUMBER(id))));
    return status != 0 ? status : 204;
}
