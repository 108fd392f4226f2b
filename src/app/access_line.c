/* SPDX-License-Identifier: Apache-2.0
 *
 * See access_line.h.
 */
#include "app/access_line.h"

#include "app/response.h"
#include "base/clock.h"
#include "base/copy.h"
#include "base/digits.h"
#include "base/escape.h"

#include <time.h>
#include <unistd.h>

enum { VALUE_MAX = 1500 }; /* of one value, escaped: a target of 8 KB shall not push the rest off the line */

static inline void put(struct line *line, struct slice text)
{
    size_t room = (size_t)(line->end - line->next);
    size_t length = text.length < room ? text.length : room;
    copy_bytes(line->next, text.data, length);
    line->next += length;
}

static void put_escaped(struct line *line, struct slice text)
{
    size_t room = (size_t)(line->end - line->next);
    line->next += escape_log(line->next, room < VALUE_MAX ? room : VALUE_MAX, text);
}

static void put_number(struct line *line, unsigned long long number)
{
    if (line->end - line->next >= DIGITS_MAX)
        line->next += digits_put(line->next, number);
}

static void put_or_dash(struct line *line, struct slice text)
{
    if (text.length == 0)
        put(line, SLICE("-"));
    else
        put_escaped(line, text);
}

/* "[22/Nov/2026:14:00:00 +0000]", made once a second. */
static struct slice local_time(void)
{
    static struct {
        time_t second;
        size_t length;
        char text[40];
    } cache;
    time_t now = time(NULL);
    if (now != cache.second) {
        struct tm local;
        localtime_r(&now, &local);
        cache.length = strftime(cache.text, sizeof cache.text, "[%d/%b/%Y:%H:%M:%S %z]", &local);
        cache.second = now;
    }
    return (struct slice){cache.text, cache.length};
}

struct slice line_method(const struct tine_request *r)
{
    return request_method(r);
}

struct slice line_target(const struct tine_request *r)
{
    return head_target(&r->head, r->bytes);
}

/* The path as it was asked for, before decoding. */
static struct slice path_of(const struct tine_request *r)
{
    struct slice target = line_target(r);
    const char *mark = memchr(target.data, '?', target.length);
    return mark != NULL ? (struct slice){target.data, (size_t)(mark - target.data)} : target;
}

/* Of a head that was refused there may be no target: then what came of its first line is shown. */
static void put_request_line(struct line *line)
{
    const struct tine_request *r = line->request;
    if (r->head.target_length > 0) {
        put(line, line_method(r)); /* a token: nothing to escape */
        put(line, SLICE(" "));
        put_escaped(line, line_target(r));
        put(line, r->head.minor_version == 0 ? SLICE(" HTTP/1.0") : SLICE(" HTTP/1.1"));
        return;
    }
    size_t length = r->bytes != NULL ? strnlen(r->bytes, r->refused_length) : 0;
    const char *end = length > 0 ? memchr(r->bytes, '\n', length) : NULL;
    if (end != NULL)
        length = (size_t)(end - r->bytes);
    if (length > 0 && r->bytes[length - 1] == '\r')
        length--;
    put_or_dash(line, (struct slice){r->bytes, length < 200 ? length : 200});
}

static struct slice request_field(const struct tine_request *r, struct slice name)
{
    for (size_t i = 0; i < r->head.count; i++) {
        const struct head_field *field = &r->head.fields[i];
        if (slice_equals_nocase((struct slice){r->bytes + field->name, field->name_length}, name))
            return (struct slice){r->bytes + field->value, field->value_length};
    }
    return (struct slice){NULL, 0};
}

/* A Content-Type may stand apart from the other fields. */
static struct slice sent_field(const struct response *response, struct slice name)
{
    struct slice value = response_field(response, name);
    if (value.data == NULL && response->type != NULL && slice_equals_nocase(name, SLICE("Content-Type")))
        return slice_from(response->type);
    return value;
}

static int64_t duration_us(const struct tine_request *r)
{
    return r->started_us > 0 ? clock_us() - r->started_us : 0;
}

void line_put_text(struct line *line, struct slice text)
{
    put(line, text);
}

