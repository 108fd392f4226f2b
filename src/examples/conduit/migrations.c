/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables. All workers of a start come here at the same time: one of them makes the tables, the others wait for its transaction and
 * then find nothing to do. A version is never changed once it was used somewhere: what is new gets a step of its own at the end.
 *
 * What is listed stands once more where the list needs it: the tags of an article as JSON beside the table by which articles are found.
 */
#include <stdio.h>
#include <string.h>

#include "rows.h"

/* One statement each; "@IDENTITY" is what numbers the rows of a table. Times are milliseconds since 1970. */
static const struct step {
    int version;
    const char *sql;
} steps[] = {
    {1, "CREATE TABLE account(id @IDENTITY, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE, password text NOT NULL,"
        " bio text NOT NULL DEFAULT '', image text NOT NULL DEFAULT '')"},
    {1, "CREATE TABLE follow(follower bigint NOT NULL REFERENCES account ON DELETE CASCADE,"
        " followed bigint NOT NULL REFERENCES account ON DELETE CASCADE, PRIMARY KEY(follower, followed))"},
    {1, "CREATE TABLE article(id @IDENTITY, author bigint NOT NULL REFERENCES account ON DELETE CASCADE, slug text NOT NULL UNIQUE,"
        " title text NOT NULL, description text NOT NULL, body text NOT NULL, tags text NOT NULL, created bigint NOT NULL,"
        " updated bigint NOT NULL)"},
    {1, "CREATE INDEX article_by_author ON article(author, id)"},
    {1, "CREATE TABLE article_tag(tag text NOT NULL, article bigint NOT NULL REFERENCES article ON DELETE CASCADE,"
        " PRIMARY KEY(tag, article))"},
    {1, "CREATE INDEX article_tag_by_article ON article_tag(article)"},
    {1, "CREATE TABLE favorite(article bigint NOT NULL REFERENCES article ON DELETE CASCADE,"
        " account bigint NOT NULL REFERENCES account ON DELETE CASCADE, PRIMARY KEY(article, account))"},
    {1, "CREATE INDEX favorite_by_account ON favorite(account, article)"},
    {1, "CREATE TABLE comment(id @IDENTITY, article bigint NOT NULL REFERENCES article ON DELETE CASCADE,"
        " author bigint NOT NULL REFERENCES account ON DELETE CASCADE, body text NOT NULL, created bigint NOT NULL,"
        " updated bigint NOT NULL)"},
    {1, "CREATE INDEX comment_by_article ON comment(article, id)"},
    {1, "CREATE TABLE kept(name text PRIMARY KEY, value text NOT NULL)"},
};
enum { STEPS = sizeof steps / sizeof *steps, STATEMENT_SIZE = 600 };

/* Which version the tables have: one more than there is, at first. */
static enum outcome read_version(struct database *database, int64_t *version)
{
    struct rows *rows = NULL;
    enum outcome outcome =
        database_run(database, NULL, NULL, "CREATE TABLE IF NOT EXISTS migration(version bigint PRIMARY KEY)", NO_VALUES);
    if (outcome == DONE)
        outcome = database_run(database, NULL, &rows, "SELECT COALESCE(max(version), 0) FROM migration", NO_VALUES);
    if (outcome == DONE)
        *version = rows_number(rows, 0, 0);
    rows_free(rows);
    return outcome;
}

static enum outcome make_step(struct database *database, const struct step *step, const char *identity)
{
    char sql[STATEMENT_SIZE];
    const char *mark = strstr(step->sql, "@IDENTITY");
    if (mark == NULL)
        return database_run(database, NULL, NULL, step->sql, NO_VALUES);
    snprintf(sql, sizeof sql, "%.*s%s%s", (int)(mark - step->sql), step->sql, identity, mark + strlen("@IDENTITY"));
    return database_run(database, NULL, NULL, sql, NO_VALUES);
}

static enum outcome make_steps(struct database *database)
{
    int64_t version = 0;
    const struct driver *driver = database_driver(database);
    enum outcome outcome = driver->lock != NULL ? database_run(database, NULL, NULL, driver->lock, NO_VALUES) : DONE;
    if (outcome == DONE)
        outcome = read_version(database, &version);
    for (size_t i = 0; i < STEPS && outcome == DONE; i++) {
        if (steps[i].version > version)
            outcome = make_step(database, &steps[i], driver->identity);
    }
    if (outcome == DONE && version < steps[STEPS - 1].version)
        outcome = database_run(database, NULL, NULL, "INSERT INTO migration VALUES($1)", VALUES(NUMBER(steps[STEPS - 1].version)));
    return outcome;
}

enum outcome database_migrate(struct database *database)
{
    enum outcome outcome = database_begin(database, NULL);
    return outcome == DONE ? database_end(database, NULL, make_steps(database)) : outcome;
}
