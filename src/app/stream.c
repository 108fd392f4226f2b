/* SPDX-License-Identifier: Apache-2.0
 *
 * Responses that go out while their handler runs: tine_write(), tine_flush(), tine_finish(), tine_sleep(). What is built in memory
 * becomes a stream when it grows too large to be gathered, or when the handler says so. Runs in workers.
 */
#include "app/blame.h"
#include "app/response.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { GATHER_BYTES = 1 << 16, FILE_PIECE = 1 << 16 };

static int send_iov(struct tine_request *r, struct iovec *iov, int count)
{
    struct response *response = &r->response;
    int result = r->stream.calls->send(r->stream.context, iov, count);
    if (result < 0) {
        response->state = RESPONSE_BROKEN;
        response->close = true;
    }
    return result;
}

/* Sends what is in the body buffer, as a chunk where the response is chunked. */
static int send_piece(struct tine_request *r, struct buffer *head, const char *end)
{
    struct response *response = &r->response;
    size_t length = buffer_length(&response->body);
    char size[24] = "";
    bool framed = response->chunked && length > 0, for_head = response_is_for_head(r);
    if (framed)
        snprintf(size, sizeof size, "%zx\r\n", length);
    struct iovec iov[5] = {{head->data, head->end},
                           {size, strlen(size)},
                           {buffer_bytes(&response->body), length},
                           {"\r\n", framed ? 2 : 0},
                           {(char *)end, strlen(end)}};
    int result = for_head && head->end == 0 ? 0 : send_iov(r, iov, for_head ? 1 : 5);
    response->sent += for_head ? 0 : length;
    response->body.start = response->body.end = 0;
    return result;
}

/* One more would hold one more worker. The handler's further calls fail, and what it returns does not count. */
static int refuse(struct tine_request *r)
{
    int64_t most = r->match.app != NULL ? r->match.app->section->limits.streams : 0;
    tine_log(r, TINE_INFO, "handler %s of module %s is answered 503: %" PRId64 " of its app stream already ([limits] streams)",
             request_handler_name(r), r->match.app != NULL ? r->match.app->section->module : "-", most);
    if (r->filters == NULL)
        response_discard(r); /* else fields that filters have set shall stay */
    tine_problem(r, 503, "too many are being served this way; try again later");
    response_set_field(r, "Retry-After", "5");
    r->response.closed = true;
    return -1;
}

/* From built in memory to sent while the handler runs. HTTP/1.0 has no chunks: there the end of the connection ends the body. */
static int begin(struct tine_request *r)
{
    struct response *response = &r->response;
    struct buffer head = BUFFER_EMPTY;
    if (!r->stream.calls->admit(r->stream.context))
        return refuse(r);
    response->status = response->status != 0 ? response->status : 200;
    filters_after(r, true);
    response->state = RESPONSE_BEGUN;
    response->begun_us = clock_us();
    response->chunked = r->head.minor_version > 0;
    if (!response->chunked)
        response->close = true;
    response_format_head(r, &head);
    int result = send_piece(r, &head, "");
    buffer_release(&head);
    return result;
}

/* Not while the handler runs. */
static const char *when(const struct tine_request *r)
{
    return r->phase == FILTERS_EARLY ? "as its .early" : "after the handler";
}

/* May the body grow? A client that is gone, and a stream that was refused, are no fault of the handler. */
static bool can_append(tine_request *r, const char *call)
{
    struct response *response = &r->response;
    if (r->phase != FILTERS_BUILD)
        request_blame(r, TINE_ERROR, "calls %s %s", call, when(r));
    else if (response->state == RESPONSE_SENT)
        request_blame(r, TINE_ERROR, "calls %s after tine_finish()", call);
    else if (response->fd >= 0 || response->memory.data != NULL)
        request_blame(r, TINE_ERROR, "calls %s behind a file or content, which is the whole answer", call);
    else
        return response->state != RESPONSE_BROKEN && !response->closed;
    return false;
}

static int send_gathered(tine_request *r)
{
    struct buffer nothing = BUFFER_EMPTY;
    return r->response.state == RESPONSE_BEGUN ? send_piece(r, &nothing, "") : begin(r);
}

int response_append(tine_request *r, const void *data, size_t length, const char *call)
{
    struct response *response = &r->response;
    if (!request_gives_memory(r, call, data, length) || !can_append(r, call))
        return -1;
    if (response->state == RESPONSE_NONE)
        response_empty(r, response->status != 0 ? response->status : 200);
    if (!response_has_content(response->status))
        return 0;
    buffer_append(&response->body, data, length);
    return buffer_length(&response->body) <= GATHER_BYTES ? 0 : send_gathered(r);
}

int tine_write(tine_request *r, const void *data, size_t length)
{
    return response_append(r, data, length, "tine_write()");
}

int tine_write_text(tine_request *r, const char *format, ...)
{
    struct buffer text = BUFFER_EMPTY;
    va_list arguments;
    if (format == NULL) {
        request_blame(r, TINE_ERROR, "gives tine_write_text() NULL for a format");
        return -1;
    }
    va_start(arguments, format);
    buffer_format_va(&text, format, arguments);
    va_end(arguments);
    int result = response_append(r, buffer_length(&text) > 0 ? buffer_bytes(&text) : "", buffer_length(&text), "tine_write_text()");
    buffer_release(&text);
    return result;
}

