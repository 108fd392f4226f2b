/* SPDX-License-Identifier: Apache-2.0
 *
 * See receive.h.
 */
#include "app/receive.h"

static const char too_large[] = "the body is larger than [limits] body allows";

enum { EXTENSIONS_MAX = 16 << 10 }; /* bytes of all chunk extensions of one body */

/* Trailers are bounded as the fields of a head are. */
static void begin_chunked(struct tine_request *r, const struct head_limits *trailers)
{
    chunked_init(&r->chunked, &(struct chunked_limits){EXTENSIONS_MAX, trailers->field, trailers->total, trailers->count});
}

int receive_begin(struct tine_request *r, const struct config *config, const struct head_limits *trailers, const char **reason)
{
    const struct config_limits *limits = &request_bounds(r, config)->limits;
    if (r->framing.body == BODY_LENGTH && r->framing.length > (uint64_t)limits->body) {
        *reason = too_large;
        return 413;
    }
    if (r->framing.expect_continue && r->answer >= 400) { /* it asked before sending: tell it at once */
        *reason = r->answer_reason;
        return r->answer;
    }
    body_begin(&r->body, (uint64_t)limits->body, (uint64_t)limits->body_memory, config->temp);
    if (r->framing.body == BODY_CHUNKED)
        begin_chunked(r, trailers);
    return 0;
}

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

int receive_take(struct tine_request *r, const char *bytes, size_t length, size_t *used)
{
    return r->framing.body == BODY_CHUNKED ? take_chunked(r, bytes, length, used) : take_counted(r, bytes, length, used);
}

const char *receive_refusal(const struct tine_request *r, int status)
{
    return status == 400 || status == 431 ? r->chunked.reason
           : status == 413 ? too_large
           : status == 507 ? "there is no room to keep the body"
                           : "the body could not be kept";
}

void receive_give_up(struct tine_request *r, int status, const char *reason)
{
    body_reset(&r->body);
    request_answer(r, status, reason);
    r->keep_alive = false;
}

void receive_by_piece(struct tine_request *r, long (*read)(void *context, char *to, size_t size))
{
    struct request_arrival *arrival = &r->arrival;
    arrival->begun = arrival->live = arrival->open = true;
    arrival->status = 0;
    arrival->used = 0;
    arrival->taken = 0;
    arrival->read = read;
}

long receive_fail(struct request_arrival *arrival, int status, const char *reason)
{
    arrival->status = status;
    arrival->reason = reason;
    return -1;
}

long receive_piece(struct tine_request *r, struct slice bytes, char *to, size_t size, size_t *used)
{
    struct request_arrival *arrival = &r->arrival;
    struct slice data = {NULL, 0};
    size_t consumed = bytes.length < size ? bytes.length : size;
    if (r->framing.body == BODY_LENGTH) {
        uint64_t left = r->framing.length - arrival->taken;
        consumed = consumed < left ? consumed : (size_t)left;
        data = (struct slice){bytes.data, consumed};
        arrival->open = arrival->taken + consumed < r->framing.length;
    } else {
        enum chunked_verdict verdict = chunked_decode(&r->chunked, bytes.data, consumed, &consumed, &data);
        if (verdict == CHUNKED_BAD)
            return receive_fail(arrival, r->chunked.status, r->chunked.reason);
        if (verdict != CHUNKED_DATA)
            data.length = 0;
        if (chunked_announced(&r->chunked) + data.length > r->body.limit - arrival->taken)
            return receive_fail(arrival, 413, too_large);
        arrival->open = verdict != CHUNKED_END;
    }
    if (data.length > 0)
        memcpy(to, data.data, data.length);
    arrival->taken += data.length;
    *used = consumed;
    return (long)data.length;
}
