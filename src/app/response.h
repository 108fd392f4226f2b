/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a response and putting it into bytes; the part of it that handlers do not see. Runs in workers.
 */
#ifndef APP_RESPONSE_H
#define APP_RESPONSE_H

#include "app/request.h"

/* What was borrowed, if anything was, goes back: the module's `release` is called. */
void response_release(struct response *response);

/* Forgets all; buffers keep their memory. What was borrowed is released. */
void response_reset(struct response *response);

/* Ready to be built, whatever was built before; its fields stay. False when it is too late, which is logged. */
bool response_start(struct tine_request *r, int status, const char *type);

/* A body is written here, empty at first, while the response built before, of which it may be made, is still there. */
struct buffer *response_draft(struct tine_request *r);

/* response_start(), and the draft is the body. */
bool response_start_with_draft(struct tine_request *r, int status, const char *type);

/* Why the handler may change nothing any more: "its response has begun"; NULL: it may. */
const char *response_why_late(const struct tine_request *r);

/* Forgets what was built and its fields, unless the response has begun. */
void response_discard(struct tine_request *r);

/* A response without a body. */
void response_empty(struct tine_request *r, int status);

/* tine_set_header() without its checks, for fields the server sets itself. */
void response_set_field(struct tine_request *r, const char *name, const char *value);

/* Value of a field of the response, or a slice whose data is NULL. */
struct slice response_field(const struct response *response, struct slice name);

/* May a response of this status have content? And is it one to HEAD, which gets none all the same? */
bool response_has_content(int status);
bool response_is_for_head(const struct tine_request *r);

/* Length of the content, whether it is to be sent or not. */
uint64_t response_content_length(const struct response *response);

/* Body bytes that are to be sent: none for HEAD, 204, 205 and 304. */
uint64_t response_body_length(const struct tine_request *r);

/* Appends status line and fields. Decides, with r->keep_alive, what Connection says. */
void response_format_head(struct tine_request *r, struct buffer *out);

/* stream.c: tine_write(), by the name that 'call' has in what a wrong use is told by. */
int response_append(struct tine_request *r, const void *data, size_t length, const char *call);

/* stream.c: sends head and content of one that was built. 0, or -1: the client is gone, or a file is shorter by now. */
int response_send_whole(struct tine_request *r);

/* stream.c: sends the end of a response that has begun. */
void response_finish_stream(struct tine_request *r);

#endif
