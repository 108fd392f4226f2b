/* SPDX-License-Identifier: Apache-2.0
 *
 * rate_limit: a filter that lets so many requests through in a time, of one client, with one key, or to one handler. Runs in a worker.
 *
 *     [filter:calm]
 *     module = rate_limit
 *     limit = 100
 *     per = 1m
 *     by = address, route
 *
 * Each has a bucket of tokens, into which they come evenly: exact over all workers, and all machines with one `store`. What a client may
 * choose must not give it another bucket: an address is the one that trusted proxies tell, of IPv6 the network alone, and where a field
 * is missing or there more than once the address counts.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "common/keep.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    INTERVAL_US_MIN = 100, /* else rounding would cost more than 1 % */
    FIELD_SIZE = 64
};
#define FULL_US_MAX (INT64_C(366) * 24 * 3600 * 1000000)

/* What a [filter:NAME] keeps. */
struct limit {
    struct keep *keep;
    int64_t interval_us, burst;
    int prefix; /* of IPv6 */
    bool by_address, by_route, open;
    char field[FIELD_SIZE]; /* "": by none */
    char policy[160];       /* RateLimit-Policy */
};

/* ---- whose bucket ---- */

/* IPv6 as its network: who has one has all of its addresses. */
static const char *network_of(tine_request *r, int prefix)
{
    const char *client = tine_client(r);
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (inet_pton(AF_INET6, client, &address) != 1)
        return client;
    for (int bit = prefix; bit < 128; bit++)
        address.s6_addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
    inet_ntop(AF_INET6, &address, text, sizeof text);
    return tine_printf(r, "%s/%d", text, prefix);
}

/* NULL when it is not there, empty, or there several times: then nobody knows which of them a handler goes by. */
static const char *only_value(tine_request *r, const char *wanted)
{
    const char *name, *value, *found = NULL;

    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++) {
        if (strcasecmp(name, wanted) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = value;
    }
    return found != NULL && *found != '\0' ? found : NULL;
}

/* What the client says comes last, and no line end can be in it: so it cannot look like anything else. */
static const char *key_of(tine_request *r, const struct limit *limit)
{
    const char *route = limit->by_route ? tine_handler_name(r) : NULL;
    const char *value = limit->field[0] != '\0' ? only_value(r, limit->field) : NULL;
    bool by_address = limit->by_address || (limit->field[0] != '\0' && value == NULL);

    return tine_printf(r, "%s\n%s\n%s%s", by_address ? network_of(r, limit->prefix) : "", route != NULL ? route : "",
                       value != NULL ? "=" : "", value != NULL ? value : "");
}

/* ---- the filter ---- */

static int64_t seconds(int64_t us)
{
    return (us + 999999) / 1000000;
}

static int before(tine_request *r, tine_app *self)
{
    const struct limit *limit = tine_data(self);
    int64_t wait_us, left;

    if (keep_take(limit->keep, r, key_of(r, limit), limit->interval_us, limit->burst, &wait_us, &left) != KEEP_OK) {
        if (limit->open)
            return 0;
        tine_set_header(r, "Retry-After", "1");
        return tine_problem(r, 503, "it is not known whether this is too often; try again later");
    }
    tine_add_header(r, "RateLimit-Policy", limit->policy);
    tine_add_header(r, "RateLimit", tine_printf(r, "\"%s\";r=%" PRId64 ";t=%" PRId64, tine_app_name(self), left,
                                                seconds(wait_us > 0 ? wait_us : (limit->burst - left) * limit->interval_us)));
    if (wait_us == 0)
        return 0;
    tine_set_header(r, "Retry-After", tine_printf(r, "%" PRId64, seconds(wait_us)));
    return tine_problem(r, 429, "too many requests; try again in %" PRId64 " s", seconds(wait_us));
}

/* It looks, and counts when the request is there. Who has come too often is not let on to filters further in either: one that lets in by
 * a password would tell whether it was right. */
static int early(tine_request *r, tine_app *self)
{
    const struct limit *limit = tine_data(self);
    int64_t wait_us;

    if (keep_look(limit->keep, r, key_of(r, limit), limit->interval_us, limit->burst, &wait_us) != KEEP_OK)
        return limit->open ? 0 : 503;
    return wait_us == 0 ? 0 : 429;
}

/* ---- the module ---- */

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool alphanumeric = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z');
        if (!alphanumeric && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
            return false;
    }
    return length > 0;
}

