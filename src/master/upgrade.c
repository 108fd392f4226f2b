/* SPDX-License-Identifier: Apache-2.0
 *
 * See upgrade.h. The other side is succession.c, what both say to each other inheritance.h.
 *
 * Process 1 of a container has to stay the one it is: it tries the new binary in a child, and then executes it itself. Its workers stay its
 * children; who knows their slots and what they were told is a copy of the old master, which sees them out from beside.
 */
#include "master/upgrade.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/title.h"
#include "master/inheritance.h"
#include "master/launch.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/pidfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_MORE_MS = 15000, /* beyond what a first worker may take: to read the file, copy modules */
    END_MS = 10000,        /* for the one that was tried */
    DROPPED_MS = 1000,     /* that sockets which it does not go on with are served on */
    IDLE_MS = 1000,
    OWED_MS = 5000         /* for the service manager to take what it is told */
};

void upgrade_open(struct upgrade *upgrade)
{
    *upgrade = (struct upgrade){.link = -1};
    errors_init(&upgrade->reasons);
}

void upgrade_release(struct upgrade *upgrade)
{
    inheritance_end(&upgrade->link);
    free(upgrade->kept);
    errors_release(&upgrade->reasons);
    upgrade_open(upgrade);
}

void upgrade_forget(struct upgrade *upgrade)
{
    inheritance_end(&upgrade->link);
}

static void refuse(struct master *m)
{
    if (m->upgrade.reasons.count == 0)
        errors_add(&m->upgrade.reasons, "'%s' did not say why it does not start", launch_program());
    verdict_refuse_upgrade(m, &m->upgrade.reasons);
    upgrade_release(&m->upgrade);
}

static void watch(struct master *m, pid_t pid, int link)
{
    struct upgrade *u = &m->upgrade;
    u->state = UPGRADE_TRYING;
    u->pid = pid;
    u->link = link;
    u->deadline = m->now + m->current->config->timeouts.start + START_MORE_MS;
    u->complete = u->serves = u->prepared = u->adopts = u->controls = false; /* what one that was tried before has said */
    free(u->kept);
    u->kept = memory_new((m->current->listeners.count + 1) * sizeof *u->kept);
}

static void begin(struct master *m)
{
    int link;
    log_info("upgrading: starting '%s'", launch_program());
    pid_t pid = launch_beside(m, &link);
    if (pid > 0) {
        watch(m, pid, link);
        return;
    }
    errors_add(&m->upgrade.reasons, "'%s' cannot be started: %s%s", launch_program(), strerror(errno), launch_hint(errno));
    refuse(m);
}

void upgrade_request(struct master *m)
{
    if (m->state == MASTER_SERVING && m->upgrade.state == UPGRADE_NONE)
        m->upgrade.wanted = true;
    else
        log_info("no upgrade is begun: %s", m->state == MASTER_SERVING ? "one is under way" : "this process is not serving");
}

/* The copy of process 1: it goes on as the old master, the new binary being process 1, which is who gets signals. */
static void see_out(struct master *m, int link)
{
    upgrade_release(&m->upgrade);
    watch(m, 1, link);
    m->upgrade.in_place = true;
    m->state = MASTER_RETIRING;
    atomic_store(&m->board->master, getpid());
    master_forget_signals();
    notify_forget();
    title_set("tine: master of generation %u, leaving", m->current->number);
}

static void replace_process(struct master *m)
{
    int link;
    if (launch_here(m, &link) == 0) {
        see_out(m, link);
        return;
    }
    atomic_store(&m->board->master, getpid()); /* the copy may have come as far as to say that it is */
    errors_add(&m->upgrade.reasons, "process 1 cannot be replaced by '%s': %s", launch_program(), strerror(errno));
    refuse(m);
}

static void signal_it(const struct upgrade *u, int signal)
{
    if (u->pid > 0 && !u->in_place)
        kill(u->pid, signal);
}

/* It has all its workers, or has had the time: from here on nothing is taken back. */
static void leave_sockets(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    listeners_hand_over(&m->current->listeners, u->kept);
    control_hand_over(&m->control, u->controls);
    if (!u->in_place)
        notify_hand_over(u->pid);
    inheritance_tell(u->link, "settled");
    u->state = UPGRADE_DRAINING;
    u->deadline = m->now + DROPPED_MS;
}

void upgrade_cancel(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    u->wanted = false;
    if (u->state == UPGRADE_HANDED) /* sockets and paths are not ours to remove any more */
        leave_sockets(m);
    if (u->state == UPGRADE_NONE || u->state > UPGRADE_BECOMING || u->in_place)
        return;
    errors_add(&u->reasons, "the server is stopping");
    signal_it(u, SIGKILL);
    refuse(m);
}

