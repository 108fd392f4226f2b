/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: where `tine reload` and `tine status` ask the master. One request a connection, one line; the answer is a line
 * "ok" or "failed", then text to the end. Never waits for a client: there are few of them, each with a deadline, and what they may
 * send is short. Only root and the master's own user are listened to. Runs in the master.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include "base/buffer.h"
#include "base/errors.h"
#include "config/config.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct master;

enum {
    CONTROL_CLIENTS = 16,
    CONTROL_REQUEST_MAX = 64,
    CONTROL_FDS = CONTROL_CLIENTS + 1
};

enum control_state {
    CONTROL_FREE,
    CONTROL_READING,
    CONTROL_WAITING, /* for the verdict of a reload, or an upgrade */
    CONTROL_WRITING
};

struct control_client {
    enum control_state state;
    int fd;
    int64_t deadline;  /* monotonic ms; of WAITING none: reloads end */
    bool upgrade;      /* that is what is waited for */
    unsigned awaits;   /* the first run of the reload that counts: it reads the file after this client asked */
    size_t length;
    char request[CONTROL_REQUEST_MAX];
    struct buffer out;
    short events;      /* of the last wait */
    bool starved;      /* there was no memory for the answer; it is tried again */
};

/* A listening socket. */
struct control_socket {
    int fd;        /* -1: off */
    char *value;   /* of [server] control; NULL: none was ever opened */
    dev_t device;  /* of one with a path: is it still ours? */
    ino_t inode;
};

struct control {
    struct control_socket now, next; /* next: of the generation that is being tried */
    bool has_next;
    bool is_handed; /* it is another master's to listen on: one before us, or the one of a new binary */
    bool is_inherited; /* 'now' is: the master before us may want it back */
    ino_t inherited_inode;
    short events;
    bool starved;      /* there was no descriptor, or no memory, for who waits there */
    int64_t accept_at; /* then: monotonic ms */
    struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control);

/* Opens what a new generation wants in place of what there is, if that differs. 0, or -1 with a reason added. Then one of: */
int control_prepare(struct control *control, const struct config *config, struct errors *errors);
void control_commit(struct control *control);
void control_rollback(struct control *control);

/* Closes the socket, and whoever is still there. Removes the path, if it is ours. */
void control_close(struct control *control);

/* The socket that a master before us left. Until that one is told that we keep it (control_keep()), it is not listened on, and its path
 * is not ours to remove. */
void control_inherit(struct control *control, const struct control_socket *socket);
void control_keep(struct control *control);

/* The master of a new binary has it from now on, or, if it is not 'kept', nobody. */
void control_hand_over(struct control *control, bool kept);

/* In a child: it has none of this. */
void control_forget(struct control *control);

/* For the one wait: fills CONTROL_FDS places; afterwards takes note of what happened to them. */
void control_watch(const struct control *control, struct pollfd *fds);
void control_note(struct control *control, const struct pollfd *fds);

/* The step: accepts, reads, answers, drops whoever is late. */
void control_step(struct master *m);

/* Tells the verdict of run 'm->reload_run' to all who wait for it or an earlier one. 'text' is one line or several. */
void control_tell_verdict(struct master *m, bool accepted, const char *text);

/* Does anybody wait for that of 'run' or an earlier one? */
bool control_awaits(const struct control *control, unsigned run);

/* The same of an upgrade. */
void control_tell_upgrade(struct master *m, bool accepted, const char *text);
bool control_awaits_upgrade(const struct control *control);

#endif
