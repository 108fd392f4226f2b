/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests without a socket: a configuration with its modules in this process, and one request at a time through the same parser, limits,
 * filters, routes and handlers as in a worker. For `tine call` and the harness of tine_test.h. It stands where src/worker stands, but for
 * one client who sends all at once, reads all at once and has no time limits; nobody looks after a handler that crashes or hangs.
 */
#ifndef APP_DIRECT_H
#define APP_DIRECT_H

#include "app/apps.h"
#include "base/buffer.h"
#include "http/head.h"
#include "shared/store.h"

struct direct {
    struct config *config;
    struct apps *apps;
    struct store_map shared;
    struct head_limits head_limits;
};

/* Loads the modules and, with 'start', runs every worker_init. Takes the configuration, which must be without errors. Returns 0, or -1 with
 * reasons added; direct_close() is due in both cases. */
int direct_open(struct direct *direct, struct config *config, bool start, struct errors *errors);

/* Runs every worker_exit, and frees all but the modules' code. */
void direct_close(struct direct *direct);

/* What a client would send: the head, then the body as it stands. */
struct direct_request {
    const char *method, *target;
    const char *fields; /* lines "Name: value", each ended by LF or CRLF but for the last; Host and Content-Length are added unless they are
                           there */
    const char *host;   /* NULL: "localhost" */
    const char *body;   /* NULL: none, which is not the same as one of no bytes */
    size_t length;
};

void direct_format(struct buffer *out, const struct direct_request *request);

/* Is there a line of that name? */
bool direct_has_field(struct slice fields, struct slice name);

/* Who gets the answer, while it is made. */
struct direct_client {
    void *context;
    void (*head)(void *context, struct slice bytes); /* once: status line and fields, the empty line included */
    void (*body)(void *context, struct slice bytes); /* content, whatever it is sent in; any number of times */
    int64_t patience; /* ms that tine_sleep() and tine_wait() may take in sum before it says that the worker is to end; negative: any */
};

struct direct_answer {
    int status;
    bool whole; /* false: the answer ended before its end, as a connection that breaks */
};

/* Sends one request and runs all that it is answered by. 'bytes' must stay until it returns. What is sent behind the request is passed
 * over. */
struct direct_answer direct_call(struct direct *direct, char *bytes, size_t length, const struct direct_client *client);

#endif