void line_put_client(struct line *line, struct slice text)
{
    (void)text;
    put(line, line->request->client);
}

static void put_time(struct line *line, struct slice text)
{
    (void)text;
    put(line, local_time());
}

static void put_first_line(struct line *line, struct slice text)
{
    (void)text;
    put_request_line(line);
}

void line_put_status(struct line *line, struct slice text)
{
    (void)text;
    put_number(line, (unsigned)line->request->response.status);
}

void line_put_bytes(struct line *line, struct slice text)
{
    (void)text;
    put_number(line, line->request->response.sent);
}

static void put_bytes_or_dash(struct line *line, struct slice text)
{
    if (line->request->response.sent == 0)
        put(line, SLICE("-"));
    else
        line_put_bytes(line, text);
}

void line_put_microseconds(struct line *line, struct slice text)
{
    (void)text;
    put_number(line, (unsigned long long)duration_us(line->request));
}

static void put_seconds(struct line *line, struct slice text)
{
    (void)text;
    put_number(line, (unsigned long long)duration_us(line->request) / 1000000);
}

static void put_method(struct line *line, struct slice text)
{
    (void)text;
    put_or_dash(line, line_method(line->request));
}

static void put_path(struct line *line, struct slice text)
{
    (void)text;
    put_or_dash(line, path_of(line->request));
}

static void put_query(struct line *line, struct slice text)
{
    struct slice target = line_target(line->request);
    size_t path = path_of(line->request).length;
    (void)text;
    put_escaped(line, (struct slice){target.data + path, target.length - path});
}

static void put_protocol(struct line *line, struct slice text)
{
    (void)text;
    put(line, line->request->head.minor_version == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1"));
}

static void put_host(struct line *line, struct slice text)
{
    (void)text;
    put_or_dash(line, line->request->host);
}

void line_put_process(struct line *line, struct slice text)
{
    static pid_t own; /* to ask for it would be one more system call for each request */
    (void)text;
    if (own == 0)
        own = getpid();
    put_number(line, (unsigned long long)own);
}

static void put_id(struct line *line, struct slice text)
{
    (void)text;
    put(line, slice_from(tine_id(line->request)));
}

static void put_request_field(struct line *line, struct slice name)
{
    put_or_dash(line, request_field(line->request, name));
}

/* The two that nearly every line has were found while the head was parsed. */
static void put_user_agent(struct line *line, struct slice name)
{
    (void)name;
    put_or_dash(line, head_value(&line->request->head, line->request->bytes, HEAD_USER_AGENT));
}

static void put_referer(struct line *line, struct slice name)
{
    (void)name;
    put_or_dash(line, head_value(&line->request->head, line->request->bytes, HEAD_REFERER));
}

static void put_sent_field(struct line *line, struct slice name)
{
    put_or_dash(line, sent_field(&line->request->response, name));
}

/* Of 'l' and 'u', identd's word and who was logged in, nobody here knows anything. */
static const struct directive directives[] = {
    {'h', false, line_put_client},       {'l', false, NULL},
    {'u', false, NULL},                  {'t', false, put_time},
    {'r', false, put_first_line},        {'s', false, line_put_status},
    {'b', false, put_bytes_or_dash},     {'B', false, line_put_bytes},
    {'D', false, line_put_microseconds}, {'T', false, put_seconds},
    {'m', false, put_method},            {'U', false, put_path},
    {'q', false, put_query},             {'H', false, put_protocol},
    {'v', false, put_host},              {'P', false, line_put_process},
    {'L', false, put_id},                {'i', true, put_request_field},
    {'o', true, put_sent_field},
};

const struct directive *line_directive(char letter)
{
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++)
        if (directives[i].letter == letter)
            return &directives[i];
    return NULL;
}

line_put *line_put_of(const struct directive *directive, struct slice name)
{
    bool field = directive->put == put_request_field;
    return field && slice_equals_nocase(name, SLICE("User-Agent")) ? put_user_agent
           : field && slice_equals_nocase(name, SLICE("Referer"))  ? put_referer
                                                                   : directive->put;
}
