/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's turn: wait, look, accept, serve. A worker that holds no connection sleeps in accept4() itself, so that the
 * kernel wakes exactly one of those that sleep, the one that slept longest; one that holds some sleeps in epoll_wait()
 * over them, the listeners and the master's socket.
 */
#include "worker/state.h"

#include "app/request.h"
#include "app/server.h"
#include "app/shared.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/stamp.h"
#include "worker/accept.h"
#include "worker/balance.h"
#include "worker/give.h"
#include "worker/guard.h"
#include "worker/orphan.h"
#include "worker/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, GIVE_AGAIN_MS = 10, TELL_AGAIN_MS = 10 };

struct worker *the_worker;

static bool is_listener_event(const struct worker *w, uint64_t data)
{
    return data >= EVENT_LISTENER && data < EVENT_LISTENER + w->listener_count;
}

static _Noreturn void leave(struct worker *w)
{
    atomic_store(&w->slot->state, WORKER_LEAVING);
    apps_stop(w->apps);
    journal_end(w);
    scoreboard_deactivate(w->slot);
    exit(WORKER_EXIT_CLEAN);
}

/* New log files come as descriptors: a worker has no right to open them. */
static void take_logs(struct worker *w, const int *fds, size_t count)
{
    journal_flush(w);
    if (count == 2 && w->access_log.fd >= 0)
        dup3(fds[0], w->access_log.fd, O_CLOEXEC);
    log_target_open(&w->access_log, w->access_log.fd);
    if (count == 2 && log_fd() >= 0)
        dup3(fds[1], log_fd(), log_fd() > STDERR_FILENO ? O_CLOEXEC : 0);
    log_open(log_fd(), (enum log_level)w->config->log_level); /* it may be of another kind */
    if (count < 2)
        log_error("cannot take the new log files: the table of descriptors is full");
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static void hurry(struct worker *w)
{
    w->patience = atomic_load(&w->slot->patience);
    for (uint32_t i = 0; i < w->top; i++)
        if (table_is_sound(w, &w->table[i]) && w->table[i].state != CONNECTION_FREE)
            connection_hurry(w, &w->table[i]);
}

static void follow_order(struct worker *w)
{
    enum worker_order order = atomic_load_explicit(&w->slot->order, memory_order_acquire);
    if (w->orphaned && order < ORDER_LEAVE)
        order = ORDER_LEAVE;
    if (order == ORDER_QUIT)
        leave(w);
    if (order == ORDER_LEAVE && w->order == ORDER_LEAVE && atomic_load(&w->slot->patience) < w->patience)
        hurry(w);
    if (order <= w->order)
        return;
    w->order = order;
    if (order >= ORDER_GIVE && w->accepting) {
        w->accepting = false;
        accept_close(w);
        atomic_store(&w->slot->shut, true);
    }
    if (order == ORDER_LEAVE)
        hurry(w);
}

/* Not one that gives, or it would adopt its own: as it leaves, or lacks room for new connections. One that leaves for good takes what
 * others still give: somebody has to. */
static bool may_adopt(const struct worker *w)
{
    return w->order != ORDER_GIVE && w->accept_after == 0;
}

static void read_messages(struct worker *w)
{
    for (;;) {
        char message[16];
        int fds[2];
        size_t count = 2;
        ssize_t length = io_receive_message(w->control, message, sizeof message, fds, &count);
        if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
            epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->control, NULL);
            orphan_become(w);
            return;
        }
        if (length < 0)
            return;
        if (message[0] == MESSAGE_LOGS)
            take_logs(w, fds, count);
        if (message[0] == MESSAGE_KICK) {
            accept_rewatch(w);
            if (w->order < ORDER_GIVE && may_adopt(w))
                adopt(w);
        }
    }
}

/* Somebody wanted our attention. */
static void look(struct worker *w)
{
    w->look = 0;
    atomic_store(&w->slot->look, 0);
    if (orphan_is(w))
        orphan_become(w);
    read_messages(w);
    follow_order(w);
}

static void wake_up(struct worker *w)
{
    scoreboard_activate(w->setup->board, w->slot);
    atomic_store_explicit(&w->slot->state, WORKER_BUSY, memory_order_relaxed);
    w->looked_us = clock_us();
    w->now = w->looked_us / 1000;
    preemption_follow(&w->preemption, atomic_load_explicit(&w->setup->board->busy, memory_order_relaxed));
}

/* The master sets 'look', then reads 'state', and signals unless we are in a handler; we store 'state', then read 'look'. In one order
 * for all, or both could miss the other. */
static void fall_asleep(struct worker *w)
{
    atomic_store(&w->slot->state, WORKER_WAITING);
    scoreboard_deactivate(w->slot);
}

