/* SPDX-License-Identifier: Apache-2.0
 *
 * See upgrade.h. The other side is succession.c, what both say to each other inheritance.h.
 *
 * Process 1 of a container has to stay the one it is: it tries the new binary in a child, and then executes it itself. Its workers stay its
 * children; who knows their slots and what they were told is a copy of the old master, which sees them out from beside.
 */
#include "master/upgrade.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/title.h"
#include "master/inheritance.h"
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
    FILL_MS = 30000,       /* for its other workers; then ours leave all the same */
    END_MS = 10000,        /* for the one that was tried */
    DROPPED_MS = 1000,     /* that sockets which it does not go on with are served on */
    IDLE_MS = 1000
};

static char **arguments;

void upgrade_init(int argc, char **argv)
{
    arguments = memory_new(((size_t)argc + 1) * sizeof *arguments);
    for (int i = 0; i < argc; i++)
        arguments[i] = memory_copy_text(argv[i]);
}

void upgrade_open(struct upgrade *upgrade)
{
    *upgrade = (struct upgrade){.link = -1};
    errors_init(&upgrade->reasons);
}

void upgrade_release(struct upgrade *upgrade)
{
    io_close(&upgrade->link);
    free(upgrade->kept);
    errors_release(&upgrade->reasons);
    upgrade_open(upgrade);
}

void upgrade_forget(struct upgrade *upgrade)
{
    io_close(&upgrade->link);
}

static void refuse(struct master *m)
{
    if (m->upgrade.reasons.count == 0)
        errors_add(&m->upgrade.reasons, "'%s' did not say why it does not start", arguments[0]);
    verdict_refuse_upgrade(m, &m->upgrade.reasons);
    upgrade_release(&m->upgrade);
}

/* Found as the shell found us: by a path, or in PATH. Returns only if it cannot be run. */
static void become(int link)
{
    inheritance_announce(link);
    notify_pass_on();
    sigset_t before;
    master_pass_signals(&before);
    execvp(arguments[0], arguments);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
}

static _Noreturn void run_child(int link)
{
    become(link);
    inheritance_tell(link, "reason cannot run '%s': %s", arguments[0], strerror(errno));
    _exit(127);
}

/* A link with everything in it; [1] is for the new one. */
static int open_link(struct master *m, int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    if (inheritance_send(pair[0], m) == 0)
        return 0;
    io_close(&pair[0]);
    io_close(&pair[1]);
    return -1;
}

static void watch(struct master *m, pid_t pid, int link)
{
    struct upgrade *u = &m->upgrade;
    u->state = UPGRADE_TRYING;
    u->pid = pid;
    u->link = link;
    u->deadline = m->now + m->current->config->timeouts.start + START_MORE_MS;
    u->kept = memory_new((m->current->listeners.count + 1) * sizeof *u->kept);
}

