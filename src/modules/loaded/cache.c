/* SPDX-License-Identifier: Apache-2.0
 *
 * cache: a filter that keeps answers of handlers for others who ask the same (RFC 9111). Runs in a worker.
 *
 *     [filter:keep]
 *     module = cache
 *     [app:api]
 *     filters = keep
 *
 * What is kept for all must not depend on what one has sent. So an answer is kept only when its handler says for how long (max-age or
 * s-maxage), the key has all of the target, host and scheme and what Vary names, and requests that have fields on which answers might
 * depend unsaid (X-Forwarded-Host and the like) never fill it. Of several who miss the same one fills, and the others wait for it, but
 * not for long.
 *
 * An answer lies under the key of its target; or, if it has Vary, there lies a list of those fields and a number, and it under a key
 * of that number and the fields' values. Without the list they are out of reach: so a POST forgets them all.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "common/cache_control.h"
#include "common/cache_entry.h"
#include "common/keep.h"
#include "common/personal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

enum {
    PASS_MS = 5000, /* so long nobody waits for an answer that was not to be kept */
    POLL_MS = 5,
    POLL_MS_MAX = 40
};

/* What a [filter:NAME] keeps. */
struct cache {
    struct keep *keep;
    const char *unkeyed;
    int64_t max_ttl_ms, fill_ms;
    bool tell;
};

/* One request, between `before` and `after`. */
struct lookup {
    const char *target;  /* key of what was asked for */
    const char *variant; /* key of the answer itself; the same without Vary */
    struct cache_control request;
    struct cache_snapshot fields; /* of filters further out: they set them anew each time */
    bool may_fill, alone, filling; /* alone: nobody waits for its answer, nor it for another's */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now); /* machines that share a store share no other */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_method(tine_request *r, const char *method)
{
    return strcmp(tine_method(r), method) == 0;
}

/* ---- which requests ---- */

static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);

    while (*(list += strspn(list, ", \t")) != '\0') {
        size_t word = strcspn(list, ", \t");
        if (word == length && strncasecmp(list, name, length) == 0)
            return true;
        list += word;
    }
    return false;
}

/* An answer to it may depend on what is not in its key: then it is nobody else's. */
static bool is_plain(tine_request *r, const struct cache *cache, const char *vary)
{
    const char *name;

    for (size_t i = 0; tine_header_at(r, i, &name, NULL) == 0; i++) {
        bool odd = strncasecmp(name, "X-", 2) == 0 || strcasecmp(name, "Forwarded") == 0 || strchr(name, '_') != NULL;
        if (odd && !is_listed(cache->unkeyed, name) && !is_listed(vary, name))
            return false;
    }
    return true;
}

/* Who has shown who he is, or sends something, is answered by the handler. */
static bool is_for_cache(tine_request *r)
{
    const char *length = tine_header(r, "Content-Length");

    return (is_method(r, "GET") || is_method(r, "HEAD")) && tine_header(r, "Authorization") == NULL &&
           (length == NULL || strcmp(length, "0") == 0) && tine_header(r, "Transfer-Encoding") == NULL;
}

/* It may be answered 304, which is no use to others. */
static bool has_conditions(tine_request *r)
{
    static const char *const names[] = {"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (tine_header(r, names[i]) != NULL)
            return true;
    }
    return false;
}

/* Decoded paths have any byte: the length says where it ends. */
static const char *key_of(tine_request *r)
{
    tine_app *app = tine_request_app(r);
    const char *host = tine_header(r, "Host"), *path = tine_path(r);
    char *lower = tine_printf(r, "%s", host != NULL ? host : "");

    for (char *byte = lower; *byte != '\0'; byte++)
        *byte = *byte >= 'A' && *byte <= 'Z' ? (char)(*byte + ('a' - 'A')) : *byte;
    return tine_printf(r, "a\n%s\n%s\n%s\n%zu:%s?%s", app != NULL ? tine_app_name(app) : "", tine_scheme(r), lower, strlen(path), path,
                       tine_query_string(r));
}