static int64_t sooner(int64_t wait, int64_t at, int64_t now)
{
    int64_t left = at > now ? at - now : 0;
    return at > 0 && (wait < 0 || left < wait) ? left : wait;
}

static int epoll_timeout(const struct worker *w)
{
    int64_t wait = deadlines_wait(&w->deadlines, w->now);
    wait = sooner(wait, w->accept_after, w->now);
    wait = sooner(wait, w->give_after, w->now);
    wait = sooner(wait, w->balance_at, w->now);
    wait = sooner(wait, w->leave_by, w->now);
    return wait < 0 ? -1 : wait > 3600000 ? 3600000 : (int)wait;
}

/* Its record is far away: among thousands that are as busy, the cache has lost it since its last request. */
static void fetch_record(const struct worker *w, uint64_t event)
{
    const char *record = (const char *)&w->table[(uint32_t)event];
    for (size_t at = 0; at < sizeof *w->table; at += 64)
        __builtin_prefetch(record + at, 1);
}

static void serve_events(struct worker *w, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t data = events[i].data.u64;
        if (i + 1 < count)
            fetch_record(w, events[i + 1].data.u64);
        if (data < EVENT_LISTENER || is_listener_event(w, data))
            continue;
        /* Stale by now? A handler, or a timeout, may have ended it since the events were fetched. */
        struct connection *c = table_find(w, data);
        if (c != NULL)
            connection_event(w, c, events[i].events);
    }
}

/* Once, and then to the end of the line: exclusive waiters are woken in the order of registration. */
static void adopt_in_turn(struct worker *w)
{
    adopt(w);
    w->looked_us = 0;
    adopt_watch(w, false);
    adopt_watch(w, true);
}

/* Listeners before requests: a connection that waits shall not wait for a handler as well. */
static void accept_events(struct worker *w, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t data = events[i].data.u64;
        if (data == EVENT_CONTROL)
            look(w);
        else if (is_listener_event(w, data) && w->accepting)
            accept_while_holding(w, (size_t)(data - EVENT_LISTENER));
        else if (data == EVENT_CHANNEL && w->channel_watched)
            adopt_in_turn(w);
    }
}

static void expire(struct worker *w)
{
    struct deadline *due;
    while ((due = deadlines_next(&w->deadlines, w->now)) != NULL) {
        struct connection *c = (struct connection *)((char *)due - offsetof(struct connection, deadline));
        if (!table_is_sound(w, c))
            break;
        connection_timeout(w, c);
    }
    if (w->accept_after > 0 && w->now >= w->accept_after)
        w->accept_after = 0;
}

static void turn(struct worker *w)
{
    struct epoll_event events[EVENTS_MAX];
    accept_watch(w);
    adopt_watch(w, may_adopt(w) && balance_may_take(w));
    fall_asleep(w);
    int count = epoll_wait(w->epoll, events, EVENTS_MAX, epoll_timeout(w));
    w->robbed |= count < 0 && errno != EINTR;
    wake_up(w);
    w->ready = count;
    accept_events(w, events, count);
    serve_events(w, events, count);
    expire(w);
}

static void turn_without_connections(struct worker *w)
{
    accept_unwatch(w);
    fall_asleep(w);
    int fd = accept_blocking(w);
    wake_up(w);
    if (fd >= 0)
        accept_take(w, 0, fd);
}

/* All that can be given goes; what cannot now (it is being answered, or the channel is full) is tried again after each turn. */
static void give_up(struct worker *w)
{
    if (w->order != ORDER_GIVE || w->held == 0)
        return;
    adopt_watch(w, false);
    w->give_after = give_all(w, NULL) ? 0 : w->now + GIVE_AGAIN_MS;
    give_reclaim(w);
}

/* Nothing is held any more. What others gave and nobody has adopted yet, the last to leave would take to the grave. */
static void leave_if_done(struct worker *w)
{
    if (w->leave_by > 0 && w->now >= w->leave_by)
        leave(w);
    if (w->accepting || w->held > 0)
        return;
    if (w->order == ORDER_GIVE || !adopt(w))
        leave(w);
}

static _Noreturn void run(struct worker *w)
{
    for (;;) {
        if (w->damaged)
            guard_damaged(w);
        if (w->robbed)
            guard_robbed(w);
        if (w->look || atomic_load(&w->slot->look))
            look(w);
        follow_order(w);
        give_up(w);
        balance(w);
        leave_if_done(w);
        if (w->accepting && w->held == 0 && w->listener_count == 1 && w->accept_after == 0)
            turn_without_connections(w);
        else
            turn(w);
    }
}

/* Of a worker that is not ready yet: it has nothing else to do, and [timeouts] start bounds how long there is no memory for it. */
static void tell_master(const struct worker *w, const char *message, size_t length)
{
    while (send(w->control, message, length, MSG_NOSIGNAL) < 0 && (errno == EINTR || io_is_pressure(errno)))
        if (errno != EINTR)
            poll(NULL, 0, TELL_AGAIN_MS);
}

