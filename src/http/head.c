/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, in one pass. Each phase reads one element (method, target, version, field
 * name, field value) from where the last call stopped and either moves on to the next phase or
 * stops the parse. Every decision depends only on the bytes up to the one that forces it, so the
 * verdict is the same however the bytes were split. Runs in a worker, once for every request.
 */
#include "http/head.h"

#include "http/fields.h"
#include "http/names.h"
#include "http/scan.h"

#include <assert.h>

enum { METHOD_MAX = 32, VERSION_LENGTH = sizeof("HTTP/1.1") - 1 };

enum phase {
    PHASE_START, /* before the empty line that may precede a request */
    PHASE_METHOD,
    PHASE_TARGET,
    PHASE_VERSION,
    PHASE_NAME, /* from here on the lines are field lines */
    PHASE_VALUE,
    PHASE_WHOLE,
    PHASE_REFUSED
};

void head_init(struct head *head, struct head_field *fields, const struct head_limits *limits)
{
    /* known[] holds index + 1 in 16 bits, positions are 32 bits wide. */
    assert(limits->count < UINT16_MAX);
    assert((uint64_t)limits->request_line + limits->total < UINT32_MAX - 64);
    *head = (struct head){.fields = fields, .limits = limits, .stop = limits->request_line + 1};
}

/* Like all functions below that return bool: false stops the parse. */
static bool refuse(struct head *head, int status, const char *reason)
{
    head->phase = PHASE_REFUSED;
    head->status = status;
    head->reason = reason;
    return false;
}

/* 'byte' must not stand where it does; 'otherwise' is what is wrong if it is not bad everywhere. */
static bool refuse_byte(struct head *head, char byte, const char *otherwise)
{
    switch (byte) {
    case '\0': return refuse(head, 400, "NUL in the head");
    case '\r': return refuse(head, 400, "bare CR in the head");
    case '\n': return refuse(head, 400, "bare LF in the head");
    }
    if ((unsigned char)byte < ' ' || byte == 0x7f)
        return refuse(head, 400, "control byte in the head");
    return refuse(head, 400, otherwise);
}

/* How long the current line may be. The bytes of all field lines are counted with their CRLFs. */
static size_t line_limit(const struct head *head)
{
    if (head->phase < PHASE_NAME)
        return head->limits->request_line;
    size_t used = head->line - head->fields_start + 2;
    size_t left = used < head->limits->total ? head->limits->total - used : 0;
    return left < head->limits->field ? left : head->limits->field;
}

/* Where to stop looking: behind the bytes there are, or where the line is too long. */
static size_t line_end(const struct head *head, size_t length)
{
    return head->stop < length ? head->stop : length;
}

/* All bytes of the line before 'at' are good, but the element that they belong to goes on. */
static bool suspend(struct head *head, size_t at)
{
    size_t limit = line_limit(head);
    head->scan = (uint32_t)(at - head->line);
    if (head->scan <= limit)
        return false;
    if (head->phase < PHASE_NAME)
        return refuse(head, 414, "the request line is too long");
    if (limit < head->limits->field)
        return refuse(head, 431, "the header fields are too long together");
    return refuse(head, 431, "a field line is too long");
}

/* At the CR at 'at': with an LF behind it the next line begins there. */
static bool end_line(struct head *head, const char *bytes, size_t at, size_t length)
{
    head->scan = (uint32_t)(at - head->line);
    if (at + 1 == length)
        return false;
    if (bytes[at + 1] != '\n')
        return refuse(head, 400, "bare CR in the head");
    head->line = (uint32_t)(at + 2);
    head->stop = head->line + head->limits->request_line + 1;
    head->scan = 0;
    return true;
}

/* As end_line(), where field lines follow. */
static bool end_field_line(struct head *head, const char *bytes, size_t at, size_t length)
{
    if (!end_line(head, bytes, at, length))
        return false;
    if (head->phase < PHASE_NAME)
        head->fields_start = head->line;
    head->phase = PHASE_NAME;
    head->stop = head->line + (uint32_t)line_limit(head) + 1;
    return true;
}

