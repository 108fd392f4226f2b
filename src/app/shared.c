/* SPDX-License-Identifier: Apache-2.0
 *
 * See shared.h. Each app has names and keys of its own: in the store they stand behind a hash of the app's name.
 */
#include "app/shared.h"

#include "app/blame.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"

#include <string.h>

_Static_assert(TINE_KEY_MAX + sizeof(uint64_t) == STORE_KEY_MAX && (int)TINE_VALUE_MAX == (int)STORE_VALUE_MAX,
               "what tine.h promises has room");

static const struct store_map *shared;

void shared_use(const struct store_map *map)
{
    shared = map;
}

/* "app" and "name" as one key. A hash with a fixed key will do: the names are those of the INI file. By its eight bytes the store tells
 * who has most. */
struct scoped {
    char data[STORE_KEY_MAX];
    size_t length;
};

static struct scoped scope(tine_app *app, const char *name)
{
    const uint64_t fixed[2] = {app->section->is_filter, 0}; /* [app:x] and [filter:x] are two */
    const char *app_name = tine_app_name(app);
    uint64_t hash = siphash(fixed, app_name, strlen(app_name));
    size_t length = strlen(name);
    struct scoped scoped = {.length = sizeof hash + length};
    memcpy(scoped.data, &hash, sizeof hash);
    memcpy(scoped.data + sizeof hash, name, length);
    return scoped;
}

static const char *wrong_with_name(const char *name)
{
    return name == NULL                          ? "NULL in place of a name"
           : name[0] == 0                        ? "an empty name"
           : strnlen(name, TINE_KEY_MAX + 1) > TINE_KEY_MAX ? "a name of more than 112 bytes"
                                                 : NULL;
}

/* ---- counters ---- */

tine_counter *tine_counter_find(tine_app *app, const char *name)
{
    const char *wrong = shared == NULL || shared->store == NULL ? "a name too early: they are there from worker_init on"
                                                                : wrong_with_name(name);
    struct counter *counter = NULL;
    if (wrong == NULL) {
        struct scoped scoped = scope(app, name);
        counter = store_counter(shared, scoped.data, scoped.length);
        wrong = counter == NULL ? "one name too many: [server] shared is too small" : NULL;
    }
    if (wrong != NULL)
        log_error("[%s:%s] module '%s' gives tine_counter_find() %s", config_app_kind(app->section), tine_app_name(app),
                  app->section->module, wrong);
    return (tine_counter *)counter;
}

int64_t tine_counter_add(tine_counter *counter, int64_t more)
{
    return counter != NULL ? counter_add((struct counter *)counter, more) : 0;
}

int64_t tine_counter_get(const tine_counter *counter)
{
    return counter != NULL ? counter_get((const struct counter *)counter) : 0;
}

void tine_counter_set(tine_counter *counter, int64_t value)
{
    if (counter != NULL)
        counter_set((struct counter *)counter, value);
}

/* ---- keys and values ---- */

/* One call on the store. */
struct call {
    tine_request *r;
    const char *function;
    struct scoped scoped;
    struct store_key key;
    int64_t now;
};

static bool refuse(tine_request *r, const char *function, const char *wrong)
{
    request_blame(r, TINE_ERROR, "gives %s() %s", function, wrong);
    return false;
}

static struct tine_app *keys_of(const tine_request *r)
{
    return r->keys_of != NULL ? r->keys_of : r->filter != NULL ? r->filter->self : r->match.app;
}

tine_app *tine_shared_as(tine_request *r, tine_app *app)
{
    tine_app *before = r->keys_of;
    r->keys_of = app;
    return before;
}

static bool begin(struct call *call, tine_request *r, const char *function, const char *key)
{
    const char *wrong = wrong_with_name(key);
    if (wrong != NULL || shared == NULL || shared->store == NULL)
        return refuse(r, function, wrong != NULL ? wrong : "a key, and there is no store");
    call->r = r;
    call->function = function;
    call->scoped = scope(keys_of(r), key);
    call->key = (struct store_key){call->scoped.data, call->scoped.length};
    call->now = clock_ms();
    return true;
}

