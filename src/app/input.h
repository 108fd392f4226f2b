/* SPDX-License-Identifier: Apache-2.0
 *
 * What was taken apart of a request for its handler, and what was wrong with it. Made, in the request's arena, when a handler first asks.
 * Runs in workers.
 */
#ifndef APP_INPUT_H
#define APP_INPUT_H

#include "app/request.h"

struct parts;
struct found_part;

/* Of a pair, in a query or form: an offset, for the text may move with the head that it is in. */
struct pair_place {
    size_t index, at;
};

struct input {
    int failure;        /* status of the first one; 0: none */
    const char *reason; /* of it */
    uint64_t at;        /* how far tine_read() has come in a whole body */
    json_t *json;       /* the body */
    bool form_known;    /* 'form' was looked for; */
    struct slice form;  /* data is NULL if it could not be had */
    struct pair_place query_at, form_at; /* of the pairs asked for last */
    struct parts *parts;   /* as the handler goes through them */
    struct parts *looking; /* for one of them */
    struct found_part *found; /* that were looked for, the last one first */
};

struct input *input_of(struct tine_request *r);
void input_release(struct input *input);

/* The client's fault: builds the problem, unless it is not the first. Returns the status of the first. For a filter nothing is built
 * before it returns that status: it may as well go on. */
int input_fail(struct tine_request *r, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What to say of a failure that nothing was built for; "" when 'status' is of something else. */
const char *input_reason(const struct tine_request *r, int status);

/* The handler's own fault: logged, and a 500. */
int input_mistake(struct tine_request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Has the handler such memory to be read into? False, as a mistake of its, if it is NULL, or negative. */
bool input_takes(struct tine_request *r, const char *call, const void *buffer, size_t size);

/* As tine_param(), without a word where there is none. */
const char *input_param(struct tine_request *r, const char *name);

/* All of the body, where it is kept: a .stream handler's client is waited for. False after a failure. */
bool input_gather(struct tine_request *r);

/* The same, in memory. */
bool input_body(struct tine_request *r, struct slice *body);

/* Is that the body's media type, whatever its parameters? */
bool input_type_is(struct tine_request *r, struct slice type);

/* Is the body in UTF-8, as far as a charset parameter in its type says? False after the 415. */
bool input_is_utf8(struct tine_request *r, const char *type);

/* Is the body as its type says, in no content coding? False after the 415. */
bool input_is_uncoded(struct tine_request *r);

/* Text of the first plain field of that name in a multipart/form-data body, wherever the handler is in it, unless it began with one that
 * arrives. NULL when there is none, or after a failure. */
const char *parts_find(struct tine_request *r, const char *name);

/* The parts of the body: what reads them, in the arena, with all of [limits] body_memory for their text, and at the first one again. */
struct parts *parts_new(struct tine_request *r);
void parts_start(struct tine_request *r, struct parts *parts);

/* Descriptors of parts. */
void parts_release(struct parts *parts);

#endif
