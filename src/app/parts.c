/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a multipart/form-data body, pulled by the handler one after the other, from a body that is whole or from one that arrives.
 * Only a window of it is in memory. Runs in workers.
 */
#include "app/input.h"

#include "app/blame.h"
#include "base/io.h"
#include "base/utf8.h"
#include "http/multipart.h"
#include "http/parameters.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { WINDOW_BYTES = 16384, BEHIND_MAX = 1 << 16 };

_Static_assert((int)WINDOW_BYTES >= (int)MULTIPART_WINDOW, "the parser could starve");

struct parts {
    struct multipart parser;
    struct multipart_part fields;
    tine_part part;
    char file[MULTIPART_NAME_MAX];
    char type[MULTIPART_HEAD_MAX];
    char window[WINDOW_BYTES];
    size_t start, end;  /* of what is in it */
    struct slice data;  /* of the part, in the window: not yet read */
    uint64_t text_left; /* bytes that parts may still take of the arena */
    int fd;             /* of the part; -1: none */
    bool ready;         /* the body is multipart */
    bool over;          /* the last part has ended */
};

void parts_release(struct parts *parts)
{
    io_close(&parts->fd);
}

static bool begin(struct tine_request *r, struct parts *parts)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    if (!input_type_is(r, SLICE("multipart/form-data"))) {
        input_fail(r, 415, "the body must be multipart/form-data");
        return false;
    }
    long length = parameter_find(slice_from(tine_header(r, "Content-Type")), SLICE("boundary"), boundary, sizeof boundary);
    if (length < 0 || multipart_init(&parts->parser, (struct slice){boundary, (size_t)length}) < 0) {
        input_fail(r, 400, "the Content-Type has no boundary that can be used");
        return false;
    }
    return true;
}

void parts_start(struct tine_request *r, struct parts *parts)
{
    parts->fd = -1;
    parts->start = parts->end = 0;
    parts->data = (struct slice){NULL, 0};
    parts->over = false;
    parts->part.name = NULL;
    parts->ready = begin(r, parts) && input_is_uncoded(r);
}

struct parts *parts_new(struct tine_request *r)
{
    struct parts *parts = arena_alloc(&r->arena, sizeof *parts);
    parts->text_left = r->body.in_memory;
    return parts;
}

static struct parts *parts_of(struct tine_request *r)
{
    struct input *input = input_of(r);
    if (input->parts == NULL) {
        input->parts = parts_new(r);
        parts_start(r, input->parts);
    }
    return input->parts->ready ? input->parts : NULL;
}

/* More of the body behind what is left in the window. False at the end and after a failure. */
static bool fill(struct tine_request *r, struct parts *parts)
{
    memmove(parts->window, parts->window + parts->start, parts->end - parts->start);
    parts->end -= parts->start;
    parts->start = 0;
    long length = tine_read(r, parts->window + parts->end, sizeof parts->window - parts->end);
    if (length == 0)
        input_fail(r, 400, "the last part of the body is cut off");
    if (length <= 0)
        return false;
    parts->end += (size_t)length;
    return true;
}

static enum multipart_event next_event(struct tine_request *r, struct parts *parts, struct slice *data)
{
    size_t consumed;
    for (;;) {
        enum multipart_event event =
            multipart_next(&parts->parser, parts->window + parts->start, parts->end - parts->start, &consumed, data);
        parts->start += consumed;
        if (event == MULTIPART_BAD)
            input_fail(r, 400, "%s", parts->parser.reason);
        if (event != MULTIPART_MORE)
            return event;
        if (!fill(r, parts))
            return MULTIPART_BAD;
    }
}

/* What stands behind the last part is of no use, but the next request is behind it. */
static void pass_over_rest(struct tine_request *r, struct parts *parts)
{
    long length = 1;
    parts->over = true;
    for (size_t bytes = 0; length > 0 && bytes < BEHIND_MAX; bytes += (size_t)length)
        length = tine_read(r, parts->window, sizeof parts->window);
}

static bool are_text(const struct multipart_part *fields)
{
    return utf8_is_valid(slice_from(fields->name)) && utf8_is_valid(slice_from(fields->file));
}

static const tine_part *describe(struct tine_request *r, struct parts *parts, struct slice head)
{
    struct multipart_part *fields = &parts->fields;
    const char *wrong = multipart_read_fields(fields, head);
    if (wrong == NULL && !are_text(fields))
        wrong = "the name of a part is not UTF-8";
    if (wrong != NULL) {
        input_fail(r, 400, "%s", wrong);
        parts->ready = false;
        return NULL;
    }
    parts->part = (tine_part){.name = fields->name};
    if (fields->has_file) {
        multipart_safe_name(fields->file, parts->file);
        parts->part.file = parts->file;
        parts->part.file_sent = fields->file;
    }
    if (fields->type.data != NULL) {
        *(char *)mempcpy(parts->type, fields->type.data, fields->type.length) = 0;
        parts->part.type = parts->type;
    }
    return &parts->part;
}

const tine_part *tine_next_part(tine_request *r)
{
    struct parts *parts = parts_of(r);
    enum multipart_event event;
    struct slice data;
    if (parts == NULL || parts->over)
        return NULL;
    io_close(&parts->fd);
    parts->data.length = 0;
    do
        event = next_event(r, parts, &data);
    while (event == MULTIPART_DATA || event == MULTIPART_TAIL);
    if (event == MULTIPART_HEAD)
        return describe(r, parts, data);
    if (event == MULTIPART_END)
        pass_over_rest(r, parts);
    parts->over = true;
    return NULL;
}