static void send_reasons(const struct worker *w, const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++) {
        char message[WORKER_MESSAGE_MAX];
        int length = snprintf(message, sizeof message, "%c%s", MESSAGE_REASON, errors->messages[i]);
        tell_master(w, message, (size_t)length < sizeof message ? (size_t)length : sizeof message - 1);
    }
}

/* Of what its words say is not there nobody may have more. */
static bool is_missing(const struct errors *errors)
{
    const char *message = errors->kept > 0 ? errors->messages[errors->kept - 1] : "";
    return strstr(message, strerror(ENOENT)) != NULL || strstr(message, strerror(ENOTDIR)) != NULL;
}

/* The master may write there in any case where it is root. Where only bodies are concerned it is no reason not to serve. */
static void check_temp(const struct worker *w, struct errors *errors)
{
    const char *temp = w->config->temp, *user = w->setup->user;
    if (!w->setup->canary || user == NULL)
        return;
    if (access(temp, X_OK) < 0)
        config_reject_value(errors, w->config, "server", "temp", "workers, who are '%s' ([server] user), cannot enter '%s': %s", user, temp,
                            strerror(errno));
    else if (access(temp, W_OK) < 0)
        log_warning("[server] temp: workers, who are '%s', cannot write '%s': bodies larger than [limits] body_memory are answered 507",
                    user, temp);
}

/* Modules, settings, formats: what can fail, before anything is accepted. Copies of modules may lie in a folder of [server] temp. */
static void prepare(struct worker *w)
{
    struct errors errors;
    const char *reason;
    errors_init(&errors);
    server_use(w->setup->board, w->config->health);
    check_temp(w, &errors);
    if (errors.count == 0)
        w->apps = apps_load(w->config, w->setup->module_files, &errors);
    if (w->access_log.fd >= 0) {
        w->access_format = access_log_new(w->config->log_access_format, &reason);
        if (w->access_format == NULL)
            config_reject_value(&errors, w->config, "log", "access_format", "%s", reason);
    }
    shared_use(&w->setup->shared);
    /* Where the first worker of a generation could, a later one fails for another reason. */
    if (errors.count == 0 && apps_start(w->apps, &errors) < 0 && w->setup->canary && w->setup->user != NULL && !is_missing(&errors))
        errors_add(&errors,
                   "if it was for want of permission: workers are '%s' ([server] user), so what they open or make must be for that user",
                   w->setup->user);
    if (errors.count > 0) {
        send_reasons(w, &errors);
        exit(WORKER_EXIT_REFUSED);
    }
    errors_release(&errors);
    for (size_t i = 0; w->setup->canary && i < w->apps->warnings.kept; i++)
        log_warning("%s", w->apps->warnings.messages[i]);
    server_ask(w->apps);
}

/* The first of a generation waits until the master has committed to it. */
static void report_ready(struct worker *w)
{
    char message = MESSAGE_READY;
    tell_master(w, &message, 1);
    while (w->setup->canary && message != MESSAGE_GO) {
        ssize_t length = recv(w->control, &message, 1, 0);
        if (length == 0 || (length < 0 && errno != EINTR))
            leave(w);
    }
    if (w->setup->silent_output)
        io_silence(STDOUT_FILENO);
    if (w->setup->silent_errors)
        io_silence(STDERR_FILENO);
}

static void open_worker(struct worker *w, const struct worker_setup *setup)
{
    const struct config_limits *limits = &setup->config->limits;
    *w = (struct worker){.setup = setup, .config = setup->config, .slot = setup->slot, .access_log = setup->access_log,
                         .control = setup->control, .limit = (uint32_t)setup->connections, .now = clock_ms()};
    w->head_limits = (struct head_limits){(uint32_t)limits->request_line, (uint32_t)limits->header_field,
                                          (uint32_t)limits->headers, (uint32_t)limits->header_count};
    w->queue_matters = queue_matters(setup->config);
    table_open(w);
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = EVENT_CONTROL};
    if (w->epoll < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->control, &event) < 0 || accept_open(w) < 0) {
        log_error("cannot start a worker: %s", strerror(errno));
        exit(1);
    }
}

_Noreturn void worker_run(const struct worker_setup *setup)
{
    static struct worker worker;
    the_worker = &worker;
    open_worker(&worker, setup);
    preemption_open(&worker.preemption, setup->config->batch);
    request_seed_ids();
    stamp_prepare();
    accept_signals();
    guard_open(&worker);
    worker.preparing = 1;
    prepare(&worker);
    worker.preparing = 0;
    guard_watch_exits();
    report_ready(&worker);
    worker.accepting = true;
    run(&worker);
}
