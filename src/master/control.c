/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h. The listening sockets are in control_socket.c.
 */
#include "master/control.h"

#include "base/io.h"
#include "base/log.h"
#include "master/master.h"
#include "shared/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 5000, /* for a request, and between two writes of an answer */
    AGAIN_MS = 50,      /* when there was no memory for one */
    ACCEPT_AGAIN_MS = 100
};

static void drop(struct control_client *client)
{
    io_close(&client->fd);
    buffer_release(&client->out);
    *client = (struct control_client){.fd = -1};
}

static void write_out(struct master *m, struct control_client *client)
{
    client->starved = false;
    while (buffer_length(&client->out) > 0) {
        ssize_t sent = send(client->fd, buffer_bytes(&client->out), buffer_length(&client->out), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (sent < 0 && io_is_pressure(errno)) {
            client->starved = true;
            master_wake_at(m, m->now + AGAIN_MS);
            return;
        }
        if (sent < 0)
            break;
        client->deadline = m->now + PATIENCE_MS;
        buffer_consume(&client->out, (size_t)sent);
    }
    drop(client);
}

static void answer(struct master *m, struct control_client *client, bool ok, const char *text)
{
    size_t length = strlen(text);
    buffer_append_text(&client->out, ok ? "ok\n" : "failed\n");
    buffer_append(&client->out, text, length);
    if (length > 0 && text[length - 1] != '\n')
        buffer_append_text(&client->out, "\n");
    client->state = CONTROL_WRITING;
    client->deadline = m->now + PATIENCE_MS;
    write_out(m, client);
}

static void answer_status(struct master *m, struct control_client *client)
{
    json_t *status = status_make(m->board);
    char *text = json_dumps(status, JSON_COMPACT);
    json_decref(status);
    answer(m, client, text != NULL, text != NULL ? text : "out of memory");
    free(text);
}

static const char *why_not(const struct master *m)
{
    return m->state == MASTER_RETIRING ? "a new binary has taken over: ask again" : "the server is stopping";
}

/* The verdict belongs to a run that reads the file from now on: one that waits for its first worker has read it before. */
static void begin_reload(struct master *m, struct control_client *client)
{
    if (m->state > MASTER_SERVING) {
        answer(m, client, false, why_not(m));
        return;
    }
    client->state = CONTROL_WAITING;
    client->deadline = 0;
    client->awaits = m->reload_run + 1;
    log_info("a reload is asked for on the control socket");
    reload_request(m);
}

/* Whoever asks while one is under way gets the verdict of that one. */
static void begin_upgrade(struct master *m, struct control_client *client)
{
    if (m->state != MASTER_SERVING) {
        answer(m, client, false, why_not(m));
        return;
    }
    client->state = CONTROL_WAITING;
    client->deadline = 0;
    client->upgrade = true;
    log_info("an upgrade is asked for on the control socket");
    upgrade_request(m);
}

static void obey(struct master *m, struct control_client *client)
{
    if (strcmp(client->request, "reload") == 0)
        begin_reload(m, client);
    else if (strcmp(client->request, "upgrade") == 0)
        begin_upgrade(m, client);
    else if (strcmp(client->request, "status") == 0)
        answer_status(m, client);
    else
        answer(m, client, false, "unknown request: this server knows reload, upgrade and status");
}

static void read_request(struct master *m, struct control_client *client)
{
    size_t room = sizeof client->request - client->length;
    ssize_t length = recv(client->fd, client->request + client->length, room, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        drop(client);
        return;
    }
    client->length += (size_t)length;
    char *end = memchr(client->request, '\n', client->length);
    if (end != NULL) {
        *end = 0;
        obey(m, client);
    } else if (client->length == sizeof client->request) {
        answer(m, client, false, "the request is too long");
    }
}

static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static struct control_client *find_place(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (control->clients[i].state == CONTROL_FREE)
            return &control->clients[i];
    return NULL;
}

/* Whoever waits goes on waiting, and the socket stays readable: it is not watched until we look again. */
static void accept_later(struct master *m, int error)
{
    if (!m->control.starved)
        log_warning("control socket: cannot accept: %s", strerror(error));
    m->control.starved = true;
    m->control.accept_at = m->now + ACCEPT_AGAIN_MS;
}

/* One a turn: there may be any number of strangers, and the server has other things to do. */
static void accept_client(struct master *m)
{
    static const char denied[] = "failed\npermission denied: only root and the user who runs the server may ask\n";
    struct control_client *client = find_place(&m->control);
    int fd = client != NULL ? accept4(m->control.now.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1, error = errno;
    if (client != NULL && fd < 0 && (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)) {
        accept_later(m, error);
        return;
    }
    m->control.starved = false;
    if (fd < 0)
        return;
    if (!is_allowed(fd)) {
        send(fd, denied, sizeof denied - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    *client = (struct control_client){.state = CONTROL_READING, .fd = fd, .deadline = m->now + PATIENCE_MS};
    read_request(m, client);
}

/* Whose master is leaving. It tells the verdict of an upgrade all the same, the copy of process 1 as soon as there is one. */
static bool is_in_vain(const struct master *m, const struct control_client *client)
{
    if (m->state <= MASTER_SERVING)
        return false;
    bool undecided = m->upgrade_verdict.by != 0 || (m->upgrade.in_place && m->upgrade.state == UPGRADE_TRYING);
    return client->upgrade ? !undecided : client->awaits > m->reload_run;
}

static void serve(struct master *m, struct control_client *client, short events)
{
    if (client->state == CONTROL_READING && events != 0)
        read_request(m, client);
    else if (client->state == CONTROL_WAITING && (events & (POLLHUP | POLLERR)) != 0)
        drop(client);
    else if (client->state == CONTROL_WRITING && (events != 0 || client->starved))
        write_out(m, client);
    if (client->state == CONTROL_WAITING && is_in_vain(m, client))
        answer(m, client, false, why_not(m));
    if (client->state == CONTROL_FREE || client->deadline == 0)
        return;
    if (m->now >= client->deadline)
        drop(client);
    else
        master_wake_at(m, client->deadline);
}

void control_step(struct master *m)
{
    struct control *control = &m->control;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        short events = control->clients[i].events;
        control->clients[i].events = 0;
        if (control->clients[i].state != CONTROL_FREE)
            serve(m, &control->clients[i], events);
    }
    control->starved = control->starved && !control->is_handed;
    if (control->events != 0 || (control->starved && m->now >= control->accept_at))
        accept_client(m);
    if (control->starved)
        master_wake_at(m, control->accept_at);
    control->events = 0;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (control->clients[i].state != CONTROL_FREE && control->clients[i].deadline != 0)
            master_wake_at(m, control->clients[i].deadline);
}

static bool awaits(const struct control_client *client, unsigned run)
{
    return client->state == CONTROL_WAITING && !client->upgrade && client->awaits <= run;
}

bool control_awaits(const struct control *control, unsigned run)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (awaits(&control->clients[i], run))
            return true;
    return false;
}

bool control_awaits_upgrade(const struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (control->clients[i].state == CONTROL_WAITING && control->clients[i].upgrade)
            return true;
    return false;
}

void control_tell_verdict(struct master *m, bool accepted, const char *text)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &m->control.clients[i];
        if (awaits(client, m->reload_run))
            answer(m, client, accepted, text);
    }
}

void control_tell_upgrade(struct master *m, bool accepted, const char *text)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &m->control.clients[i];
        if (client->state == CONTROL_WAITING && client->upgrade)
            answer(m, client, accepted, text);
        else if (client->state == CONTROL_WAITING && accepted)
            answer(m, client, false, why_not(m));
    }
}

/* While all places are taken those who come wait in the queue of the socket. */
void control_watch(const struct control *control, struct pollfd *fds)
{
    bool has_room = false;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        const struct control_client *client = &control->clients[i];
        short events = client->state == CONTROL_READING                         ? POLLIN
                       : client->state == CONTROL_WRITING && !client->starved ? POLLOUT
                                                                              : 0;
        fds[i] = (struct pollfd){.fd = client->state != CONTROL_FREE ? client->fd : -1, .events = events};
        has_room |= client->state == CONTROL_FREE;
    }
    bool accepts = has_room && !control->is_handed && !control->starved;
    fds[CONTROL_CLIENTS] = (struct pollfd){.fd = accepts ? control->now.fd : -1, .events = POLLIN};
}

void control_note(struct control *control, const struct pollfd *fds)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        control->clients[i].events = fds[i].revents;
    control->events = fds[CONTROL_CLIENTS].revents;
}
