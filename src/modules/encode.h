/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside, made safe for a page or a URI. Pure. Each writes to `out`, which must hold ENCODE_GROWTH
 * times the text and a NUL, and returns the end, where the NUL stands, so that calls can be chained.
 */
#ifndef MODULES_ENCODE_H
#define MODULES_ENCODE_H

enum { ENCODE_GROWTH = 6 };

/* For text and quoted attributes of HTML. Control bytes become U+FFFD. */
char *encode_html(char *out, const char *text);

/* A file's name as one segment of a path, percent-encoded (RFC 3986, 3.3). The result is safe in HTML too. */
char *encode_name(char *out, const char *name);

/* A path as tine_path() gives it. It is decoded but for slashes: "%2F" stands for one that does not separate, and what was
 * "%2F" itself is written "%252F", and so on. Those stay as they are; decoding gives the same path again. */
char *encode_path(char *out, const char *path);

/* The path with those written out but for "%2F", which has no other form: the name of a file. Never longer. */
char *decode_path(char *out, const char *path);

#endif