void upgrade_pass_stop(struct master *m)
{
    log_info("leaving already: generation %u is served by process %ld", m->current->number + 1, (long)m->upgrade.pid);
    if (m->upgrade.state == UPGRADE_HANDED) /* who sent it may not know yet; and it may have got it as well */
        inheritance_tell(m->upgrade.link, "stop");
}

void upgrade_pass_signal(struct master *m, int signal)
{
    struct upgrade *u = &m->upgrade;
    if (u->state >= UPGRADE_HANDED)
        signal_it(u, signal);
    else if (u->state != UPGRADE_NONE && signal == SIGUSR1)
        u->reopens = true;
}

bool upgrade_is_busy(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    bool owes = u->state > UPGRADE_HANDED && notify_owes() && m->now < u->deadline + OWED_MS;
    if (owes)
        master_wake_at(m, u->deadline + OWED_MS);
    return owes || (m->state == MASTER_RETIRING && u->state < UPGRADE_LEAVING);
}

/* From here on it serves. Nothing of ours is given up yet. */
static void hand_over(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    inheritance_tell(u->link, "take over");
    if (u->in_place) { /* it is who the service manager knows already */
        inheritance_tell(u->link, "speak");
        u->spoken = true;
    }
    u->state = UPGRADE_HANDED;
    u->deadline = m->now + m->current->config->timeouts.start; /* for its other workers; then ours leave all the same */
    m->state = MASTER_RETIRING;
    m->control.is_handed = true;
    verdict_accept_upgrade(m);
    /* Asked for meanwhile: it may have read the file, or opened the logs, before that. */
    if (m->reload_again)
        signal_it(u, SIGHUP);
    if (u->reopens)
        signal_it(u, SIGUSR1);
    m->reload_again = false;
}

/* Its master was killed, say, before its workers were up; ours all serve still. */
static void take_back(struct master *m)
{
    char text[160];
    m->state = MASTER_SERVING;
    m->control.is_handed = false;
    listeners_update(&m->current->listeners); /* it had set them as its own file says */
    pidfile_write(m->current->config->pidfile);
    upgrade_release(&m->upgrade);
    snprintf(text, sizeof text, "the master of the new binary ended before all its workers were there: generation %u serves on",
             m->current->number);
    verdict_revoke_upgrade(m, text);
}

static void dismiss_workers(struct master *m)
{
    struct listeners *listeners = &m->current->listeners;
    if (listeners_have_closing(listeners) && m->now < m->upgrade.deadline && !listeners_are_drained(true)) {
        master_wake_at(m, m->now + 50);
        return;
    }
    children_quit_unready(m);
    if (m->upgrade.adopts)
        children_order_all(m, ORDER_GIVE, 0);
    else
        children_order_all(m, ORDER_LEAVE, IDLE_MS);
    listeners_close_dropped(listeners);
    m->upgrade.state = UPGRADE_LEAVING;
}

/* Process 1 did not get as far as serving: what there is is ours to finish. */
static void stop_for_it(struct master *m, int signal)
{
    log_error("process 1 does not serve: stopping");
    for (size_t i = 0; i < m->upgrade.reasons.kept; i++)
        log_error("%s", m->upgrade.reasons.messages[i]);
    m->upgrade.state = UPGRADE_NONE;
    m->state = MASTER_SERVING;
    stop_request(m, signal);
}

/* The new one is told to stop, and so the server as a whole is. If it serves, and takes what waits in the sockets, ours finish what they
 * hold; there is nobody to give it to. */
static void stop_with_it(struct master *m, bool at_once)
{
    struct upgrade *u = &m->upgrade;
    if (u->state == UPGRADE_TRYING && u->in_place) {
        stop_for_it(m, at_once ? SIGINT : SIGTERM);
        return;
    }
    if (u->state == UPGRADE_HANDED)
        leave_sockets(m);
    if (u->state <= UPGRADE_HANDED)
        return;
    u->state = UPGRADE_LEAVING;
    if (at_once)
        stop_request(m, SIGINT);
    else
        children_order_all(m, ORDER_LEAVE, IDLE_MS);
}

static void keep(struct master *m, const char *text)
{
    char *end;
    unsigned long index = strtoul(text, &end, 10);
    if (end != text && *end == 0 && index < m->current->listeners.count)
        m->upgrade.kept[index] = true;
}

static void heed(struct master *m, const char *text)
{
    struct upgrade *u = &m->upgrade;
    if (strncmp(text, "reason ", 7) == 0)
        errors_add(&u->reasons, "%s", text + 7);
    else if (strncmp(text, "keep ", 5) == 0)
        keep(m, text + 5);
    else if (strcmp(text, "keep-channel") == 0)
        u->adopts = true;
    else if (strcmp(text, "keep-control") == 0)
        u->controls = true;
    else if (strcmp(text, "prepared") == 0)
        u->prepared = true;
    else if (strcmp(text, "serves") == 0)
        u->serves = true;
    else if (strcmp(text, "complete") == 0)
        u->complete = true;
    else if (strcmp(text, "refused") == 0 && u->in_place && u->state == UPGRADE_TRYING)
        stop_for_it(m, SIGTERM);
    else if (strcmp(text, "leaving") == 0 || strcmp(text, "quitting") == 0)
        stop_with_it(m, text[0] == 'q');
}

