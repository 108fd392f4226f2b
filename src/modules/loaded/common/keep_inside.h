/* SPDX-License-Identifier: Apache-2.0
 *
 * What keep.c has of those who keep: memory, and Redis. Keys that they get are short, and are told apart by their first letter: '=' a key
 * as it is, '#' the hash of a long one.
 */
#ifndef LOADED_COMMON_KEEP_INSIDE_H
#define LOADED_COMMON_KEEP_INSIDE_H

#include "keep.h"

#include <stdbool.h>

enum {
    KEEP_KEY_MAX = 100, /* of the caller's, as it is */
};

struct redis; /* the connection of this worker, and how to have one */

struct keep {
    tine_app *app;
    struct redis *redis; /* NULL: memory */
};

/* How often, and for how long, a bucket of tokens can be asked for. */
struct keep_rate {
    int64_t interval_us, burst;
    bool look; /* only: nothing is taken */
};

enum keep_result memory_get(tine_request *r, const char *key, const void **data, size_t *length);
enum keep_result memory_set(tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms, bool only_new);
enum keep_result memory_delete(tine_request *r, const char *key);
enum keep_result memory_take(tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left);

int redis_check(tine_app *app);           /* 0, or -1 after tine_reject() */
struct redis *redis_open(tine_app *app);  /* NULL after tine_reject() */
void redis_close(struct redis *redis);    /* may be NULL */
enum keep_result redis_get(struct keep *keep, tine_request *r, const char *key, const void **data, size_t *length);
enum keep_result redis_set(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms,
                           bool only_new);
enum keep_result redis_delete(struct keep *keep, tine_request *r, const char *key);
enum keep_result redis_take(struct keep *keep, tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left);

#endif
