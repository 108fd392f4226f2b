/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite, for database.h. The file is in WAL mode: who reads waits for nobody, and who writes waits for others that do, up to BUSY_MS. A
 * worker that is killed leaves nothing half written, and no lock.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "database.h"

enum { BUSY_MS = 5000, PAUSE_MS = 10 };

/* To change to WAL wants the file for itself alone, and does not wait for it: another worker may be about the same. */
static int use_wal(sqlite3 *db)
{
    int result = SQLITE_BUSY;
    for (int waited = 0; result == SQLITE_BUSY && waited < BUSY_MS; waited += PAUSE_MS) {
        result = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (result == SQLITE_BUSY)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
    }
    return result;
}

/* Nobody else may read passwords, if only as hashes, and the key of tokens. The files beside it get the mode of the first. */
static void *open_file(const char *file)
{
    sqlite3 *db = NULL;
    mode_t mask = umask(077);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file, &db, flags, NULL) == SQLITE_OK && sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK && use_wal(db) == SQLITE_OK)
        sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    umask(mask);
    if (db == NULL)
        abort(); /* without memory, as in tine_alloc() */
    return db;
}

static void close_file(void *db)
{
    sqlite3_close(db);
}

/* "disk I/O error" alone does not say why. (Of a file that cannot be opened the reason is that of SQLite's last try, not of what was
 * wrong.) */
static const char *error(void *db)
{
    static char text[256];
    int code = sqlite3_errcode(db), cause = code == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    if (code == SQLITE_OK || code >= SQLITE_ROW)
        return "";
    snprintf(text, sizeof text, "%s%s%s", sqlite3_errmsg(db), cause != 0 ? ": " : "", cause != 0 ? strerror(cause) : "");
    return text;
}

static enum outcome failure(void *db)
{
    switch (sqlite3_extended_errcode(db)) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY: return TAKEN;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return GONE;
    }
    switch (sqlite3_errcode(db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: return AWAY;
    default: return MISTAKEN;
    }
}

static void *prepare(void *db, const char *sql, unsigned number)
{
    sqlite3_stmt *statement = NULL;
    (void)number;
    sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    return statement;
}

static void forget(void *statement)
{
    sqlite3_finalize(statement);
}

/* To SQLite "$2" is a name like any other. One that the text does not have has index 0, which is refused. */
static int bind(sqlite3_stmt *statement, size_t i, const struct value *value)
{
    char name[24];
    snprintf(name, sizeof name, "$%zu", i + 1);
    int index = sqlite3_bind_parameter_index(statement, name);
    if (value->number != NULL)
        return sqlite3_bind_int64(statement, index, *value->number);
    if (value->text != NULL)
        return sqlite3_bind_text(statement, index, value->text, -1, SQLITE_STATIC);
    return sqlite3_bind_null(statement, index);
}

static enum outcome run(void *db, void *statement, size_t count, const struct value *values, struct rows *rows)
{
    int result = SQLITE_ROW, columns = sqlite3_column_count(statement);
    for (size_t i = 0; i < count && result == SQLITE_ROW; i++)
        if (bind(statement, i, &values[i]) != SQLITE_OK)
            result = SQLITE_ERROR;
    while (result == SQLITE_ROW && (result = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < columns; i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            rows_add(rows, (size_t)columns, text, (size_t)sqlite3_column_bytes(statement, i));
        }
    enum outcome outcome = result == SQLITE_DONE ? DONE : failure(db);
    sqlite3_reset(statement); /* says once more what the step said */
    sqlite3_clear_bindings(statement);
    return outcome;
}

const struct driver sqlite_driver = {
    .begin = "BEGIN IMMEDIATE",
    .identity = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .open = open_file, .close = close_file, .error = error, .prepare = prepare, .forget = forget, .run = run, .failure = failure,
};