/* ---- answers that are there ---- */

/* Each value with its length, which no value can make look like another. */
static const char *variant_of(tine_request *r, const char *target, uint64_t number, const char *vary)
{
    const char *key = tine_printf(r, "v\n%016" PRIx64 "\n%s", number, target);

    while (*(vary += strspn(vary, ", \t")) != '\0') {
        size_t length = strcspn(vary, ", \t");
        const char *value = tine_header(r, tine_printf(r, "%.*s", (int)length, vary));
        key = value != NULL ? tine_printf(r, "%s\n%zu:%s", key, strlen(value), value) : tine_printf(r, "%s\n-", key);
        vary += length;
    }
    return key;
}

/* Finds the answer, and under which key it lies or would lie. */
static bool find(tine_request *r, const struct cache *cache, struct lookup *lookup, struct cache_entry *entry)
{
    const void *data;
    size_t length;
    uint64_t number;
    const char *vary;

    lookup->variant = lookup->target;
    if (keep_get(cache->keep, r, lookup->target, &data, &length) != KEEP_OK)
        return false;
    if (cache_entry_is_list(data, length, &number, &vary)) {
        lookup->variant = variant_of(r, lookup->target, number, vary);
        if (keep_get(cache->keep, r, lookup->variant, &data, &length) != KEEP_OK)
            return false;
    }
    return cache_entry_read(r, data, length, entry);
}

static const char *lock_of(tine_request *r, const struct lookup *lookup)
{
    return tine_printf(r, "l\n%s", lookup->variant);
}

static const char *pass_of(tine_request *r, const struct lookup *lookup)
{
    return tine_printf(r, "p\n%s", lookup->target);
}

/* One of all who miss gets it; if it ends without an answer the next may try after `fill`. False: there is somebody to wait for. */
static bool take_lock(tine_request *r, const struct cache *cache, struct lookup *lookup)
{
    enum keep_result result = keep_add(cache->keep, r, lock_of(r, lookup), "1", 1, cache->fill_ms);

    lookup->filling = result == KEEP_OK;
    return result != KEEP_NONE;
}

static bool is_held(tine_request *r, const struct cache *cache, const char *key)
{
    const void *data;
    size_t length;

    return keep_get(cache->keep, r, key, &data, &length) == KEEP_OK;
}

static bool is_fresh(const struct cache_entry *entry, const struct cache_control *request, int64_t now)
{
    int64_t age = cache_entry_age(entry, now);

    return age < entry->fresh_ms && !request->no_cache && (request->max_age < 0 || age <= request->max_age * 1000) &&
           (request->min_fresh < 0 || entry->fresh_ms - age >= request->min_fresh * 1000);
}

/* Old, but good enough while somebody makes a new one. */
static bool is_stale_enough(const struct cache_entry *entry, const struct cache_control *request, int64_t now)
{
    return !request->no_cache && request->max_age < 0 && request->min_fresh < 0 &&
           cache_entry_age(entry, now) < entry->fresh_ms + entry->stale_ms;
}

static int answer(tine_request *r, const struct cache *cache, const struct cache_entry *entry)
{
    if (cache->tell)
        tine_set_header(r, "X-Cache", "hit");
    return cache_entry_answer(r, entry, now_ms());
}

/* Somebody makes it: it will soon be there, or not be kept. */
static bool wait_for(tine_request *r, const struct cache *cache, struct lookup *lookup, struct cache_entry *entry)
{
    int64_t until = now_ms() + cache->fill_ms;

    for (int64_t pause = POLL_MS; now_ms() < until && tine_sleep(r, pause) == 0;
         pause = pause * 2 < POLL_MS_MAX ? pause * 2 : POLL_MS_MAX) {
        bool held = is_held(r, cache, lock_of(r, lookup));
        if (find(r, cache, lookup, entry) && is_fresh(entry, &lookup->request, now_ms()))
            return true;
        if (!held && (is_held(r, cache, pass_of(r, lookup)) || take_lock(r, cache, lookup)))
            return false;
    }
    return false;
}

