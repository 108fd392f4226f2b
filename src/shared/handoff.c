/* SPDX-License-Identifier: Apache-2.0
 *
 * See handoff.h.
 */
#include "shared/handoff.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { CHANNEL_BYTES = 8 << 20 };

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(HANDOFF_BATCH * HANDOFF_FDS * sizeof(int))];
};

int handoff_open(int pair[2])
{
    int bytes = CHANNEL_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    /* Capacity counts in bytes, and by default that is a dozen messages. */
    if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return 0;
}

static size_t length_of(uint32_t count)
{
    return offsetof(struct handoff_message, records) + count * sizeof(struct handoff_record);
}

int handoff_send(int channel, const struct handoff_message *message, const int *fds, unsigned fd_count)
{
    union control control;
    struct iovec iov = {(void *)message, length_of(message->count)};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = CMSG_SPACE(fd_count * sizeof(int))};
    memset(&control.header, 0, sizeof control.header);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
    ssize_t sent;
    do
        sent = sendmsg(channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* Workers run with a soft limit of descriptors below the hard one, and go up to that for just what hands connections over. */
static bool raise_limit(struct rlimit *before)
{
    return getrlimit(RLIMIT_NOFILE, before) == 0 && before->rlim_cur < before->rlim_max &&
           setrlimit(RLIMIT_NOFILE, &(struct rlimit){before->rlim_max, before->rlim_max}) == 0;
}

static void restore_limit(const struct rlimit *before)
{
    int saved = errno;
    setrlimit(RLIMIT_NOFILE, before);
    errno = saved;
}

/* At its limit a receiver gets a truncated message, and the kernel closes what did not fit. */
static ssize_t receive_with_room(int channel, struct msghdr *header)
{
    struct rlimit limit;
    bool raised = raise_limit(&limit);
    ssize_t length = recvmsg(channel, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (raised)
        restore_limit(&limit);
    return length;
}

/* No count above HANDOFF_BATCH has a length that was received. */
static bool is_whole(const struct handoff_message *message, size_t length)
{
    return message->version == HANDOFF_VERSION && length == length_of(message->count);
}

int handoff_receive(int channel, struct handoff_message *message, int *fds, unsigned *fd_count)
{
    union control control;
    struct iovec iov = {message, sizeof *message};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *fd_count = 0;
    ssize_t length = receive_with_room(channel, &header);
    if (length <= 0)
        return -1;
    if (!is_whole(message, (size_t)length))
        message->count = 0;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        *fd_count = (unsigned)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(rights), *fd_count * sizeof(int));
    }
    return 0;
}

/* Often it is the want of descriptors that has crashed a handler. */
int handoff_open_pack(void)
{
    struct rlimit limit;
    int fd = memfd_create("tine", MFD_CLOEXEC);
    if (fd < 0 && errno == EMFILE && raise_limit(&limit)) {
        fd = memfd_create("tine", MFD_CLOEXEC);
        restore_limit(&limit);
    }
    return fd;
}
