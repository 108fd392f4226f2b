/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses a head as the network may bring it: whole, in two pieces, byte by byte. Each time from a
 * fresh allocation that ends with the last byte given, so that a sanitizer sees a look beyond it.
 */
#ifndef TESTS_HEAD_WAYS_H
#define TESTS_HEAD_WAYS_H

#include "http/head.h"

enum { HEAD_WAYS_FIELDS = 16, HEAD_WAYS_REPORT = 8192 };

struct parse {
    struct head head;
    struct head_field fields[HEAD_WAYS_FIELDS];
    enum head_verdict verdict;
    size_t given; /* bytes there were when the verdict fell */
    char report[HEAD_WAYS_REPORT]; /* everything that a caller can see of the result */
};

void parse_whole(struct parse *parse, const struct head_limits *limits, const char *bytes, size_t length);
void parse_split(struct parse *parse, const struct head_limits *limits, const char *bytes, size_t length,
                 size_t split);
void parse_bytewise(struct parse *parse, const struct head_limits *limits, const char *bytes, size_t length);

/* Parses in all ways, every split among them, and expects that they agree. 'whole' is left as the
 * whole parse left it. Returns how many bytes were enough for the verdict. */
size_t parse_all_ways(struct parse *whole, const char *name, const struct head_limits *limits,
                      const char *bytes, size_t length);

#endif
