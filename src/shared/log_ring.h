/* SPDX-License-Identifier: Apache-2.0
 *
 * Access log lines on their way to the log, in memory that master and workers share. The worker of the slot appends; it, or the master when
 * the worker sleeps or is dead, writes them out. Only atomics: a worker killed at any instruction leaves nothing that the master would wait
 * for.
 */
#ifndef SHARED_LOG_RING_H
#define SHARED_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LOG_RING_SIZE = 1 << 16,
    LOG_RING_LINE_MAX = 4096 /* PIPE_BUF: longer lines could mix with others' in a pipe */
};

struct log_ring {
    /* Bytes appended and written since the start; bytes[x % SIZE]. Only the slot's worker moves 'head', only
     * the holder of 'writer' moves 'tail'. */
    _Atomic uint64_t head, tail;
    _Atomic pid_t writer; /* who is writing out now; 0: nobody */
    _Atomic uint64_t half; /* the tail at which what was written last is no whole line; 0: it is */
    char bytes[LOG_RING_SIZE];
};

/* Where lines go. Made by the master, inherited or sent to workers. */
struct log_target {
    int fd;         /* -1: off */
    bool immediate; /* a terminal: somebody is looking */
    bool pipe;      /* whole lines of at most PIPE_BUF a write */
};

/* Looks at what 'fd' is. */
void log_target_open(struct log_target *target, int fd);

static inline bool log_ring_is_empty(const struct log_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire) ==
           atomic_load_explicit(&ring->tail, memory_order_acquire);
}

static inline size_t log_ring_length(const struct log_ring *ring)
{
    return (size_t)(atomic_load_explicit(&ring->head, memory_order_acquire) -
                    atomic_load_explicit(&ring->tail, memory_order_acquire));
}

/* Appends one line (with its newline; at most LOG_RING_LINE_MAX). Only the slot's worker. False: no room. */
bool log_ring_append(struct log_ring *ring, const char *line, size_t length);

/* Writes out what is there. It never waits: what a pipe or terminal has no room for is kept for the next time. Lines that cannot be
 * written (disk full) are dropped: their number is returned, with errno. If one of them was written in half, a newline ends that before
 * the next. A ring whose own account of itself cannot be (a module wrote over it) is emptied: that
 * is 1, with EBADMSG. */
size_t log_ring_write(struct log_ring *ring, const struct log_target *target, pid_t self);

/* That errno in words. */
const char *log_ring_why(int error);

/* The worker 'pid' is dead: what it was writing, the caller may write. If it died in the very write, how much of it reached a
 * file is not known: a newline ends what did, and those lines are written again, so none is lost. Only the master. */
void log_ring_recover(struct log_ring *ring, const struct log_target *target, pid_t pid);

/* And after that: whatever it says, nobody is writing it out. */
void log_ring_free(struct log_ring *ring);

#endif
