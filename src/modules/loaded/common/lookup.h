/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses of a host, by a deadline, though the system's getaddrinfo() knows none. One worker.
 */
#ifndef LOADED_COMMON_LOOKUP_H
#define LOADED_COMMON_LOOKUP_H

#include <netdb.h>
#include <stdint.h>

/* That of one host and port. */
struct lookup {
    struct lookup_going *going; /* NULL: none */
};

/* 0 and the addresses, which the caller frees by freeaddrinfo(); else why not, for lookup_reason(). What has no answer by then (monotonic
 * ms) goes on, and the next call takes it up: there is never more than one. */
int lookup_host(struct lookup *lookup, const char *host, const char *port, int64_t deadline, struct addrinfo **found);
const char *lookup_reason(int error);

void lookup_release(struct lookup *lookup);

#endif
