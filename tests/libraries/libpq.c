/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler as most are: it asks PostgreSQL and answers what that said, by libpq, on a connection of its worker.
 */
#include <tine.h>

#include <libpq-fe.h>
#include <stdlib.h>

enum { RECONNECT_EVERY = 16 };

static PGconn *database;

static int ask(tine_request *r)
{
    const char *number = tine_param(r, "number");
    if (atoi(number) % RECONNECT_EVERY == 0)
        PQreset(database);
    PGresult *result = PQexec(database, tine_printf(r, "SELECT %s", number));
    int status = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1
                     ? tine_text(r, 200, "%s", PQgetvalue(result, 0, 0))
                     : tine_problem(r, 500, "libpq: %s", PQerrorMessage(database));
    PQclear(result);
    return status;
}

static int worker_init(tine_app *app)
{
    const char *names[] = {"hostaddr", "port", "user", "dbname", "connect_timeout", NULL};
    const char *values[] = {"127.0.0.1", tine_setting(app, "port"), "ada", "test", "10", NULL};
    database = PQconnectdbParams(names, values, 0);
    return PQstatus(database) == CONNECTION_OK ? 0 : tine_reject(app, "port", "libpq: %s", PQerrorMessage(database));
}

static void worker_exit(tine_app *app)
{
    (void)app;
    PQfinish(database);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{number:int}", ask), {0}},
            .settings = (const tine_option[]){{"port", TINE_INTEGER, NULL, "of the database"}, {0}},
            .worker_init = worker_init, .worker_exit = worker_exit)
