/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL, for database.h: one connection, on which statements are prepared by number. While the server is away each request would
 * wait for a connection that cannot be had: after one try there is none for PAUSE_MS.
 */
#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "database.h"

enum { PAUSE_MS = 250, VALUES_MAX = 16, NUMBER_SIZE = 24 };

struct connection {
    PGconn *pg;
    char state[6]; /* SQLSTATE of the last failure */
    int64_t tried; /* when a new connection could not be had; 0: it was had */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What `conninfo` says counts more than what stands before it, and less than what stands behind: JSON is UTF-8, whatever the database is
 * kept in. */
static void *connect_to(const char *conninfo)
{
    static const char *const names[] = {"fallback_application_name", "connect_timeout", "tcp_user_timeout", "options", "dbname",
                                        "client_encoding", NULL};
    const char *values[] = {"conduit", "5", "10000", "-c statement_timeout=10s -c lock_timeout=5s -c client_min_messages=warning", conninfo,
                            "UTF8", NULL};
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL || (connection->pg = PQconnectdbParams(names, values, 1)) == NULL)
        abort(); /* without memory, as in tine_alloc() */
    return connection;
}

static void disconnect(void *of)
{
    struct connection *connection = of;
    PQfinish(connection->pg);
    free(connection);
}

/* Several lines, for one in a log. */
static const char *error(void *of)
{
    static char line[512];
    snprintf(line, sizeof line, "%s", PQerrorMessage(((struct connection *)of)->pg));
    line[strcspn(line, "\n")] = 0;
    return line;
}

static bool is_there(const struct connection *connection)
{
    return PQstatus(connection->pg) == CONNECTION_OK;
}

static bool reconnect(void *of)
{
    struct connection *connection = of;
    if (is_there(connection) || (connection->tried != 0 && now_ms() - connection->tried < PAUSE_MS))
        return false;
    PQreset(connection->pg);
    connection->tried = is_there(connection) ? 0 : now_ms();
    return connection->tried == 0;
}

/* Of each class of SQLSTATE that may be over with the next try; see the appendix "Error Codes" of its manual. */
static enum outcome failure(void *of)
{
    static const char *const away[] = {"08", "25006", "40", "53", "55P03", "57"};
    const struct connection *connection = of;
    if (strcmp(connection->state, "23505") == 0)
        return TAKEN;
    if (strcmp(connection->state, "23503") == 0)
        return GONE;
    for (size_t i = 0; i < sizeof away / sizeof *away; i++)
        if (strncmp(connection->state, away[i], strlen(away[i])) == 0)
            return AWAY;
    return is_there(connection) ? MISTAKEN : AWAY;
}

static enum outcome judge(struct connection *connection, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return DONE;
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    snprintf(connection->state, sizeof connection->state, "%s", state != NULL ? state : "");
    return failure(connection);
}

static void *prepare(void *of, const char *sql, unsigned number)
{
    struct connection *connection = of;
    char name[NUMBER_SIZE];
    snprintf(name, sizeof name, "s%u", number);
    PGresult *result = PQprepare(connection->pg, name, sql, 0, NULL);
    enum outcome outcome = judge(connection, result);
    PQclear(result);
    return outcome == DONE ? strdup(name) : NULL;
}

static void forget(void *statement)
{
    free(statement);
}

static void keep_rows(const PGresult *result, struct rows *rows)
{
    int columns = PQnfields(result);
    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < columns; i++)
            rows_add(rows, (size_t)columns, PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i),
                     (size_t)PQgetlength(result, row, i));
}

static enum outcome run(void *of, void *statement, size_t count, const struct value *values, struct rows *rows)
{
    struct connection *connection = of;
    const char *texts[VALUES_MAX];
    char numbers[VALUES_MAX][NUMBER_SIZE];
    assert(count <= VALUES_MAX);
    for (size_t i = 0; i < count; i++) {
        texts[i] = values[i].text;
        if (values[i].number == NULL)
            continue;
        snprintf(numbers[i], NUMBER_SIZE, "%" PRId64, *values[i].number);
        texts[i] = numbers[i];
    }
    PGresult *result = PQexecPrepared(connection->pg, statement, (int)count, texts, NULL, NULL, 0);
    enum outcome outcome = judge(connection, result);
    if (outcome == DONE)
        keep_rows(result, rows);
    PQclear(result);
    return outcome;
}

const struct driver postgres_driver = {
    .begin = "BEGIN",
    .lock = "SELECT pg_advisory_xact_lock(7265)",
    .identity = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    .open = connect_to, .close = disconnect, .error = error, .reconnect = reconnect, .prepare = prepare, .forget = forget,
    .run = run, .failure = failure,
};
