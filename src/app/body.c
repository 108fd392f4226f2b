/* SPDX-License-Identifier: Apache-2.0
 *
 * See body.h.
 */
#include "app/body.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    KEEP_BYTES = 1 << 16, /* memory kept from one request to the next */
    TELL_EVERY_MS = 60000
};

/* Failures to spool, of this process: a full disk shall not fill the log as well. */
static struct {
    int64_t told;    /* when the last line was written; 0: never */
    uint64_t untold; /* since then */
} failures;

void body_init(struct body *body)
{
    *body = (struct body){.fd = -1};
}

void body_reset(struct body *body)
{
    if (body->map != NULL)
        munmap(body->map, body->length + 1);
    body->map = NULL;
    io_close(&body->fd);
    body->length = 0;
    buffer_clear(&body->memory, KEEP_BYTES);
}

void body_begin(struct body *body, uint64_t limit, uint64_t in_memory, const char *temp)
{
    body->limit = limit;
    body->in_memory = in_memory;
    body->temp = temp;
}

static void tell_failure(const struct body *body, const char *call, int error)
{
    char more[64] = "";
    int64_t now = clock_ms();
    if (failures.told != 0 && now - failures.told < TELL_EVERY_MS) {
        failures.untold++;
        return;
    }
    if (failures.untold > 0)
        snprintf(more, sizeof more, "; %llu more since this was last said", (unsigned long long)failures.untold);
    log_error("cannot %s a request body in '%s': %s%s", call, body->temp, strerror(error), more);
    failures.told = now;
    failures.untold = 0;
}

int body_status(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EFBIG ? 507 : 500;
}

static int spool_failed(const struct body *body, const char *call)
{
    int error = errno;
    tell_failure(body, call, error);
    return body_status(error);
}

/* From memory to a file: what is there moves over, the rest follows. */
static int start_spooling(struct body *body)
{
    body->fd = io_open_temporary(body->temp);
    if (body->fd < 0)
        return spool_failed(body, "spool");
    if (io_write_all(body->fd, buffer_bytes(&body->memory), buffer_length(&body->memory)) < 0)
        return spool_failed(body, "write");
    buffer_clear(&body->memory, 0);
    return 0;
}

int body_append(struct body *body, const char *data, size_t length)
{
    if (length > body->limit - body->length)
        return 413;
    if (body->fd < 0 && body->length + length > body->in_memory) {
        int status = start_spooling(body);
        if (status != 0)
            return status;
    }
    if (body->fd < 0)
        buffer_append(&body->memory, data, length);
    else if (io_write_all(body->fd, data, length) < 0)
        return spool_failed(body, "write");
    body->length += length;
    return 0;
}

const char *body_bytes(struct body *body)
{
    if (body->length == 0)
        return "";
    if (body->fd < 0) {
        *buffer_reserve(&body->memory, 1) = 0;
        return buffer_bytes(&body->memory);
    }
    if (body->map == NULL) {
        /* One byte more than the body: the file's end then is a NUL, even at the end of a page. Written: of a hole in a tmpfs that is full
         * who looks at it would die. */
        if (pwrite(body->fd, "", 1, (off_t)body->length) != 1)
            return NULL;
        void *map = mmap(NULL, body->length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, body->fd, 0);
        body->map = map == MAP_FAILED ? NULL : map;
    }
    return body->map;
}