/* RFC 9112, 2.2: a server SHOULD ignore at least one empty line before the request line. */
static bool parse_start(struct head *head, const char *bytes, size_t length)
{
    if (length == 0)
        return false;
    if (bytes[0] == '\r' && !end_line(head, bytes, 0, length))
        return false;
    head->phase = PHASE_METHOD;
    return true;
}

static bool parse_method(struct head *head, const char *bytes, size_t length)
{
    size_t start = head->line, at = start + head->scan, end = line_end(head, length);

    while (at < end && field_token_bytes[(unsigned char)bytes[at]])
        at++;
    if (at - start > METHOD_MAX)
        return refuse(head, 501, "the method is too long");
    if (at == end)
        return suspend(head, at);
    if (bytes[at] != ' ')
        return refuse_byte(head, bytes[at], "the method is not a token");
    if (at == start)
        return refuse(head, 400, "no method");
    head->method = (uint32_t)start;
    head->method_length = (uint32_t)(at - start);
    head->target = (uint32_t)(at + 1);
    head->scan = head->target - head->line;
    head->phase = PHASE_TARGET;
    return true;
}

static bool parse_target(struct head *head, const char *bytes, size_t length)
{
    size_t end = line_end(head, length);
    size_t at = scan_visible(bytes, head->line + head->scan, end);

    if (at == end)
        return suspend(head, at);
    if (bytes[at] == '\r')
        return refuse(head, 400, "no HTTP version");
    if (bytes[at] != ' ')
        return refuse_byte(head, bytes[at], "the request target is not ASCII");
    if (at == head->target)
        return refuse(head, 400, "no request target");
    head->target_length = (uint32_t)(at - head->target);
    head->scan = (uint32_t)(at + 1 - head->line);
    head->phase = PHASE_VERSION;
    return true;
}

/* HTTP-version is case-sensitive (RFC 9112, 2.3). Another major version is refused as such only when
 * the line is whole: before that it may still turn out to be garbage. */