static int look_up(tine_request *r, const struct cache *cache, struct lookup *lookup)
{
    struct cache_entry entry;
    bool there = find(r, cache, lookup, &entry);

    if (there && is_fresh(&entry, &lookup->request, now_ms()))
        return answer(r, cache, &entry);
    if (lookup->request.only_if_cached)
        return tine_problem(r, 504, "it is not in the cache");
    bool alone = lookup->alone || is_held(r, cache, pass_of(r, lookup)) || take_lock(r, cache, lookup);
    if (there && !lookup->filling && is_stale_enough(&entry, &lookup->request, now_ms()))
        return answer(r, cache, &entry);
    if (!alone && !lookup->request.no_cache && wait_for(r, cache, lookup, &entry))
        return answer(r, cache, &entry);
    if (cache->tell)
        tine_set_header(r, "X-Cache", "miss");
    return 0;
}

static int before(tine_request *r, tine_app *self)
{
    const struct cache *cache = tine_data(self);
    struct lookup *lookup = tine_alloc(r, sizeof *lookup);

    *lookup = (struct lookup){.target = key_of(r)};
    lookup->variant = lookup->target;
    tine_set_attribute(r, tine_printf(r, "cache.%s", tine_app_name(self)), lookup);
    cache_control_of_request(r, &lookup->request);
    if (!is_for_cache(r) || lookup->request.no_store)
        return 0;
    cache_snapshot_take(r, &lookup->fields);
    lookup->may_fill = is_method(r, "GET") && tine_header(r, "Range") == NULL;
    lookup->alone = !lookup->may_fill || has_conditions(r) || !is_plain(r, cache, "");
    return look_up(r, cache, lookup);
}

/* ---- answers that are made ---- */

/* Vary of all its lines; "*": of what no field says. */
static const char *vary_of(tine_request *r)
{
    const char *vary = "", *name, *value;

    for (size_t i = 0; tine_response_header_at(r, i, &name, &value) == 0; i++) {
        if (strcasecmp(name, "Vary") == 0)
            vary = tine_printf(r, "%s%s%s", vary, *vary != '\0' ? "," : "", value);
    }
    return vary;
}

/* May all have it? An answer to a request with a cookie only if the handler says so. */
static bool is_for_all(tine_request *r, const struct cache_control *control, const char *vary)
{
    int status = tine_status(r);

    return (status == 200 || status == 301 || status == 404) && !control->no_store && !control->is_private && !control->no_cache &&
           (control->s_maxage >= 0 ? control->s_maxage : control->max_age) > 0 && tine_response_header(r, "Set-Cookie") == NULL &&
           !is_listed(vary, "*") &&
           (tine_header(r, "Cookie") == NULL || control->is_public || control->s_maxage > 0 || is_listed(vary, "Cookie"));
}

