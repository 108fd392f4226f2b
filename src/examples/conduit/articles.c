/* SPDX-License-Identifier: Apache-2.0
 *
 * Articles: one at a time. Whether a slug is taken the database says, however many workers want it at once: then another is tried.
 */
#include "articles.h"

#include <stdlib.h>
#include <string.h>

enum { TITLE_MAX = 255, DESCRIPTION_MAX = 2000, BODY_MAX = 200000, TAGS_MAX = 32, TAG_MAX = 64, TRIES = 8 };

json_t *article_json(tine_request *r, const struct rows *rows, size_t row)
{
    json_t *tags = json_loads(rows_text(rows, row, 3), 0, NULL);
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:b, s:I, s:o}", "slug", rows_text(rows, row, 0), "title", rows_text(rows, row, 1),
                     "description", rows_text(rows, row, 2), "tagList", tags, "createdAt", time_text(r, rows_number(rows, row, 4)),
                     "updatedAt", time_text(r, rows_number(rows, row, 5)), "favorited", rows_is_true(rows, row, 6), "favoritesCount",
                     (json_int_t)rows_number(rows, row, 7), "author", profile_json(rows, row, 8));
}

static int show(tine_request *r, int status, const char *slug)
{
    struct rows *rows;
    int failed = ask_one(r, &rows, "article",
                         "SELECT " ARTICLE_COLUMNS ", a.body FROM article a JOIN account u ON u.id = a.author WHERE a.slug = $2",
                         VALUES(NUMBER(viewer(r)->id), TEXT(slug)));
    if (failed != 0)
        return failed;
    json_t *article = article_json(r, rows, 0);
    json_object_set_new(article, "body", json_string(rows_text(rows, 0, ARTICLE_COLUMN_COUNT)));
    return tine_json_pack(r, status, "{s:o}", "article", article);
}

int get_article(tine_request *r)
{
    return show(r, 200, input_param(r, "slug"));
}

int article_find(tine_request *r, const char *slug, int64_t *id, int64_t *author)
{
    struct rows *rows;
    int status = ask_one(r, &rows, "article", "SELECT id, author FROM article WHERE slug = $1", VALUES(TEXT(slug)));
    if (status != 0)
        return status;
    *id = rows_number(rows, 0, 0);
    *author = rows_number(rows, 0, 1);
    return 0;
}

/* The same, if it is the viewer's own. */
static int find_own(tine_request *r, int64_t *id)
{
    int64_t author;
    int status = article_find(r, input_param(r, "slug"), id, &author);
    if (status == 0 && author != viewer(r)->id)
        return refuse(r, 403, "it is somebody else's article");
    return status;
}

static enum outcome insert_tags(tine_request *r, int64_t article, const json_t *tags)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < json_array_size(tags) && outcome == DONE; i++)
        outcome = database_run(conduit_of(r)->database, r, NULL, "INSERT INTO article_tag(tag, article) VALUES($1, $2)",
                               VALUES(TEXT(json_string_value(json_array_get(tags, i))), NUMBER(article)));
    return outcome;
}

/* What a client sends of an article; NULL: nothing. */
struct draft {
    const char *title, *description, *body;
    json_t *tags;
};

static struct draft read_draft(struct input *input, tine_request *r, enum presence presence)
{
    struct draft draft = {0};
    input_open(input, r, "article");
    draft.title = input_text(input, "title", presence, TITLE_MAX); /* one after the other, and so are the reasons */
    draft.description = input_text(input, "description", presence, DESCRIPTION_MAX);
    draft.body = input_text(input, "body", presence, BODY_MAX);
    return draft;
}