static bool expiry(const struct call *call, int64_t ttl_ms, int64_t *expires)
{
    if (ttl_ms < 0)
        return refuse(call->r, call->function, "a negative time to live");
    *expires = ttl_ms == 0 || ttl_ms > INT64_MAX - call->now ? 0 : call->now + ttl_ms;
    return true;
}

static bool make_value(const struct call *call, const void *data, size_t length, int64_t ttl_ms, struct store_value *value)
{
    if (data == NULL && length > 0)
        return refuse(call->r, call->function, "NULL in place of a value");
    if (length > TINE_VALUE_MAX)
        return refuse(call->r, call->function, "a value of more than 352 bytes");
    if (length > 0)
        memcpy(value->data, data, length);
    value->length = length;
    return expiry(call, ttl_ms, &value->expires);
}

static int crowded(const struct call *call)
{
    request_blame(call->r, TINE_ERROR, "finds no place by %s(): too many processes that are stopped were writing there", call->function);
    return -1;
}

const char *tine_shared_get(tine_request *r, const char *key, size_t *length)
{
    struct call call;
    struct store_value value;
    if (length != NULL)
        *length = 0;
    if (!begin(&call, r, "tine_shared_get", key) || store_get(shared, call.key, call.now, &value) != STORE_DONE)
        return NULL;
    if (length != NULL)
        *length = value.length;
    return arena_copy(&r->arena, value.data, value.length);
}

int tine_shared_set(tine_request *r, const char *key, const void *value, size_t length, int64_t ttl_ms)
{
    struct call call;
    struct store_value made;
    if (!begin(&call, r, "tine_shared_set", key) || !make_value(&call, value, length, ttl_ms, &made))
        return -1;
    return store_set(shared, call.key, call.now, &made) == STORE_DONE ? 0 : crowded(&call);
}

int tine_shared_add(tine_request *r, const char *key, const void *value, size_t length, int64_t ttl_ms)
{
    struct call call;
    struct store_value made;
    if (!begin(&call, r, "tine_shared_add", key) || !make_value(&call, value, length, ttl_ms, &made))
        return -1;
    enum store_result result = store_add(shared, call.key, call.now, &made);
    return result == STORE_DONE ? 1 : result == STORE_PRESENT ? 0 : crowded(&call);
}

int tine_shared_delete(tine_request *r, const char *key)
{
    struct call call;
    if (!begin(&call, r, "tine_shared_delete", key))
        return -1;
    return store_delete(shared, call.key, call.now) == STORE_DONE ? 1 : 0;
}

int tine_shared_swap(tine_request *r, const char *key, const void *before, size_t before_length, const void *value, size_t length,
                     int64_t ttl_ms)
{
    struct call call;
    struct store_value there, made;
    if (!begin(&call, r, "tine_shared_swap", key) || (before != NULL && !make_value(&call, before, before_length, 0, &there)) ||
        !make_value(&call, value, length, ttl_ms, &made))
        return -1;
    enum store_result result = store_swap(shared, call.key, call.now, before != NULL ? &there : NULL, &made);
    return result == STORE_DONE ? 1 : result == STORE_CROWDED ? crowded(&call) : 0;
}

int tine_shared_increment(tine_request *r, const char *key, int64_t more, int64_t ttl_ms, int64_t *sum)
{
    struct call call;
    int64_t expires, ignored;
    if (!begin(&call, r, "tine_shared_increment", key) || !expiry(&call, ttl_ms, &expires))
        return -1;
    enum store_result result = store_increment(shared, call.key, call.now, more, expires, sum != NULL ? sum : &ignored);
    if (result == STORE_NO_NUMBER)
        refuse(r, call.function, "a key whose value is no number, or one that becomes too large");
    return result == STORE_DONE ? 0 : result == STORE_NO_NUMBER ? -1 : crowded(&call);
}
