/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request (RFC 9112, sections 2, 3 and 5): request line and field lines up to the
 * empty line. Strict: what is ambiguous is refused, never repaired. Pure: bytes in, verdict out,
 * no descriptors, no globals. Partial input resumes where it stopped.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Fields that the server itself looks at; found while parsing, so nothing searches for them. */
enum head_known {
    HEAD_HOST,
    HEAD_CONNECTION,
    HEAD_CONTENT_LENGTH,
    HEAD_CONTENT_TYPE,
    HEAD_TRANSFER_ENCODING,
    HEAD_EXPECT,
    HEAD_ACCEPT,
    HEAD_IF_MODIFIED_SINCE,
    HEAD_IF_NONE_MATCH,
    HEAD_REFERER,
    HEAD_USER_AGENT,
    HEAD_X_REQUEST_ID,
    HEAD_IF_MATCH,
    HEAD_IF_UNMODIFIED_SINCE,
    HEAD_IF_RANGE,
    HEAD_RANGE,
    HEAD_ACCEPT_ENCODING,
    HEAD_KNOWN_COUNT,
    HEAD_OTHER = HEAD_KNOWN_COUNT
};

enum head_verdict {
    HEAD_PARTIAL, /* valid so far, more bytes are needed */
    HEAD_WHOLE,   /* head->length bytes are the head, the empty line included */
    HEAD_REFUSED  /* head->status and head->reason say why */
};

struct head_limits {
    uint32_t request_line; /* bytes, CRLF not counted: beyond it 414 */
    uint32_t field;        /* bytes of one field line: 431 */
    uint32_t total;        /* bytes of all field lines, their CRLFs counted: 431 */
    uint32_t count;        /* field lines: 431 */
};

/* Positions count from the first byte given to head_parse(), so the bytes may move between calls. */
struct head_field {
    uint32_t name, value; /* where they start */
    uint32_t name_length, value_length; /* value without the white space around it */
};

struct head {
    uint32_t method, method_length;
    uint32_t target, target_length;
    int minor_version; /* HTTP/1.x */
    uint32_t length;   /* of the whole head */
    uint32_t count;
    struct head_field *fields;          /* the caller's, limits->count of them */
    uint16_t known[HEAD_KNOWN_COUNT];   /* index + 1 of the first such field; 0: absent */
    uint32_t repeated;                  /* bit 1 << enum head_known: there is more than one */
    int status;                         /* when refused: 400, 414, 431, 501 or 505 */
    const char *reason;                 /* static text for a person: "bare LF in a field line" */
    const struct head_limits *limits;
    uint32_t fields_start; /* where the first field line starts */
    uint32_t line;         /* resume: where the current line starts */
    uint32_t stop;         /* resume: behind the first byte of it that, not being its CR, makes it too long */
    uint32_t scan;         /* resume: bytes of it already looked at */
    int phase;
    bool has_underscore;   /* in some field name */
};

/* 'fields' must hold limits->count entries; both must outlive the head. At most 65534 fields, and
 * less than 4 GB for request line and fields together. */
void head_init(struct head *head, struct head_field *fields, const struct head_limits *limits);

/* Parses bytes[0..length). Call again with the same bytes and more behind them after HEAD_PARTIAL;
 * complete lines are not parsed, nor bytes of the unfinished line scanned, a second time. Garbage is
 * refused as soon as it can be recognised, not only when the line is whole (a TLS hello, for one).
 * One empty line (CRLF) before the request line is skipped (RFC 9112, 2.2). When the verdict is final,
 * further calls repeat it. */
enum head_verdict head_parse(struct head *head, const char *bytes, size_t length);

/* Text of a whole head may have been terminated in place: delimiters behind method, target, names and values are NULs. Puts delimiters
 * back, so that it parses as before: for any other white space behind a value a blank. Async-signal-safe. */
void head_restore(char *bytes, size_t length);

static inline struct slice head_method(const struct head *head, const char *bytes)
{
    return (struct slice){bytes + head->method, head->method_length};
}

static inline struct slice head_target(const struct head *head, const char *bytes)
{
    return (struct slice){bytes + head->target, head->target_length};
}

/* The value of the first such field, or a slice whose data is NULL. */
static inline struct slice head_value(const struct head *head, const char *bytes, enum head_known known)
{
    if (head->known[known] == 0)
        return (struct slice){NULL, 0};
    const struct head_field *field = &head->fields[head->known[known] - 1];
    return (struct slice){bytes + field->value, field->value_length};
}

#endif