static void begin(struct master *m)
{
    int pair[2];
    log_info("upgrading: starting '%s'", arguments[0]);
    if (open_link(m, pair) < 0) {
        errors_add(&m->upgrade.reasons, "no link to a new binary: %s", strerror(errno));
        refuse(m);
        return;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_child(pair[1]);
    int error = errno;
    io_close(&pair[1]);
    if (pid > 0) {
        watch(m, pid, pair[0]);
        return;
    }
    errors_add(&m->upgrade.reasons, "cannot fork: %s", strerror(error));
    io_close(&pair[0]);
    refuse(m);
}

void upgrade_request(struct master *m)
{
    if (m->state == MASTER_SERVING && m->upgrade.state == UPGRADE_NONE)
        m->upgrade.wanted = true;
    else
        log_info("no upgrade is begun: %s", m->state == MASTER_SERVING ? "one is under way" : "this process is not serving");
}

/* The copy of process 1: it goes on as the old master, the new binary being process 1. */
static void see_out(struct master *m, int link)
{
    upgrade_release(&m->upgrade);
    watch(m, 1, link);
    m->upgrade.in_place = true;
    notify_forget();
    title_set("tine: master of generation %u, leaving", m->current->number);
}

static void replace_process(struct master *m)
{
    int pair[2] = {-1, -1}, error = 0;
    pid_t pid = -1;
    if (open_link(m, pair) == 0) {
        fflush(NULL);
        pid = fork();
        error = errno;
        io_close(&pair[pid == 0]); /* the copy has the old side, we are to be the new one */
    } else {
        error = errno;
    }
    if (pid == 0) {
        see_out(m, pair[0]);
        return;
    }
    if (pid > 0) {
        become(pair[1]);
        error = errno;
        kill(pid, SIGKILL);
    }
    io_close(&pair[1]);
    errors_add(&m->upgrade.reasons, "process 1 cannot be replaced by '%s': %s", arguments[0], strerror(error));
    refuse(m);
}

static void leave_sockets(struct master *m)
{
    listeners_hand_over(&m->current->listeners, m->upgrade.kept);
    control_hand_over(&m->control, m->upgrade.controls);
    notify_forget();
    m->upgrade.state = UPGRADE_DRAINING;
    m->upgrade.deadline = m->now + DROPPED_MS;
}

void upgrade_cancel(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    u->wanted = false;
    if (u->state == UPGRADE_HANDED) /* they are not ours to remove any more */
        leave_sockets(m);
    if ((u->state != UPGRADE_TRYING && u->state != UPGRADE_PROVEN) || u->in_place)
        return;
    errors_add(&u->reasons, "the server is stopping");
    kill(u->pid, SIGKILL);
    refuse(m);
}

/* From here on it serves. Nothing of ours is given up yet. */
static void hand_over(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    notify_hand_over(u->pid); /* before it begins to speak itself */
    inheritance_tell(u->link, "take over");
    u->state = UPGRADE_HANDED;
    u->deadline = m->now + FILL_MS;
    m->state = MASTER_RETIRING;
    m->control.is_handed = true;
    verdict_accept_upgrade(m);
    if (m->reload_again) /* asked for meanwhile: it may have read the file before that */
        kill(u->pid, SIGHUP);
    m->reload_again = false;
}

/* Its master was killed, say, before its workers were up; ours all serve still. */
static void take_back(struct master *m)
{
    log_error("process %ld ended before all its workers were there: generation %u serves on", (long)m->upgrade.pid,
              m->current->number);
    m->state = MASTER_SERVING;
    m->control.is_handed = false;
    pidfile_write(m->current->config->pidfile);
    notify_take_back(m);
    upgrade_release(&m->upgrade);
}

static void dismiss_workers(struct master *m)
{
    struct listeners *listeners = &m->current->listeners;
    if (listeners_have_closing(listeners) && m->now < m->upgrade.deadline && !listeners_are_drained(true)) {
        master_wake_at(m, m->now + 50);
        return;
    }
    if (m->upgrade.adopts)
        children_order_all(m, ORDER_GIVE, 0);
    else
        children_order_all(m, ORDER_LEAVE, IDLE_MS);
    listeners_close_dropped(listeners);
    m->upgrade.state = UPGRADE_LEAVING;
}

static void heed(struct master *m, const char *text)
{
    struct upgrade *u = &m->upgrade;
    size_t index = (size_t)atoi(text + strcspn(text, " "));
    if (strncmp(text, "reason ", 7) == 0)
        errors_add(&u->reasons, "%s", text + 7);
    else if (strncmp(text, "keep ", 5) == 0 && u->kept != NULL && index < m->current->listeners.count)
        u->kept[index] = true;
    else if (strcmp(text, "keep-channel") == 0)
        u->adopts = true;
    else if (strcmp(text, "keep-control") == 0)
        u->controls = true;
    else if (strcmp(text, "complete") == 0)
        u->complete = true;
    if (strcmp(text, "prepared") != 0 || u->state != UPGRADE_TRYING)
        return;
    if (getpid() != 1) {
        hand_over(m);
        return;
    }
    inheritance_tell(u->link, "cancel");
    u->state = UPGRADE_PROVEN;
    u->deadline = m->now + END_MS;
}

static void listen_to_it(struct master *m)
{
    char text[INHERITANCE_MESSAGE_MAX];
    bool ended = false;
    while (m->upgrade.link >= 0 && inheritance_hear(m->upgrade.link, text, &ended))
        heed(m, text);
    if (ended && m->upgrade.state == UPGRADE_HANDED && !m->upgrade.complete)
        take_back(m);
    else if (ended)
        io_close(&m->upgrade.link);
}

void upgrade_gone(struct master *m, int status)
{
    struct upgrade *u = &m->upgrade;
    listen_to_it(m); /* its last words */
    u->pid = 0;
    if (u->state == UPGRADE_PROVEN) {
        replace_process(m);
        return;
    }
    if (u->state != UPGRADE_TRYING)
        return;
    if (u->reasons.count == 0 && WIFSIGNALED(status))
        errors_add(&u->reasons, "'%s' was killed by signal %d (%s) before it was ready", arguments[0], WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else if (u->reasons.count == 0)
        errors_add(&u->reasons, "'%s' exited with status %d before it was ready", arguments[0], WEXITSTATUS(status));
    refuse(m);
}

static void give_it_up(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->in_place)
        return;
    if (u->state == UPGRADE_TRYING && u->reasons.count == 0)
        errors_add(&u->reasons, "'%s' was not ready within %lld s ([timeouts] start, and %d s)", arguments[0],
                   (long long)(m->current->config->timeouts.start + START_MORE_MS) / 1000, START_MORE_MS / 1000);
    kill(u->pid, SIGKILL); /* upgrade_gone() does the rest */
    u->deadline = m->now + END_MS;
}

void upgrade_step(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    if (u->wanted && m->transaction == TRANSACTION_NONE && m->state == MASTER_SERVING) {
        u->wanted = false;
        begin(m);
    }
    if (u->state != UPGRADE_NONE)
        listen_to_it(m);
    bool late = m->now >= u->deadline;
    if ((u->state == UPGRADE_TRYING || u->state == UPGRADE_PROVEN) && late)
        give_it_up(m);
    if (u->state == UPGRADE_HANDED && (u->complete || late))
        leave_sockets(m);
    if (u->state == UPGRADE_DRAINING)
        dismiss_workers(m);
    if (u->state != UPGRADE_NONE && u->state < UPGRADE_LEAVING)
        master_wake_at(m, u->deadline);
}
