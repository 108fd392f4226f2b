/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to a database, SQLite's or PostgreSQL's, and statements that are prepared on it when they are first run. Each worker has
 * its own. Both take the same SQL: values are $1, $2 and so on, and never stand in the text.
 *
 * What writes does so between database_begin() and database_end(). A connection that was lost while nothing happened on it is found out
 * by the first of them, before anything is written, and made anew there; what only reads is just asked again. So nothing is ever written
 * twice.
 */
#ifndef CONDUIT_DATABASE_H
#define CONDUIT_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tine.h>

/* How a statement ended. */
enum outcome {
    DONE,
    TAKEN,   /* it would have broken a UNIQUE */
    GONE,    /* a row that it refers to is not there any more */
    AWAY,    /* the database is not there, or too busy, now: another try may do better */
    MISTAKEN /* the statement is wrong, or the database is damaged */
};

/* One value of a statement: whichever is set. With neither it is NULL, which equals nothing. */
struct value {
    const char *text;
    const int64_t *number;
};
#define TEXT(value) {.text = (value)}
#define NUMBER(value) {.number = &(const int64_t){value}}
#define VALUES(...) (sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)), (const struct value[]){__VA_ARGS__}
#define NO_VALUES 0, NULL

/* What came of a statement: rows of texts. */
struct rows;
size_t rows_count(const struct rows *rows);
const char *rows_text(const struct rows *rows, size_t row, size_t column);
bool rows_is_true(const struct rows *rows, size_t row, size_t column);
int64_t rows_number(const struct rows *rows, size_t row, size_t column);
void rows_free(struct rows *rows); /* NULL: nothing */

struct database;

/* Opens the file or, unless that is "", connects as PostgreSQL's conninfo says. Never NULL; its database_error() is "" if it is there. */
struct database *database_open(const char *file, const char *conninfo);
void database_close(struct database *database); /* NULL: nothing */

/* What the database said when a statement, or opening it, failed last. */
const char *database_error(const struct database *database);

/* Runs a statement whose text stays as it is while the process lives, or is the same each time. `*rows`, unless rows is NULL, is what
 * came of it, NULL if that failed; with `r` it lives as long as the request, without one it is the caller's. */
enum outcome database_run(struct database *database, tine_request *r, struct rows **rows, const char *sql, size_t count,
                          const struct value *values);

/* A transaction that shows nobody its writes half done, and is undone if the worker ends in it. database_end() commits after DONE and else
 * rolls back; it returns what it was given, or why it could not be committed. */
enum outcome database_begin(struct database *database, tine_request *r);
enum outcome database_end(struct database *database, tine_request *r, enum outcome outcome);

/* Makes the tables, or brings them to the version that this module wants: by one worker alone, whoever comes first. */
enum outcome database_migrate(struct database *database);

/* ---- What each kind of database does ------------------------------------------------------------- */

struct driver {
    const char *begin;     /* a transaction that writes */
    const char *lock;      /* more than that against workers that migrate; NULL: no need */
    const char *identity;  /* the type of a column that numbers its rows */
    void *(*open)(const char *where); /* always something: see `error` */
    void (*close)(void *connection);
    const char *(*error)(void *connection); /* "": it did not fail last */
    bool (*reconnect)(void *connection); /* true: it was lost, and is a new one. NULL: it cannot be lost */
    void *(*prepare)(void *connection, const char *sql, unsigned number); /* NULL: it failed */
    void (*forget)(void *statement); /* when the connection goes, before that */
    enum outcome (*run)(void *connection, void *statement, size_t count, const struct value *values, struct rows *rows);
    enum outcome (*failure)(void *connection); /* of prepare */
};
extern const struct driver sqlite_driver, postgres_driver;

/* Adds a cell to those that `rows` has; `text` NULL is NULL. The first `columns` make the first row. */
void rows_add(struct rows *rows, size_t columns, const char *text, size_t length);

#endif
