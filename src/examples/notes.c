/* SPDX-License-Identifier: Apache-2.0 */
/* Notes in SQLite: curl --json '{"text": "milk"}' localhost:8000/notes; curl localhost:8000/notes/1 */
#include <sqlite3.h>
#include <tine.h>

static sqlite3 *db; /* this worker's own connection */

static int start(tine_app *app)
{
    if (sqlite3_open(tine_setting(app, "file"), &db) || sqlite3_busy_timeout(db, 5000) ||
        sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, text)", 0, 0, 0))
        return tine_reject(app, "file", "%s", sqlite3_errmsg(db));
    return 0;
}

/* With an id, it is the one of the path; with a text, the one of the body. Answers with the row that comes. */
static int run(tine_request *r, const char *sql, int64_t id, const char *text)
{
    sqlite3_stmt *row = NULL;
    if ((id && tine_param_int(r, "id", 1, INT64_MAX, &id)) || (text && tine_json_body(r, "{s:s!}", "text", &text)))
        return tine_failed(r);
    sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    sqlite3_bind_int64(row, 1, id);
    sqlite3_bind_text(row, 2, text, -1, SQLITE_STATIC);
    int result = sqlite3_step(row), status = result == SQLITE_DONE ? 404 : 500;
    if (result == SQLITE_ROW)
        status = tine_json_pack(r, id ? 200 : 201, "{s:I, s:s}", "id", sqlite3_column_int64(row, 0),
                                "text", sqlite3_column_text(row, 1));
    sqlite3_finalize(row);
    return status;
}

static int add(tine_request *r) { return run(r, "INSERT INTO note(text) VALUES(?2) RETURNING *", 0, ""); }
static int get(tine_request *r) { return run(r, "SELECT * FROM note WHERE id=?1", 1, NULL); }
static int set(tine_request *r) { return run(r, "UPDATE note SET text=?2 WHERE id=?1 RETURNING *", 1, ""); }
static int del(tine_request *r) { return run(r, "DELETE FROM note WHERE id=?1 RETURNING *", 1, NULL); }
TINE_MODULE(.settings = (const tine_option[]){{"file", TINE_PATH, NULL, "the database"}, {0}}, .worker_init = start,
            .routes = (const tine_route[]){TINE_POST("/notes", add), TINE_GET("/notes/{id}", get),
                                           TINE_PUT("/notes/{id}", set), TINE_DELETE("/notes/{id}", del), {0}})