/* Under the key that others will look for; the list of Vary that is there stays if it is the same. */
static const char *place_for(tine_request *r, const struct cache *cache, const char *target, const char *vary, int64_t ttl_ms)
{
    const void *data;
    size_t length;
    uint64_t number;
    const char *known;

    if (*vary == '\0')
        return target;
    bool same = keep_get(cache->keep, r, target, &data, &length) == KEEP_OK && cache_entry_is_list(data, length, &number, &known) &&
                strcmp(known, vary) == 0;
    if (!same && getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return NULL;
    data = cache_entry_make_list(r, number, vary, &length);
    return keep_set(cache->keep, r, target, data, length, ttl_ms) == KEEP_OK ? variant_of(r, target, number, vary) : NULL;
}

/* Returns whether it is one that may be kept. */
static bool fill(tine_request *r, const struct cache *cache, const struct lookup *lookup)
{
    struct cache_control control;
    struct cache_entry entry = {.status = tine_status(r), .stored_ms = now_ms()};
    const char *vary = vary_of(r);
    size_t length;

    cache_control_of_answer(r, &control);
    entry.body = tine_response_body(r, &entry.body_length);
    if (entry.body == NULL || personal_is_marked(r) || !is_for_all(r, &control, vary) || !is_plain(r, cache, vary))
        return false;
    entry.fresh_ms = (control.s_maxage >= 0 ? control.s_maxage : control.max_age) * 1000;
    entry.fresh_ms = entry.fresh_ms < cache->max_ttl_ms ? entry.fresh_ms : cache->max_ttl_ms;
    entry.stale_ms = control.must_revalidate || control.stale_while_revalidate < 0 ? 0 : control.stale_while_revalidate * 1000;
    entry.stale_ms = entry.stale_ms < cache->max_ttl_ms ? entry.stale_ms : cache->max_ttl_ms;
    const void *data = cache_entry_make(r, &entry, &lookup->fields, &length);
    const char *key = data != NULL ? place_for(r, cache, lookup->target, vary, entry.fresh_ms + entry.stale_ms) : NULL;
    return key != NULL && keep_set(cache->keep, r, key, data, length, entry.fresh_ms + entry.stale_ms) == KEEP_OK;
}

/* 4.4: what was changed is not served as it was before. */
static bool changes(tine_request *r)
{
    int status = tine_status(r);

    return !is_method(r, "GET") && !is_method(r, "HEAD") && !is_method(r, "OPTIONS") && !is_method(r, "TRACE") && status >= 200 &&
           status < 400;
}

static int after(tine_request *r, tine_app *self)
{
    const struct cache *cache = tine_data(self);
    const struct lookup *lookup = tine_attribute(r, tine_printf(r, "cache.%s", tine_app_name(self)));

    if (changes(r))
        keep_delete(cache->keep, r, lookup->target);
    if (lookup->may_fill && !fill(r, cache, lookup) && lookup->filling)
        keep_set(cache->keep, r, pass_of(r, lookup), "1", 1, PASS_MS);
    if (lookup->filling)
        keep_delete(cache->keep, r, lock_of(r, lookup));
    return 0;
}

/* ---- the module ---- */

static int load(tine_app *app)
{
    if (tine_setting_number(app, "max_ttl") < 1000 || tine_setting_number(app, "max_ttl") > INT64_C(366) * 86400000)
        return tine_reject(app, "max_ttl", "must be from 1s to 366d");
    if (tine_setting_number(app, "fill") < 10 || tine_setting_number(app, "fill") > 60000)
        return tine_reject(app, "fill", "must be from 10ms to 60s");
    return keep_check(app);
}

static int worker_init(tine_app *app)
{
    struct cache *cache = calloc(1, sizeof *cache);

    if (cache == NULL)
        return tine_reject(app, NULL, "out of memory");
    cache->unkeyed = tine_setting(app, "unkeyed");
    cache->max_ttl_ms = tine_setting_number(app, "max_ttl");
    cache->fill_ms = tine_setting_number(app, "fill");
    cache->tell = tine_setting_number(app, "tell") != 0;
    cache->keep = keep_open(app);
    if (cache->keep == NULL) {
        free(cache);
        return -1;
    }
    tine_set_data(app, cache);
    return 0;
}

static void worker_exit(tine_app *app)
{
    struct cache *cache = tine_data(app);

    keep_close(cache->keep);
    free(cache);
}

static const tine_filter filter = TINE_FILTER("cache", .before = before, .after = after);

TINE_MODULE(.filters = TINE_FILTERS(&filter),
            .settings =
                (const tine_option[]){
                    {"max_ttl", TINE_TIME, "1h", "answers are fresh for no longer, whatever they say"},
                    {"fill", TINE_TIME, "2s", "so long others wait for the one that makes an answer; from 10ms to 60s"},
                    {"unkeyed", TINE_TEXT, "X-Request-Id, X-Forwarded-For, X-Forwarded-Proto, X-Real-IP",
                     "fields X-... and Forwarded on which no answer depends: requests with others do not fill the cache"},
                    {"tell", TINE_SWITCH, "off", "on: answers say X-Cache: hit or miss"},
                    KEEP_SETTINGS,
                    {0},
                },
            .load = load, .worker_init = worker_init, .worker_exit = worker_exit)
