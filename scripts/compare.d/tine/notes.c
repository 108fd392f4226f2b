/* SPDX-License-Identifier: Apache-2.0 */
/* The API that scripts/compare-api compares, on tine. */
#include <sqlite3.h>
#include <string.h>
#include <tine.h>

enum { LIST, COUNT, GET, ADD, SET, DELETE, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [LIST] = "SELECT id, title, text, done FROM note ORDER BY id DESC LIMIT ?1 OFFSET ?2",
    [COUNT] = "SELECT count(*) FROM note",
    [GET] = "SELECT id, title, text, done FROM note WHERE id = ?1",
    [ADD] = "INSERT INTO note(title, text, done) VALUES(?2, ?3, ?4) RETURNING id, title, text, done",
    [SET] = "UPDATE note SET title = ?2, text = ?3, done = ?4 WHERE id = ?1 RETURNING id, title, text, done",
    [DELETE] = "DELETE FROM note WHERE id = ?1 RETURNING id",
};
static sqlite3 *db; /* this worker's own */
static sqlite3_stmt *statements[STATEMENTS];

static int start(tine_app *app)
{
    if (sqlite3_open(tine_setting(app, "file"), &db) || sqlite3_busy_timeout(db, 5000) ||
        sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                         "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL,"
                         " done INTEGER NOT NULL)",
                     NULL, NULL, NULL))
        return tine_reject(app, "file", "%s", sqlite3_errmsg(db));
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v2(db, sql[i], -1, &statements[i], NULL))
            return tine_reject(app, "file", "%s", sqlite3_errmsg(db));
    return 0;
}

static json_t *note_of(sqlite3_stmt *row)
{
    return json_pack("{s:I, s:s, s:s, s:b}", "id", sqlite3_column_int64(row, 0), "title", sqlite3_column_text(row, 1),
                     "text", sqlite3_column_text(row, 2), "done", sqlite3_column_int(row, 3));
}

static int list(tine_request *r)
{
    int64_t limit = 20, offset = 0;
    if ((tine_query(r, "limit") && tine_query_int(r, "limit", 1, 100, &limit)) ||
        (tine_query(r, "offset") && tine_query_int(r, "offset", 0, INT32_MAX, &offset)))
        return tine_failed(r);
    json_t *notes = json_array();
    sqlite3_stmt *row = statements[LIST];
    sqlite3_bind_int64(row, 1, limit);
    sqlite3_bind_int64(row, 2, offset);
    while (sqlite3_step(row) == SQLITE_ROW)
        json_array_append_new(notes, note_of(row));
    sqlite3_reset(row);
    sqlite3_step(statements[COUNT]);
    json_t *total = json_integer(sqlite3_column_int64(statements[COUNT], 0));
    sqlite3_reset(statements[COUNT]);
    return tine_json_pack(r, 200, "{s:o, s:o}", "notes", notes, "total", total);
}

/* Runs a statement that is about one note, and answers with the row that comes. */
static int answer(tine_request *r, int statement, int64_t id, int status)
{
    sqlite3_stmt *row = statements[statement];
    sqlite3_bind_int64(row, 1, id);
    int result = sqlite3_step(row);
    if (result != SQLITE_ROW)
        status = tine_problem(r, result == SQLITE_DONE ? 404 : 500, result == SQLITE_DONE ? "no such note" : "%s", sqlite3_errmsg(db));
    else if (statement == DELETE)
        tine_set_status(r, status);
    else
        tine_set_header(r, "Location", tine_printf(r, "/notes/%lld", (long long)sqlite3_column_int64(row, 0))),
        status = tine_json(r, status, note_of(row));
    sqlite3_reset(row);
    return status;
}

static int with_id(tine_request *r, int statement, int status)
{
    int64_t id;
    return tine_param_int(r, "id", 1, INT64_MAX, &id) ? tine_failed(r) : answer(r, statement, id, status);
}

/* Binds what the body says. 0, or the status of the answer. */
static int take_body(tine_request *r, int statement)
{
    const char *title, *text = "";
    int done = 0;
    if (tine_json_body(r, "{s:s, s?s, s?b}", "title", &title, "text", &text, "done", &done))
        return tine_failed(r);
    if (!*title || strlen(title) > 100)
        return tine_json_pack(r, 422, "{s:{s:[s]}}", "errors", "title", "must have 1 to 100 characters");
    sqlite3_bind_text(statements[statement], 2, title, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statements[statement], 3, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(statements[statement], 4, done);
    return 0;
}

static int get(tine_request *r) { return with_id(r, GET, 200); }
static int drop(tine_request *r) { return with_id(r, DELETE, 204); }

static int add(tine_request *r)
{
    int failed = take_body(r, ADD);
    return failed ? failed : answer(r, ADD, 0, 201);
}

static int set(tine_request *r)
{
    int failed = take_body(r, SET);
    return failed ? failed : with_id(r, SET, 200);
}

TINE_MODULE(.settings = (const tine_option[]){{"file", TINE_PATH, NULL, "the database"}, {0}}, .worker_init = start,
            .routes = (const tine_route[]){TINE_GET("/notes", list), TINE_POST("/notes", add), TINE_GET("/notes/{id:int}", get),
                                           TINE_PUT("/notes/{id:int}", set), TINE_DELETE("/notes/{id:int}", drop), {0}})
