/* SPDX-License-Identifier: Apache-2.0
 *
 * See accept.h. The traps of a shared, blocking listening socket are closed here; each is told at its spot.
 */
#include "worker/accept.h"

#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "worker/give.h"
#include "worker/guard.h"
#include "worker/orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    STOLEN_NS = 1000000, /* how long an accept() may wait for a connection that another worker took */
    BACK_OFF_MS = 100,   /* after running out of descriptors or memory */
    GIVE_EVERY_MS = 1000 /* to make room; sooner again, and the others are no better off */
};

/* Real-time, so as not to take SIGALRM from modules; a timer has only one of them pending at a time. */
int accept_timer_signal(void)
{
    return SIGRTMAX - 1;
}

/* The kernel prefers the main thread, but a module's own gets a signal that comes while that one has another to see to. It would not end
 * the main one's accept4(), and would replace the door at any point of what that one does with it. */
static bool pass_to_main_thread(int signal)
{
    pid_t process = getpid();
    return syscall(SYS_gettid) != process && syscall(SYS_tgkill, process, process, signal) == 0;
}

/* "Look". Between the check of w->look and accept4() a signal would be lost; so the handler also puts a socket that does not
 * listen in place of the door, and the accept4() to come, or the one that SA_RESTART begins again, fails at once.
 * Safe here: dup2() is async-signal-safe, the descriptors are set before the handler stands, errno is kept. */
static void on_look(int signal)
{
    struct worker *w = the_worker;
    int saved = errno;
    if (w->preparing && orphan_is(w))
        syscall(SYS_exit_group, 1); /* the master was killed: in there nobody else would find out */
    if (!pass_to_main_thread(signal)) {
        w->look = 1;
        guard_stalled(w);
        if (w->current != NULL && !w->forked && orphan_is(w)) /* else it is found out before module code is entered, or behind it */
            orphan_hear(w);
        if (w->in_accept) {
            dup2(w->dud, w->listeners[0].door);
            w->door_replaced = 1;
        }
    }
    errno = saved;
}

/* Signals that people and service managers send to a whole process group: workers obey the master only. The alarm ends a worker that
 * dies (guard.c); until then it is a module's, which may have its own handler, or nobody's. Handlers rather than
 * SIG_IGN, which programs that a handler starts would inherit. XFSZ and PIPE: a file that may grow no more (ulimit -f) is, as a pipe that
 * nobody reads, an error of that write and not the end of all that a worker holds. */
static void on_nothing(int signal)
{
    (void)signal;
}

static void on_timer(int signal)
{
    int saved = errno;
    (void)signal;
    orphan_expire(the_worker);
    errno = saved;
}

void accept_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ, SIGALRM};
    struct sigaction action = {.sa_handler = on_nothing, .sa_flags = SA_RESTART | SA_ONSTACK}; /* a handler may have used up its own */
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        sigaction(ignored[i], &action, NULL);
    action.sa_handler = on_look; /* restarts what it interrupts: a handler's system calls never see it */
    sigaddset(&action.sa_mask, SIGABRT); /* what it gives it also lets go of, before an abort that comes meanwhile would give it again */
    sigaction(WORKER_LOOK_SIGNAL, &action, NULL);
    action.sa_handler = on_timer;
    action.sa_flags = SA_ONSTACK; /* not SA_RESTART: its purpose is to end accept4() */
    sigaction(accept_timer_signal(), &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* To this thread: a signal to the process could be taken by a thread that a module started. */
static int open_timer(struct worker *w)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = accept_timer_signal()};
    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    return timer_create(CLOCK_MONOTONIC, &event, &w->accept_timer);
}

int accept_open(struct worker *w)
{
    const struct worker_setup *setup = w->setup;
    w->listener_count = setup->listener_count;
    w->listeners = memory_new((w->listener_count + 1) * sizeof *w->listeners);
    for (size_t i = 0; i < w->listener_count; i++) {
        struct listener *listener = &w->listeners[i];
        listener->watch = setup->listeners[i];
        listener->local = setup->listeners_local[i];
        listener->proxied = setup->listeners_proxied[i];
        /* A registration with epoll belongs to the open file description under the number it was made with. Had the
         * handler replaced that number, the registration could not be deleted any more (ENOENT) and the worker would spin. */
        listener->door = fcntl(listener->watch, F_DUPFD_CLOEXEC, 0);
        if (listener->door < 0)
            return -1;
    }
    w->dud = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return w->dud < 0 ? -1 : open_timer(w);
}

static void restore_door(struct worker *w)
{
    if (!w->door_replaced)
        return;
    w->door_replaced = 0;
    dup3(w->listeners[0].watch, w->listeners[0].door, O_CLOEXEC);
}

/* By giving some of the idle connections to other workers, which may have room: what they have not taken when we try again we take back.
 * Only when that was no help, or there is no other, by ending the one that was idle longest. */