int tine_flush(tine_request *r)
{
    struct response *response = &r->response;
    if (!can_append(r, "tine_flush()"))
        return -1;
    if (response->state == RESPONSE_NONE)
        response_empty(r, response->status != 0 ? response->status : 200);
    if (!response_has_content(response->status)) {
        request_blame(r, TINE_ERROR, "streams a response of status %d, which has no content", response->status);
        return -1;
    }
    if (response->state == RESPONSE_BEGUN && buffer_length(&response->body) == 0)
        return response_is_for_head(r) ? -1 : 0;
    int result = send_gathered(r);
    return response_is_for_head(r) ? -1 : result; /* nobody waits for more */
}

/* What was gathered may wait for the client; the end by itself does not, and who has seen it may begin another stream at once. */
void response_finish_stream(struct tine_request *r)
{
    struct buffer nothing = BUFFER_EMPTY;
    if (buffer_length(&r->response.body) > 0 && send_piece(r, &nothing, "") < 0)
        return;
    r->stream.calls->release(r->stream.context);
    send_piece(r, &nothing, r->response.chunked ? "0\r\n\r\n" : "");
}

/* ---- tine_finish() ---- */

/* It cannot be read, or has become shorter: what was promised cannot be sent. */
static int cut_short(tine_request *r, bool readable, uint64_t left)
{
    if (readable)
        request_blame(r, TINE_WARNING, "promised %" PRIu64 " bytes more of a file than there are, so the connection is closed", left);
    else
        request_blame(r, TINE_ERROR, "sends a file that cannot be read, so the connection is closed: %s", strerror(errno));
    r->response.state = RESPONSE_BROKEN;
    r->response.close = true;
    return -1;
}

static int send_file_part(tine_request *r, const struct response_part *part, char *piece)
{
    struct iovec text = {(char *)part->text.data, part->text.length};
    uint64_t left = part->length;
    if (send_iov(r, &text, 1) < 0)
        return -1;
    for (off_t at = part->offset; left > 0;) {
        ssize_t got = pread(r->response.fd, piece, left < FILE_PIECE ? (size_t)left : FILE_PIECE, at);
        if (got <= 0)
            return cut_short(r, got == 0, left);
        struct iovec iov = {piece, (size_t)got};
        if (send_iov(r, &iov, 1) < 0)
            return -1;
        at += got;
        left -= (uint64_t)got;
    }
    return 0;
}

static int send_file(tine_request *r)
{
    const struct response *response = &r->response;
    char *piece = arena_alloc(&r->arena, FILE_PIECE);
    for (size_t i = 0; i < response->part_count; i++)
        if (send_file_part(r, &response->parts[i], piece) < 0)
            return -1;
    return 0;
}

/* Head and content, as they were built. */
int response_send_whole(tine_request *r)
{
    struct response *response = &r->response;
    struct buffer head = BUFFER_EMPTY;
    struct slice content = response->memory;
    if (content.data == NULL)
        content = (struct slice){buffer_bytes(&response->body), buffer_length(&response->body)};
    response->sent = response_body_length(r);
    response_format_head(r, &head);
    struct iovec iov[2] = {{head.data, head.end}, {(char *)content.data, content.length}};
    int result = send_iov(r, iov, response->sent > 0 && response->fd < 0 ? 2 : 1);
    if (result == 0 && response->sent > 0 && response->fd >= 0)
        result = send_file(r);
    buffer_release(&head);
    return result;
}

int tine_finish(tine_request *r)
{
    struct response *response = &r->response;
    if (r->phase != FILTERS_BUILD)
        request_blame(r, TINE_ERROR, "calls tine_finish() %s", when(r));
    else if (response->state == RESPONSE_SENT)
        request_blame(r, TINE_ERROR, "calls tine_finish() twice");
    if (r->phase != FILTERS_BUILD || response->state >= RESPONSE_SENT)
        return -1;
    if (response->state == RESPONSE_NONE)
        response_empty(r, response->status != 0 ? response->status : 204);
    if (response->state == RESPONSE_BEGUN) {
        response_finish_stream(r);
    } else {
        filters_after(r, true);
        response->close |= r->arrival.begun && r->arrival.open; /* where the next request begins cannot be told */
        response_send_whole(r);
    }
    if (response->state == RESPONSE_BROKEN)
        return -1;
    response->state = RESPONSE_SENT;
    r->stream.calls->answered(r->stream.context);
    return 0;
}

/* What a stream has gathered goes out first: it may take long. */
static int wait_for(tine_request *r, int fd, short events, int64_t milliseconds)
{
    if (r->response.state == RESPONSE_BROKEN)
        return -1;
    if (r->response.state == RESPONSE_BEGUN && tine_flush(r) < 0)
        return -1;
    return r->stream.calls->wait(r->stream.context, fd, events, milliseconds > 0 ? milliseconds : 0);
}

int tine_sleep(tine_request *r, int64_t milliseconds)
{
    if (milliseconds < 0)
        request_blame(r, TINE_ERROR, "sleeps for %" PRId64 " ms", milliseconds);
    return wait_for(r, -1, 0, milliseconds);
}

int tine_wait(tine_request *r, int fd, short events, int64_t milliseconds)
{
    if (milliseconds < 0)
        request_blame(r, TINE_ERROR, "waits for %" PRId64 " ms", milliseconds);
    return fd >= 0 ? wait_for(r, fd, events, milliseconds) : 2;
}
