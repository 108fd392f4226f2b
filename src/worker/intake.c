/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of requests, from a connection's input to the request: counted or chunked, bounded, and gone on with where another worker
 * stopped.
 */
#include "worker/intake.h"

#include "worker/arrival.h"

#include <unistd.h>

enum { EXTENSIONS_MAX = 16 << 10 }; /* bytes of all chunk extensions of one body */

static const struct config_limits *limits_of(const struct worker *w, const struct tine_request *r)
{
    return r->match.app != NULL ? &r->match.app->section->limits : &w->config->limits;
}

/* Trailers are bounded as the fields of a head are. */
static void begin_chunked(const struct worker *w, struct tine_request *r)
{
    const struct head_limits *head = &w->head_limits;
    chunked_init(&r->chunked, &(struct chunked_limits){EXTENSIONS_MAX, head->field, head->total, head->count});
}

/* Nothing more of it is read. Filters see that, too. */
static void refuse(struct worker *w, struct connection *c, int status, const char *reason)
{
    struct tine_request *r = c->request;
    if (r->filters == NULL) {
        exchange_refuse(w, c, status, reason);
        return;
    }
    body_reset(&r->body);
    request_answer(r, status, reason);
    r->keep_alive = false;
    c->lingers = true;
    connection_set_state(w, c, CONNECTION_READY);
}

void intake_expect(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const struct config_limits *limits = limits_of(w, r);
    bool nothing_yet = buffer_length(&c->in) == r->head.length && !c->resumed;
    if (r->framing.body == BODY_LENGTH && r->framing.length > (uint64_t)limits->body) {
        refuse(w, c, 413, "the body is larger than [limits] body allows");
        return;
    }
    if (r->framing.expect_continue && r->answer >= 400) { /* it asked before sending: tell it at once */
        refuse(w, c, r->answer, r->answer_reason);
        return;
    }
    body_begin(&r->body, (uint64_t)limits->body, (uint64_t)limits->body_memory, w->config->temp);
    if (r->framing.body == BODY_CHUNKED)
        begin_chunked(w, r);
    if (r->answer == 0 && r->match.route.route->stream && !c->resumed) { /* what another worker has taken is in the body already */
        arrival_begin(w, c);
        return;
    }
    if (r->framing.expect_continue && nothing_yet)
        buffer_append_text(&w->out, "HTTP/1.1 100 Continue\r\n\r\n");
    connection_set_state(w, c, CONNECTION_BODY);
}

void intake_remove(struct connection *c, size_t length)
{
    char *body = buffer_bytes(&c->in) + c->request->head.length;
    size_t behind = buffer_length(&c->in) - c->request->head.length - length;
    if (behind > 0)
        memmove(body, body + length, behind);
    c->in.end -= length;
}

/* Returns 0 for more to come, 1 when the body is whole, or the status to refuse it with. */
static int take_counted(struct tine_request *r, const char *bytes, size_t length, size_t *used)
{
    uint64_t left = r->framing.length - r->body.length;
    *used = length < left ? length : (size_t)left;
    int status = body_append(&r->body, bytes, *used);
    return status != 0 ? status : r->body.length == r->framing.length;
}

static int take_chunked(struct tine_request *r, const char *bytes, size_t length, size_t *used)
{
    *used = 0;
    for (;;) {
        size_t consumed;
        struct slice data;
        enum chunked_verdict verdict = chunked_decode(&r->chunked, bytes + *used, length - *used, &consumed, &data);
        *used += consumed;
        if (verdict == CHUNKED_BAD)
            return r->chunked.status;
        if (chunked_announced(&r->chunked) > r->body.limit - r->body.length) /* never to be taken */
            return 413;
        if (verdict != CHUNKED_DATA)
            return verdict == CHUNKED_END;
        int status = body_append(&r->body, data.data, data.length);
        if (status != 0)
            return status;
    }
}

static const char *body_refusal(const struct tine_request *r, int status)
{
    return status == 400 || status == 431 ? r->chunked.reason
           : status == 413 ? "the body is larger than [limits] body allows"
           : status == 507 ? "there is no room to keep the body"
                           : "the body could not be kept";
}

bool intake_step(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const char *bytes = buffer_bytes(&c->in) + r->head.length;
    size_t length = buffer_length(&c->in) - r->head.length, used;
    if (length == 0)
        return false;
    w->looked_us = 0; /* it may go to a file */
    int result = r->framing.body == BODY_CHUNKED ? take_chunked(r, bytes, length, &used)
                                                 : take_counted(r, bytes, length, &used);
    intake_remove(c, used);
    if (result > 1)
        refuse(w, c, result, body_refusal(r, result));
    else if (result == 1)
        connection_set_state(w, c, CONNECTION_READY);
    return result > 0;
}

/* The head is read again; it was right before, but another configuration may see it otherwise. */
void intake_resume(struct worker *w, struct connection *c, const struct handoff_record *record, int pack, int *spool)
{
    if (!exchange_begin(w, c))
        return;
    c->resumed = true;
    if (!exchange_read_head(w, c) || c->state != CONNECTION_BODY)
        return;
    struct tine_request *r = c->request;
    r->chunked = record->chunked;
    if (record->spooled) {
        r->body.fd = *spool;
        r->body.length = record->body;
        lseek(r->body.fd, 0, SEEK_END);
        *spool = -1;
        return;
    }
    for (uint64_t at = 0; at < record->body && c->state == CONNECTION_BODY;) {
        char piece[16384];
        uint64_t left = record->body - at;
        ssize_t length = pread(pack, piece, left < sizeof piece ? (size_t)left : sizeof piece, (off_t)(record->input + at));
        int status = length > 0 ? body_append(&r->body, piece, (size_t)length) : 500;
        if (status != 0)
            refuse(w, c, status, body_refusal(r, status));
        at += length > 0 ? (uint64_t)length : left;
    }
}
