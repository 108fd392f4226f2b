/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h that send what has a version: files, cached content. Conditions and ranges are decided here, so
 * that every module has them, in the order of RFC 9110, 13.2.2. Runs in workers.
 */
#include "app/blame.h"
#include "app/problem.h"
#include "app/response.h"
#include "http/accept_encoding.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/fields.h"
#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

enum { BOUNDARY_LENGTH = 16 };

/* A condition or range field; repeated ones joined. Most requests have none, and pay a look at known[] for it. */
static struct slice condition(tine_request *r, enum head_known known, const char *name)
{
    if (r->head.repeated & UINT32_C(1) << known)
        return slice_from(tine_header(r, name));
    return head_value(&r->head, r->bytes, known);
}

static bool is_method(const tine_request *r, struct slice method)
{
    return slice_equals(request_method(r), method);
}

static bool has_conditions(const struct head *head)
{
    return (head->known[HEAD_IF_MATCH] | head->known[HEAD_IF_NONE_MATCH] | head->known[HEAD_IF_MODIFIED_SINCE] |
            head->known[HEAD_IF_UNMODIFIED_SINCE]) != 0;
}

/* Returns 0, 304 or 412. */
static int evaluate(tine_request *r, const struct validators *validators, time_t now)
{
    if (!has_conditions(&r->head))
        return 0;
    const struct conditions conditions = {
        .match = condition(r, HEAD_IF_MATCH, "If-Match"),
        .none_match = condition(r, HEAD_IF_NONE_MATCH, "If-None-Match"),
        .modified_since = condition(r, HEAD_IF_MODIFIED_SINCE, "If-Modified-Since"),
        .unmodified_since = condition(r, HEAD_IF_UNMODIFIED_SINCE, "If-Unmodified-Since"),
        .reads = is_method(r, SLICE("GET")) || is_method(r, SLICE("HEAD")),
    };
    return conditions_evaluate(&conditions, validators, now);
}

/* What can be compared. Last-Modified is never in the future (8.8.2.1). */
static struct validators make_validators(tine_request *r, const char *etag, time_t modified, time_t now)
{
    struct validators validators = {{NULL, 0}, modified > now ? now : modified, modified > 0};
    if (etag == NULL)
        return validators;
    validators.etag = slice_from(etag);
    if (!etag_is_valid(validators.etag)) {
        request_blame(r, TINE_WARNING, "gives '%.80s' for an entity tag, which it is not: it has quotes around it", etag);
        validators.etag = (struct slice){NULL, 0};
    }
    return validators;
}

/* Most requests are for few files. */
static const char *format_modified(time_t modified)
{
    static struct {
        time_t time;
        char text[DATE_LENGTH + 1];
    } last;
    if (last.time != modified || last.text[0] == 0)
        date_format(modified, last.text);
    last.time = modified;
    return last.text;
}

/* As response_set_field(); where there was none to begin with ('alone') it need not be looked for. */
static inline void set_field(tine_request *r, bool alone, struct slice name, const char *value)
{
    struct buffer *fields = &r->response.fields;
    if (!alone) {
        response_set_field(r, name.data, value);
        return;
    }
    size_t length = strlen(value);
    char *to = mempcpy(buffer_reserve(fields, name.length + length + 4), name.data, name.length);
    to = mempcpy(to, ": ", 2);
    to = mempcpy(to, value, length);
    memcpy(to, "\r\n", 2);
    fields->end += name.length + length + 4;
}

static void set_validators(tine_request *r, bool alone, const struct validators *validators)
{
    if (validators->has_modified)
        set_field(r, alone, SLICE("Last-Modified"), format_modified(validators->modified));
    if (validators->etag.data != NULL)
        set_field(r, alone, SLICE("ETag"), validators->etag.data);
}

int tine_precondition(tine_request *r, const char *etag, time_t modified)
{
    time_t now = time(NULL);
    struct validators validators = make_validators(r, etag, modified, now);
    /* With other methods it is the version before the change that was compared, and the answer tells of the one after it. */
    if ((is_method(r, SLICE("GET")) || is_method(r, SLICE("HEAD"))) && r->response.state < RESPONSE_BEGUN)
        set_validators(r, false, &validators);
    return evaluate(r, &validators, now);
}

int tine_fresh(tine_request *r, const char *etag, time_t modified)
{
    return tine_precondition(r, etag, modified) == 304;
}

/* ---- Ranges ---- */

/* Is the content that the client has a part of the same as this? What was chosen among several may share its date with another, of other
 * bytes: the date is a weak validator then (RFC 9110, 8.8.1), by which no range is given (13.1.5). */
