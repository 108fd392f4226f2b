/* SPDX-License-Identifier: Apache-2.0
 *
 * What the target "connection" puts in place of sockets, the channel and files in memory: plain memory, so that an input costs next to no
 * system calls. It is stricter than a kernel: a descriptor that was closed, or a call that makes no sense, ends the run, and numbers
 * come again late. Descriptors of anything else go on to the kernel.
 */
#ifndef TESTS_FUZZ_WIRE_H
#define TESTS_FUZZ_WIRE_H

#include "fuzz.h"

#include "shared/handoff.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WIRE_FIRST = 5000, WIRE_FDS = 64, WIRE_FILES = 16, WIRE_FILE_SIZE = 1 << 17, ANSWERS_MAX = 1 << 22, READ_OUT_PIECE = 4096 };

/* What a run has brought forth. */
struct transcript {
    size_t length;
    char bytes[ANSWERS_MAX];
};

/* The one connection: what its client sends, of which the first bytes have arrived, and what it is answered. */
struct wire {
    const uint8_t *input;
    size_t size, arrived, received;
    bool ended;   /* the client sends no more */
    bool said;    /* the server neither */
    bool reset;   /* it will throw away what waits */
    bool starving; /* for the next answer there is no memory */
    size_t room;  /* bytes that may wait for the client */
    struct transcript *answers;
    size_t taken; /* of them by the client */
    unsigned open, registered;
};

struct wire_file {
    size_t length, at;
    unsigned open;
    char bytes[WIRE_FILE_SIZE];
};

enum wire_kind { WIRE_NOTHING, WIRE_SOCKET, WIRE_FILE };

static struct wire wire;
static struct wire_file wire_files[WIRE_FILES];
static struct {
    enum wire_kind kind;
    struct wire_file *file;
} wire_fds[WIRE_FDS];
static struct {
    bool full;
    struct handoff_message message;
    int fds[WIRE_FDS];
    unsigned fd_count;
} wire_channel;

/* For what else the target wraps. */
#define WRAP(type, name, ...)   \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static enum wire_kind wire_kind(int fd)
{
    if (fd < WIRE_FIRST || fd >= WIRE_FIRST + WIRE_FDS)
        return WIRE_NOTHING;
    FUZZ_CHECK(wire_fds[fd - WIRE_FIRST].kind != WIRE_NOTHING);
    return wire_fds[fd - WIRE_FIRST].kind;
}

static struct wire_file *wire_file(int fd)
{
    return wire_kind(fd) == WIRE_FILE ? wire_fds[fd - WIRE_FIRST].file : NULL;
}

static int wire_new_fd(enum wire_kind kind, struct wire_file *file)
{
    static unsigned last;
    for (unsigned i = 0; i < WIRE_FDS; i++) {
        last = (last + 1) % WIRE_FDS;
        if (wire_fds[last].kind != WIRE_NOTHING)
            continue;
        wire_fds[last].kind = kind;
        wire_fds[last].file = file;
        *(kind == WIRE_SOCKET ? &wire.open : &file->open) += 1;
        return WIRE_FIRST + (int)last;
    }
    fuzz_fail(__FILE__, __LINE__, "a descriptor is free");
    return -1;
}

static int wire_new_file(void)
{
    for (size_t i = 0; i < WIRE_FILES; i++) {
        if (wire_files[i].open > 0)
            continue;
        wire_files[i].length = wire_files[i].at = 0;
        return wire_new_fd(WIRE_FILE, &wire_files[i]);
    }
    fuzz_fail(__FILE__, __LINE__, "a file is free");
    return -1;
}

static bool wire_is_all_closed(void)
{
    for (size_t i = 0; i < WIRE_FDS; i++)
        if (wire_fds[i].kind != WIRE_NOTHING)
            return false;
    return !wire_channel.full;
}

static bool wire_can_receive(void)
{
    return wire.received < wire.arrived || wire.ended;
}

static size_t wire_room(void)
{
    size_t waiting = wire.answers->length - wire.taken;
    return waiting < wire.room ? wire.room - waiting : 0;
}

