/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers, read off a connection as strictly as requests are by a server that trusts nobody, and held against what a case expects.
 * Nothing here ends the run: what is wrong is returned as text.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    int fd;
    bool ended, reset; /* nothing more can come */
    char *data;        /* received and not yet taken, NUL behind it */
    size_t length, capacity;
};

struct answer {
    int status;
    char *head, *body; /* NUL-terminated; the body is decoded */
    size_t head_length, length;
    bool chunked, to_end;
};

/* Who is asked, and how long it is waited for. */
struct asked {
    bool is_tine;
    int64_t patience; /* milliseconds */
};

void wire_release(struct wire *wire);

/* Receives until the end or the deadline: bytes got, 0 at the end, -1 at the deadline. */
long wire_receive(struct wire *wire, int64_t deadline);

/* How it goes on: the last word of what is expected. */
enum end { END_CLOSE, END_KEEP, END_EITHER };

/* Reads the answers that `expect` has, up to its last word. Returns NULL, or what is wrong. */
char *answers_expect(struct wire *wire, const char *expect, const struct asked *asked, enum end *end);

/* Nothing may come but the end. */
char *answers_expect_end(struct wire *wire, const struct asked *asked);

#endif
