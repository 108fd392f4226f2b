/* SPDX-License-Identifier: Apache-2.0
 *
 * The master's loop: a wait and an ordered list of steps. Signal handlers only note; the steps act.
 */
#include "master/master.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/title.h"
#include "config/cpus.h"
#include "master/notify.h"
#include "master/pidfile.h"
#include "shared/handoff.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    TICK_MS = 50,         /* while workers are active: logs are written, handlers watched; less if [timeouts] stall_after is */
    OTHER_FDS = 4,        /* in the wait, beside workers and the control socket */
    ACTIVE_MORE_MS = 1000 /* and so much longer, so that one request a second does not wake us each time */
};

static const int caught[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGCHLD};

static volatile sig_atomic_t noted[NSIG];

/* Only notes; safe for that. It runs only inside ppoll(), so no flag is ever set behind the back of a step. */
static void on_signal(int signal)
{
    noted[signal] = 1;
}

static bool take_note(int signal)
{
    bool was = noted[signal];
    noted[signal] = 0;
    return was;
}

void master_forget_signals(void)
{
    memset((void *)noted, 0, sizeof noted);
}

/* All signals stay blocked but in the wait. SIGPIPE too: a log into a pipe that nobody reads is an error like others. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaction(caught[i], &action, NULL);
}

void master_release_signals(void)
{
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        signal(caught[i], SIG_DFL);
}

/* To process 1 of a container the kernel does not deliver what has no handler: a TERM that comes early would be lost. What is blocked is
 * kept. */
static void list_held(sigset_t *held)
{
    static const int reloads[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}, stops[] = {SIGTERM, SIGQUIT, SIGINT};
    sigemptyset(held);
    for (size_t i = 0; i < sizeof reloads / sizeof reloads[0]; i++)
        sigaddset(held, reloads[i]);
    for (size_t i = 0; getpid() == 1 && i < sizeof stops / sizeof stops[0]; i++)
        sigaddset(held, stops[i]);
}

void master_hold_signals(void)
{
    sigset_t held;
    list_held(&held);
    sigprocmask(SIG_BLOCK, &held, NULL);
}

void master_pass_signals(sigset_t *before)
{
    sigset_t held;
    list_held(&held);
    sigprocmask(SIG_SETMASK, &held, before);
}

static void wait_mask(sigset_t *mask)
{
    sigfillset(mask);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigdelset(mask, caught[i]);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTSTP, SIGCONT};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(mask, faults[i]);
}

void master_wake_at(struct master *m, int64_t at)
{
    if (m->wake_at == 0 || at < m->wake_at)
        m->wake_at = at;
}

/* A handler entered behind our back is seen before it has had twice the time that is a stall. */
static int64_t tick(const struct master *m)
{
    int64_t least = TICK_MS;
    if (m->current != NULL && m->current->config->timeouts.stall_after < least)
        least = m->current->config->timeouts.stall_after;
    for (const struct generation *g = m->old; g != NULL; g = g->older)
        least = g->config->timeouts.stall_after < least ? g->config->timeouts.stall_after : least;
    return least;
}

/* While some worker is active, or was a moment ago, there are logs to write and handlers to watch; else we sleep until something
 * happens, and the first worker to get active wakes us. */
static void decide_tick(struct master *m)
{
    if (!scoreboard_master_may_sleep(m->board, m->slots))
        m->active_until = m->now + ACTIVE_MORE_MS;
    else if (m->now < m->active_until)
        scoreboard_master_woke(m->board); /* awake anyhow */
    if (m->now < m->active_until)
        master_wake_at(m, m->now + tick(m));
}

enum { FDS = OTHER_FDS + SCOREBOARD_SLOTS + CONTROL_FDS };

/* ppoll() of those that are there: it refuses more entries than a process may have descriptors, also such that it is to pass over. */
static int poll_those_there(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    static struct pollfd there[FDS];
    nfds_t there_count = 0, next = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd >= 0)
            there[there_count++] = fds[i];
    }
    int ready = ppoll(there, there_count, timeout, mask);
    if (ready < 0 && errno != EINTR) /* whatever it is: signals come in here alone */
        ppoll(NULL, 0, &(struct timespec){0, 100 * 1000000}, mask);
    for (nfds_t i = 0; ready > 0 && i < count; i++)
        if (fds[i].fd >= 0)
            fds[i].revents = there[next++].revents;
    return ready;
}

