/* SPDX-License-Identifier: Apache-2.0
 *
 * From the bytes behind a head to a request's body: counted or chunked, and within the limits of whose app it is for. Where the bytes come
 * from, and who waits for them, is not known here: a worker has them from a connection, app/direct.c in memory. Runs where requests do.
 */
#ifndef APP_RECEIVE_H
#define APP_RECEIVE_H

#include "app/request.h"
#include "http/chunked.h"

enum { RECEIVE_LEFT_OVER_MAX = 1 << 18 }; /* bytes that a .stream handler did not want, and that are read over */

/* Gets ready for the body of a request that was prepared. Returns 0, or the status to refuse it with at once, with *reason. */
int receive_begin(struct tine_request *r, const struct config *config, const struct head_limits *trailers, const char **reason);

/* Takes what has come. Returns 0 for more to come, 1 when the body is whole, or the status to refuse it with; *used bytes were taken. */
int receive_take(struct tine_request *r, const char *bytes, size_t length, size_t *used);

/* Why receive_take() refuses. */
const char *receive_refusal(const struct tine_request *r, int status);

/* The request is handled without the body that was refused; filters see that, too. */
void receive_give_up(struct tine_request *r, int status, const char *reason);

/* For a .stream handler: its body is not taken before it runs, but by the piece. 'read' is what tine_read() calls. */
void receive_by_piece(struct tine_request *r, long (*read)(void *context, char *to, size_t size));

/* Body bytes out of what is there, at most 'size'. Returns how many (0: none yet, or the end is reached), or -1 with the arrival's status
 * and reason set; *used bytes were taken. */
long receive_piece(struct tine_request *r, struct slice bytes, char *to, size_t size, size_t *used);

/* A piece cannot be had. Returns -1. */
long receive_fail(struct request_arrival *arrival, int status, const char *reason);

#endif