static bool parse_version(struct head *head, const char *bytes, size_t length)
{
    static const char shape[] = "HTTP/0.0"; /* 0 is any digit */
    size_t start = head->target + head->target_length + 1;
    size_t at = head->line + head->scan, end = line_end(head, length);

    if (at == start && end - at > VERSION_LENGTH && memcmp(bytes + at, "HTTP/1.1", VERSION_LENGTH) == 0)
        at += VERSION_LENGTH; /* nearly always */
    for (; at < end && at - start < VERSION_LENGTH; at++) {
        bool digit = bytes[at] >= '0' && bytes[at] <= '9';
        if (shape[at - start] == '0' ? !digit : bytes[at] != shape[at - start])
            return refuse_byte(head, bytes[at], "not an HTTP version");
    }
    if (at == end)
        return suspend(head, at);
    if (bytes[at] != '\r')
        return refuse_byte(head, bytes[at], "the request line does not end behind the HTTP version");
    if (!end_field_line(head, bytes, at, length))
        return false;
    if (bytes[start + 5] != '1')
        return refuse(head, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    head->minor_version = bytes[start + 7] != '0'; /* a higher minor version is answered as 1.1 */
    return true;
}

/* At a CR where a field line would begin. */
static bool parse_end(struct head *head, const char *bytes, size_t length)
{
    if (!end_line(head, bytes, head->line, length))
        return false;
    if (head->has_underscore && names_collide(head, bytes))
        return refuse(head, 400, "two field names differ only in '-' and '_'");
    head->length = head->line;
    head->phase = PHASE_WHOLE;
    return false;
}

/* 'byte' stands at 'at' in place of the colon behind a name. */
static bool refuse_name(struct head *head, size_t at, char byte)
{
    if (byte == ' ' || byte == '\t')
        return refuse(head, 400, at == head->line ? "a folded field line" : "white space before the colon");
    if (byte == '\r')
        return refuse(head, 400, "a field line without a colon");
    return refuse_byte(head, byte, byte == ':' ? "a field without a name" : "a field name is not a token");
}

static bool parse_name(struct head *head, const char *bytes, size_t length)
{
    size_t at = head->line + head->scan, end = line_end(head, length);
    unsigned char seen = 0, class;

    if (head->scan == 0 && at < length) {
        if (bytes[at] == '\r')
            return parse_end(head, bytes, length);
        if (head->count == head->limits->count)
            return refuse(head, 431, "too many header fields");
    }
    for (; at < end && (class = field_token_bytes[(unsigned char)bytes[at]]) != 0; at++)
        seen |= class;
    head->has_underscore |= (seen & FIELD_TOKEN_UNDERSCORE) != 0;
    if (at == end)
        return suspend(head, at);
    if (bytes[at] != ':' || at == head->line)
        return refuse_name(head, at, bytes[at]);
    head->fields[head->count].name = head->line;
    head->fields[head->count].name_length = (uint32_t)(at - head->line);
    head->scan = (uint32_t)(at + 1 - head->line);
    head->phase = PHASE_VALUE;
    return true;
}

/* The field whose value ends at 'end' is whole: note it. */
static void add_field(struct head *head, const char *bytes, size_t end)
{
    struct head_field *field = &head->fields[head->count++];
    size_t start = field->name + field->name_length + 1;

    while (start < end && (bytes[start] == ' ' || bytes[start] == '\t'))
        start++;
    while (end > start && (bytes[end - 1] == ' ' || bytes[end - 1] == '\t'))
        end--;
    field->value = (uint32_t)start;
    field->value_length = (uint32_t)(end - start);

    enum head_known known = names_find(bytes + field->name, field->name_length);
    if (known == HEAD_OTHER)
        return;
    if (head->known[known] == 0)
        head->known[known] = (uint16_t)head->count;
    else
        head->repeated |= UINT32_C(1) << known;
}

static bool parse_value(struct head *head, const char *bytes, size_t length)
{
    size_t end = line_end(head, length);
    size_t at = scan_value(bytes, head->line + head->scan, end);

    if (at == end)
        return suspend(head, at);
    if (bytes[at] != '\r')
        return refuse_byte(head, bytes[at], "a bad byte in a field value");
    if (!end_field_line(head, bytes, at, length))
        return false;
    add_field(head, bytes, at);
    return true;
}

enum head_verdict head_parse(struct head *head, const char *bytes, size_t length)
{
    bool going = true;

    while (going) {
        switch ((enum phase)head->phase) {
        case PHASE_START: going = parse_start(head, bytes, length); break;
        case PHASE_METHOD: going = parse_method(head, bytes, length); break;
        case PHASE_TARGET: going = parse_target(head, bytes, length); break;
        case PHASE_VERSION: going = parse_version(head, bytes, length); break;
        case PHASE_NAME: going = parse_name(head, bytes, length); break;
        case PHASE_VALUE: going = parse_value(head, bytes, length); break;
        case PHASE_WHOLE:
        case PHASE_REFUSED: going = false; break;
        }
    }
    if (head->phase == PHASE_WHOLE)
        return HEAD_WHOLE;
    return head->phase == PHASE_REFUSED ? HEAD_REFUSED : HEAD_PARTIAL;
}

void head_restore(char *bytes, size_t length)
{
    char missing = ' '; /* of the request line */
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == 0)
            bytes[i] = i + 1 < length && bytes[i + 1] == '\n' ? '\r' : missing;
        if (bytes[i] == ':')
            missing = ' ';
        else if (bytes[i] == '\n' && i > 1) /* not of an empty line before all */
            missing = ':';
    }
}