static void hear_successor(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    char text[INHERITANCE_MESSAGE_MAX];
    bool ended = false;
    while (u->link >= 0 && inheritance_hear(u->link, text, &ended))
        heed(m, text);
    if (!ended)
        return;
    inheritance_end(&u->link);
    u->prepared = false; /* whoever said so is gone; why, its exit status will tell */
    if (u->state == UPGRADE_HANDED && !u->complete)
        take_back(m);
}

/* Of one that serves. It leaves with 0 in good order only: when the server is stopped, or it has handed over in its turn. */
static void log_end(int status)
{
    bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    log_message(in_order ? LOG_INFO : LOG_WARNING,
                "the master of the new binary has %s: here what is in progress is finished, and that is all",
                in_order ? "left, stopped or replaced by another" : "ended");
}

void upgrade_gone(struct master *m, int status)
{
    struct upgrade *u = &m->upgrade;
    hear_successor(m); /* its last words */
    u->pid = -1;
    if (u->state == UPGRADE_PROVEN)
        u->state = UPGRADE_BECOMING;
    if (u->state > UPGRADE_HANDED)
        log_end(status);
    if (u->state != UPGRADE_TRYING)
        return;
    if (u->reasons.count == 0 && WIFSIGNALED(status))
        errors_add(&u->reasons, "'%s' was killed by signal %d (%s) before it was ready", launch_program(), WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else if (u->reasons.count == 0)
        errors_add(&u->reasons, "'%s' exited with status %d before it was ready", launch_program(), WEXITSTATUS(status));
    refuse(m);
}

static void give_it_up(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->state == UPGRADE_TRYING && u->reasons.count == 0)
        errors_add(&u->reasons, "'%s' was not ready within %lld s ([timeouts] start, and %d s)", launch_program(),
                   (long long)(m->current->config->timeouts.start + START_MORE_MS) / 1000, START_MORE_MS / 1000);
    signal_it(u, SIGKILL); /* upgrade_gone() does the rest */
    u->deadline = m->now + END_MS;
}

/* It is ready: we let it take over, or, as process 1, take its place. */
static void answer(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (getpid() != 1) {
        hand_over(m);
        return;
    }
    inheritance_tell(u->link, "cancel");
    u->state = UPGRADE_PROVEN;
    u->deadline = m->now + END_MS;
}

static void try_it(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->state == UPGRADE_TRYING && u->prepared)
        answer(m);
    else if (u->state < UPGRADE_BECOMING && m->now >= u->deadline && !u->in_place)
        give_it_up(m);
    else if (u->state == UPGRADE_BECOMING)
        replace_process(m);
}

/* Once the service manager knows who its main process is, that one may speak to it. */
static void let_it_speak(struct upgrade *u)
{
    if (u->spoken || notify_owes())
        return;
    inheritance_tell(u->link, "speak");
    u->spoken = true;
}

/* Stopped, say, before it heard that it may take over: did ours leave now, nobody would serve. */
static void not_without_it(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (!u->in_place)
        log_error("the new binary was told to take over and does not, for %lld s ([timeouts] start): killing it",
                  (long long)m->current->config->timeouts.start / 1000);
    signal_it(u, SIGKILL); /* then it is taken back */
    u->deadline = m->now + END_MS;
}

static void leave(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->state == UPGRADE_HANDED && (u->complete || (u->serves && m->now >= u->deadline)))
        leave_sockets(m);
    else if (u->state == UPGRADE_HANDED && m->now >= u->deadline)
        not_without_it(m);
    if (u->state == UPGRADE_DRAINING)
        dismiss_workers(m);
    if (u->state > UPGRADE_HANDED)
        let_it_speak(u);
}

/* Not for the last of a reload's workers: one that cannot start, again and again, may be what the new binary is to mend. */
static bool may_begin(const struct master *m)
{
    bool settled = m->transaction == TRANSACTION_NONE || m->transaction == TRANSACTION_REPLACE;
    return settled && m->state == MASTER_SERVING && !succession_is_pending(m);
}

void upgrade_step(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->wanted && may_begin(m)) {
        u->wanted = false;
        begin(m);
    }
    if (u->state == UPGRADE_NONE)
        return;
    hear_successor(m);
    if (u->state != UPGRADE_NONE && u->state < UPGRADE_HANDED)
        try_it(m);
    if (u->state >= UPGRADE_HANDED)
        leave(m);
    if (u->state != UPGRADE_NONE && u->state < UPGRADE_LEAVING && m->now < u->deadline)
        master_wake_at(m, u->deadline);
}