/* Nobody shall get a reset in place of an answer: closing with input unread makes one. */
static void wire_check_close(void)
{
    bool unread = wire.received < wire.arrived, waiting = wire.taken < wire.answers->length;
    FUZZ_CHECK(wire.reset || !unread || !waiting);
}

WRAP(int, close, int fd)
{
    enum wire_kind kind = wire_kind(fd);
    if (kind == WIRE_NOTHING)
        return __real_close(fd);
    if (kind == WIRE_FILE)
        wire_file(fd)->open--;
    else if (--wire.open == 0)
        wire_check_close();
    wire_fds[fd - WIRE_FIRST].kind = WIRE_NOTHING;
    return 0;
}

/* ---- the socket ---- */

WRAP(ssize_t, recv, int fd, void *bytes, size_t size, int flags)
{
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_recv(fd, bytes, size, flags);
    size_t left = wire.arrived - wire.received, length = left < size ? left : size;
    if (length == 0 && !wire.ended) {
        errno = EAGAIN;
        return -1;
    }
    if (length > 0)
        memcpy(bytes, wire.input + wire.received, length);
    wire.received += length;
    return (ssize_t)length;
}

/* As much of it as there is room for. */
static size_t wire_put(const void *bytes, size_t length)
{
    size_t room = wire_room();
    FUZZ_CHECK(!wire.said && wire.answers->length + length <= ANSWERS_MAX);
    if (length > room)
        length = room;
    if (length > 0)
        memcpy(wire.answers->bytes + wire.answers->length, bytes, length);
    wire.answers->length += length;
    return length;
}

static bool wire_is_starved(void)
{
    bool starved = wire.starving;
    wire.starving = false;
    if (starved)
        errno = ENOBUFS;
    return starved;
}

static ssize_t wire_sent(size_t length, size_t wanted)
{
    if (length > 0 || wanted == 0)
        return (ssize_t)length;
    errno = EAGAIN;
    return -1;
}

WRAP(ssize_t, send, int fd, const void *bytes, size_t size, int flags)
{
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_send(fd, bytes, size, flags);
    return wire_is_starved() ? -1 : wire_sent(wire_put(bytes, size), size);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags)
{
    size_t sent = 0, wanted = 0;
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_sendmsg(fd, message, flags);
    if (wire_is_starved())
        return -1;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        wanted += message->msg_iov[i].iov_len;
        sent += wire_put(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    }
    return wire_sent(sent, wanted);
}

WRAP(ssize_t, sendfile, int fd, int file, off_t *offset, size_t size)
{
    char bytes[READ_OUT_PIECE];
    size_t room = wire_room(), length = size < room ? size : room;
    FUZZ_CHECK(wire_kind(fd) == WIRE_SOCKET);
    if (wire_is_starved())
        return -1;
    if (room == 0)
        return wire_sent(0, size);
    ssize_t got = pread(file, bytes, length < sizeof bytes ? length : sizeof bytes, *offset);
    FUZZ_CHECK(got > 0 && wire_put(bytes, (size_t)got) == (size_t)got);
    *offset += got;
    return got;
}

WRAP(int, shutdown, int fd, int how)
{
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_shutdown(fd, how);
    FUZZ_CHECK(how == SHUT_WR);
    wire.said = true;
    return 0;
}

WRAP(int, setsockopt, int fd, int level, int option, const void *value, socklen_t size)
{
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_setsockopt(fd, level, option, value, size);
    wire.reset |= level == SOL_SOCKET && option == SO_LINGER;
    return 0;
}

/* Only how much waits for the client, or for the server. */
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    int *value = va_arg(arguments, int *);
    va_end(arguments);
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_ioctl(fd, request, value);
    *value = (int)(request == SIOCINQ ? wire.arrived - wire.received : wire.answers->length - wire.taken);
    return 0;
}

/* One registration at a time: it outlives a close() while another process has the socket. */
WRAP(int, epoll_ctl, int epoll, int operation, int fd, struct epoll_event *event)
{
    if (wire_kind(fd) != WIRE_SOCKET)
        return __real_epoll_ctl(epoll, operation, fd, event);
    FUZZ_CHECK(operation == EPOLL_CTL_ADD ? wire.registered == 0 : wire.registered == (unsigned)fd);
    wire.registered = operation == EPOLL_CTL_DEL ? 0 : (unsigned)fd;
    return 0;
}

