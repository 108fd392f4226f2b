/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. Everything here that runs in a signal handler uses async-signal-safe calls only, and touches no connection but through
 * give.c: while a handler runs, the table is at rest, and a record that is not as it was is known by its check value. The heap may be in
 * any state. The backtrace alone is not safe: it comes last, under an alarm.
 */
#include "worker/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/give.h"
#include "worker/last_words.h"
#include "worker/orphan.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10, DYING_SECONDS = 1, GIVE_MS = 3000, GIVE_LATE_MS = 600, GIVE_AGAIN_MS = 10 };

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static char stack[STACK_BYTES]; /* for a handler that has used up its own */

static void copy(char *to, size_t size, struct slice text)
{
    size_t length = text.length < size - 1 ? text.length : size - 1;
    *(char *)mempcpy(to, text.data, length) = 0;
}

/* Where only filters run they are what crashed. */
static void name_filter(struct breaker_route *name, const struct filter *filter)
{
    copy(name->app, sizeof name->app, slice_from(filter != NULL ? filter->self->section->name : "-"));
    copy(name->module, sizeof name->module, slice_from(filter != NULL ? filter->self->section->module : "-"));
    copy(name->handler, sizeof name->handler, slice_from(filter != NULL ? filter->code.name : "-"));
    copy(name->method, sizeof name->method, SLICE("*"));
    copy(name->path, sizeof name->path, SLICE("(filters where there is no handler)"));
}

static void name_route(struct breaker_route *name, const struct tine_app *app, const struct route *route)
{
    struct slice mount = app->mount;
    copy(name->app, sizeof name->app, slice_from(app->section->name));
    copy(name->module, sizeof name->module, slice_from(app->section->module));
    copy(name->handler, sizeof name->handler, slice_from(route->name));
    copy(name->method, sizeof name->method, route->method);
    copy(name->path, sizeof name->path, mount);
    if (mount.length < sizeof name->path)
        copy(name->path + mount.length, sizeof name->path - mount.length, slice_from(route->pattern));
}

/* For whoever asks for the status: the master has never loaded the module. */
static void name_breaker(const struct worker *w, struct breaker *breaker, const struct tine_request *r)
{
    _Atomic uint32_t *used = &w->setup->board->breakers_used;
    uint32_t number = (uint32_t)(breaker - w->setup->board->breakers);
    if (number == BREAKER_NO_ROUTE)
        name_filter(&breaker->route, r->filter);
    else
        name_route(&breaker->route, r->match.app, r->match.route.route);
    for (uint32_t before = atomic_load(used); before <= number;)
        if (atomic_compare_exchange_weak(used, &before, number + 1))
            break;
}

/* Whether its route is broken by now. */
static void count_crash(struct worker *w)
{
    struct breaker *breaker = guard_breaker(w, w->handled);
    uint32_t generation = w->setup->generation;
    if (breaker == NULL || atomic_load(&breaker->generation) > generation)
        return;
    name_breaker(w, breaker, w->handled);
    if (breaker_crashed(breaker, generation, (uint32_t)w->config->crash_limit, clock_ms())) /* clock_gettime() is async-signal-safe */
        last_words(w, SLICE("crashed too often: its route answers 503 for a while ([server] crash_limit)"));
}

