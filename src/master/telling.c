/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers are told by messages. An order stands in the slot, and the signal that goes with every message has the worker look there,
 * so one that is lost does no harm. What only the message says is owed until it is sent: the kernel may have no memory for it (ENOBUFS,
 * in a container at its limit), or no room, since the worker was stopped and reads nothing (EAGAIN). Runs in the master.
 */
#include "master/master.h"

#include "base/io.h"
#include "base/log.h"
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { AGAIN_MS = 50 };

int children_send(struct master *m, unsigned slot, char message, const int *fds, size_t count)
{
    struct child *child = &m->children[slot];
    struct slot *shared = &m->board->slots[slot];
    int result = io_send_message(child->control, &message, 1, fds, count), error = errno;
    atomic_store(&shared->look, 1);
    /* A handler's sleep() or poll() would end early: in there it finds out when it is done. */
    if (atomic_load(&shared->state) != WORKER_HANDLER)
        kill(child->pid, WORKER_LOOK_SIGNAL);
    errno = error;
    return result;
}

/* Is it through with? One that has ended is owed nothing. */
static bool is_paid(struct master *m, unsigned slot, char message, const int *fds, size_t count)
{
    struct child *child = &m->children[slot];
    if (child->control < 0 || children_send(m, slot, message, fds, count) == 0 || !io_is_pressure(errno))
        return true;
    if (!child->unheard)
        log_warning("worker %ld cannot be told yet: %s", (long)child->pid, strerror(errno));
    child->unheard = true;
    master_wake_at(m, m->now + AGAIN_MS);
    return false;
}

/* Until it may go a worker understands nothing else. */
static void pay(struct master *m, unsigned slot)
{
    struct child *child = &m->children[slot];
    const struct logs *logs = &child->generation->logs;
    if (child->go_owed)
        child->go_owed = !is_paid(m, slot, MESSAGE_GO, NULL, 0);
    if (child->logs_owed && !child->go_owed) {
        /* -1 cannot be sent: a log that is off is represented by the other. */
        int fds[2] = {logs->access.fd >= 0 ? logs->access.fd : logs->error, logs->error >= 0 ? logs->error : logs->access.fd};
        child->logs_owed = fds[0] >= 0 && !is_paid(m, slot, MESSAGE_LOGS, fds, 2);
    }
    child->unheard &= child->go_owed || child->logs_owed;
}

void children_let_go(struct master *m, unsigned canary)
{
    m->children[canary].go_owed = true;
    pay(m, canary);
}

void children_hand_logs(struct master *m, const struct generation *generation)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].generation == generation)
            m->children[i].logs_owed = true;
}

void children_pay(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE)
            pay(m, i);
}
