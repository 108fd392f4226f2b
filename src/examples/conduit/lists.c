/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of articles, newest first: all, those that were asked for, and those of whom the viewer follows. Each way to filter is a
 * statement of its own, put together of constant parts, so that the database can plan it; values are never part of it.
 */
#include "articles.h"

#include <stdio.h>

enum { LIMIT = 20, LIMIT_MAX = 100, FILTERS_MAX = 4 };

struct list {
    const char *conditions[FILTERS_MAX]; /* each lacks the number of its value, and a ')' */
    struct value values[FILTERS_MAX];
    size_t count;
    int64_t limit, offset;
};

#define BY_TAG "a.id IN (SELECT article FROM article_tag WHERE tag = "
#define BY_AUTHOR "a.author IN (SELECT id FROM account WHERE username = "
#define BY_FAVORITE "a.id IN (SELECT f.article FROM favorite f JOIN account c ON c.id = f.account WHERE c.username = "
#define BY_FOLLOWER "a.author IN (SELECT followed FROM follow WHERE follower = "

static void add_filter(struct list *list, const char *condition, struct value value)
{
    list->conditions[list->count] = condition;
    list->values[list->count++] = value;
}

/* " WHERE ... AND ...", whose values are $first and those that follow. */
static const char *conditions(tine_request *r, const struct list *list, size_t first)
{
    const char *sql = "";
    for (size_t i = 0; i < list->count; i++)
        sql = tine_printf(r, "%s%s%s$%zu)", sql, i == 0 ? " WHERE " : " AND ", list->conditions[i], first + i);
    return sql;
}

static int read_page(tine_request *r, struct list *list)
{
    list->limit = LIMIT;
    list->offset = 0;
    if ((tine_query(r, "limit") != NULL && tine_query_int(r, "limit", 1, INT64_MAX, &list->limit)) ||
        (tine_query(r, "offset") != NULL && tine_query_int(r, "offset", 0, INT64_MAX, &list->offset)))
        return refuse(r, 422, "%s", tine_failure(r));
    if (list->limit > LIMIT_MAX)
        list->limit = LIMIT_MAX;
    return 0;
}

static int answer(tine_request *r, struct list *list)
{
    struct rows *rows, *total;
    struct value values[FILTERS_MAX + 3] = {NUMBER(viewer(r)->id)};
    int status = read_page(r, list);
    if (status != 0)
        return status;
    size_t count = 1;
    for (size_t i = 0; i < list->count; i++)
        values[count++] = list->values[i];
    values[count++] = (struct value){.number = &list->limit};
    values[count++] = (struct value){.number = &list->offset};
    const char *sql = tine_printf(r,
                                  "SELECT " ARTICLE_COLUMNS
                                  " FROM article a JOIN account u ON u.id = a.author%s ORDER BY a.id DESC LIMIT $%zu OFFSET $%zu",
                                  conditions(r, list, 2), count - 1, count);
    status = ask(r, &rows, sql, count, values);
    if (status == 0)
        status = ask(r, &total, tine_printf(r, "SELECT count(*) FROM article a%s", conditions(r, list, 1)), list->count, list->values);
    if (status != 0)
        return status;
    json_t *articles = json_array();
    for (size_t i = 0; i < rows_count(rows); i++)
        json_array_append_new(articles, article_json(r, rows, i));
    return tine_json_pack(r, 200, "{s:o, s:I}", "articles", articles, "articlesCount", (json_int_t)rows_number(total, 0, 0));
}

int get_articles(tine_request *r)
{
    static const struct {
        const char *name, *condition;
    } filters[] = {{"tag", BY_TAG}, {"author", BY_AUTHOR}, {"favorited", BY_FAVORITE}};
    struct list list = {.count = 0};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const char *given = tine_query(r, filters[i].name), *text = input_query(r, filters[i].name);
        if (given != NULL && given[0] != 0 && text == NULL)
            return refuse(r, 422, "%s is not text in UTF-8", filters[i].name);
        if (text != NULL)
            add_filter(&list, filters[i].condition, (struct value)TEXT(text));
    }
    return answer(r, &list);
}

int get_articles_feed(tine_request *r)
{
    struct list list = {.count = 0};
    int64_t id = viewer(r)->id;
    add_filter(&list, BY_FOLLOWER, (struct value){.number = &id});
    return answer(r, &list);
}
