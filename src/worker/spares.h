/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are not in use, kept for the next ones, so that those cost no call to the heap. Runs in workers.
 *
 * What is read at once is served at once, so most of the time one request is in use, and a few are kept as they are. Many are in use while
 * many bodies are half read, or many answers half sent: of those the memory beyond what a small one takes goes back, and to the
 * system, too, when the last of them is done.
 */
#ifndef WORKER_SPARES_H
#define WORKER_SPARES_H

#include "app/request.h"

#include <stddef.h>
#include <stdint.h>

struct spares {
    struct tine_request *first;  /* as they are */
    struct tine_request *shrunk; /* the others */
    uint32_t count, shrunk_count;
    uint32_t made;       /* all that there are, in use or not */
    size_t given_back;   /* bytes since the system last had some of them */
    int64_t trim_after;  /* monotonic us */
};

/* Begins as {0}. Both with the limits that all its requests have. */
struct tine_request *spares_take(struct spares *spares, const struct head_limits *limits);
void spares_put(struct spares *spares, struct tine_request *r, const struct head_limits *limits);

#endif
