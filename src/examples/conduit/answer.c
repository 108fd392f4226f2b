/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as the specification has them, and what a database that fails is to a client.
 */
#include "conduit.h"

#include <stdarg.h>
#include <stdio.h>

int refuse_all(tine_request *r, int status, json_t *reasons)
{
    return tine_json_pack(r, status, "{s:{s:o}}", "errors", "body", reasons);
}

int refuse(tine_request *r, int status, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return refuse_all(r, status, json_pack("[s]", text));
}

int database_status(tine_request *r, enum outcome outcome)
{
    switch (outcome) {
    case DONE: return 0;
    case TAKEN: return refuse(r, 422, "it has been taken already");
    case GONE: return refuse(r, 404, "it is not there any more");
    case AWAY:
        tine_set_header(r, "Retry-After", "1");
        return refuse(r, 503, "the database cannot be asked now: try again");
    default: return refuse(r, 500, "the database failed");
    }
}

int ask(tine_request *r, struct rows **rows, const char *sql, size_t count, const struct value *values)
{
    return database_status(r, database_run(conduit_of(r)->database, r, rows, sql, count, values));
}

int ask_one(tine_request *r, struct rows **rows, const char *what, const char *sql, size_t count, const struct value *values)
{
    int status = ask(r, rows, sql, count, values);
    if (status == 0 && rows_count(*rows) == 0)
        return refuse(r, 404, "there is no such %s", what);
    return status;
}

enum outcome write_row(tine_request *r, struct rows **rows, const char *sql, size_t count, const struct value *values)
{
    struct database *database = conduit_of(r)->database;
    enum outcome outcome = database_begin(database, r);
    if (outcome != DONE)
        return outcome;
    return database_end(database, r, database_run(database, r, rows, sql, count, values));
}

int64_t time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *time_text(tine_request *r, int64_t ms)
{
    struct tm parts;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &parts);
    return tine_printf(r, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                       parts.tm_min, parts.tm_sec, (int)(ms % 1000));
}
