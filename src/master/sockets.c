/* SPDX-License-Identifier: Apache-2.0
 *
 * See sockets.h.
 */
#include "master/sockets.h"

#include "base/io.h"
#include "base/log.h"
#include "master/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_local(const struct listening *listening)
{
    return listening->address.socket.any.sa_family == AF_UNIX;
}

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* A path left behind by a server that was killed refuses connections; one that is served accepts them, and anything else that
 * lies there is not ours to remove. */
static int remove_stale(const struct listening *listening)
{
    const char *path = listening->address.socket.local.sun_path;
    struct stat status;
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(status.st_mode)) {
        errno = EEXIST;
        return -1;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int connected = connect(probe, &listening->address.socket.any, listening->address.length);
    bool stale = connected < 0 && errno == ECONNREFUSED;
    io_close(&probe);
    if (!stale) {
        errno = EADDRINUSE;
        return -1;
    }
    return unlink(path);
}

static int bind_local(struct listening *listening)
{
    struct stat status;
    if (remove_stale(listening) < 0)
        return -1;
    mode_t mask = umask(0177); /* until its mode is set nobody else gets in */
    int result = bind(listening->fd, &listening->address.socket.any, listening->address.length);
    umask(mask);
    if (result < 0 || lstat(listening->address.socket.local.sun_path, &status) < 0)
        return -1;
    listening->device = status.st_dev;
    listening->inode = status.st_ino;
    return 0;
}

static int bind_tcp(struct listening *listening, bool share_port)
{
    int fd = listening->fd;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (share_port)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    /* Always: else [::]:port and 0.0.0.0:port could not stand beside each other, and a system setting would decide. */
    if (listening->address.socket.any.sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    /* Accepted sockets inherit it. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    /* An optimisation, never a guarantee: a worker that is woken finds the request there. Silent clients come through after
     * the second, under a flood of SYNs at once. */
    set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    return bind(fd, &listening->address.socket.any, listening->address.length);
}

int sockets_open(struct listening *listening, bool share_port)
{
    int family = listening->address.socket.any.sa_family;
    listening->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening->fd < 0)
        return -1;
    int result = is_local(listening) ? bind_local(listening) : bind_tcp(listening, share_port);
    /* bind() alone proves nothing: two may be bound where only one can listen. */
    if (result == 0 && listen(listening->fd, (int)listening->backlog) == 0) {
        listening->bound = listening->address;
        getsockname(listening->fd, &listening->bound.socket.any, &listening->bound.length);
        return 0;
    }
    io_close(&listening->fd);
    return -1;
}

void sockets_adopt(struct listening *listening)
{
    int fd = listening->fd, only = 1;
    socklen_t length = sizeof only;
    listening->passed = true; /* and without device and inode no path is ours to remove */
    listening->bound = listening->address;
    if (!is_local(listening)) {
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
        getsockname(fd, &listening->bound.socket.any, &listening->bound.length);
    }
    /* V6ONLY cannot be changed any more once a socket is bound, and systemd's are for both families by default. */
    if (listening->address.socket.any.sa_family == AF_INET6)
        listening->dual = getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length) == 0 && !only &&
                          IN6_IS_ADDR_UNSPECIFIED(&listening->bound.socket.v6.sin6_addr);
    listen(fd, (int)listening->backlog);
}

void sockets_share_port(struct listening *listening, bool on)
{
    if (!is_local(listening))
        set(listening->fd, SOL_SOCKET, SO_REUSEPORT, on);
}

/* What the path leads to, if that is the very socket that was bound: whoever owns the folder may have put something else in its place,
 * a symbolic link to a file of root's, say. The descriptor stays that one's, whatever is done to the path meanwhile. */
static int open_path(const struct listening *listening)
{
    struct stat status;
    int fd = open(listening->address.socket.local.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISSOCK(status.st_mode) || status.st_dev != listening->device ||
                    status.st_ino != listening->inode))
        io_close(&fd);
    return fd;
}

/* By descriptor, never by path. fchmod() refuses one that is O_PATH; the link in /proc leads to what is open and nowhere else. */
static const char *set_owner(int fd, uid_t uid, gid_t gid, mode_t mode)
{
    char link[32];
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
        return "its owner cannot be set";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return chmod(link, mode) < 0 ? "its mode cannot be set" : NULL;
}

const char *sockets_set_owner(const struct listening *listening, const struct config_listen *listen)
{
    uid_t uid;
    gid_t gid;
    if (!is_local(listening) || listening->passed) /* the manager has set them: SocketMode= and the like */
        return NULL;
    const char *wrong = privileges_find_owner(listen->owner, listen->group, &uid, &gid);
    if (wrong != NULL)
        return wrong;
    int fd = open_path(listening);
    if (fd < 0)
        return "owner and mode are left as they are: what lies at the path is not the socket that was made there (restart to make it anew)";
    wrong = set_owner(fd, uid, gid, (mode_t)listen->mode);
    io_close(&fd);
    return wrong;
}

