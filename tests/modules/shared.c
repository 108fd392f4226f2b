/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers share, by requests: /NAME?of=...&key=...&value=...&ttl=... calls that function, and /wrong calls all of them wrongly.
 * /storm does all of it over and over until its worker is killed.
 */
#include <tine.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int worker_init(tine_app *app)
{
    tine_set_data(app, tine_counter_find(app, "hits"));
    return tine_data(app) != NULL ? 0 : tine_reject(app, NULL, "there is no counter");
}

static tine_counter *hits(tine_request *r)
{
    return tine_data(tine_request_app(r));
}

static int64_t number(tine_request *r, const char *name)
{
    const char *text = tine_query(r, name);
    return text != NULL ? atoll(text) : 0;
}

static const char *word(tine_request *r, const char *name)
{
    const char *text = tine_query(r, name);
    return text != NULL ? text : "";
}

static int count(tine_request *r)
{
    return tine_text(r, 200, "%lld", (long long)tine_counter_add(hits(r), number(r, "by")));
}

static int counted(tine_request *r)
{
    return tine_text(r, 200, "%lld", (long long)tine_counter_get(hits(r)));
}

/* Finds "by" names, and says how many of them got a counter. */
static int names(tine_request *r)
{
    int found = 0;
    for (int i = 0; i < number(r, "by"); i++)
        found += tine_counter_find(tine_request_app(r), tine_printf(r, "name %d", i)) != NULL;
    return tine_text(r, 200, "%d", found);
}

static int reset(tine_request *r)
{
    tine_counter_set(hits(r), number(r, "by"));
    return 204;
}

static int get(tine_request *r)
{
    size_t length;
    const char *value = tine_shared_get(r, word(r, "key"), &length);
    return value != NULL ? tine_send(r, 200, "text/plain", value, length) : 404;
}

static int set(tine_request *r)
{
    const char *value = word(r, "value");
    return tine_text(r, 200, "%d", tine_shared_set(r, word(r, "key"), value, strlen(value), number(r, "ttl")));
}

static int add(tine_request *r)
{
    const char *value = word(r, "value");
    return tine_text(r, 200, "%d", tine_shared_add(r, word(r, "key"), value, strlen(value), number(r, "ttl")));
}

static int drop(tine_request *r)
{
    return tine_text(r, 200, "%d", tine_shared_delete(r, word(r, "key")));
}

static int swap(tine_request *r)
{
    const char *before = tine_query(r, "before"), *value = word(r, "value");
    size_t length = before != NULL ? strlen(before) : 0;
    return tine_text(r, 200, "%d", tine_shared_swap(r, word(r, "key"), before, length, value, strlen(value), number(r, "ttl")));
}

static int increment(tine_request *r)
{
    int64_t sum = -1;
    int result = tine_shared_increment(r, word(r, "key"), number(r, "by"), number(r, "ttl"), &sum);
    return tine_text(r, 200, "%d %lld", result, (long long)sum);
}

static int wrong(tine_request *r)
{
    char large[TINE_VALUE_MAX + 1];
    memset(large, 'x', sizeof large);
    int refused = tine_counter_find(tine_request_app(r), NULL) == NULL;
    refused += tine_counter_find(tine_request_app(r), "") == NULL;
    refused += tine_shared_get(r, "", NULL) == NULL;
    refused += tine_shared_set(r, "key", large, sizeof large, 0) < 0;
    refused += tine_shared_set(r, "key", NULL, 1, 0) < 0;
    refused += tine_shared_add(r, "key", "x", 1, -1) < 0;
    refused += tine_shared_swap(r, "key", large, sizeof large, "x", 1, 0) < 0;
    refused += tine_shared_swap(r, "key", "x", 1, NULL, 1, 0) < 0;
    large[TINE_KEY_MAX + 1] = 0;
    refused += tine_shared_delete(r, large) < 0;
    tine_shared_set(r, "text", "seven", 5, 0);
    refused += tine_shared_increment(r, "text", 1, 0, NULL) < 0;
    tine_counter_set(NULL, 1);
    refused += tine_counter_add(NULL, 1) == 0 && tine_counter_get(NULL) == 0;
    return tine_text(r, 200, "%d", refused);
}

/* Values are one letter over and over, so that a torn one shows. Few keys, so that all workers are in the same buckets. */
static int check(tine_request *r)
{
    int bad = 0;
    for (int i = 0; i < 8; i++) {
        size_t length;
        const char *value = tine_shared_get(r, tine_printf(r, "storm %d", i), &length);
        for (size_t at = 0; value != NULL && at < length; at++)
            bad += value[at] != value[0];
        bad += value != NULL && length != (size_t)(200 + value[0] % 32);
    }
    return tine_text(r, 200, "%d torn, %lld storms, looked by %d", bad,
                     (long long)tine_counter_get(tine_counter_find(tine_request_app(r), "storms")), (int)getpid());
}

static int storm(tine_request *r)
{
    char value[TINE_VALUE_MAX], key[16] = "storm 0";
    tine_counter_add(tine_counter_find(tine_request_app(r), "storms"), 1);
    for (unsigned i = (unsigned)getpid();; i++) {
        char letter = (char)('a' + i % 26);
        key[6] = (char)('0' + i / 7 % 8);
        memset(value, letter, sizeof value);
        size_t length = 200 + (size_t)letter % 32;
        if (tine_shared_set(r, key, value, length, 60000) < 0 || tine_shared_increment(r, "storms", 1, 0, NULL) < 0)
            return tine_text(r, 500, "held up");
        if (i % 5 == 0)
            tine_shared_delete(r, key);
        if (i % 3 == 0)
            tine_shared_add(r, key, value, length, 60000);
        size_t there;
        const char *before = tine_shared_get(r, key, &there);
        tine_shared_swap(r, key, before, there, value, length, 60000);
        tine_counter_add(hits(r), 1);
    }
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/count", count), TINE_GET("/counted", counted), TINE_GET("/reset", reset),
                                           TINE_GET("/names", names), TINE_GET("/get", get), TINE_GET("/set", set), TINE_GET("/add", add),
                                           TINE_GET("/delete", drop), TINE_GET("/swap", swap), TINE_GET("/increment", increment),
                                           TINE_GET("/wrong", wrong), TINE_GET("/check", check), TINE_GET("/storm", storm), {0}},
            .worker_init = worker_init)