static void wait_for_something(struct master *m)
{
    static struct pollfd fds[FDS];
    nfds_t count = OTHER_FDS;
    sigset_t mask;
    decide_tick(m);
    bool channel = m->upgrade.state < UPGRADE_LEAVING, quiet = m->channel_quiet_until > m->now;
    if (channel && quiet)
        master_wake_at(m, m->channel_quiet_until);
    fds[0] = (struct pollfd){.fd = scoreboard_wake_fd(), .events = POLLIN};
    /* Watched one-shot, then by timer: while all workers are busy it stays readable. */
    fds[1] = (struct pollfd){.fd = channel && !quiet ? m->channel[1] : -1, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = m->upgrade.link, .events = POLLIN};
    fds[3] = (struct pollfd){.fd = m->succession.from.link, .events = POLLIN};
    for (unsigned i = 0; i < m->slots; i++)
        fds[count++] = (struct pollfd){.fd = m->children[i].state != CHILD_NONE ? m->children[i].control : -1, .events = POLLIN};
    nfds_t own = count;
    control_watch(&m->control, fds + own);
    count += CONTROL_FDS;
    int64_t left = m->wake_at > m->now ? m->wake_at - m->now : 0;
    struct timespec timeout = {left / 1000, left % 1000 * 1000000};
    wait_mask(&mask);
    int ready = poll_those_there(fds, count, m->wake_at != 0 ? &timeout : NULL, &mask);
    int64_t planned = m->now + left;
    m->now = clock_ms();
    if (m->wake_at != 0)
        supervise_absence(m, planned);
    m->wake_at = 0;
    if (ready > 0 && fds[0].revents != 0)
        scoreboard_master_woke(m->board);
    if (ready > 0 && fds[1].revents != 0)
        supervise_channel(m);
    control_note(&m->control, fds + own);
    for (nfds_t i = OTHER_FDS; ready > 0 && i < own; i++)
        if (fds[i].revents != 0 && m->children[i - OTHER_FDS].control >= 0)
            children_read(m, (unsigned)(i - OTHER_FDS));
}

static void process_stop(struct master *m)
{
    static const int stops[] = {SIGTERM, SIGQUIT, SIGINT};
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (take_note(stops[i]))
            stop_request(m, stops[i]);
}

/* The files are opened anew by us and handed to the workers: they have no right to. */
static bool reopen_logs(struct master *m, struct generation *generation)
{
    struct errors errors;
    struct logs logs;
    errors_init(&errors);
    if (logs_open(&logs, generation->config, &errors) == 0) {
        logs_close(&generation->logs);
        generation->logs = logs;
        children_hand_logs(m, generation);
    }
    for (size_t i = 0; i < errors.kept; i++)
        log_error("logs not opened again: %s", errors.messages[i]);
    bool reopened = errors.count == 0;
    errors_release(&errors);
    return reopened;
}

static void process_reopen(struct master *m)
{
    /* While the first worker of a new generation prepares itself the order waits: its logs may be open already. */
    if (m->current == NULL || m->transaction == TRANSACTION_CANARY || !take_note(SIGUSR1))
        return;
    upgrade_pass_signal(m, SIGUSR1);
    children_write_logs(m);
    bool reopened = reopen_logs(m, m->current);
    logs_use(&m->current->logs, m->current->config); /* at once: the descriptor that it was is closed */
    for (struct generation *g = m->old; g != NULL; g = g->older)
        reopened = reopen_logs(m, g) && reopened;
    if (reopened)
        log_info("logs opened again");
}

