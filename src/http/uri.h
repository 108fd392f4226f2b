/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets (RFC 9112, 3.2), their paths and queries (RFC 3986). Pure.
 *
 * The one rule for paths, used by router, static files and logs alike: a path is percent-decoded once, then
 * its "." and ".." segments are removed (encoded dots count as dots). An encoded slash is data, not a
 * separator: it stays "%2F" (written so, in upper case), and so that this cannot be mistaken, "%252F"
 * stays "%252F", as do "%252f" and "%25252F". Empty segments stay. NUL (encoded), a broken "%" and a ".."
 * above the root are refused. '[', ']', '^', '`', '{', '|' and '}' stand for themselves, encoded or not.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/slice.h"

enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct target {
    enum target_form form;
    struct slice path;      /* undecoded; "/" for absolute-form with an empty path;
                             * data is NULL for authority-form and asterisk-form */
    struct slice query;     /* undecoded, without '?'; data is NULL when there is none */
    struct slice authority; /* absolute and authority form */
    bool https;             /* absolute-form said so */
};

/* Splits a request target; the slices lie in 'text'. Returns 0, or -1 when it has none of the four forms
 * or a byte that must not stand there: anything but visible ASCII, '#', '"', '<', '>' and, in the path,
 * '\'. authority-form only with CONNECT, asterisk-form only with OPTIONS; absolute-form takes http and https. */
int target_parse(struct target *target, struct slice text, struct slice method);

/* Decodes and normalises a path by the rule above. 'out' must hold path.length + 1 bytes; the result
 * is NUL-terminated, begins with '/' and never is longer than the path. Returns its length, or -1. */
long path_decode(struct slice path, char *out);

/* Decodes one parameter taken from a decoded path: "%2F" to '/', "%252F" to "%2F". In place; returns
 * the new length. */
size_t path_segment_decode(char *segment, size_t length);

/* Is 'authority' a uri-host with an optional port, up to 65535, and no userinfo (RFC 9110, 7.2)? An empty
 * one is not, nor are IPvFuture and a name with a comma, though RFC 3986 has them. */
bool authority_is_valid(struct slice authority);

/* The host part of a valid authority, without port; brackets of an IPv6 literal stay. */
struct slice authority_host(struct slice authority);

/* Takes the next name=value pair off a query or a form body ('&' between them; empty pairs are skipped).
 * Both come undecoded; a pair without '=' has an empty value. Returns false at the end. */
bool query_next(struct slice *rest, struct slice *name, struct slice *value);

/* Percent-decodes with '+' as a space. 'out' must hold text.length + 1 bytes; NUL-terminated. Returns
 * the length, or -1 for a broken "%" or an encoded NUL. */
long query_decode(struct slice text, char *out);

/* Would that give 'wanted'? Without decoding more than it takes to know. */
bool query_equals(struct slice text, struct slice wanted);

#endif
