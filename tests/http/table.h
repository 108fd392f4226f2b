/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of what the RFCs ask of an origin server: a chapter is a section of an RFC, a rule one of its sentences in our own
 * words, with its cases or the reason why it has none.
 *
 * A case is bytes to send and what must come. In the bytes <<a*900>> stands for 900 times "a", <<each>> for each byte of a
 * class in turn, and at <<wait>> the client waits for an answer before it goes on. What must come is written as
 *
 *     "200; body=hello; Allow=GET, HEAD; -ETag | 400; close"
 *
 * that is answers, with '|' between them, each a status (400/501: one of these; 4xx; ?100: may be left out) and then, with ';' between
 * them: Name=value, Name~part, +Name (there), -Name (not there), body=, body~ (of peers in any letters), empty, head (no body may follow,
 * whatever the fields say), chunked, !what must not hold; a "own:" in front of any of these is for tine alone. At the end stands how it
 * goes on: "close" (the connection is closed and nothing more comes), "keep" (one more request on it is answered, nothing else comes), or
 * "either" (it is not looked at; for what peers may do). A ';' with a blank behind it that is itself expected is written as SEMICOLON.
 */
#ifndef HTTP_TABLE_H
#define HTTP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Each case is sent in each of these ways, unless it says `.not`. */
enum way {
    WHOLE = 1,
    SPLIT = 2,       /* in two parts, at every position; the second is sent when the first was read */
    PIPELINED = 4,   /* between other requests, in one piece */
    HALF_CLOSED = 8, /* the client closes its half behind it */
    INTERLEAVED = 16 /* byte by byte, in turn with other connections */
};
enum { WAYS = 5 };

struct http_case {
    const char *name, *bytes;
    size_t length;
    const char *expect;
    unsigned not;             /* ways that make no sense for it */
    bool own;                 /* tine's own policy, or its own targets: other servers are not asked */
    const char *peers;        /* what other servers may do, where tine is stricter than the RFC asks */
    bool (*each)(int byte);   /* the class for <<each>> */
};

enum level { MUST, MUST_NOT, SHOULD, SHOULD_NOT, POLICY };

struct rule {
    const char *section;
    enum level level;
    const char *says;
    const struct http_case *cases; /* ends with one without name */
    const char *none;              /* why there is no case */
};

struct chapter {
    const char *section, *title; /* "9112 2" */
    const struct rule *rules;    /* ends with {0} */
    bool pending;                /* tine cannot do it yet: counted for others, and with --pending */
};

extern const struct chapter chapters[]; /* ends with {0} */

#define RULE(section_, level_, says_, ...) \
    {.section = section_, .level = level_, .says = says_, .cases = (const struct http_case[]){__VA_ARGS__, {.name = NULL}}}
#define NO_CASE(section_, level_, says_, why) {.section = section_, .level = level_, .says = says_, .none = why}
#define EVERYWHERE(section_, level_, says_) NO_CASE(section_, level_, says_, "held against every answer that comes (answer.c)")
#define CASE(name_, bytes_, expect_, ...) \
    {.name = name_, .bytes = bytes_, .length = sizeof(bytes_) - 1, .expect = expect_, ##__VA_ARGS__}

#define SEMICOLON "\x01" /* which is in no text that is expected */

/* What most cases are made of. */
#define HOST "Host: tine.test\r\n"
#define GET "GET /hello HTTP/1.1\r\n" HOST
#define HEAD "HEAD /hello HTTP/1.1\r\n" HOST
#define POST "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define HELLO "200; body=hello; keep"
#define REFUSED "400; own:Content-Type=application/problem+json; own:Connection=close; close"

/* Classes of bytes. */
bool byte_any_control(int byte);   /* but HTAB, CR and LF */
bool byte_no_token(int byte);      /* but ':', CR and LF */
bool byte_token(int byte);
bool byte_value(int byte);         /* visible ASCII, blank, HTAB, obs-text */
bool byte_no_target(int byte);     /* but blank, CR, LF */
bool byte_no_digit(int byte);      /* but blank, HTAB, CR, LF */
bool byte_no_hex(int byte);        /* but blank, HTAB, ';', CR, LF */
bool byte_no_host(int byte);       /* but ':', '%', '[', blank, HTAB, CR, LF */

#endif
