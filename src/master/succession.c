/* SPDX-License-Identifier: Apache-2.0
 *
 * See succession.h. The other side is upgrade.c.
 */
#include "master/succession.h"

#include "base/io.h"
#include "base/log.h"
#include "master/master.h"
#include "master/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ANSWER_MS = 10000,
    END_MS = 5000 /* for the first worker to end, if we are not to take over */
};

void succession_open(struct master *m)
{
    struct inheritance *from = &m->succession.from;
    inheritance_take(from);
    if (from->link < 0)
        return;
    memcpy(m->channel, from->channel, sizeof m->channel);
    struct control_socket control = {.fd = from->control, .value = from->control_value, .device = from->control_device,
                                     .inode = from->control_inode};
    if (control.fd >= 0)
        control_inherit(&m->control, &control);
    else
        free(control.value);
    from->control_value = NULL;
}

void succession_forget(struct succession *succession, const struct listeners *own)
{
    io_close(&succession->from.link);
    listeners_forget(&succession->from.listeners, own);
}

bool succession_ask(struct master *m, unsigned canary)
{
    struct succession *s = &m->succession;
    int link = s->from.link;
    if (link < 0)
        return false;
    for (size_t i = 0; i < s->from.listeners.count; i++)
        if (s->from.listeners.all[i]->references > 1)
            inheritance_tell(link, "keep %zu", i);
    if (s->from.channel[0] >= 0)
        inheritance_tell(link, "keep-channel");
    if (!m->control.has_next && m->control.now.fd >= 0)
        inheritance_tell(link, "keep-control");
    inheritance_tell(link, "prepared");
    s->asked = true;
    s->canary = canary;
    m->transaction_deadline = m->now + ANSWER_MS;
    return true;
}

void succession_settle(struct master *m)
{
    struct listeners *left = &m->succession.from.listeners;
    for (size_t i = 0; i < left->count; i++)
        if (left->all[i]->references == 1)
            left->all[i]->inode = 0; /* the one before us removes the path, when it is through with it */
    listeners_release(left);
    notify_hold(false);
}

/* This was a trial. The first worker sees the end of its socket, and ends as in good times. */
static void end_trial(struct master *m)
{
    log_debug("ready, and not needed");
    m->state = MASTER_QUITTING;
    for (unsigned i = 0; i < m->slots; i++) {
        m->children[i].leave_by = m->now + END_MS;
        if (m->children[i].state != CHILD_NONE)
            m->children[i].state = CHILD_LEAVING;
        io_close(&m->children[i].control);
    }
}

static void take_over(struct master *m)
{
    m->succession.asked = false;
    if (m->transaction == TRANSACTION_CANARY && m->state == MASTER_STARTING)
        reload_commit(m, m->succession.canary);
}

static void listen_to_it(struct master *m)
{
    struct succession *s = &m->succession;
    char text[INHERITANCE_MESSAGE_MAX];
    bool ended = false;
    while (s->from.link >= 0 && inheritance_hear(s->from.link, text, &ended)) {
        if (s->asked && strcmp(text, "take over") == 0)
            take_over(m);
        if (s->asked && strcmp(text, "cancel") == 0)
            end_trial(m);
    }
    if (!ended)
        return;
    io_close(&s->from.link);
    if (s->asked && m->state == MASTER_STARTING) {
        log_warning("the master before this one is gone: taking over");
        take_over(m);
    }
}

void succession_step(struct master *m)
{
    struct succession *s = &m->succession;
    if (s->from.link < 0)
        return;
    listen_to_it(m);
    if (s->completed || m->current == NULL || children_ready(m, m->current) < m->wanted)
        return;
    inheritance_tell(s->from.link, "complete");
    s->completed = true;
}

bool succession_refuse(struct master *m, const struct errors *errors)
{
    if (m->current != NULL || m->succession.from.link < 0)
        return false;
    inheritance_refuse(errors);
    return true;
}

bool succession_lingers(struct master *m)
{
    bool lingers = getpid() == 1 && m->succession.from.link >= 0 && m->state < MASTER_QUITTING && m->now < m->stop_deadline;
    if (lingers)
        master_wake_at(m, m->stop_deadline);
    return lingers;
}
