/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_ring.h.
 */
#include "shared/log_ring.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void log_target_open(struct log_target *target, int fd)
{
    struct stat status;
    *target = (struct log_target){.fd = fd};
    if (fd < 0 || fstat(fd, &status) < 0)
        return;
    target->immediate = isatty(fd);
    target->pipe = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
}

static void copy_in(struct log_ring *ring, uint64_t at, const char *line, size_t length)
{
    size_t offset = at % LOG_RING_SIZE;
    size_t first = LOG_RING_SIZE - offset < length ? LOG_RING_SIZE - offset : length;
    memcpy(ring->bytes + offset, line, first);
    memcpy(ring->bytes, line + first, length - first);
}

bool log_ring_append(struct log_ring *ring, const char *line, size_t length)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head - tail > LOG_RING_SIZE - length)
        return false;
    copy_in(ring, head, line, length);
    /* The line becomes visible whole or not at all, even if the worker dies right here. */
    atomic_store_explicit(&ring->head, head + length, memory_order_release);
    return true;
}

/* The bytes [from, to) of the ring as at most two runs. */
static int gather(struct log_ring *ring, uint64_t from, uint64_t to, struct iovec iov[2])
{
    size_t offset = from % LOG_RING_SIZE, length = (size_t)(to - from);
    size_t first = LOG_RING_SIZE - offset < length ? LOG_RING_SIZE - offset : length;
    iov[0] = (struct iovec){ring->bytes + offset, first};
    iov[1] = (struct iovec){ring->bytes, length - first};
    return length > first ? 2 : 1;
}

/* Where a write that starts at 'from' should stop: for a pipe behind the last whole line within PIPE_BUF. */
static uint64_t end_of_write(struct log_ring *ring, uint64_t from, uint64_t to, bool pipe)
{
    if (!pipe || to - from <= PIPE_BUF)
        return to;
    uint64_t end = from + PIPE_BUF;
    while (end > from && ring->bytes[(end - 1) % LOG_RING_SIZE] != '\n')
        end--;
    return end > from ? end : from + PIPE_BUF;
}

static size_t count_lines(struct log_ring *ring, uint64_t from, uint64_t to)
{
    size_t lines = 0;
    for (uint64_t at = from; at != to; at++)
        lines += ring->bytes[at % LOG_RING_SIZE] == '\n';
    return lines;
}

static bool would_wait(const struct log_target *target)
{
    struct pollfd poller = {.fd = target->fd, .events = POLLOUT};
    return (target->pipe || target->immediate) && poll(&poller, 1, 0) == 0;
}

/* Between the look and the write another process may have filled the pipe: then who writes would wait all the same. Linux before 6.4 does
 * not know how to ask a pipe not to. */
static ssize_t write_now(const struct log_target *target, const struct iovec *iov, int runs)
{
    if (target->pipe) {
        ssize_t written = pwritev2(target->fd, iov, runs, -1, RWF_NOWAIT);
        if (written >= 0 || errno != EOPNOTSUPP)
            return written;
    }
    return writev(target->fd, iov, runs);
}

/* One write, at the most. What was cut short and then dropped is ended first, so that no line seems to go on in another. */
static ssize_t write_some(struct log_ring *ring, const struct log_target *target, uint64_t tail, uint64_t head)
{
    struct iovec iov[2];
    uint64_t half = atomic_load_explicit(&ring->half, memory_order_relaxed);
    if (target->fd < 0)
        return (ssize_t)(head - tail);
    if (half != 0 && half != tail) {
        if (write_now(target, &(struct iovec){"\n", 1}, 1) < 0)
            return -1;
        atomic_store_explicit(&ring->half, 0, memory_order_relaxed);
    }
    int runs = gather(ring, tail, end_of_write(ring, tail, head, target->pipe), iov);
    ssize_t written = write_now(target, iov, runs);
    if (written > 0) {
        uint64_t end = tail + (uint64_t)written;
        atomic_store_explicit(&ring->half, ring->bytes[(end - 1) % LOG_RING_SIZE] == '\n' ? 0 : end, memory_order_relaxed);
    }
    return written;
}

/* The ring is in memory that modules can write to: nothing is believed that would lead out of it, or go on for ever. */
static size_t empty(struct log_ring *ring, uint64_t head)
{
    atomic_store_explicit(&ring->tail, head, memory_order_release);
    errno = EBADMSG;
    return 1;
}

static size_t write_out(struct log_ring *ring, const struct log_target *target)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t lost = 0;
    if (head - tail > LOG_RING_SIZE)
        return empty(ring, head);
    while (tail != head && !would_wait(target)) {
        ssize_t written = write_some(ring, target, tail, head);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            break;
        if (written < 0) {
            lost = count_lines(ring, tail, head);
            written = (ssize_t)(head - tail);
        }
        tail += (uint64_t)written;
        /* After each write, so that whoever goes on after our death repeats one write at the most. */
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
    }
    return lost;
}

const char *log_ring_why(int error)
{
    return error == EBADMSG  ? "a handler wrote over the memory that they were kept in"
           : error == EAGAIN ? "whoever reads the pipe or terminal that it goes to does not take them"
                             : strerror(error);
}

size_t log_ring_write(struct log_ring *ring, const struct log_target *target, pid_t self)
{
    pid_t nobody = 0;
    if (log_ring_is_empty(ring) || !atomic_compare_exchange_strong(&ring->writer, &nobody, self))
        return 0;
    size_t lost = write_out(ring, target);
    int saved = errno;
    atomic_store_explicit(&ring->writer, 0, memory_order_release);
    errno = saved;
    return lost;
}

void log_ring_recover(struct log_ring *ring, const struct log_target *target, pid_t pid)
{
    if (!atomic_compare_exchange_strong(&ring->writer, &pid, 0) || target->fd < 0 || target->pipe)
        return;
    ssize_t written = write(target->fd, "\n", 1);
    (void)written;
}

void log_ring_free(struct log_ring *ring)
{
    atomic_store_explicit(&ring->writer, 0, memory_order_release);
}