/* With its tags, or not at all. TAKEN: the slug is. */
static enum outcome insert(tine_request *r, const struct draft *draft, const char *tags, const char *slug)
{
    struct rows *rows;
    struct database *database = conduit_of(r)->database;
    enum outcome outcome = database_begin(database, r);
    if (outcome != DONE)
        return outcome;
    outcome = database_run(database, r, &rows,
                           "INSERT INTO article(author, slug, title, description, body, tags, created, updated)"
                           " VALUES($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING RETURNING id",
                           VALUES(NUMBER(viewer(r)->id), TEXT(slug), TEXT(draft->title), TEXT(draft->description), TEXT(draft->body),
                                  TEXT(tags), NUMBER(time_now())));
    if (outcome == DONE && rows_count(rows) == 0)
        outcome = TAKEN;
    if (outcome == DONE)
        outcome = insert_tags(r, rows_number(rows, 0, 0), draft->tags);
    return database_end(database, r, outcome);
}

static int create(tine_request *r, const struct draft *draft)
{
    enum outcome outcome = TAKEN;
    const char *slug = NULL;
    char *tags = json_dumps(draft->tags, JSON_COMPACT);
    for (int i = 0; i < TRIES && outcome == TAKEN; i++) {
        slug = slug_make(r, draft->title, i);
        outcome = insert(r, draft, tags, slug);
    }
    free(tags);
    return outcome == DONE ? show(r, 201, slug) : database_status(r, outcome);
}

int create_article(tine_request *r)
{
    struct input input;
    struct draft draft = read_draft(&input, r, REQUIRED);
    draft.tags = input_texts(&input, "tagList", TAGS_MAX, TAG_MAX);
    int status = input_status(&input);
    if (status == 0)
        status = create(r, &draft);
    json_decref(draft.tags);
    return status;
}

/* The slug follows the title, and stays as long as that does. TAKEN: it is. */
static enum outcome update(tine_request *r, int64_t id, const struct draft *draft, const char *slug, struct rows **rows)
{
    return write_row(r, rows,
                     "UPDATE article SET slug = CASE WHEN title = COALESCE($2, title) THEN slug ELSE $3 END, title = COALESCE($2, title),"
                     " description = COALESCE($4, description), body = COALESCE($5, body), updated = $6 WHERE id = $1 RETURNING slug",
                     VALUES(NUMBER(id), TEXT(draft->title), TEXT(slug), TEXT(draft->description), TEXT(draft->body), NUMBER(time_now())));
}

int update_article(tine_request *r)
{
    int64_t id;
    struct input input;
    struct rows *rows;
    enum outcome outcome = TAKEN;
    int status = find_own(r, &id);
    if (status != 0)
        return status;
    struct draft draft = read_draft(&input, r, OPTIONAL);
    input_need_any(&input);
    status = input_status(&input);
    if (status != 0)
        return status;
    for (int i = 0; i < TRIES && outcome == TAKEN; i++)
        outcome = update(r, id, &draft, draft.title != NULL ? slug_make(r, draft.title, i) : "", &rows);
    if (outcome != DONE)
        return database_status(r, outcome);
    return rows_count(rows) == 0 ? refuse(r, 404, "there is no such article") : show(r, 200, rows_text(rows, 0, 0));
}

int delete_article(tine_request *r)
{
    int64_t id;
    int status = find_own(r, &id);
    if (status != 0)
        return status;
    status = database_status(r, write_row(r, NULL, "DELETE FROM article WHERE id = $1", VALUES(NUMBER(id))));
    return status != 0 ? status : 204;
}

static int change_favorite(tine_request *r, const char *sql)
{
    int64_t id, author;
    const char *slug = input_param(r, "slug");
    int status = article_find(r, slug, &id, &author);
    if (status == 0)
        status = database_status(r, write_row(r, NULL, sql, VALUES(NUMBER(id), NUMBER(viewer(r)->id))));
    return status != 0 ? status : show(r, 200, slug);
}

int create_favorite(tine_request *r)
{
    return change_favorite(r, "INSERT INTO favorite(article, account) VALUES($1, $2) ON CONFLICT DO NOTHING");
}

int delete_favorite(tine_request *r)
{
    return change_favorite(r, "DELETE FROM favorite WHERE article = $1 AND account = $2");
}