/* One of `by`: false when it is nothing, or there already. */
static bool read_by(struct limit *limit, const char *word, size_t length)
{
    static const char header[] = "header:";
    size_t prefix = sizeof header - 1;
    bool *flag = length == 7 && strncmp(word, "address", 7) == 0 ? &limit->by_address
                 : length == 5 && strncmp(word, "route", 5) == 0 ? &limit->by_route
                                                                 : NULL;

    if (flag != NULL) {
        bool twice = *flag;
        *flag = true;
        return !twice;
    }
    if (length <= prefix || strncmp(word, header, prefix) != 0 || limit->field[0] != '\0' || length - prefix >= FIELD_SIZE ||
        !is_token(word + prefix, length - prefix))
        return false;
    memcpy(limit->field, word + prefix, length - prefix);
    return true;
}

static int read_all_by(tine_app *app, struct limit *limit)
{
    const char *rest = tine_setting(app, "by");

    do {
        rest += strspn(rest, ", \t");
        size_t length = strcspn(rest, ", \t");
        if (!read_by(limit, rest, length))
            return tine_reject(app, "by", "'%.*s' is not one of address, route and header:NAME, each once", (int)length, rest);
        rest += length;
    } while (rest[strspn(rest, ", \t")] != '\0');
    return 0;
}

static int read_rate(tine_app *app, struct limit *limit)
{
    int64_t count = tine_setting_number(app, "limit"), per_ms = tine_setting_number(app, "per"), burst = tine_setting_number(app, "burst");

    if (per_ms < 1 || per_ms > FULL_US_MAX / 1000)
        return tine_reject(app, "per", "must be from 1ms to 366d");
    if (count < 1 || count > per_ms * 1000 / INTERVAL_US_MIN)
        return tine_reject(app, "limit", "must be from 1 to 10000 for each second of `per`");
    limit->interval_us = per_ms * 1000 / count;
    if (burst < 0 || burst > FULL_US_MAX / limit->interval_us)
        return tine_reject(app, "burst", "must be from 1, and what comes in within 366d, or 0: as many as `limit`");
    limit->burst = burst > 0 ? burst : count;
    int length = snprintf(limit->policy, sizeof limit->policy, "\"%s\";q=%" PRId64, tine_app_name(app), count);
    if (per_ms % 1000 == 0 && length < (int)sizeof limit->policy) /* the field has whole seconds */
        snprintf(limit->policy + length, sizeof limit->policy - (size_t)length, ";w=%" PRId64, per_ms / 1000);
    return 0;
}

static int read_settings(tine_app *app, struct limit *limit)
{
    const char *on_failure = tine_setting(app, "on_failure");
    int64_t prefix = tine_setting_number(app, "ipv6_prefix");

    if (read_rate(app, limit) < 0 || read_all_by(app, limit) < 0)
        return -1;
    if (prefix < 1 || prefix > 128)
        return tine_reject(app, "ipv6_prefix", "must be from 1 to 128");
    limit->prefix = (int)prefix;
    limit->open = strcmp(on_failure, "open") == 0;
    if (!limit->open && strcmp(on_failure, "closed") != 0)
        return tine_reject(app, "on_failure", "must be 'open' or 'closed', not '%s'", on_failure);
    return keep_check(app);
}

static int load(tine_app *app)
{
    struct limit limit = {0};

    return read_settings(app, &limit);
}

static int worker_init(tine_app *app)
{
    struct limit *limit = calloc(1, sizeof *limit);

    if (limit == NULL)
        return tine_reject(app, NULL, "out of memory");
    if (read_settings(app, limit) < 0 || (limit->keep = keep_open(app)) == NULL) {
        free(limit);
        return -1;
    }
    tine_set_data(app, limit);
    return 0;
}

static void worker_exit(tine_app *app)
{
    struct limit *limit = tine_data(app);

    keep_close(limit->keep);
    free(limit);
}

static const tine_filter filter = TINE_FILTER("rate_limit", .before = before, .early = early);

TINE_MODULE(.filters = TINE_FILTERS(&filter),
            .settings =
                (const tine_option[]){
                    {"limit", TINE_INTEGER, NULL, "so many requests"},
                    {"per", TINE_TIME, "1m", "in so long"},
                    {"burst", TINE_INTEGER, "0", "so many at once by who has been quiet; 0: `limit`"},
                    {"by", TINE_TEXT, "address", "who has a bucket: each address, route, header:NAME, or several of them together"},
                    {"ipv6_prefix", TINE_INTEGER, "64", "bits of an IPv6 address that count"},
                    {"on_failure", TINE_TEXT, "open", "while the store is away: open (let through) or closed (503)"},
                    KEEP_SETTINGS,
                    {0},
                },
            .load = load, .worker_init = worker_init, .worker_exit = worker_exit)