static void steps(struct master *m)
{
    children_reap(m);
    process_stop(m);
    if (take_note(SIGTTIN))
        population_change(m, 1);
    if (take_note(SIGTTOU))
        population_change(m, -1);
    if (take_note(SIGHUP))
        reload_request(m);
    if (take_note(SIGUSR2))
        upgrade_request(m);
    control_step(m);
    succession_step(m);
    reload_step(m);
    process_reopen(m);
    stop_step(m);
    population_step(m);
    supervise_handlers(m);
    supervise_waiting(m);
    children_write_logs(m);
    children_pay(m);
    upgrade_step(m); /* the last to act: it may make another program of this process */
    verdict_step(m);
    if (inheritance_pay())
        master_wake_at(m, m->now + INHERITANCE_AGAIN_MS);
    atomic_store(&m->board->state, m->state);
    if (busy_is_due(&m->busy, m->now))
        atomic_store(&m->board->busy, busy_look(&m->busy, m->now, scoreboard_requests(m->board), scoreboard_held(m->board), m->cpus));
    notify_step(m);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        log_info("limit of open files raised from %llu to %llu", (unsigned long long)before, (unsigned long long)limit.rlim_max);
}

/* Whoever started us in the background waits for this byte. */
static void announce(struct master *m, int *ready_fd)
{
    if (m->state == MASTER_STARTING)
        return;
    if (m->current != NULL && pidfile_is_done_with_output(m->current->config))
        io_silence(STDOUT_FILENO);
    if (m->current != NULL && pidfile_is_done_with_errors(m->current->config))
        io_silence(STDERR_FILENO);
    if (m->state == MASTER_SERVING && *ready_fd >= 0 && write(*ready_fd, "1", 1) < 0)
        log_debug("nobody waits for our start");
    io_close(ready_fd);
}

/* Nobody serves any more, so nobody shall be let in by a child that some handler forked, which may have the sockets: the next server could
 * not listen there. */
static void close_doors(struct master *m)
{
    if (m->state == MASTER_RETIRING || succession_is_pending(m))
        return;
    listeners_shut(&m->current->listeners, NULL);
    listeners_close_dropped(&m->current->listeners);
}

static void finish(struct master *m)
{
    verdict_finish(m);
    control_close(&m->control);
    if (m->current != NULL) {
        children_write_logs(m);
        close_doors(m);
        pidfile_remove(m->current->config->pidfile);
        log_info(m->state == MASTER_RETIRING ? "generation %u has left" : "stopped", m->current->number);
        generation_close(m->current);
    }
    if (m->next != NULL)
        generation_close(m->next);
    succession_close(&m->succession);
    while (m->old != NULL) {
        struct generation *older = m->old->older;
        generation_close(m->old);
        m->old = older;
    }
}

static int open_master(struct master *m)
{
    srandom((unsigned)getpid());
    m->board = scoreboard_new();
    m->channel[0] = m->channel[1] = -1;
    m->shared.fd = -1;
    upgrade_open(&m->upgrade);
    control_init(&m->control);
    succession_open(m);
    if (m->board == NULL || (m->channel[0] < 0 && handoff_open(m->channel) < 0)) {
        log_error("cannot make what is shared with workers: %s", strerror(errno));
        return -1;
    }
    errors_init(&m->reasons);
    m->now = m->absence.from = m->absence.to = clock_ms();
    m->cpus = (unsigned)cpus_granted();
    atomic_store(&m->board->master, getpid());
    atomic_store(&m->board->started, m->now);
    atomic_store(&m->board->started_at, clock_wall_ms());
    return 0;
}

int master_run(const struct master_options *options, struct config *config, int ready_fd)
{
    /* Not on the heap: slots that are never used take no memory so. */
    static struct master only;
    struct master *m = &only;
    fflush(NULL); /* once: workers exit(), and would write it again; the master writes nothing by stdio */
    m->options = *options;
    title_set("tine: master %s", config->file);
    log_never_wait(true); /* a terminal that was stopped with ^S would stop the server */
    if (open_master(m) < 0)
        return 1;
    catch_signals();
    raise_descriptor_limit();
    modules_remove_stale(config->temp);
    reload_begin(m, config);
    for (bool announced = false; m->state < MASTER_RETIRING || m->alive > 0 || succession_lingers(m) || upgrade_is_busy(m);) {
        wait_for_something(m);
        steps(m);
        if (!announced && m->state != MASTER_STARTING) {
            announce(m, &ready_fd);
            announced = true;
        }
    }
    finish(m);
    int status = m->exit_status;
    errors_release(&m->reasons);
    upgrade_release(&m->upgrade);
    return status;
}