/* ---- files in memory ---- */

WRAP(int, memfd_create, const char *name, unsigned flags)
{
    (void)name;
    (void)flags;
    return wire_new_file();
}

WRAP(int, io_open_temporary, const char *directory)
{
    (void)directory;
    return wire_new_file();
}

WRAP(ssize_t, write, int fd, const void *bytes, size_t size)
{
    struct wire_file *file = wire_file(fd);
    if (file == NULL)
        return __real_write(fd, bytes, size);
    FUZZ_CHECK(size <= WIRE_FILE_SIZE - file->at);
    memcpy(file->bytes + file->at, bytes, size);
    file->at += size;
    file->length = file->at > file->length ? file->at : file->length;
    return (ssize_t)size;
}

WRAP(ssize_t, writev, int fd, const struct iovec *iov, int count)
{
    ssize_t written = 0;
    if (wire_kind(fd) != WIRE_FILE)
        return __real_writev(fd, iov, count);
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len > 0)
            written += __wrap_write(fd, iov[i].iov_base, iov[i].iov_len);
    return written;
}

WRAP(ssize_t, pread, int fd, void *bytes, size_t size, off_t offset)
{
    struct wire_file *file = wire_file(fd);
    if (file == NULL)
        return __real_pread(fd, bytes, size, offset);
    size_t left = (size_t)offset < file->length ? file->length - (size_t)offset : 0, length = size < left ? size : left;
    if (length > 0)
        memcpy(bytes, file->bytes + offset, length);
    return (ssize_t)length;
}

WRAP(off_t, lseek, int fd, off_t offset, int whence)
{
    struct wire_file *file = wire_file(fd);
    if (file == NULL)
        return __real_lseek(fd, offset, whence);
    FUZZ_CHECK(offset == 0 && whence != SEEK_CUR);
    file->at = whence == SEEK_END ? file->length : 0;
    return (off_t)file->at;
}

WRAP(int, ftruncate, int fd, off_t length)
{
    struct wire_file *file = wire_file(fd);
    if (file == NULL)
        return __real_ftruncate(fd, length);
    FUZZ_CHECK(length <= WIRE_FILE_SIZE);
    for (; file->length < (size_t)length; file->length++)
        file->bytes[file->length] = 0;
    file->length = (size_t)length;
    return 0;
}

/* What is mapped is a copy, of which AddressSanitizer knows the end. */
static void *wire_mapped;

WRAP(void *, mmap, void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    struct wire_file *file = wire_file(fd);
    if (file == NULL)
        return __real_mmap(address, size, protection, flags, fd, offset);
    FUZZ_CHECK(wire_mapped == NULL && offset == 0 && size <= file->length && (wire_mapped = malloc(size)) != NULL);
    return memcpy(wire_mapped, file->bytes, size);
}

WRAP(int, munmap, void *address, size_t size)
{
    if (wire_mapped == NULL || address != wire_mapped)
        return __real_munmap(address, size);
    free(wire_mapped);
    wire_mapped = NULL;
    return 0;
}

/* ---- the channel, which holds one message ---- */

WRAP(int, handoff_send, int channel, const struct handoff_message *message, const int *fds, unsigned count)
{
    (void)channel;
    FUZZ_CHECK(!wire_channel.full && message->count == 1 && count > 0 && count <= HANDOFF_FDS);
    wire_channel.full = true;
    wire_channel.message = *message;
    wire_channel.fd_count = count;
    for (unsigned i = 0; i < count; i++)
        wire_channel.fds[i] = wire_new_fd(wire_kind(fds[i]), wire_file(fds[i]));
    return 0;
}

WRAP(int, handoff_receive, int channel, struct handoff_message *message, int *fds, unsigned *count)
{
    (void)channel;
    *count = 0;
    if (!wire_channel.full)
        return -1;
    wire_channel.full = false;
    *message = wire_channel.message;
    *count = wire_channel.fd_count;
    memcpy(fds, wire_channel.fds, *count * sizeof *fds);
    return 0;
}

#endif
