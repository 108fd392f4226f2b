/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that asks Redis, by hiredis, on a connection of its worker. With a timeout, by which a read is not begun again after a
 * signal even under SA_RESTART: the library has to.
 */
#include <tine.h>

#include <hiredis.h>
#include <stdlib.h>

enum { RECONNECT_EVERY = 16 };

static redisContext *store;

static int ask(tine_request *r)
{
    const char *number = tine_param(r, "number");
    if (atoi(number) % RECONNECT_EVERY == 0 && redisReconnect(store) != REDIS_OK)
        return tine_problem(r, 500, "hiredis, again: %s", store->errstr);
    redisReply *reply = redisCommand(store, "ECHO %s", number);
    int status = reply != NULL && reply->type == REDIS_REPLY_STRING ? tine_text(r, 200, "%s", reply->str)
                                                                    : tine_problem(r, 500, "hiredis: %s", store->errstr);
    if (reply != NULL)
        freeReplyObject(reply);
    return status;
}

static int worker_init(tine_app *app)
{
    struct timeval patience = {10, 0};
    store = redisConnectWithTimeout("127.0.0.1", (int)tine_setting_number(app, "port"), patience);
    if (store == NULL || store->err != 0 || redisSetTimeout(store, patience) != REDIS_OK)
        return tine_reject(app, "port", "hiredis: %s", store != NULL ? store->errstr : "out of memory");
    return 0;
}

static void worker_exit(tine_app *app)
{
    (void)app;
    redisFree(store);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{number:int}", ask), {0}},
            .settings = (const tine_option[]){{"port", TINE_INTEGER, NULL, "of the store"}, {0}},
            .worker_init = worker_init, .worker_exit = worker_exit)
