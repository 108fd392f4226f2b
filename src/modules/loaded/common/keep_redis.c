/* SPDX-License-Identifier: Apache-2.0
 *
 * See keep.h: in Redis. How it is asked is in redis.c.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "redis.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Redis' own clock, so that those of machines do not matter. See take_at() in keep_memory.c; doubles hold these numbers exactly. */
static const char take_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local interval, size = tonumber(ARGV[1]), ARGV[1] * ARGV[2]\n"
    "local full = tonumber(redis.call('GET', KEYS[1]) or 0) or 0\n"
    "local from = math.min(math.max(full, now), now + size)\n"
    "local earliest = from + interval - size\n"
    "if earliest > now then return {earliest - now, 0} end\n"
    "if ARGV[3] == '1' then return {0, math.floor((now - earliest) / interval)} end\n"
    "full = from + interval\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.floor((full - now) / 1000) + 1))\n"
    "return {0, math.floor((now - earliest) / interval)}\n";

enum keep_result redis_get(struct keep *keep, tine_request *r, const char *key, const void **data, size_t *length)
{
    struct command command = {.keep = keep, .r = r, .expected = 1u << REDIS_REPLY_STRING | 1u << REDIS_REPLY_NIL};
    command_add_word(&command, "GET");
    command_add_key(&command, key);
    redisReply *reply = redis_ask(&command);
    enum keep_result result = reply == NULL ? KEEP_DOWN : KEEP_NONE;
    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        char *copy = tine_alloc(r, (size_t)reply->len + 1);
        memcpy(copy, reply->str, (size_t)reply->len + 1);
        *data = copy;
        *length = (size_t)reply->len;
        result = KEEP_OK;
    }
    freeReplyObject(reply);
    return result;
}

enum keep_result redis_set(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms,
                           bool only_new)
{
    struct command command = {.keep = keep, .r = r, .expected = 1u << REDIS_REPLY_STATUS | 1u << REDIS_REPLY_NIL};
    command_add_word(&command, "SET");
    command_add_key(&command, key);
    command_add_bytes(&command, length > 0 ? data : "", length);
    if (only_new)
        command_add_word(&command, "NX");
    if (ttl_ms > 0) {
        command_add_word(&command, "PX");
        command_add_number(&command, 0, ttl_ms);
    }
    redisReply *reply = redis_ask(&command);
    enum keep_result result = reply == NULL ? KEEP_DOWN : reply->type == REDIS_REPLY_STATUS ? KEEP_OK : KEEP_NONE;
    freeReplyObject(reply);
    return result;
}

enum keep_result redis_delete(struct keep *keep, tine_request *r, const char *key)
{
    struct command command = {.keep = keep, .r = r, .expected = 1u << REDIS_REPLY_INTEGER};
    command_add_word(&command, "DEL");
    command_add_key(&command, key);
    redisReply *reply = redis_ask(&command);
    enum keep_result result = reply == NULL ? KEEP_DOWN : reply->integer == 1 ? KEEP_OK : KEEP_NONE;
    freeReplyObject(reply);
    return result;
}

/* By its hash, or as text, which Redis then knows. */
static redisReply *ask_take(struct keep *keep, tine_request *r, const char *sha1, const char *key, struct keep_rate rate)
{
    struct command command = {.keep = keep, .r = r, .expected = 1u << REDIS_REPLY_ARRAY | (sha1 != NULL ? 1u << REDIS_REPLY_ERROR : 0)};
    command_add_word(&command, sha1 != NULL ? "EVALSHA" : "EVAL");
    command_add_word(&command, sha1 != NULL ? sha1 : take_script);
    command_add_word(&command, "1");
    command_add_key(&command, key);
    command_add_number(&command, 0, rate.interval_us);
    command_add_number(&command, 1, rate.burst);
    command_add_word(&command, rate.look ? "1" : "0");
    return redis_ask(&command);
}

enum keep_result redis_take(struct keep *keep, tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left)
{
    redisReply *reply = ask_take(keep, r, keep->redis->take_sha1, key, rate);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) { /* NOSCRIPT: it has been restarted, or never seen it */
        freeReplyObject(reply);
        reply = ask_take(keep, r, NULL, key, rate);
    }
    bool understood = reply != NULL && reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_INTEGER &&
                      reply->element[1]->type == REDIS_REPLY_INTEGER;
    if (understood) {
        *wait_us = reply->element[0]->integer;
        *left = reply->element[1]->integer;
    }
    freeReplyObject(reply);
    return understood ? KEEP_OK : KEEP_DOWN;
}

int redis_check(tine_app *app)
{
    struct store_url url;
    const char *wrong = store_url_parse(tine_setting(app, "store"), &url);
    if (wrong == NULL && !url.tls && tine_setting(app, "store_ca")[0] != 0)
        return tine_reject(app, "store_ca", "is for TLS, and the store is not rediss://");
    return wrong == NULL ? 0 : tine_reject(app, "store", "%s", wrong);
}

struct redis *redis_open(tine_app *app)
{
    unsigned char sha1[EVP_MAX_MD_SIZE];
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL) {
        tine_reject(app, "store", "out of memory");
        return NULL;
    }
    store_url_parse(tine_setting(app, "store"), &redis->url);
    redis->timeout_ms = tine_setting_number(app, "store_timeout");
    if (!link_init(&redis->link, &redis->url, tine_setting(app, "store_ca"))) {
        tine_reject(app, "store_ca", "%s", redis->link.error);
        free(redis);
        return NULL;
    }
    /* As Redis names scripts; nothing is secured by it. */
    EVP_Digest(take_script, sizeof take_script - 1, sha1, NULL, EVP_sha1(), NULL);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        snprintf(redis->take_sha1 + 2 * i, 3, "%02x", sha1[i]);
    return redis;
}

void redis_close(struct redis *redis)
{
    if (redis == NULL)
        return;
    redis_disconnect(redis);
    link_release(&redis->link);
    free(redis);
}
