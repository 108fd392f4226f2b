/* SPDX-License-Identifier: Apache-2.0
 *
 * One command to Redis, and its answer, on the one connection of this worker.
 */
#ifndef LOADED_COMMON_REDIS_H
#define LOADED_COMMON_REDIS_H

#include "keep_inside.h"

#include "link.h"

#include <hiredis.h>

enum {
    ARGUMENTS_MAX = 8,
    NUMBER_SIZE = 24,
    SHA1_SIZE = 20
};

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
    unsigned expected; /* 1 << REDIS_REPLY_...: types of answers that make sense */
};

void command_add_bytes(struct command *command, const char *word, size_t length);
void command_add_word(struct command *command, const char *word);
void command_add_number(struct command *command, int i, int64_t number); /* 'i' is 0 for the first, 1 for the second */
void command_add_key(struct command *command, const char *key);

/* The answer, which the caller frees, of a type that was expected; an error is NOSCRIPT then. NULL: there is none now, which has been
 * told to the log if need be. */
redisReply *redis_ask(const struct command *command);

void redis_disconnect(struct redis *redis);

#endif
