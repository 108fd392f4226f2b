/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts over all workers: POST /count adds one, GET /count tells. POST /once/{key} says "first" to the first who asks within a minute, and
 * a client may do so ten times a minute.
 */
#include <tine.h>

static tine_counter *visits;

static int worker_init(tine_app *app)
{
    visits = tine_counter_find(app, "visits");
    return visits != NULL ? 0 : tine_reject(app, NULL, "there is no room for the counter: see [server] shared");
}

static int tell(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:I}", "visits", (json_int_t)tine_counter_get(visits));
}

static int count(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:I}", "visits", (json_int_t)tine_counter_add(visits, 1));
}

static int once(tine_request *r)
{
    int64_t asked;
    if (tine_shared_increment(r, tine_printf(r, "rate %s", tine_client(r)), 1, 60000, &asked) == 0 && asked > 10)
        return tine_problem(r, 429, "ten a minute are enough");
    int added = tine_shared_add(r, tine_param(r, "key"), "", 0, 60000);
    return added < 0 ? 400 : tine_text(r, 200, added ? "first\n" : "again\n");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/count", tell), TINE_POST("/count", count), TINE_POST("/once/{key}", once), {0}},
            .worker_init = worker_init)