static bool is_same_content(tine_request *r, const tine_content *content, const struct validators *validators, time_t now)
{
    struct validators exact = *validators;
    exact.has_modified &= content->vary == NULL;
    return r->head.known[HEAD_IF_RANGE] == 0 || if_range_holds(condition(r, HEAD_IF_RANGE, "If-Range"), &exact, now);
}

/* Is part of the content asked for, and may it be given? */
static bool wants_range(tine_request *r, const tine_content *content, const struct validators *validators, time_t now)
{
    /* Of a repeated Range nobody can say what is meant; and only GET has ranges (14.2). */
    if (r->head.known[HEAD_RANGE] == 0 || r->head.repeated & UINT32_C(1) << HEAD_RANGE || !is_method(r, SLICE("GET")))
        return false;
    return is_same_content(r, content, validators, now);
}

static void set_one_part(tine_request *r, const tine_content *content, struct range range)
{
    struct response_part *part = arena_alloc(&r->arena, sizeof *part);
    *part = (struct response_part){.offset = (off_t)range.first, .length = range.length};
    r->response.parts = part;
    r->response.part_count = 1;
    if (content->data != NULL)
        r->response.memory = (struct slice){(const char *)content->data + range.first, (size_t)range.length};
    if (content->data != NULL && range.first == 0)
        r->response.room = content->room;
}

/* The text in front of the i-th part, and behind the last one (RFC 9110, 14.6). */
static struct slice delimiter(tine_request *r, const tine_content *content, const char *boundary, size_t i, const struct range *range)
{
    const char *line = i > 0 ? "\r\n" : "";
    const char *text;
    if (range == NULL)
        text = tine_printf(r, "\r\n--%s--\r\n", boundary);
    else
        text = tine_printf(r, "%s--%s\r\n%s%s%sContent-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n\r\n", line, boundary,
                           content->type != NULL ? "Content-Type: " : "", content->type != NULL ? content->type : "",
                           content->type != NULL ? "\r\n" : "", range->first, range->first + range->length - 1, content->length);
    return slice_from(text);
}

/* From memory the parts are copied together: they are never more than there is. */
static void gather_parts(tine_request *r, const tine_content *content, const struct response_part *parts, size_t count)
{
    struct buffer *body = &r->response.body;
    for (size_t i = 0; i < count; i++) {
        buffer_append(body, parts[i].text.data, parts[i].text.length);
        buffer_append(body, (const char *)content->data + parts[i].offset, (size_t)parts[i].length);
    }
}

/* Nobody who writes a file, or sees what tine has sent before, can know it: the ids of requests tell what comes after them. */
static void make_boundary(char boundary[static BOUNDARY_LENGTH + 1])
{
    uint64_t number;
    _Static_assert((int)REQUEST_MADE_ID <= (int)BOUNDARY_LENGTH, "there is room for an id");
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) == (ssize_t)sizeof number)
        snprintf(boundary, BOUNDARY_LENGTH + 1, "%016" PRIx64, number);
    else
        request_make_id(boundary); /* the kernel has no random numbers yet: one that is in no file but by intent */
}

static void set_many_parts(tine_request *r, const tine_content *content, const struct range *ranges, size_t count)
{
    char boundary[BOUNDARY_LENGTH + 1];
    struct response_part *parts = arena_alloc(&r->arena, (count + 1) * sizeof *parts);
    make_boundary(boundary);
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct response_part){delimiter(r, content, boundary, i, &ranges[i]), (off_t)ranges[i].first, ranges[i].length};
    parts[count] = (struct response_part){.text = delimiter(r, content, boundary, count, NULL)};
    response_set_field(r, "Content-Type", tine_printf(r, "multipart/byteranges; boundary=%s", boundary));
    if (content->data != NULL) {
        gather_parts(r, content, parts, count + 1);
        return;
    }
    r->response.parts = parts;
    r->response.part_count = count + 1;
}

static int refuse_range(tine_request *r, const tine_content *content)
{
    tine_problem(r, 416, "of %" PRIu64 " bytes there are none in the range", content->length);
    response_set_field(r, "Content-Range", tine_printf(r, "bytes */%" PRIu64, content->length));
    return 416;
}

/* Returns the status: 200, 206, or 416, which is a whole answer then. */
static int choose_parts(tine_request *r, const tine_content *content, const struct validators *validators, time_t now)
{
    struct range ranges[RANGES_MAX] = {{0, content->length}};
    size_t count = 0;
    enum range_verdict verdict = RANGE_WHOLE;
    if (content->status == 200 && wants_range(r, content, validators, now))
        verdict = range_parse(head_value(&r->head, r->bytes, HEAD_RANGE), content->length, ranges, &count);
    if (verdict == RANGE_UNSATISFIABLE)
        return refuse_range(r, content);
    if (count > 1 && content->encoding != NULL) /* the parts are coded, what is around them is not: no field says so */
        verdict = RANGE_WHOLE;
    if (verdict == RANGE_PARTS && count > 1) {
        set_many_parts(r, content, ranges, count);
        return 206;
    }
    if (verdict == RANGE_WHOLE)
        ranges[0] = (struct range){0, content->length};
    set_one_part(r, content, ranges[0]);
    if (verdict == RANGE_WHOLE)
        return content->status;
    response_set_field(r, "Content-Range", tine_printf(r, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, ranges[0].first,
                                                       ranges[0].first + ranges[0].length - 1, content->length));
    return 206;
}