/* Of the part that the handler is in; NULL, logged, when there is none. */
static struct parts *current(struct tine_request *r, const char *function)
{
    struct parts *parts = r->input != NULL ? r->input->parts : NULL;
    if (parts != NULL && parts->ready && parts->part.name != NULL && !parts->over)
        return parts;
    if (tine_failed(r) == 0)
        input_mistake(r, "calls %s() without a part: tine_next_part() gives it", function);
    return NULL;
}

/* Some of the part's content. Returns 1, 0 at its end, -1 after a failure. */
static int next_data(struct tine_request *r, struct parts *parts)
{
    if (parts->data.length > 0)
        return 1;
    if (!parts->parser.inside)
        return 0;
    enum multipart_event event = next_event(r, parts, &parts->data);
    if (event != MULTIPART_DATA)
        parts->data.length = 0;
    return event == MULTIPART_DATA ? 1 : event == MULTIPART_TAIL ? 0 : -1;
}

static long read_part(struct tine_request *r, struct parts *parts, void *buffer, size_t size)
{
    int result = next_data(r, parts);
    if (result <= 0)
        return result;
    size_t length = size < parts->data.length ? size : parts->data.length;
    memcpy(buffer, parts->data.data, length);
    parts->data = (struct slice){parts->data.data + length, parts->data.length - length};
    return (long)length;
}

long tine_part_read(tine_request *r, void *buffer, size_t size)
{
    struct parts *parts = current(r, "tine_part_read");
    if (parts != NULL && !input_takes(r, "tine_part_read()", buffer, size))
        return -1;
    return parts != NULL ? read_part(r, parts, buffer, size) : -1;
}

const char *tine_part_text(tine_request *r)
{
    struct parts *parts = current(r, "tine_part_text");
    struct buffer text = BUFFER_EMPTY;
    const char *copy = NULL;
    int result = -1;
    if (parts == NULL)
        return NULL;
    while (buffer_length(&text) <= parts->text_left && (result = next_data(r, parts)) == 1) {
        buffer_append(&text, parts->data.data, parts->data.length);
        parts->data.length = 0;
    }
    struct slice all = {text.data != NULL ? buffer_bytes(&text) : "", buffer_length(&text)};
    if (all.length > parts->text_left) {
        input_fail(r, 413, "the text of part '%s' is larger than [limits] body_memory allows", parts->part.name);
    } else if (result == 0 && (!utf8_is_valid(all) || memchr(all.data, 0, all.length) != NULL)) {
        input_fail(r, 400, "part '%s' is not text in UTF-8", parts->part.name);
    } else if (result == 0) {
        parts->text_left -= all.length;
        copy = arena_copy(&r->arena, all.data, all.length);
    }
    buffer_release(&text);
    return copy;
}

/* Says why the file could not be made or written, by errno. Returns the status. */
static int cannot_keep(struct tine_request *r, const char *what, const char *path)
{
    int error = errno;
    bool full = error == ENOSPC || error == EDQUOT;
    tine_log(r, TINE_ERROR, "cannot %s '%s' for an uploaded file: %s", what, path, strerror(error));
    return input_fail(r, full ? 507 : 500, full ? "there is no room for the file" : "the file could not be kept");
}

/* The rest of the part to a file. Returns 0, or the status of the failure. */
static int spool(struct tine_request *r, struct parts *parts, int fd, const char *path, uint64_t *length)
{
    int result;
    *length = 0;
    while ((result = next_data(r, parts)) == 1) {
        if (io_write_all(fd, parts->data.data, parts->data.length) < 0)
            return cannot_keep(r, "write", path);
        *length += parts->data.length;
        parts->data.length = 0;
    }
    return result == 0 ? 0 : tine_failed(r);
}

int tine_part_fd(tine_request *r, uint64_t *length)
{
    struct parts *parts = current(r, "tine_part_fd");
    uint64_t written = 0;
    if (parts == NULL)
        return -1;
    io_close(&parts->fd);
    parts->fd = io_open_temporary(r->body.temp);
    if (parts->fd < 0) {
        cannot_keep(r, "make a file in", r->body.temp);
        return -1;
    }
    if (spool(r, parts, parts->fd, r->body.temp, &written) != 0)
        return -1;
    lseek(parts->fd, 0, SEEK_SET);
    if (length != NULL)
        *length = written;
    return parts->fd;
}

const char *tine_file_name(tine_request *r, const char *text)
{
    char safe[MULTIPART_NAME_MAX];
    if (text == NULL)
        request_blame(r, TINE_ERROR, "gives tine_file_name() NULL");
    multipart_safe_name(text != NULL ? text : "", safe);
    return arena_copy(&r->arena, safe, strlen(safe));
}

int tine_part_save(tine_request *r, const char *path)
{
    struct parts *parts = current(r, "tine_part_save");
    uint64_t written;
    if (parts == NULL)
        return tine_failed(r);
    if (path == NULL)
        return input_mistake(r, "gives tine_part_save() NULL for a path");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return input_fail(r, 409, "there is a file of that name already");
    if (fd < 0)
        return cannot_keep(r, "make", path);
    int status = spool(r, parts, fd, path, &written);
    if (close(fd) < 0 && status == 0) /* where writing is put off until then */
        status = cannot_keep(r, "write", path);
    if (status != 0)
        unlink(path);
    return status;
}
