/* SPDX-License-Identifier: Apache-2.0
 *
 * The run: who is asked, and each case put to them in each way.
 */
#ifndef HTTP_CONFORMANCE_H
#define HTTP_CONFORMANCE_H

#include "answer.h"
#include "table.h"

#include <sys/types.h>

struct target {
    const char *name;         /* "tine", "nginx", "apache", "h2o" */
    char address[128];        /* TCP */
    char local[128];          /* a Unix socket for what is sent in two parts: there it shows when the first was read; "": none */
    struct asked asked;
    bool quick;               /* each case in the first way that it has: nearly all whole */
};

/* Starts it on a folder with the files that the cases ask for; it ends with us. */
void target_start(struct target *target, const char *name);
void target_stop(struct target *target);

/* The bytes of a case, marks put in. 'each' stands for <<each>>. */
struct sent {
    char *bytes;
    size_t length;
    size_t waits[8]; /* where the client waits for an answer */
    size_t wait_count;
};
struct sent sent_make(const struct http_case *http_case, int each);

/* Printable, cut where it is long. */
char *sent_show(const char *bytes, size_t length);

/* Puts the case in one way, or in all that it has but interleaving. NULL, or what went wrong: how it was sent, what, what came. */
char *case_run(const struct target *target, const struct http_case *http_case);

/* The same for many cases, interleaved: fills wrong[]. */
void cases_interleave(const struct target *target, const struct http_case *const *cases, size_t count, char **wrong);

/* What the target must do with it: the RFC's word, or tine's stricter one. */
const char *case_expects(const struct target *target, const struct http_case *http_case);

#endif
