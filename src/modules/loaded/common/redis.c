/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis.h. hiredis writes the commands and reads the answers; the bytes go by link.c, because hiredis knows a time for each read but
 * none for a whole answer.
 *
 * Redis is down when it cannot be connected to, does not answer within `store_timeout`, or says that it is not (or no longer) the one to
 * ask. The connection is closed then, for what comes later on it would be taken for the next answer, and the worker asks nothing for a
 * time that doubles with each failure. A connection that was closed while it was idle, by a restart say, is no failure: it is made again,
 * once, and the command sent again. It may have been carried out before: a token is then taken twice, and keep_add() says that the key is
 * there.
 *
 * Needs: hiredis libssl libcrypto
 */
#include "redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    RETRY_MS = 100, /* doubled with each failure, up to */
    RETRY_MAX_MS = 5000,
    TELL_AGAIN_MS = 60000, /* while it stays so */
    REPLY_MAX = 2 * KEEP_VALUE_MAX,
    ELEMENTS_MAX = 16, /* of an array in an answer */
    READ_SIZE = 16384,
};

void command_add_bytes(struct command *command, const char *word, size_t length)
{
    command->words[command->count] = word;
    command->lengths[command->count++] = length;
}

void command_add_word(struct command *command, const char *word)
{
    command_add_bytes(command, word, strlen(word));
}

void command_add_number(struct command *command, int i, int64_t number)
{
    snprintf(command->numbers[i], NUMBER_SIZE, "%" PRId64, number);
    command_add_word(command, command->numbers[i]);
}

void command_add_key(struct command *command, const char *key)
{
    command_add_word(command, tine_printf(command->r, "tine:%s:%s", tine_app_name(command->keep->app), key));
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

void redis_disconnect(struct redis *redis)
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
    redis_disconnect(redis);
}

static void answered(const struct command *command)
{
    struct redis *redis = command->keep->redis;
    if (!redis->unproven)
        return;
    redis->unproven = false;
    redis->failures = 0;
    if (tine_shared_delete(command->r, "!down") == 1)
        tine_log(command->r, TINE_INFO, "[%s] store: Redis at %s is back", tine_app_name(command->keep->app),
                 place(command->r, &redis->url));
}

/* ---- one command, one answer ---- */

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static redisReplyObjectFunctions bounded;
static void *(*create_array)(const redisReadTask *task, element_count count);

/* hiredis makes room for as many elements as an answer says it will have, and looks at each when it is freed: two billion would be that
 * many. */
static void *create_small_array(const redisReadTask *task, element_count count)
{
    return count <= ELEMENTS_MAX ? create_array(task, count) : NULL;
}

static redisReader *create_reader(void)
{
    redisReader *reader = redisReaderCreate();
    if (reader == NULL)
        return NULL;
    bounded = *reader->fn;
    create_array = bounded.createArray;
    bounded.createArray = create_small_array;
    reader->fn = &bounded;
    return reader;
}

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
static bool connect_redis(const struct command *command, int64_t deadline)
{
    struct redis *redis = command->keep->redis;
    struct command auth = {.keep = command->keep}, choose = auth, ping = auth;
    redis_disconnect(redis);
    if (!link_open(&redis->link, &redis->url, deadline))
        return false;
    redis->reader = create_reader();
    redis->unproven = true;
    if (redis->reader == NULL) {
        snprintf(redis->link.error, sizeof redis->link.error, "out of memory");
        return false;
    }
    command_add_word(&auth, "AUTH");
    if (redis->url.user[0] != 0)
        command_add_word(&auth, redis->url.user);
    command_add_word(&auth, redis->url.password);
    command_add_word(&choose, "SELECT");
    command_add_number(&choose, 0, redis->url.database);
    command_add_word(&ping, "PING");
    return (redis->url.password[0] == 0 || greet(&auth, deadline)) && (redis->url.database == 0 || greet(&choose, deadline)) &&
           greet(&ping, deadline);
}

/* What says that another is to be asked, or this one later. */
static bool says_down(const char *error)
{
    return begins_with(error, "LOADING") || begins_with(error, "READONLY") || begins_with(error, "MASTERDOWN") ||
           begins_with(error, "NOAUTH");
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

/* What a connection that turns out to be closed has taken is gone from the time to make another: so it takes twice the timeout at most. */
redisReply *redis_ask(const struct command *command)
{
    struct redis *redis = command->keep->redis;
    int64_t deadline = link_clock() + redis->timeout_ms;
    redisReply *reply = NULL;
    enum link_result result = LINK_ENDED;
    if (redis->reader != NULL)
        result = exchange(command, deadline, &reply);
    else if (link_clock() < redis->retry_at)
        return NULL;
    if (result == LINK_ENDED)
        result = connect_redis(command, deadline) ? exchange(command, link_clock() + redis->timeout_ms, &reply) : LINK_FAILED;
    if (result != LINK_OK) {
        went_down(command, redis->link.error);
        return NULL;
    }
    bool makes_sense = (command->expected >> reply->type & 1) != 0;
    if (reply->type == REDIS_REPLY_ERROR && !(makes_sense && begins_with(reply->str, "NOSCRIPT")))
        return refused(command, reply);
    if (!makes_sense) {
        went_down(command, "its answer makes no sense");
        freeReplyObject(reply);
        return NULL;
    }
    answered(command);
    return reply;
}
