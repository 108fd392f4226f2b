/* SPDX-License-Identifier: Apache-2.0
 *
 * What batteries keep by key: in the memory that the workers of this machine share, or in Redis, which several machines share. The module
 * has KEEP_SETTINGS among its settings, calls keep_check() in load, keep_open() in worker_init and keep_close() in worker_exit, and says
 * in its head " * Needs: hiredis libssl libcrypto". The other functions are for its handlers and filters.
 *
 * Each app (or filter) has keys of its own: in memory by tine_shared_*, in Redis by its name ("tine:NAME:..."), so that machines which
 * share have the same names. Redis may be away at any time: a function then says KEEP_DOWN within twice `store_timeout`, and at once
 * while it is not yet to be tried again; the log is told here. What to do without it is the module's to say.
 */
#ifndef LOADED_COMMON_KEEP_H
#define LOADED_COMMON_KEEP_H

#include <tine.h>

struct keep;

enum {
    KEEP_VALUE_MAX = 64 * 1024,
};

enum keep_result {
    KEEP_OK,
    KEEP_NONE, /* no such key; of keep_add(): there is one already */
    KEEP_DOWN  /* what keeps it cannot be asked now */
};

/* With another word for `store` as its default, which is the module's own to understand: it calls nothing of this then. */
#define KEEP_SETTINGS_OR(fallback, help) \
    {"store", TINE_SECRET, fallback, help}, \
    {"store_timeout", TINE_TIME, "100ms", "how long Redis may take to connect, and for an answer"},                               \
    {"store_ca", TINE_PATH, "", "file of certificates that rediss:// trusts; those of the system if empty"}
#define KEEP_SETTINGS \
    KEEP_SETTINGS_OR("memory", "memory, or for several machines redis://[user:password@]host[:port][/db], rediss:// by TLS, unix:/path")

/* Are they well written? 0, or -1 after tine_reject(). */
int keep_check(tine_app *app);

/* Connects when it is first asked, so that a Redis which is down stops no start. NULL after tine_reject(). */
struct keep *keep_open(tine_app *app);
void keep_close(struct keep *keep); /* may be NULL */

/* A key has any length of 1 and more, and any bytes but NUL; a long one is kept by its SHA-256. 'data' lives as long as the request, and
 * has a NUL behind it. */
enum keep_result keep_get(struct keep *keep, tine_request *r, const char *key, const void **data, size_t *length);

/* Up to KEEP_VALUE_MAX bytes, for 'ttl_ms' (0: it stays). In memory an entry may go earlier for want of room: see [server] shared. */
enum keep_result keep_set(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms);

/* Only if there is none yet: of several who do so at once, on whatever machine, one gets KEEP_OK. */
enum keep_result keep_add(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms);

enum keep_result keep_delete(struct keep *keep, tine_request *r, const char *key);

/* Takes a token from a bucket of 'burst', into which one comes each 'interval_us' (GCRA): exact over all workers and machines, whose
 * clocks do not matter. '*wait_us' 0: it was taken; else it was not, and there is one in so long. '*left': how many are left now. Keys of
 * it are for no other function but keep_look(), and keep_delete(), which fills the bucket. A bucket fills within ten years at most: a
 * longer one is taken for that. */
enum keep_result keep_take(struct keep *keep, tine_request *r, const char *key, int64_t interval_us, int64_t burst, int64_t *wait_us,
                           int64_t *left);

/* The same, but nothing is taken: would there be one? */
enum keep_result keep_look(struct keep *keep, tine_request *r, const char *key, int64_t interval_us, int64_t burst, int64_t *wait_us);

#endif