static void make_room(struct worker *w)
{
    bool lately = w->gave_for_room != 0 && w->now - w->gave_for_room < GIVE_EVERY_MS;
    if (!lately && scoreboard_has_other(w->setup->board, w->slot)) {
        adopt_watch(w, false); /* not to us */
        uint32_t given = give_oldest(w, HANDOFF_BATCH);
        give_reclaim(w);
        w->gave_for_room = w->now;
        if (given > 0)
            return;
    }
    struct connection *oldest = table_oldest(w);
    if (oldest != NULL)
        connection_close(w, oldest);
}

/* We were woken for a connection that we cannot take: somebody else is to be. */
static void pass_on(const struct worker *w)
{
    char message = MESSAGE_KICK;
    send(w->control, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Out of something that others may free: say so once, leave the listeners for a moment, go on. */
static void back_off(struct worker *w)
{
    if (!w->back_off_told)
        log_warning("cannot accept: %s; trying again every %d ms", strerror(errno), BACK_OFF_MS);
    w->back_off_told = true;
    make_room(w);
    pass_on(w);
    w->accept_after = w->now + BACK_OFF_MS;
}

/* EINVAL is that of a socket that does not listen: of the dud, or of a listener that the master shut down, for which it gives an order
 * first; else a handler closed ours and opened another, which got the number, or somebody shut it down. */
static bool is_robbery(const struct worker *w, int error)
{
    return error == EBADF || error == ENOTSOCK || error == EOPNOTSUPP ||
           (error == EINVAL && !w->door_replaced && atomic_load(&w->slot->order) == ORDER_SERVE);
}

static int accept_once(struct worker *w, size_t i, struct sockaddr_storage *peer)
{
    socklen_t length = sizeof *peer;
    int fd = accept4(w->listeners[i].door, (struct sockaddr *)peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        back_off(w);
    w->robbed |= fd < 0 && is_robbery(w, errno);
    return fd; /* all else is a signal, the dud, or a connection that was gone before it was accepted */
}

int accept_blocking(struct worker *w)
{
    int fd = -1;
    w->in_accept = 1;
    /* From here on the handler replaces the door; what came before is seen now. */
    if (!w->look && !atomic_load(&w->slot->look))
        fd = accept_once(w, 0, &w->peer);
    w->in_accept = 0;
    restore_door(w);
    return fd;
}

void accept_take(struct worker *w, size_t i, int fd)
{
    connection_open(w, fd, (uint8_t)i, &w->peer);
}

static void set_timer(struct worker *w, long nanoseconds)
{
    /* Repeating: a first expiry could come before accept4() sleeps. */
    struct itimerspec time = {{0, nanoseconds}, {0, nanoseconds}};
    timer_settime(w->accept_timer, 0, &time, NULL);
}

static void set_watched(struct worker *w, struct listener *listener, bool watched)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                                .data.u64 = EVENT_LISTENER + (uint64_t)(listener - w->listeners)};
    if (listener->watched == watched)
        return;
    if (epoll_ctl(w->epoll, watched ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener->watch, &event) == 0 || !watched)
        listener->watched = watched;
    else
        back_off(w); /* and then try again */
}

/* At the limit, with nobody idle to make room, the listeners are left to other workers until a connection ends. So they are when an order
 * has come, while a handler ran of what was accepted before in this turn: whoever gave it counts on that. */
static bool can_take(const struct worker *w)
{
    return w->accepting && atomic_load(&w->slot->order) < ORDER_GIVE && w->accept_after == 0 &&
           (w->held < w->limit || w->oldest != CONNECTION_NONE);
}

void accept_while_holding(struct worker *w, size_t i)
{
    struct listener *listener = &w->listeners[i];
    if (!listener->watched)
        return;
    if (!can_take(w)) { /* another connection of this turn took the last place, or its handler the time */
        pass_on(w);
        return;
    }
    /* Another worker may have taken the connection, and O_NONBLOCK would be shared by all: so the wait, with
     * connections held, is ended by a timer. */
    set_timer(w, STOLEN_NS);
    int fd = accept_once(w, i, &w->peer);
    set_timer(w, 0);
    if (fd < 0)
        return;
    /* To the end of the line: exclusive waiters are woken in the order of registration, and one worker would take most. */
    set_watched(w, listener, false);
    set_watched(w, listener, true);
    accept_take(w, i, fd);
}

void accept_watch(struct worker *w)
{
    bool watched = can_take(w);
    for (size_t i = 0; i < w->listener_count; i++)
        set_watched(w, &w->listeners[i], watched);
}

void accept_unwatch(struct worker *w)
{
    for (size_t i = 0; i < w->listener_count; i++)
        set_watched(w, &w->listeners[i], false);
}

void accept_rewatch(struct worker *w)
{
    /* Adding polls at once; EPOLL_CTL_MOD is not allowed with EPOLLEXCLUSIVE. */
    accept_unwatch(w);
    accept_watch(w);
}

void accept_close(struct worker *w)
{
    accept_unwatch(w); /* first: a registration outlives close() while other processes have the socket */
    for (size_t i = 0; i < w->listener_count; i++) {
        io_close(&w->listeners[i].watch);
        io_close(&w->listeners[i].door);
    }
}
