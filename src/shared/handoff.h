/* SPDX-License-Identifier: Apache-2.0
 *
 * The hand-off channel: how connections outlive workers. One socket pair, made before the first fork and inherited by every worker
 * of every generation. A worker gives connections by sending their descriptors, with a small fixed record each; any other adopts
 * them. Several travel in a message, not too many, so that one adopter does not take all.
 */
#ifndef SHARED_HANDOFF_H
#define SHARED_HANDOFF_H

#include "http/chunked.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HANDOFF_VERSION = 2,
    HANDOFF_BATCH = 24,      /* connections in a message */
    HANDOFF_FDS = 3,         /* of a connection at most: its socket, bytes, spooled body */
    HANDOFF_ID_MAX = 64
};

struct handoff_record {
    struct in6_addr address; /* of the client, as a PROXY header has it */
    int64_t deadline;        /* monotonic ms: CLOCK_MONOTONIC is the same for all processes */
    int64_t began;           /* the same: the first byte of a head that is not whole */
    uint32_t served;         /* requests */
    uint16_t answer;         /* status to answer its request with, as its worker died of it; 0: go on as if nothing was */
    uint8_t state;           /* enum connection_state: proxy, idle, head or body */
    bool local;              /* came by a Unix socket */
    bool secure;             /* by TLS, to the proxy that sent a PROXY header */
    bool spooled;            /* the body so far is a descriptor of its own */
    uint32_t input;          /* bytes read and not yet served, in the second descriptor; behind them the body so far, if not spooled */
    uint64_t body;           /* bytes of the request's body that came, decoded */
    struct chunked chunked;  /* where its decoder stands */
    char id[HANDOFF_ID_MAX + 1]; /* of the request that is to be answered */
};

struct handoff_message {
    uint32_t version, count;
    struct handoff_record records[HANDOFF_BATCH];
};

/* Makes the pair: [0] is for giving, [1] for adopting. With root's rights it holds much. Returns 0, or -1 with errno. */
int handoff_open(int pair[2]);

/* Sends message->count connections with all their descriptors. Never waits. Returns 0, or -1 with errno (EAGAIN: the channel is
 * full, ETOOMANYREFS: too many are under way for this user): the connections then are still the caller's. Async-signal-safe. */
int handoff_send(int channel, const struct handoff_message *message, const int *fds, unsigned fd_count);

/* Opens a file in memory for the bytes that travel with a connection; at the soft limit of descriptors, too. Returns -1 with errno.
 * Async-signal-safe. */
int handoff_open_pack(void);

/* Receives one message; *fd_count is set to the descriptors that came with it, at most HANDOFF_BATCH * HANDOFF_FDS. What is no whole
 * message of this version has a count of 0. Returns 0, or -1 when there is none. */
int handoff_receive(int channel, struct handoff_message *message, int *fds, unsigned *fd_count);

#endif
