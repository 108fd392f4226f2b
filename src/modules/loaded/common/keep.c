/* SPDX-License-Identifier: Apache-2.0
 *
 * See keep.h. Here: who is asked, and how long keys become short ones.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "keep_inside.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HASH_SIZE = 32, /* SHA-256 */
    KEY_SIZE = KEEP_KEY_MAX + 2
};
#define FILL_US_MAX (INT64_C(10) * 366 * 24 * 3600 * 1000000)

_Static_assert(KEY_SIZE - 1 <= TINE_KEY_MAX && 2 * HASH_SIZE <= KEEP_KEY_MAX, "keys fit");

static bool is_memory(tine_app *app)
{
    return strcmp(tine_setting(app, "store"), "memory") == 0;
}

int keep_check(tine_app *app)
{
    if (tine_setting_number(app, "store_timeout") < 1)
        return tine_reject(app, "store_timeout", "must be longer than 0");
    return is_memory(app) ? 0 : redis_check(app);
}

struct keep *keep_open(tine_app *app)
{
    struct keep *keep = calloc(1, sizeof *keep);
    if (keep == NULL) {
        tine_reject(app, "store", "out of memory");
        return NULL;
    }
    keep->app = app;
    if (!is_memory(app) && (keep->redis = redis_open(app)) == NULL) {
        free(keep);
        return NULL;
    }
    return keep;
}

void keep_close(struct keep *keep)
{
    if (keep != NULL)
        redis_close(keep->redis);
    free(keep);
}

/* Who chooses keys must not be able to choose two that become one: hence no weaker hash. */
static bool shorten(const char *key, char shortened[KEY_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t length = strlen(key);
    if (length <= KEEP_KEY_MAX) {
        snprintf(shortened, KEY_SIZE, "=%s", key);
        return true;
    }
    if (EVP_Digest(key, length, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    shortened[0] = '#';
    for (size_t i = 0; i < HASH_SIZE; i++)
        snprintf(shortened + 1 + 2 * i, 3, "%02x", hash[i]);
    return true;
}

enum keep_result keep_get(struct keep *keep, tine_request *r, const char *key, const void **data, size_t *length)
{
    char shortened[KEY_SIZE];
    if (!shorten(key, shortened))
        return KEEP_DOWN;
    return keep->redis != NULL ? redis_get(keep, r, shortened, data, length) : memory_get(r, shortened, data, length);
}

static enum keep_result write_value(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms,
                                    bool only_new)
{
    char shortened[KEY_SIZE];
    if (length > KEEP_VALUE_MAX)
        tine_log(r, TINE_ERROR, "[%s] a value of %zu bytes is more than can be kept (%d)", tine_app_name(keep->app), length,
                 KEEP_VALUE_MAX);
    if (length > KEEP_VALUE_MAX || !shorten(key, shortened))
        return KEEP_DOWN;
    return keep->redis != NULL ? redis_set(keep, r, shortened, data, length, ttl_ms, only_new)
                               : memory_set(r, shortened, data, length, ttl_ms, only_new);
}

enum keep_result keep_set(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms)
{
    return write_value(keep, r, key, data, length, ttl_ms, false);
}

enum keep_result keep_add(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms)
{
    return write_value(keep, r, key, data, length, ttl_ms, true);
}

enum keep_result keep_delete(struct keep *keep, tine_request *r, const char *key)
{
    char shortened[KEY_SIZE];
    if (!shorten(key, shortened))
        return KEEP_DOWN;
    return keep->redis != NULL ? redis_delete(keep, r, shortened) : memory_delete(r, shortened);
}

static enum keep_result take(struct keep *keep, tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left)
{
    char shortened[KEY_SIZE];
    rate.interval_us = rate.interval_us < 1 ? 1 : rate.interval_us > FILL_US_MAX ? FILL_US_MAX : rate.interval_us;
    rate.burst = rate.burst < 1 ? 1 : rate.burst > FILL_US_MAX / rate.interval_us ? FILL_US_MAX / rate.interval_us : rate.burst;
    if (!shorten(key, shortened))
        return KEEP_DOWN;
    return keep->redis != NULL ? redis_take(keep, r, shortened, rate, wait_us, left) : memory_take(r, shortened, rate, wait_us, left);
}

enum keep_result keep_take(struct keep *keep, tine_request *r, const char *key, int64_t interval_us, int64_t burst, int64_t *wait_us,
                           int64_t *left)
{
    return take(keep, r, key, (struct keep_rate){interval_us, burst, false}, wait_us, left);
}

enum keep_result keep_look(struct keep *keep, tine_request *r, const char *key, int64_t interval_us, int64_t burst, int64_t *wait_us)
{
    int64_t left;
    return take(keep, r, key, (struct keep_rate){interval_us, burst, true}, wait_us, &left);
}
