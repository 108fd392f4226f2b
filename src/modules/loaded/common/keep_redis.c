/* SPDX-License-Identifier: Apache-2.0
 *
 * See keep.h: in Redis. Each worker has one connection, made when it is first needed. hiredis writes the commands and reads the answers; the bytes
 * go by link.c, because hiredis knows a time for each read but none for a whole answer.
 *
 * Redis is down when it cannot be connected to, does not answer within `store_timeout`, or says that it is not (or no longer) the one to
 * ask. The connection is closed then, for what comes later on it would be taken for the next answer, and the worker asks nothing for a time that
 * doubles with each failure. A connection that was closed while it was idle, by a restart say, is no failure: it is made again, once, and the command
 * sent again. It may have been carried out before: a token is then taken twice, and keep_add() says that the key is there.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "keep_inside.h"

#include "link.h"

#include <hiredis.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MS = 100, /* doubled with each failure, up to */
    RETRY_MAX_MS = 5000,
    TELL_AGAIN_MS = 60000, /* while it stays so */
    REPLY_MAX = 2 * KEEP_VALUE_MAX,
    READ_SIZE = 16384,
    ARGUMENTS_MAX = 8,
    NUMBER_SIZE = 24,
    SHA1_SIZE = 20
};

/* Redis' own clock, so that those of machines do not matter. See take_at() in keep_memory.c; doubles hold these numbers exactly. */
static const char take_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local interval, size = tonumber(ARGV[1]), ARGV[1] * ARGV[2]\n"
    "local full = tonumber(redis.call('GET', KEYS[1]) or 0) or 0\n"
    "local from = math.min(math.max(full, now), now + size)\n"
    "local earliest = from + interval - size\n"
    "if earliest > now then return {earliest - now, 0} end\n"
    "full = from + interval\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.floor((full - now) / 1000) + 1))\n"
    "return {0, math.floor((now - earliest) / interval)}\n";

struct redis {
    struct store_url url;
    struct link link;
    redisReader *reader; /* NULL: not connected */
    bool unproven;       /* no command has been answered yet on this connection */
    int64_t timeout_ms, retry_at;
    int failures;
    char take_sha1[2 * SHA1_SIZE + 1];
};

/* One command, and the request on whose behalf it is. */
struct command {
    struct keep *keep;
    tine_request *r;
    int count;
    const char *words[ARGUMENTS_MAX];
    size_t lengths[ARGUMENTS_MAX];
    char numbers[2][NUMBER_SIZE];
};

static void add_bytes(struct command *command, const char *word, size_t length)
{
    command->words[command->count] = word;
    command->lengths[command->count++] = length;
}

static void add_word(struct command *command, const char *word)
{
    add_bytes(command, word, strlen(word));
}

static void add_number(struct command *command, int i, int64_t number)
{
    snprintf(command->numbers[i], NUMBER_SIZE, "%" PRId64, number);
    add_word(command, command->numbers[i]);
}

static void add_key(struct command *command, const char *key)
{
    add_word(command, tine_printf(command->r, "tine:%s:%s", tine_app_name(command->keep->app), key));
}

/* ---- what the log is told ---- */

/* One line, whichever worker comes first, and again after a minute. */
static bool is_first_to_tell(tine_request *r, const char *what)
{
    return tine_shared_add(r, what, "", 0, TELL_AGAIN_MS) == 1;
}

static const char *place(tine_request *r, const struct store_url *url)
{
    return url->is_unix ? url->host : tine_printf(r, strchr(url->host, ':') != NULL ? "[%s]:%s" : "%s:%s", url->host, url->port);
}

static void disconnect(struct redis *redis)
{
    link_close(&redis->link);
    if (redis->reader != NULL)
        redisReaderFree(redis->reader);
    redis->reader = NULL;
}

static void went_down(const struct command *command, const char *reason)
{
    struct redis *redis = command->keep->redis;
    int64_t now = link_clock();
    int64_t pause = redis->failures < 6 ? RETRY_MS << redis->failures : RETRY_MAX_MS;
    redis->failures++;
    redis->retry_at = now + pause - now % (pause / 4); /* workers do not all come at once */
    if (is_first_to_tell(command->r, "!down"))
        tine_log(command->r, TINE_WARNING, "[%s] store: Redis at %s is down: %s", tine_app_name(command->keep->app),
                 place(command->r, &redis->url), reason);
    disconnect(redis);
}

