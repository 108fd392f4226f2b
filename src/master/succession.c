/* SPDX-License-Identifier: Apache-2.0
 *
 * See succession.h. The other side is upgrade.c.
 */
#include "master/succession.h"

#include "base/io.h"
#include "base/log.h"
#include "master/master.h"
#include "master/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KICK_MS = 1000,
    ANSWER_MS = 10000,
    GRACEFUL_MS = 25000, /* the default of what a file that was not read may say */
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
    inheritance_end(&succession->from.link);
    listeners_forget(&succession->from.listeners, own);
}

bool succession_ask(struct master *m, unsigned canary)
{
    struct succession *s = &m->succession;
    int link = s->from.link;
    if (link < 0 || m->current != NULL)
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

/* The one before us removes the paths, when it is through with them. */
static void let_go(struct listeners *left)
{
    for (size_t i = 0; i < left->count; i++)
        if (left->all[i]->references == 1)
            left->all[i]->inode = 0;
    listeners_release(left);
}

void succession_settle(struct master *m)
{
    let_go(&m->succession.from.listeners);
    control_keep(&m->control);
}

void succession_close(struct succession *succession)
{
    let_go(&succession->from.listeners);
    inheritance_end(&succession->from.link);
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
    if (m->transaction != TRANSACTION_CANARY || m->state != MASTER_STARTING)
        return;
    reload_commit(m, m->succession.canary);
    if (m->succession.from.link >= 0)
        inheritance_tell(m->succession.from.link, "serves");
}

static void speak(struct master *m)
{
    notify_hold(false);
    if (m->state == MASTER_SERVING)
        notify_ready(m);
}

static void hear_predecessor(struct master *m)
{
    struct succession *s = &m->succession;
    char text[INHERITANCE_MESSAGE_MAX];
    bool ended = false;
    while (s->from.link >= 0 && inheritance_hear(s->from.link, text, &ended)) {
        if (s->asked && strcmp(text, "take over") == 0)
            take_over(m);
        if (s->asked && strcmp(text, "cancel") == 0)
            end_trial(m);
        if (strcmp(text, "settled") == 0)
            s->settled = true;
        if (strcmp(text, "speak") == 0)
            speak(m);
        if (strcmp(text, "stop") == 0 && m->state == MASTER_SERVING)
            stop_request(m, SIGTERM);
    }
    if (!ended)
        return;
    inheritance_end(&s->from.link);
    if (s->asked && m->state == MASTER_STARTING) {
        log_warning("the master before this one is gone: taking over");
        take_over(m);
    }
    speak(m);
}

void succession_step(struct master *m)
{
    struct succession *s = &m->succession;
    if (s->from.link < 0)
        return;
    hear_predecessor(m);
    if (m->current != NULL) /* somebody may have been woken there for a connection that it did not accept */
        m->kick_until = m->now + KICK_MS;
    if (s->completed || m->current == NULL || children_ready(m, m->current) < m->wanted)
        return;
    inheritance_tell(s->from.link, "complete");
    s->completed = true;
}

/* As long as what is in progress may take. */
static int64_t graceful(const struct master *m)
{
    const struct generation *generation = m->current != NULL ? m->current : m->next;
    return generation != NULL ? generation->config->timeouts.graceful : GRACEFUL_MS;
}

bool succession_refuse(struct master *m, const struct errors *errors)
{
    if (m->current != NULL || m->succession.from.link < 0)
        return false;
    inheritance_refuse(m->succession.from.link, errors);
    if (getpid() != 1)
        return true;
    m->succession.linger_until = m->now + END_MS + graceful(m);
    return false; /* nobody but us may be there to tell */
}

bool succession_is_pending(const struct master *m)
{
    return m->succession.from.link >= 0 && !m->succession.completed && !m->succession.settled;
}

/* Before it serves a successor that ends is just one that could not start; but as process 1 it has been begun to rely on. */
void succession_stop(struct master *m, bool at_once)
{
    if (m->succession.from.link < 0 || (m->current == NULL && getpid() != 1))
        return;
    inheritance_tell(m->succession.from.link, at_once ? "quitting" : "leaving");
    m->succession.linger_until = m->now + END_MS + (at_once ? 0 : graceful(m));
}

bool succession_lingers(struct master *m)
{
    bool lingers = m->succession.from.link >= 0 && m->now < m->succession.linger_until;
    if (lingers)
        master_wake_at(m, m->succession.linger_until);
    return lingers;
}