static int choose_congestion(int fd, const char *name)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

static const char *why_not(int error)
{
    return error == EPERM    ? "needs CAP_NET_ADMIN, unless sysctl net.ipv4.tcp_allowed_congestion_control names it"
           : error == ENOENT ? "sysctl net.ipv4.tcp_available_congestion_control has none of that name (is its module loaded?)"
                             : strerror(error);
}

void sockets_restore_congestion(struct listening *listening)
{
    if (listening->congestion[0] == 0)
        return;
    if (choose_congestion(listening->fd, listening->congestion) == 0)
        listening->congestion[0] = 0;
    else
        log_error("cannot give a socket its congestion control '%s' back: %s", listening->congestion, why_not(errno));
}

const char *sockets_set_congestion(struct listening *listening, const char *name)
{
    socklen_t length = sizeof listening->congestion - 1;
    bool implied = name[0] == 0 && !listening->passed && address_is_loopback(&listening->bound);
    if (is_local(listening))
        return NULL;
    if (name[0] == 0 && !implied) {
        sockets_restore_congestion(listening);
        return NULL;
    }
    if (listening->congestion[0] == 0)
        getsockopt(listening->fd, IPPROTO_TCP, TCP_CONGESTION, listening->congestion, &length);
    /* Nearly every system lets anybody have reno. Where one does not, nothing is lost. */
    return choose_congestion(listening->fd, implied ? "reno" : name) == 0 || implied ? NULL : why_not(errno);
}

const char *sockets_refuse_congestion(int family, const char *name, bool by_root)
{
    int probe = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return NULL; /* then the socket itself cannot be made, which is told */
    bool fits = choose_congestion(probe, name) == 0 || (by_root && errno == EPERM);
    const char *wrong = fits ? NULL : why_not(errno);
    io_close(&probe);
    return wrong;
}

void sockets_split_families(const struct address *both, struct address *v6, struct address *v4)
{
    in_port_t port = both->socket.any.sa_family == AF_INET6 ? both->socket.v6.sin6_port : both->socket.v4.sin_port;
    *v6 = (struct address){.length = sizeof v6->socket.v6};
    v6->socket.v6.sin6_family = AF_INET6;
    v6->socket.v6.sin6_port = port;
    *v4 = (struct address){.length = sizeof v4->socket.v4};
    v4->socket.v4.sin_family = AF_INET;
    v4->socket.v4.sin_port = port;
}

/* Classic BPF on the TCP header: a SYN without ACK, that is a new connection, is dropped; the client's system sends it again a second
 * later, and by then somebody else may listen. Closing instead would reset every connection in the queue. */
static void drop_syns(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),      /* the flags */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),   /* ACK, SYN */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0); /* who has not sent a request yet shall come through now */
}

/* Not one that was passed in: a filter belongs to the socket, which the service manager keeps. It would be deaf ever after. */
void sockets_shut(struct listening *listening)
{
    if (listening->passed) {
        sockets_restore_congestion(listening);
        return;
    }
    if (is_local(listening))
        sockets_unlink(listening);
    else
        drop_syns(listening->fd);
}

bool sockets_is_dead(const struct listening *listening)
{
    struct pollfd poller = {.fd = listening->fd, .events = POLLRDHUP};
    return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLRDHUP)) != 0;
}

/* Of the copy all is taken over but what is new: descriptor and inode. */
static int replace_local(struct listening *listening)
{
    struct listening another = *listening;
    if (sockets_open(&another, false) < 0)
        return -1;
    if (dup3(another.fd, listening->fd, O_CLOEXEC) < 0) {
        int error = errno;
        sockets_unlink(&another);
        io_close(&another.fd);
        errno = error;
        return -1;
    }
    io_close(&another.fd);
    listening->device = another.device;
    listening->inode = another.inode;
    return 0;
}

/* It has kept all that was set, and its address (EINVAL), but for a port that the system chose. Of one that an administrator destroyed
 * (ss -K) connections would be born shut down, had it not been disconnected. */
static int listen_again(const struct listening *listening)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    connect(listening->fd, &nobody, sizeof nobody);
    if (bind(listening->fd, &listening->bound.socket.any, listening->bound.length) < 0 && errno != EINVAL)
        return -1;
    return listen(listening->fd, (int)listening->backlog);
}

int sockets_revive(struct listening *listening)
{
    if (!is_local(listening))
        return listen_again(listening);
    errno = ENOTSUP;
    return listening->passed ? -1 : replace_local(listening);
}

void sockets_unlink(const struct listening *listening)
{
    struct stat status;
    const char *path = listening->address.socket.local.sun_path;
    if (!is_local(listening) || lstat(path, &status) < 0)
        return;
    if (status.st_dev == listening->device && status.st_ino == listening->inode)
        unlink(path);
}