/* ---- Content ---- */

/* What says how to read it. Who asks with If-Range has that already (15.3.7). */
static void set_description(tine_request *r, bool alone, const tine_content *content)
{
    if (content->encoding != NULL)
        set_field(r, alone, SLICE("Content-Encoding"), content->encoding);
    if (content->type != NULL) /* that of several parts is set as a field, which goes first */
        r->response.type = arena_copy(&r->arena, content->type, strlen(content->type));
}

static bool is_known_to_client(const tine_request *r)
{
    return r->response.status == 206 && r->head.known[HEAD_IF_RANGE] != 0;
}

/* Fields from a module are as little trusted as those it sets by itself. */
static bool is_in_order(tine_request *r, const tine_content *content)
{
    const char *const values[] = {content->type, content->encoding, content->cache_control, content->vary};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (values[i] == NULL || field_is_value(slice_from(values[i])))
            continue;
        request_blame(r, TINE_ERROR, "gives tine_send_content() a field with a control byte");
        return false;
    }
    if (content->length > INT64_MAX || (content->data == NULL && content->fd < 0)) {
        request_blame(r, TINE_ERROR, "gives tine_send_content() %" PRIu64 " bytes of descriptor %d: was one of them negative?",
                      content->length, content->fd);
        return false;
    }
    return true;
}

/* Returns the status of the whole answer. The content is the response's from now on. */
static int build(tine_request *r, const tine_content *content)
{
    struct response *response = &r->response;
    time_t now = time(NULL);
    struct validators validators = make_validators(r, content->etag, content->modified, now);
    bool alone = buffer_length(&response->fields) == 0;
    if (content->nosniff)
        set_field(r, alone, SLICE("X-Content-Type-Options"), "nosniff");
    if (content->vary != NULL)
        set_field(r, alone, SLICE("Vary"), content->vary);
    int status = content->status == 200 ? evaluate(r, &validators, now) : 0;
    if (status == 412)
        return tine_problem(r, 412, "it is not the version that was asked for");
    if (status == 0)
        status = choose_parts(r, content, &validators, now);
    if (status == 416)
        return status;
    response->status = status;
    if (content->cache_control != NULL)
        set_field(r, alone, SLICE("Cache-Control"), content->cache_control);
    if (is_known_to_client(r))
        validators.has_modified &= validators.etag.data == NULL;
    if (content->status == 200)
        set_validators(r, alone, &validators);
    if (status == 304)
        return status;
    if (content->status == 200)
        set_field(r, alone, SLICE("Accept-Ranges"), "bytes");
    if (!is_known_to_client(r))
        set_description(r, alone, content);
    return status;
}

/* A copy in this server's layout, of a struct that may be older than this server. */
static tine_content own_copy(const tine_content *given)
{
    tine_content content = {0};
    memcpy(&content, given, given->size < sizeof content ? given->size : sizeof content);
    if (content.status == 0)
        content.status = 200;
    if (content.data == NULL && content.length == 0)
        content.data = "";
    return content;
}

int tine_send_content(tine_request *r, const tine_content *given)
{
    if (given == NULL || given->size > sizeof *given) {
        if (given == NULL)
            request_blame(r, TINE_ERROR, "gives tine_send_content() NULL");
        else
            request_blame(r, TINE_ERROR,
                          "gives tine_send_content() a struct of %zu bytes, and this tine knows %zu: it was built for a newer one",
                          given->size, sizeof *given);
        if (given != NULL && given->release != NULL)
            given->release(given->owner);
        return problem_of_wrong_answer(r);
    }
    tine_content content = own_copy(given);
    struct response *response = &r->response;
    if (!response_start(r, content.status, NULL)) {
        if (content.release != NULL)
            content.release(content.owner);
        return 500;
    }
    response->fd = content.data == NULL ? content.fd : -1;
    response->release = content.release;
    response->owner = content.owner;
    return is_in_order(r, &content) ? build(r, &content) : problem_of_wrong_answer(r);
}

int tine_accepts_encoding(tine_request *r, const char *coding)
{
    return encoding_quality(condition(r, HEAD_ACCEPT_ENCODING, "Accept-Encoding"), slice_from(coding));
}
