/* SPDX-License-Identifier: Apache-2.0
 *
 * See access_log.h.
 */
#include "app/access_log.h"

#include "app/response.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    STEPS_MAX = 64,
    VALUE_MAX = 1500, /* of one value, escaped: a target of 8 KB shall not push the rest off the line */
    JSON_VALUE_MAX = 350
};

/* What stands at one place of the line: text, or a letter with its {Name}. */
struct step {
    char letter; /* 0: text */
    struct slice text;
};

struct access_log {
    bool json;
    char *format; /* what the steps point into */
    size_t count;
    struct step steps[STEPS_MAX];
};

/* A line being written. */
struct line {
    char *next, *end;
    struct tine_request *request;
};

static const struct {
    const char *name, *format;
} named[] = {
    {"common", "%h %l %u %t \"%r\" %s %b"},
    {"combined", "%h %l %u %t \"%r\" %s %b \"%{Referer}i\" \"%{User-Agent}i\""},
};

static const char *parse_directive(const char *p, struct step *step, const char **reason)
{
    *step = (struct step){0};
    if (*p == '>' || *p == '<')
        p++;
    if (*p == '{') {
        const char *close = strchr(p, '}');
        if (close == NULL) {
            *reason = "a '%{' has no '}'";
            return NULL;
        }
        step->text = (struct slice){p + 1, (size_t)(close - p - 1)};
        p = close + 1;
    }
    bool takes_name = *p == 'i' || *p == 'o';
    if (*p == 0 || strchr("hlutrsbBDTmUqHvPLio", *p) == NULL || takes_name != (step->text.data != NULL)) {
        *reason = "after a '%' stands none of h l u t r s b B D T m U q H v P L, {Name}i, {Name}o or %";
        return NULL;
    }
    step->letter = *p;
    return p + 1;
}

static const char *parse(struct access_log *log)
{
    const char *reason = NULL;
    for (const char *p = log->format; *p != 0;) {
        if (log->count == STEPS_MAX)
            return "there are more than 64 parts";
        struct step *step = &log->steps[log->count++];
        if (p[0] == '%' && p[1] != '%') {
            p = parse_directive(p + 1, step, &reason);
            if (p == NULL)
                return reason;
            continue;
        }
        size_t length = p[0] == '%' ? 1 : strcspn(p, "%");
        *step = (struct step){.text = {p, length}};
        p += p[0] == '%' ? 2 : length;
    }
    return NULL;
}

struct access_log *access_log_new(const char *format, const char **reason)
{
    struct access_log *log = memory_new(sizeof *log);
    log->json = strcmp(format, "json") == 0;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(format, named[i].name) == 0)
            format = named[i].format;
    log->format = memory_copy_text(log->json ? "" : format);
    *reason = parse(log);
    if (*reason == NULL)
        return log;
    access_log_free(log);
    return NULL;
}

void access_log_free(struct access_log *log)
{
    free(log->format);
    free(log);
}

/* Most are a few bytes: shorter than the call of a function that copies any number. */
static inline void put(struct line *line, struct slice text)
{
    size_t room = (size_t)(line->end - line->next);
    size_t length = text.length < room ? text.length : room;
    char *to = line->next;
    line->next += length;
    if (length > 16) {
        memcpy(to, text.data, length);
        return;
    }
    for (; length >= 4; length -= 4, to += 4, text.data += 4)
        memcpy(to, text.data, 4);
    for (size_t i = 0; i < length; i++)
        to[i] = text.data[i];
}

static void put_escaped(struct line *line, struct slice text)
{
    size_t room = (size_t)(line->end - line->next);
    line->next += escape_log(line->next, room < VALUE_MAX ? room : VALUE_MAX, text);
}

static void put_number(struct line *line, unsigned long long number)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    put(line, (struct slice){p, (size_t)(digits + sizeof digits - p)});
}

static void put_or_dash(struct line *line, struct slice text)
{
    if (text.length == 0)
        put(line, SLICE("-"));
    else
        put_escaped(line, text);
}

/* "22/Nov/2026:14:00:00 +0000", made once a second. */
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
        cache.length = strftime(cache.text, sizeof cache.text, "%d/%b/%Y:%H:%M:%S %z", &local);
        cache.second = now;
    }
    return (struct slice){cache.text, cache.length};
}

static struct slice method_of(const struct tine_request *r)
{
    return request_method(r);
}

static struct slice target_of(const struct tine_request *r)
{
    return head_target(&r->head, r->bytes);
}

/* The path as it was asked for, before decoding. */
static struct slice path_of(const struct tine_request *r)
{
    struct slice target = target_of(r);
    const char *mark = memchr(target.data, '?', target.length);
    return mark != NULL ? (struct slice){target.data, (size_t)(mark - target.data)} : target;
}

