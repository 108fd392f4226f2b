/* SPDX-License-Identifier: Apache-2.0
 *
 * What batteries keep, by requests: /get?key=..., and so on; /take?key=...&interval=US&burst=N says "WAIT LEFT", /look of the same whether
 * one is there. What cannot be asked is 503.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "common/keep.h"

#include <stdlib.h>
#include <string.h>

static int load(tine_app *app)
{
    return keep_check(app);
}

static int worker_init(tine_app *app)
{
    struct keep *keep = keep_open(app);
    tine_set_data(app, keep);
    return keep != NULL ? 0 : -1;
}

static void worker_exit(tine_app *app)
{
    keep_close(tine_data(app));
}

static struct keep *keep_of(tine_request *r)
{
    return tine_data(tine_request_app(r));
}

static int64_t number(tine_request *r, const char *name)
{
    const char *text = tine_query(r, name);
    return text != NULL ? atoll(text) : 0;
}

static int answer(tine_request *r, enum keep_result result)
{
    return result == KEEP_OK ? tine_text(r, 200, "ok") : result == KEEP_NONE ? 404 : 503;
}

static int get(tine_request *r)
{
    const void *data;
    size_t length;
    enum keep_result result = keep_get(keep_of(r), r, tine_query(r, "key"), &data, &length);
    return result == KEEP_OK ? tine_send(r, 200, "text/plain", data, length) : answer(r, result);
}

static int set(tine_request *r)
{
    size_t length;
    const char *value = tine_body(r, &length);
    return answer(r, keep_set(keep_of(r), r, tine_query(r, "key"), value, length, number(r, "ttl")));
}

static int add(tine_request *r)
{
    size_t length;
    const char *value = tine_body(r, &length);
    return answer(r, keep_add(keep_of(r), r, tine_query(r, "key"), value, length, number(r, "ttl")));
}

static int drop(tine_request *r)
{
    return answer(r, keep_delete(keep_of(r), r, tine_query(r, "key")));
}

static int take(tine_request *r)
{
    int64_t wait, left;
    enum keep_result result = keep_take(keep_of(r), r, tine_query(r, "key"), number(r, "interval"), number(r, "burst"), &wait, &left);
    return result == KEEP_OK ? tine_text(r, 200, "%lld %lld", (long long)wait, (long long)left) : answer(r, result);
}

static int look(tine_request *r)
{
    int64_t wait;
    enum keep_result result = keep_look(keep_of(r), r, tine_query(r, "key"), number(r, "interval"), number(r, "burst"), &wait);
    return result == KEEP_OK ? tine_text(r, 200, wait > 0 ? "later" : "now") : answer(r, result);
}

/* One letter over and over, so that a value which is put together of two shows; its length tells of the letter, too. */
static int storm(tine_request *r)
{
    static unsigned round;
    static char value[KEEP_VALUE_MAX];
    const void *data;
    size_t length;
    for (int i = 0; i < 20; i++) {
        char letter = (char)('a' + round++ % 26);
        memset(value, letter, sizeof value);
        if (keep_set(keep_of(r), r, "storm", value, 1000 * (size_t)(letter - 'a' + 1), 60000) != KEEP_OK)
            return 503;
        if (keep_get(keep_of(r), r, "storm", &data, &length) != KEEP_OK)
            continue; /* it was replaced as often as it was read, or is gone */
        const char *text = data;
        for (size_t at = 0; at < length; at++)
            if (text[at] != text[0] || length != 1000 * (size_t)(text[0] - 'a' + 1))
                return tine_text(r, 500, "torn");
    }
    return tine_text(r, 200, "whole");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/get", get), TINE_POST("/set", set), TINE_POST("/add", add),
                                           TINE_POST("/delete", drop), TINE_POST("/take", take), TINE_POST("/look", look),
                                           TINE_POST("/storm", storm), {0}},
            .settings = (const tine_option[]){KEEP_SETTINGS, {0}}, .load = load, .worker_init = worker_init, .worker_exit = worker_exit)
