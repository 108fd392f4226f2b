/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request as it arrives: in memory at first, in an unlinked temporary file beyond a limit.
 * Runs in workers.
 */
#ifndef APP_BODY_H
#define APP_BODY_H

#include "base/buffer.h"

#include <stdint.h>

struct body {
    struct buffer memory;
    int fd;             /* of the spool file; -1 while all is in memory */
    uint64_t length;    /* so far */
    uint64_t limit;     /* [limits] body */
    uint64_t in_memory; /* [limits] body_memory */
    const char *temp;   /* folder of spool files */
    char *map;          /* of the spool file, once body_bytes() was asked for it */
};

void body_init(struct body *body);

/* Ready for the next request. */
void body_reset(struct body *body);

void body_begin(struct body *body, uint64_t limit, uint64_t in_memory, const char *temp);

/* Returns 0, or the status to answer with: 413, 507 (no room for the spool file, logged) or 500. */
int body_append(struct body *body, const char *data, size_t length);

/* The status for a spool file that this errno is about: 507 where there is no room, else 500. */
int body_status(int error);

/* The whole body, followed by a NUL that does not count; lives until the reset. NULL, with errno, when a spool file
 * cannot be mapped, or has no room for the NUL. */
const char *body_bytes(struct body *body);

#endif