static struct slice protocol_of(const struct tine_request *r)
{
    return r->head.minor_version == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
}

/* Of a head that was refused there may be no target: then what came of its first line is shown. */
static void put_request_line(struct line *line)
{
    const struct tine_request *r = line->request;
    if (r->head.target_length > 0) {
        put_escaped(line, method_of(r));
        put(line, SLICE(" "));
        put_escaped(line, target_of(r));
        put(line, SLICE(" "));
        put(line, protocol_of(r));
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

/* The two that nearly every line has were found while the head was parsed. */
static struct slice known_request_field(const struct tine_request *r, struct slice name)
{
    if (slice_equals(name, SLICE("User-Agent")))
        return head_value(&r->head, r->bytes, HEAD_USER_AGENT);
    if (slice_equals(name, SLICE("Referer")))
        return head_value(&r->head, r->bytes, HEAD_REFERER);
    return request_field(r, name);
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

static void put_query(struct line *line)
{
    struct slice target = target_of(line->request);
    size_t path = path_of(line->request).length;
    put_escaped(line, (struct slice){target.data + path, target.length - path});
}

static void put_step(struct line *line, const struct step *step)
{
    struct tine_request *r = line->request;
    switch (step->letter) {
    case 0:
        put(line, step->text);
        break;
    case 'h':
        put(line, r->client);
        break;
    case 't':
        put(line, SLICE("["));
        put(line, local_time());
        put(line, SLICE("]"));
        break;
    case 'r':
        put_request_line(line);
        break;
    case 's':
        put_number(line, (unsigned)r->response.status);
        break;
    case 'b':
        if (r->response.sent == 0) {
            put(line, SLICE("-"));
            break;
        }
        /* fall through */
    case 'B':
        put_number(line, r->response.sent);
        break;
    case 'D':
        put_number(line, (unsigned long long)duration_us(r));
        break;
    case 'T':
        put_number(line, (unsigned long long)duration_us(r) / 1000000);
        break;
    case 'm':
        put_or_dash(line, method_of(r));
        break;
    case 'U':
        put_or_dash(line, path_of(r));
        break;
    case 'q':
        put_query(line);
        break;
    case 'H':
        put(line, protocol_of(r));
        break;
    case 'v':
        put_or_dash(line, r->host);
        break;
    case 'P':
        put_number(line, (unsigned long long)getpid());
        break;
    case 'L':
        put(line, slice_from(tine_id(r)));
        break;
    case 'i':
        put_or_dash(line, known_request_field(r, step->text));
        break;
    case 'o':
        put_or_dash(line, sent_field(&r->response, step->text));
        break;
    default: /* l and u: nobody knows */
        put(line, SLICE("-"));
    }
}

/* Cut before escaping, so that the line stays JSON: heads have no control bytes, so a byte becomes three at the most. */
static void put_json(struct line *line, const char *key, struct slice value)
{
    struct buffer text = BUFFER_EMPTY;
    escape_json(&text, (struct slice){value.data, value.length < JSON_VALUE_MAX ? value.length : JSON_VALUE_MAX});
    put(line, SLICE(",\""));
    put(line, slice_from(key));
    put(line, SLICE("\":\""));
    put(line, (struct slice){buffer_bytes(&text), buffer_length(&text)});
    put(line, SLICE("\""));
    buffer_release(&text);
}

static void put_json_number(struct line *line, const char *key, unsigned long long value)
{
    put(line, SLICE(",\""));
    put(line, slice_from(key));
    put(line, SLICE("\":"));
    put_number(line, value);
}

static void format_json(struct line *line)
{
    struct tine_request *r = line->request;
    char date[40];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\"", &utc);
    put(line, slice_from(date));
    put_json(line, "client", r->client);
    put_json(line, "method", method_of(r));
    put_json(line, "target", target_of(r));
    put_json(line, "host", r->host);
    put_json_number(line, "status", (unsigned)r->response.status);
    put_json_number(line, "bytes", r->response.sent);
    put_json_number(line, "duration_us", (unsigned long long)duration_us(r));
    put_json(line, "request_id", slice_from(tine_id(r)));
    put_json(line, "referer", head_value(&r->head, r->bytes, HEAD_REFERER));
    put_json(line, "user_agent", head_value(&r->head, r->bytes, HEAD_USER_AGENT));
    put_json_number(line, "pid", (unsigned long long)getpid());
    put(line, SLICE("}"));
}

size_t access_log_format(const struct access_log *log, struct tine_request *r, char *text, size_t size)
{
    struct line line = {text, text + size - 1, r};
    if (log->json)
        format_json(&line);
    for (size_t i = 0; i < log->count; i++)
        put_step(&line, &log->steps[i]);
    *line.next++ = '\n';
    return (size_t)(line.next - text);
}
