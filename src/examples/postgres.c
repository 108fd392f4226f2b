/* SPDX-License-Identifier: Apache-2.0 */
/* A query of PostgreSQL: curl localhost:8000/people/1, after CREATE TABLE person(id int PRIMARY KEY, name text) */
#include <libpq-fe.h>
#include <tine.h>

static PGconn *db; /* this worker's own connection: the database must take [server] workers_max of them */

static int start(tine_app *app)
{
    db = PQconnectdb(tine_setting(app, "database"));
    return PQstatus(db) == CONNECTION_OK ? 0 : tine_reject(app, "database", "%s", PQerrorMessage(db));
}
static void stop(tine_app *app) { (void)app, PQfinish(db); }
/* Once more if the connection was lost meanwhile, on a new one: of a query that only reads nothing happens twice. */
static PGresult *ask(const char *sql, const char *value, int tries)
{
    PGresult *rows = PQexecParams(db, sql, 1, NULL, &value, NULL, NULL, 0);
    if (PQstatus(db) == CONNECTION_OK || tries == 0)
        return rows;
    PQclear(rows), PQreset(db);
    return ask(sql, value, tries - 1);
}

static int person(tine_request *r)
{
    int64_t id;
    if (tine_param_int(r, "id", 1, INT32_MAX, &id))
        return tine_failed(r);
    PGresult *rows = ask("SELECT row_to_json(p) FROM person p WHERE id = $1", tine_param(r, "id"), 1);
    int status = PQresultStatus(rows) != PGRES_TUPLES_OK ? 503 : PQntuples(rows) == 0 ? 404 : 200;
    if (status == 503)
        tine_log(r, TINE_ERROR, "no answer from the database: %s", PQerrorMessage(db));
    else if (status == 200)
        tine_send(r, 200, "application/json", PQgetvalue(rows, 0, 0), (size_t)PQgetlength(rows, 0, 0));
    PQclear(rows);
    return status;
}
TINE_MODULE(.settings = (const tine_option[]){{"database", TINE_SECRET, "", "as libpq has it: host=... dbname=..."}, {0}},
            .worker_init = start, .worker_exit = stop, .routes = (const tine_route[]){TINE_GET("/people/{id}", person), {0}})
