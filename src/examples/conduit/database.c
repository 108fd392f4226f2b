/* SPDX-License-Identifier: Apache-2.0
 *
 * What both kinds of databases have in common: which statements are prepared, and what is done when the connection was lost. See
 * database.h.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

enum { STATEMENTS_MAX = 96 }; /* there are some fifty, with every way to filter the list of articles */

struct database {
    const struct driver *driver;
    void *connection;
    char error[256]; /* why a statement failed last, whatever was done after that */
    bool writes;     /* between begin and end */
    unsigned count;
    struct prepared {
        char *sql;
        void *statement;
    } prepared[STATEMENTS_MAX];
};

static void keep_error(struct database *database)
{
    snprintf(database->error, sizeof database->error, "%s", database->driver->error(database->connection));
}

struct database *database_open(const char *file, const char *conninfo)
{
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL)
        abort();
    database->driver = conninfo[0] == 0 ? &sqlite_driver : &postgres_driver;
    database->connection = database->driver->open(conninfo[0] == 0 ? file : conninfo);
    keep_error(database);
    return database;
}

static void forget_statements(struct database *database)
{
    for (unsigned i = 0; i < database->count; i++) {
        database->driver->forget(database->prepared[i].statement);
        free(database->prepared[i].sql);
    }
    database->count = 0;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    forget_statements(database);
    database->driver->close(database->connection);
    free(database);
}

const char *database_error(const struct database *database)
{
    return database->error;
}

const struct driver *database_driver(const struct database *database)
{
    return database->driver;
}

/* The statement, prepared now if it was not before; NULL: that failed. */
static void *find_statement(struct database *database, const char *sql)
{
    for (unsigned i = 0; i < database->count; i++)
        if (strcmp(database->prepared[i].sql, sql) == 0)
            return database->prepared[i].statement;
    assert(database->count < STATEMENTS_MAX);
    void *statement = database->driver->prepare(database->connection, sql, database->count);
    if (statement == NULL)
        return NULL;
    char *copy = strdup(sql);
    if (copy == NULL)
        abort();
    database->prepared[database->count++] = (struct prepared){copy, statement};
    return statement;
}

static enum outcome run_once(struct database *database, const char *sql, size_t count, const struct value *values, struct rows *rows)
{
    const struct driver *driver = database->driver;
    void *statement = find_statement(database, sql);
    rows_clear(rows);
    return statement == NULL ? driver->failure(database->connection) : driver->run(database->connection, statement, count, values, rows);
}

/* Once more on a new connection, if the old one was lost; but not within a transaction, which is lost with it. */
static enum outcome run(struct database *database, const char *sql, size_t count, const struct value *values, struct rows *rows)
{
    const struct driver *driver = database->driver;
    enum outcome outcome = run_once(database, sql, count, values, rows);
    if (outcome != AWAY || database->writes || driver->reconnect == NULL || !driver->reconnect(database->connection))
        return outcome;
    forget_statements(database);
    return run_once(database, sql, count, values, rows);
}

static void free_rows(void *rows)
{
    rows_free(rows);
}

enum outcome database_run(struct database *database, tine_request *r, struct rows **rows, const char *sql, size_t count,
                          const struct value *values)
{
    struct rows *found = rows_new();
    enum outcome outcome = run(database, sql, count, values, found);
    if (outcome != DONE) {
        keep_error(database);
        tine_log(r, outcome == TAKEN || outcome == GONE ? TINE_DEBUG : TINE_ERROR, "the database: %s", database->error);
    }
    if (outcome != DONE || rows == NULL) {
        rows_free(found);
        found = NULL;
    }
    if (rows != NULL)
        *rows = found;
    if (found != NULL && r != NULL)
        tine_defer(r, free_rows, found);
    return outcome;
}

enum outcome database_begin(struct database *database, tine_request *r)
{
    enum outcome outcome = database_run(database, r, NULL, database->driver->begin, NO_VALUES);
    database->writes = outcome == DONE;
    return outcome;
}

enum outcome database_end(struct database *database, tine_request *r, enum outcome outcome)
{
    if (outcome == DONE) {
        outcome = database_run(database, r, NULL, "COMMIT", NO_VALUES);
        database->writes = false;
        if (outcome == DONE)
            return DONE;
    }
    /* What went wrong is known already. Of a lost connection nothing is left to be undone, and the next statement will find that out. */
    struct rows *none = rows_new();
    run_once(database, "ROLLBACK", NO_VALUES, none);
    rows_free(none);
    database->writes = false;
    return outcome;
}