static void answered(const struct command *command)
{
    struct redis *redis = command->keep->redis;
    if (!redis->unproven)
        return;
    redis->unproven = false;
    redis->failures = 0;
    if (tine_shared_delete(command->r, "!down") == 1)
        tine_log(command->r, TINE_INFO, "[%s] store: Redis at %s is back", tine_app_name(command->keep->app), place(command->r, &redis->url));
}

/* ---- one command, one answer ---- */

static enum link_result read_reply(struct redis *redis, int64_t deadline, redisReply **reply)
{
    char bytes[READ_SIZE];
    size_t length, all = 0;
    void *got = NULL;
    for (;;) {
        if (redisReaderGetReply(redis->reader, &got) != REDIS_OK || all > REPLY_MAX) {
            snprintf(redis->link.error, sizeof redis->link.error, "%s", all > REPLY_MAX ? "its answer is too long" : redis->reader->errstr);
            return LINK_FAILED;
        }
        *reply = got;
        if (got != NULL)
            return LINK_OK;
        enum link_result result = link_read(&redis->link, bytes, sizeof bytes, &length, deadline);
        if (result != LINK_OK)
            return result == LINK_ENDED && all > 0 ? LINK_FAILED : result;
        all += length;
        redisReaderFeed(redis->reader, bytes, length);
    }
}

