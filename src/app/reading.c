/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request as its handler wants it: piece by piece, in memory, as a file; and what all that takes input apart shares.
 * Runs in workers.
 */
#include "app/input.h"

#include "app/blame.h"
#include "app/problem.h"
#include "app/response.h"
#include "base/io.h"
#include "base/utf8.h"
#include "http/parameters.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIECE_BYTES = 16384, REASON_MAX = 1024 };

struct input *input_of(struct tine_request *r)
{
    if (r->input == NULL) {
        r->input = arena_alloc(&r->arena, sizeof *r->input);
        *r->input = (struct input){.failure = 0};
    }
    return r->input;
}

void input_release(struct input *input)
{
    if (input->json != NULL)
        json_decref(input->json);
    if (input->parts != NULL)
        parts_release(input->parts);
}

int input_fail(struct tine_request *r, int status, const char *format, ...)
{
    struct input *input = input_of(r);
    char reason[REASON_MAX];
    va_list arguments;
    if (input->failure != 0)
        return input->failure;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    utf8_mend(reason); /* words of the client's may be in it, and it may be cut: whoever makes JSON of it needs text */
    input->failure = status;
    input->reason = arena_copy(&r->arena, reason, strlen(reason));
    if (r->response.state < RESPONSE_BEGUN && !r->response.closed && r->filter == NULL)
        problem_answer(r, status, reason);
    return status;
}

const char *input_reason(const struct tine_request *r, int status)
{
    return r->input != NULL && r->input->failure == status ? r->input->reason : "";
}

int input_mistake(struct tine_request *r, const char *format, ...)
{
    char what[REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    request_blame(r, TINE_ERROR, "%s", what);
    return input_fail(r, 500, "the handler failed");
}

bool input_takes(struct tine_request *r, const char *call, const void *buffer, size_t size)
{
    if (request_gives_memory(r, call, buffer, size))
        return true;
    input_fail(r, 500, "the handler failed");
    return false;
}

int tine_failed(tine_request *r)
{
    return r->input != NULL ? r->input->failure : 0;
}

const char *tine_failure(tine_request *r)
{
    return tine_failed(r) != 0 ? r->input->reason : "";
}

static long read_whole(struct tine_request *r, char *to, size_t size)
{
    struct input *input = input_of(r);
    struct body *body = &r->body;
    uint64_t left = body->length - input->at;
    size_t wanted = size < left ? size : (size_t)left;
    ssize_t length = (ssize_t)wanted;
    if (wanted == 0)
        return 0;
    if (body->fd < 0)
        memcpy(to, buffer_bytes(&body->memory) + input->at, wanted);
    else
        while ((length = pread(body->fd, to, wanted, (off_t)input->at)) < 0 && errno == EINTR)
            ;
    if (length <= 0) {
        tine_log(r, TINE_ERROR, "cannot read the spooled body of a request: %s", length < 0 ? strerror(errno) : "it is cut off");
        input_fail(r, 500, "the body could not be read");
        return -1;
    }
    input->at += (uint64_t)length;
    return (long)length;
}

/* What is asked early is asked of the head alone, whatever has come of the body. */
static bool is_too_early(struct tine_request *r)
{
    if (r->phase == FILTERS_EARLY)
        input_mistake(r, "asks for the body as its .early, before it is there");
    return r->phase == FILTERS_EARLY;
}

long tine_read(tine_request *r, void *buffer, size_t size)
{
    struct request_arrival *arrival = &r->arrival;
    if (!input_takes(r, "tine_read()", buffer, size) || is_too_early(r))
        return -1;
    if (!arrival->live)
        return read_whole(r, buffer, size);
    long length = arrival->status == 0 ? arrival->read(r->stream.context, buffer, size) : -1;
    if (length < 0)
        input_fail(r, arrival->status, "%s", arrival->reason);
    return length;
}

/* All that a .stream handler's client still sends. */
static bool gather(struct tine_request *r)
{
    struct request_arrival *arrival = &r->arrival;
    char piece[PIECE_BYTES];
    long length;
    if (arrival->taken > 0) {
        input_mistake(r, "asks for the whole body, of which tine_read() or tine_next_part() has taken some");
        return false;
    }
    while ((length = tine_read(r, piece, sizeof piece)) > 0) {
        int status = body_append(&r->body, piece, (size_t)length);
        if (status != 0) {
            input_fail(r, status, status == 507 ? "there is no room to keep the body" : "the body could not be kept");
            return false;
        }
    }
    arrival->live = length < 0;
    return length == 0;
}

bool input_gather(struct tine_request *r)
{
    return !is_too_early(r) && (!r->arrival.live || gather(r));
}

bool input_body(struct tine_request *r, struct slice *body)
{
    if (!input_gather(r))
        return false;
    *body = (struct slice){body_bytes(&r->body), (size_t)r->body.length};
    if (body->data == NULL) {
        int status = body_status(errno);
        tine_log(r, TINE_ERROR, "cannot map the spooled body of a request: %s", strerror(errno));
        input_fail(r, status, status == 507 ? "there is no room to keep the body" : "the body could not be read");
    }
    return body->data != NULL;
}

const char *tine_body(tine_request *r, size_t *length)
{
    struct slice body = {NULL, 0};
    if (!input_body(r, &body))
        body.length = 0;
    if (length != NULL)
        *length = body.length;
    return body.data;
}

/* A body in memory moves to a file in memory, which is the body's file from now on. */
static int move_to_file(struct body *body)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    if (fd >= 0 && body->length > 0 && io_write_all(fd, buffer_bytes(&body->memory), (size_t)body->length) < 0)
        io_close(&fd);
    return fd;
}

int tine_body_fd(tine_request *r, size_t *length)
{
    if (!input_gather(r))
        return -1;
    if (r->body.fd < 0 && (r->body.fd = move_to_file(&r->body)) < 0) {
        tine_log(r, TINE_ERROR, "cannot make a file of the body of a request: %s", strerror(errno));
        input_fail(r, 500, "the body could not be kept");
        return -1;
    }
    lseek(r->body.fd, 0, SEEK_SET);
    if (length != NULL)
        *length = (size_t)r->body.length;
    return r->body.fd;
}

bool input_type_is(struct tine_request *r, struct slice type)
{
    const char *given = tine_header(r, "Content-Type");
    return given != NULL && slice_equals_nocase(parameters_before(slice_from(given)), type);
}

bool input_is_utf8(struct tine_request *r, const char *type)
{
    char charset[32];
    long length = parameter_find(slice_from(type), SLICE("charset"), charset, sizeof charset);
    if (length == PARAMETER_ABSENT || (length >= 0 && strcasecmp(charset, "utf-8") == 0))
        return true;
    if (length == PARAMETER_BAD)
        input_fail(r, 415, "the Content-Type is malformed");
    else
        input_fail(r, 415, "the body must be in UTF-8, not '%s'", charset);
    return false;
}

/* RFC 9110, 8.4 and 15.5.16: nothing is unpacked here, which could make anything of a few bytes, and the client is told so. */
bool input_is_uncoded(struct tine_request *r)
{
    const char *coding = tine_header(r, "Content-Encoding");
    if (coding == NULL || coding[0] == 0 || strcasecmp(coding, "identity") == 0)
        return true;
    if (tine_failed(r) == 0 && r->response.state < RESPONSE_BEGUN && !r->response.closed)
        response_set_field(r, "Accept-Encoding", "identity");
    input_fail(r, 415, "the body must be without Content-Encoding, not '%.40s'", coding);
    return false;
}