/* Answers to earlier requests of the same client come first. */
static bool send_earlier(struct worker *w, const struct connection *c)
{
    size_t length = buffer_length(&w->out);
    return length == 0 || send(c->fd, buffer_bytes(&w->out), length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

/* Another is to be started beside us, if there is none that takes what we give. */
static void ask_for_successor(const struct worker *w)
{
    char message = MESSAGE_DUE;
    send(w->control, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* All that can be given goes, first 'own', to be answered with 'status' unless that is 0. The channel holds some hundred connections where
 * it was not root who made it: others need a moment to take them. */
static void give_at_last(struct worker *w, struct connection *own, int status, int64_t ms)
{
    bool answered = status == 0, asked = false;
    int64_t until = clock_ms() + ms;
    adopt_watch(w, false);
    do {
        answered = answered || give_to_answer(w, own, status);
        if (give_all(w, own) && answered)
            return;
        if (!asked)
            ask_for_successor(w);
        asked = true;
        poll(NULL, 0, GIVE_AGAIN_MS);
    } while (clock_ms() < until);
    last_words_kept(w);
}

/* All connections leave this process, which is about to end. The handler's own as well, unless its answer has begun; one that is made
 * goes out. */
static void abandon(struct worker *w, int status)
{
    struct connection *c = w->current;
    bool made = w->stage == GUARD_RELEASE, begun = w->handled->response.state >= RESPONSE_BEGUN;
    struct totals *totals = &w->setup->board->totals;
    scoreboard_count(status == 504 ? &totals->timed_out : &totals->crashed, 1);
    if (status != 504)
        count_crash(w);
    atomic_fetch_add(&w->slot->allowed, GIVE_MS); /* to the master the handler runs on: it shall not be killed for that meanwhile */
    bool sound = table_is_sound(w, c), earlier = sound && (made || !begun) && send_earlier(w, c);
    /* One that took too long is killed a second after it was told so, and has to say what it was in. */
    give_at_last(w, c, earlier && !made ? status : 0, status == 504 ? GIVE_LATE_MS : GIVE_MS);
    w->overwritten += !sound;
    if (w->overwritten > 0)
        last_words_overwritten(w);
}

/* On our own thread, in our own process: not a thread that the module started, nor a child that it forked. */
static bool is_here(const struct worker *w)
{
    return w != NULL && !w->dying && getpid() == w->pid && (pid_t)syscall(SYS_gettid) == w->pid;
}

/* And in module code. */
static bool is_ours(const struct worker *w)
{
    return w != NULL && w->current != NULL && is_here(w);
}

/* No module code runs: heap that some handler wrote over, most likely, was found to be so. It is this process that found it, so it was in
 * no giving, which needs no heap; of a signal that somebody sent nothing is known. */
static bool is_stray(const struct worker *w, const siginfo_t *info)
{
    return is_here(w) && w->current == NULL && (info->si_code > 0 || info->si_pid == w->pid);
}

/* The connections that rest leave. Who was being served has what was answered by then; its record is in no state to be given. */
static void abandon_stray(struct worker *w)
{
    if (w->served != NULL)
        send_earlier(w, w->served);
    give_at_last(w, NULL, 0, GIVE_MS);
}

/* What is to come may never end. The alarm is blocked as long as we are in here, and a module may have blocked it or taken it. */
static void bound_dying(void)
{
    sigset_t alarms;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(DYING_SECONDS);
}

static void restore_defaults(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        signal(faults[i], SIG_DFL);
}

/* A child that a handler forked inherits this handler and leaves cores as well. Being not dumpable keeps the kernel from making one,
 * piped to a program or not; RLIMIT_CORE 0 does so for files alone. */
static void ration_core(const struct worker *w)
{
    if (!cores_are_made() || cores_take(&w->setup->board->cores, clock_ms()))
        return;
    prctl(PR_SET_DUMPABLE, 0);
    if (getpid() == w->pid)
        last_words_no_core(w);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct worker *w = the_worker;
    (void)context;
    uint64_t condemned = atomic_load(&w->slot->condemned);
    bool ordered = number == SIGABRT && info->si_code <= 0 && info->si_pid == atomic_load(&w->setup->board->master);
    bool too_long = condemned != 0 && condemned == atomic_load(&w->slot->sequence);
    bool loading = apps_in_progress() != NULL;
    if (ordered && !(is_ours(w) && too_long) && !loading)
        return; /* the request, or the start, that it was about has ended meanwhile */
    bool ours = is_ours(w), stray = !loading && is_stray(w, info);
    restore_defaults();
    if (loading)
        last_words_loading(w, number, ordered);
    if (ours) {
        w->dying = 1;
        abandon(w, too_long ? 504 : 500);
        last_words_signal(w, number, info, too_long);
    }
    if (stray) {
        w->dying = 1;
        abandon_stray(w);
        last_words_stray(w, number, info);
    }
    ration_core(w);
    if (ours || loading || stray) {
        bound_dying();
        last_words_frames(w);
    }
    /* A fault happens again when we return, and then the core shows it; a signal that was sent does not. */
    if (info->si_code <= 0)
        raise(number);
}

struct breaker *guard_breaker(const struct worker *w, const struct tine_request *r)
{
    const struct route *route = r->match.route.route;
    struct breaker *breakers = w->setup->board->breakers;
    if (w->config->crash_limit == 0)
        return NULL;
    if (r->answer != 0 || route == NULL)
        return r->filters != NULL ? &breakers[BREAKER_NO_ROUTE] : NULL;
    return r->match.app != NULL && route->number < BREAKER_ROUTES ? &breakers[route->number] : NULL;
}

/* By a flag, as asking for the process id is a system call for each request. */
static void note_fork(void)
{
    the_worker->forked = 1;
}

static void note_child(void)
{
    the_worker->has_children = 1;
}

void guard_returned(const struct worker *w)
{
    if (!w->forked)
        return;
    last_words(w, SLICE("a child that it forked came back from it, and is ended: only exec or _exit() may follow fork()"));
    syscall(SYS_exit_group, 1);
}

void guard_open(struct worker *w)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    w->pid = getpid();
    if (pthread_atfork(NULL, note_child, note_fork) != 0)
        log_warning("children that handlers fork will not be known from workers: no memory");
    sigaltstack(&alternate, NULL);
    sigfillset(&action.sa_mask); /* one at a time, and no look in between */
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigaction(faults[i], &action, NULL);
}

void guard_enter(struct worker *w, struct connection *c, enum guard_stage stage)
{
    uint64_t sequence = atomic_load_explicit(&w->slot->sequence, memory_order_relaxed);
    atomic_store_explicit(&w->slot->sequence, sequence + 1, memory_order_release);
    table_seal(w, c); /* the API for handlers does not change it */
    w->handled = c->request;
    w->stage = stage;
    w->current = c;
    atomic_signal_fence(memory_order_seq_cst); /* all of it before module code, all of the table at rest */
    if (w->orphaned || (w->look && orphan_is(w))) /* it heard of that just now, and could not tell then that this was to come */
        orphan_hear(w);
}

void guard_leave(struct worker *w)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (!table_is_sound(w, w->current)) /* whose answer is it? */
        guard_damaged(w);
    w->current = NULL;
    if (w->given > 0)
        give_reclaim(w);
}

static void give_up_all(struct worker *w)
{
    w->current = NULL;
    w->dying = 1; /* it is done here, once */
    give_at_last(w, NULL, 0, GIVE_MS);
}

/* Given are those alone whose check value fits; what cannot be given, as it is half answered, is lost as well. By abort(): the core may
 * tell who it was. */
_Noreturn void guard_damaged(struct worker *w)
{
    give_up_all(w);
    last_words_overwritten(w);
    abort();
}

/* No core: it would tell nothing of who it was. */
_Noreturn void guard_robbed(struct worker *w)
{
    give_up_all(w);
    syscall(SYS_exit_group, WORKER_EXIT_ROBBED);
    __builtin_unreachable();
}

void guard_stalled(struct worker *w)
{
    if (is_ours(w) && atomic_load(&w->slot->holding) == atomic_load(&w->slot->sequence) && !give_all(w, w->current))
        atomic_store(&w->slot->holding, 0); /* to be told again */
}

/* A handler that ends the process: modules bind to these, as the executable exports them. */
static void guard_exited(const char *call)
{
    struct worker *w = the_worker;
    if (!is_ours(w))
        return;
    w->dying = 1;
    abandon(w, 500);
    last_words(w, slice_from(call));
}

__attribute__((visibility("default"))) void exit(int status)
{
    void (*real)(int);
    guard_exited("called exit()");
    *(void **)&real = dlsym(RTLD_NEXT, "exit");
    real(status);
    __builtin_unreachable();
}

__attribute__((visibility("default"))) void _exit(int status)
{
    guard_exited("called _exit()");
    syscall(SYS_exit_group, status);
    __builtin_unreachable();
}

extern __typeof__(_exit) _Exit __attribute__((alias("_exit"), visibility("default")));

/* What the C library calls within itself is not ours. */
static void exited_within(void)
{
    guard_exited("ended the process: by errx(), error(), quick_exit() or the like");
}

void guard_watch_exits(void)
{
    if (atexit(exited_within) != 0 || at_quick_exit(exited_within) != 0)
        log_warning("handlers that call errx() and the like will not be answered for: the table of exit functions is full");
}
