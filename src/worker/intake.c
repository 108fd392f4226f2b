/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of requests, from a connection's input to the request, and gone on with where another worker stopped. What a body is made of is
 * known to app/receive.c.
 */
#include "worker/intake.h"

#include "app/receive.h"
#include "worker/arrival.h"
#include "worker/early.h"

#include <unistd.h>

void intake_refuse(struct worker *w, struct connection *c, int status, const char *reason)
{
    struct tine_request *r = c->request;
    if (r->filters == NULL) {
        exchange_refuse(w, c, status, reason);
        return;
    }
    receive_give_up(r, status, reason);
    c->lingers = true;
    connection_set_state(c, CONNECTION_READY);
}

void intake_go_on(struct worker *w, struct connection *c)
{
    if (!c->request->arrival.asked) {
        w->served = c;
        buffer_append_text(&w->out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    connection_set_state(c, CONNECTION_BODY);
}

void intake_expect(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const char *reason;
    bool nothing_yet = buffer_length(&c->in) == r->head.length && !c->resumed;
    r->arrival.asked = !r->framing.expect_continue || !nothing_yet;
    int status = receive_begin(r, w->config, &w->head_limits, &reason);
    if (status != 0) {
        intake_refuse(w, c, status, reason);
        return;
    }
    if (r->answer == 0 && r->match.route.route->stream && !c->resumed) { /* what another worker has taken is in the body already */
        arrival_begin(c);
        return;
    }
    if (!nothing_yet || !early_begin(c))
        intake_go_on(w, c);
}

void intake_remove(struct connection *c, size_t length)
{
    char *body = buffer_bytes(&c->in) + c->request->head.length;
    size_t behind = buffer_length(&c->in) - c->request->head.length - length;
    if (behind > 0)
        memmove(body, body + length, behind);
    c->in.end -= length;
}

bool intake_step(struct worker *w, struct connection *c)
{
    struct tine_request *r = c->request;
    const char *bytes = buffer_bytes(&c->in) + r->head.length;
    size_t length = buffer_length(&c->in) - r->head.length, used;
    if (length == 0)
        return false;
    w->looked_us = 0; /* it may go to a file */
    int result = receive_take(r, bytes, length, &used);
    intake_remove(c, used);
    if (result > 1)
        intake_refuse(w, c, result, receive_refusal(r, result));
    else if (result == 1)
        connection_set_state(c, CONNECTION_READY);
    return result > 0 || early_begin(c);
}

/* Of a chunked one the head does not say whether it is larger than is allowed now. */
static void resume_spooled(struct worker *w, struct connection *c, uint64_t length, int *spool)
{
    struct body *body = &c->request->body;
    if (length > body->limit) {
        intake_refuse(w, c, 413, receive_refusal(c->request, 413));
        return;
    }
    body->fd = *spool;
    body->length = length;
    lseek(body->fd, 0, SEEK_END);
    *spool = -1;
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
        resume_spooled(w, c, record->body, spool);
        return;
    }
    for (uint64_t at = 0; at < record->body && c->state == CONNECTION_BODY;) {
        char piece[16384];
        uint64_t left = record->body - at;
        ssize_t length = pread(pack, piece, left < sizeof piece ? (size_t)left : sizeof piece, (off_t)(record->input + at));
        int status = length > 0 ? body_append(&r->body, piece, (size_t)length) : 500;
        if (status != 0)
            intake_refuse(w, c, status, receive_refusal(r, status));
        at += length > 0 ? (uint64_t)length : left;
    }
}