static enum link_result exchange(const struct command *command, int64_t deadline, redisReply **reply)
{
    struct redis *redis = command->keep->redis;
    char *bytes = NULL;
    int length = redisFormatCommandArgv(&bytes, command->count, (const char **)command->words, command->lengths);
    *reply = NULL;
    if (length < 0) {
        snprintf(redis->link.error, sizeof redis->link.error, "out of memory");
        return LINK_FAILED;
    }
    enum link_result result = link_write(&redis->link, bytes, (size_t)length, deadline);
    redisFreeCommand(bytes);
    return result == LINK_OK ? read_reply(redis, deadline, reply) : result;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A step of the greeting; false with link.error. A PING that this user may not send has been answered as well. */
static bool greet(const struct command *step, int64_t deadline)
{
    redisReply *reply;
    struct redis *redis = step->keep->redis;
    if (exchange(step, deadline, &reply) != LINK_OK)
        return false;
    bool refused = reply->type == REDIS_REPLY_ERROR && !(begins_with(step->words[0], "PING") && begins_with(reply->str, "NOPERM"));
    if (refused)
        snprintf(redis->link.error, sizeof redis->link.error, "%s: %.150s", step->words[0], reply->str);
    freeReplyObject(reply);
    return !refused;
}

/* Connected is only who has answered: a Redis that is stopped still gets connections, from its kernel. */
static bool connect_redis(const struct command *command)
{
    struct redis *redis = command->keep->redis;
    struct command auth = {.keep = command->keep}, choose = auth, ping = auth;
    int64_t deadline = link_clock() + redis->timeout_ms;
    disconnect(redis);
    if (!link_open(&redis->link, &redis->url, deadline))
        return false;
    redis->reader = redisReaderCreate();
    redis->unproven = true;
    if (redis->reader == NULL) {
        snprintf(redis->link.error, sizeof redis->link.error, "out of memory");
        return false;
    }
    add_word(&auth, "AUTH");
    if (redis->url.user[0] != 0)
        add_word(&auth, redis->url.user);
    add_word(&auth, redis->url.password);
    add_word(&choose, "SELECT");
    add_number(&choose, 0, redis->url.database);
    add_word(&ping, "PING");
    return (redis->url.password[0] == 0 || greet(&auth, deadline)) && (redis->url.database == 0 || greet(&choose, deadline)) &&
           greet(&ping, deadline);
}

/* What says that another is to be asked, or this one later. */
static bool says_down(const char *error)
{
    return begins_with(error, "LOADING") || begins_with(error, "READONLY") || begins_with(error, "MASTERDOWN") || begins_with(error, "NOAUTH");
}

/* The error is the command's: Redis is there, and other commands may do. */
static redisReply *refused(const struct command *command, redisReply *reply)
{
    const struct keep *keep = command->keep;
    if (says_down(reply->str))
        went_down(command, reply->str);
    else if (is_first_to_tell(command->r, "!refused"))
        tine_log(command->r, TINE_ERROR, "[%s] store: Redis at %s refuses %s: %s", tine_app_name(keep->app),
                 place(command->r, &keep->redis->url), command->words[0], reply->str);
    freeReplyObject(reply);
    return NULL;
}

/* The answer, which the caller frees and which may be the error NOSCRIPT; NULL: there is none now. */
static redisReply *ask(const struct command *command)
{
    struct redis *redis = command->keep->redis;
    redisReply *reply = NULL;
    enum link_result result = LINK_ENDED;
    if (redis->reader != NULL)
        result = exchange(command, link_clock() + redis->timeout_ms, &reply);
    else if (link_clock() < redis->retry_at)
        return NULL;
    if (result == LINK_ENDED)
        result = connect_redis(command) ? exchange(command, link_clock() + redis->timeout_ms, &reply) : LINK_FAILED;
    if (result != LINK_OK) {
        went_down(command, redis->link.error);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR && !begins_with(reply->str, "NOSCRIPT"))
        return refused(command, reply);
    answered(command);
    return reply;
}

/* ---- what is asked ---- */

enum keep_result redis_get(struct keep *keep, tine_request *r, const char *key, const void **data, size_t *length)
{
    struct command command = {.keep = keep, .r = r};
    add_word(&command, "GET");
    add_key(&command, key);
    redisReply *reply = ask(&command);
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

enum keep_result redis_set(struct keep *keep, tine_request *r, const char *key, const void *data, size_t length, int64_t ttl_ms, bool only_new)
{
    struct command command = {.keep = keep, .r = r};
    add_word(&command, "SET");
    add_key(&command, key);
    add_bytes(&command, length > 0 ? data : "", length);
    if (only_new)
        add_word(&command, "NX");
    if (ttl_ms > 0) {
        add_word(&command, "PX");
        add_number(&command, 0, ttl_ms);
    }
    redisReply *reply = ask(&command);
    enum keep_result result = reply == NULL ? KEEP_DOWN : reply->type == REDIS_REPLY_STATUS ? KEEP_OK : KEEP_NONE;
    freeReplyObject(reply);
    return result;
}

enum keep_result redis_delete(struct keep *keep, tine_request *r, const char *key)
{
    struct command command = {.keep = keep, .r = r};
    add_word(&command, "DEL");
    add_key(&command, key);
    redisReply *reply = ask(&command);
    enum keep_result result = reply == NULL ? KEEP_DOWN : reply->integer == 1 ? KEEP_OK : KEEP_NONE;
    freeReplyObject(reply);
    return result;
}

static redisReply *ask_take(struct keep *keep, tine_request *r, const char *name, const char *script, const char *key, struct keep_rate rate)
{
    struct command command = {.keep = keep, .r = r};
    add_word(&command, name);
    add_word(&command, script);
    add_word(&command, "1");
    add_key(&command, key);
    add_number(&command, 0, rate.interval_us);
    add_number(&command, 1, rate.burst);
    return ask(&command);
}

enum keep_result redis_take(struct keep *keep, tine_request *r, const char *key, struct keep_rate rate, int64_t *wait_us, int64_t *left)
{
    redisReply *reply = ask_take(keep, r, "EVALSHA", keep->redis->take_sha1, key, rate);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) { /* NOSCRIPT: it has been restarted, or never seen it */
        freeReplyObject(reply);
        reply = ask_take(keep, r, "EVAL", take_script, key, rate);
    }
    bool understood = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    if (understood) {
        *wait_us = reply->element[0]->integer;
        *left = reply->element[1]->integer;
    }
    freeReplyObject(reply);
    return understood ? KEEP_OK : KEEP_DOWN;
}

/* ---- the beginning and the end ---- */

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
    disconnect(redis);
    link_release(&redis->link);
    free(redis);
}
