/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket itself: opened with a generation, kept while its option stays, and whose path is whose. Runs in the
 * master.
 */
#include "master/control.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static const struct control_socket no_socket = {.fd = -1};

void control_init(struct control *control)
{
    *control = (struct control){.now = no_socket, .next = no_socket};
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        control->clients[i].fd = -1;
}

static bool is_other_file(const struct sockaddr_un *address)
{
    struct stat status;
    return lstat(address->sun_path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

/* A path that a server left which was killed: nobody listens there. */
static bool is_left_over(const struct sockaddr_un *address, socklen_t length)
{
    if (address->sun_path[0] == 0 || is_other_file(address))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, length) < 0 && errno == ECONNREFUSED;
    io_close(&fd);
    return refused;
}

static int bind_once(int fd, const struct sockaddr_un *address, socklen_t length)
{
    mode_t before = umask(0177); /* 0600 from its first moment on */
    int result = bind(fd, (const struct sockaddr *)address, length);
    umask(before);
    return result;
}

static int listen_at(const struct sockaddr_un *address, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int result = bind_once(fd, address, length);
    if (result < 0 && errno == EADDRINUSE) {
        if (is_left_over(address, length) && unlink(address->sun_path) == 0)
            result = bind_once(fd, address, length);
        else
            errno = address->sun_path[0] != 0 && is_other_file(address) ? EEXIST : EADDRINUSE;
    }
    if (result < 0 || listen(fd, BACKLOG) < 0)
        io_close(&fd);
    return fd;
}

static void remember_inode(struct control_socket *socket, const struct sockaddr_un *address)
{
    struct stat status;
    if (address->sun_path[0] == 0 || lstat(address->sun_path, &status) < 0)
        return;
    socket->device = status.st_dev;
    socket->inode = status.st_ino;
}

static int open_socket(struct control_socket *socket, const struct config *config, struct errors *errors)
{
    struct sockaddr_un address;
    socklen_t length;
    *socket = (struct control_socket){.fd = -1, .value = memory_copy_text(config->control)};
    if (strcmp(config->control, "off") == 0)
        return 0;
    if (control_address(config->control, config->file, geteuid(), &address, &length) < 0) {
        config_reject_value(errors, config, "server", "control", "'%s' is too long for a socket: at most %zu bytes", config->control,
                            sizeof address.sun_path - 1);
        return -1;
    }
    socket->fd = listen_at(&address, length);
    if (socket->fd >= 0) {
        remember_inode(socket, &address);
        return 0;
    }
    if (address.sun_path[0] != 0) {
        config_reject_value(errors, config, "server", "control", "cannot listen on '%s': %s%s", config->control, strerror(errno),
                            errno == EEXIST       ? " (what lies there is no socket: move it away, or take another path)"
                            : errno == EADDRINUSE ? " (by another server: take another path)"
                                                  : "");
        return -1;
    }
    /* Names without a path are nobody's: whoever took this one shall not be able to keep the server from starting. */
    log_warning("[server] control: no control socket, its name is taken (%s): does another server run with '%s'? Then give it a path",
                strerror(errno), config->file);
    return 0;
}

static void close_socket(struct control_socket *socket)
{
    struct stat status;
    if (socket->fd >= 0 && socket->inode != 0 && lstat(socket->value, &status) == 0 && status.st_ino == socket->inode &&
        status.st_dev == socket->device)
        unlink(socket->value);
    io_close(&socket->fd);
    free(socket->value);
    *socket = no_socket;
}

int control_prepare(struct control *control, const struct config *config, struct errors *errors)
{
    bool same = control->now.value != NULL && strcmp(control->now.value, config->control) == 0;
    if (same && (control->now.fd >= 0 || strcmp(config->control, "off") == 0))
        return 0;
    if (open_socket(&control->next, config, errors) == 0) {
        control->has_next = true;
        return 0;
    }
    close_socket(&control->next);
    return -1;
}

/* Whoever was connected by the old one stays: a reload's verdict may be what is waited for. */
void control_commit(struct control *control)
{
    if (!control->has_next)
        return;
    /* A worker that has only just been forked still has it: who connected now would wait for that one to forget it, and be reset. */
    if (control->now.fd >= 0 && !control->is_inherited)
        shutdown(control->now.fd, SHUT_RDWR);
    close_socket(&control->now);
    control->is_inherited = false;
    control->now = control->next;
    control->next = no_socket;
    control->has_next = false;
}

void control_rollback(struct control *control)
{
    close_socket(&control->next);
    control->has_next = false;
}

void control_close(struct control *control)
{
    control_rollback(control);
    close_socket(&control->now);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        io_close(&control->clients[i].fd);
        buffer_release(&control->clients[i].out);
    }
}

void control_inherit(struct control *control, const struct control_socket *socket)
{
    control->now = *socket;
    control->inherited_inode = socket->inode;
    control->now.inode = 0;
    control->is_handed = true;
    control->is_inherited = true;
}

void control_keep(struct control *control)
{
    if (control->is_handed && !control->has_next)
        control->now.inode = control->inherited_inode;
    control->is_handed = false;
}

void control_hand_over(struct control *control, bool kept)
{
    if (kept)
        control->now.inode = 0; /* a path is the other's to remove */
    close_socket(&control->now);
}

/* Else a name would stay taken for as long as a worker outlives its master, and who asks there would wait for ever. */
void control_forget(struct control *control)
{
    io_close(&control->now.fd);
    io_close(&control->next.fd);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        io_close(&control->clients[i].fd);
}
