/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. Everything here that runs in a signal handler uses async-signal-safe calls only, and touches no connection but through
 * give.c: while a handler runs, the table is at rest. The heap may be in any state. backtrace() alone is not safe: it comes last, under
 * an alarm.
 */
#include "worker/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/give.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10, FRAMES = 32, LINE_BYTES = 1024, DYING_SECONDS = 1 };

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static char stack[STACK_BYTES]; /* for a handler that has used up its own */

/* A line of text without stdio. */
struct line {
    char text[LINE_BYTES];
    size_t length;
};

static void put(struct line *line, struct slice text)
{
    for (size_t i = 0; i < text.length && line->length < LINE_BYTES - 1; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        line->text[line->length++] = byte >= 0x20 && byte != 0x7f ? (char)byte : '?';
    }
}

static void put_number(struct line *line, unsigned long number, unsigned base)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    put(line, (struct slice){p, (size_t)(digits + sizeof digits - p)});
}

/* Who, what for, and of what. The master tells the rest, with the time, when it reaps us. */
static void tell(const struct worker *w, struct slice how)
{
    const struct tine_request *r = w->current->request;
    struct line line = {.length = 0};
    put(&line, SLICE("worker "));
    put_number(&line, (unsigned long)w->pid, 10);
    put(&line, SLICE(": handler "));
    put(&line, slice_from(r->match.app != NULL ? r->match.app->section->name : "-"));
    put(&line, SLICE("."));
    put(&line, slice_from(r->match.route.route->name));
    put(&line, SLICE(" of module "));
    put(&line, slice_from(r->match.app != NULL ? r->match.app->section->module : "-"));
    put(&line, SLICE(", "));
    put(&line, slice_from(w->slot->request));
    put(&line, SLICE(", request "));
    put(&line, slice_from(r->id));
    put(&line, SLICE(": "));
    put(&line, how);
    line.text[line.length++] = '\n';
    if (log_fd() >= 0 && write(log_fd(), line.text, line.length) < 0)
        return;
}

static void tell_signal(const struct worker *w, int number, const siginfo_t *info, bool too_long)
{
    struct line how = {.length = 0};
    if (too_long)
        put(&how, SLICE("took longer than [timeouts] request"));
    else {
        const char *name = sigabbrev_np(number);
        put(&how, SLICE("crashed with SIG"));
        put(&how, slice_from(name != NULL ? name : "?"));
    }
    if (!too_long && info->si_code > 0 && number != SIGABRT) {
        put(&how, SLICE(" at address 0x"));
        put_number(&how, (unsigned long)info->si_addr, 16);
    }
    tell(w, (struct slice){how.text, how.length});
}

/* To the master, as the reason why this worker cannot start. */
static void tell_loading(const struct worker *w, int number)
{
    const struct config_app *section = apps_in_progress()->section;
    const char *name = sigabbrev_np(number);
    struct line line = {.length = 0};
    put(&line, (struct slice){(char[]){MESSAGE_REASON}, 1});
    put(&line, slice_from(section->place.file));
    put(&line, SLICE(":"));
    put_number(&line, (unsigned long)section->place.line, 10);
    put(&line, SLICE(": [app:"));
    put(&line, slice_from(section->name));
    put(&line, SLICE("] module: '"));
    put(&line, slice_from(section->module));
    put(&line, SLICE("' crashed while it was loaded or initialised (SIG"));
    put(&line, slice_from(name != NULL ? name : "?"));
    put(&line, SLICE("); does its list of routes end with {0}?"));
    send(w->control, line.text, line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void tell_frames(void)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    if (log_fd() >= 0)
        backtrace_symbols_fd(frames, count, log_fd());
}

/* Answers to earlier requests of the same client come first. */
static bool send_earlier(struct worker *w, const struct connection *c)
{
    size_t length = buffer_length(&w->out);
    return length == 0 || send(c->fd, buffer_bytes(&w->out), length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

/* All connections leave this process, which is about to end. The handler's own as well, unless its answer has begun. */
static void abandon(struct worker *w, int status)
{
    struct connection *c = w->current;
    bool begun = c->request->response.state >= RESPONSE_BEGUN;
    struct totals *totals = &w->setup->board->totals;
    scoreboard_count(status == 504 ? &totals->timed_out : &totals->crashed, 1);
    struct breaker *breaker = guard_breaker(w, c);
    if (breaker != NULL && status != 504 &&
        breaker_crashed(breaker, (uint32_t)w->config->crash_limit, clock_ms())) /* clock_gettime() is async-signal-safe */
        tell(w, SLICE("crashed too often: its route answers 503 for a while ([server] crash_limit)"));
    give_all(w, c);
    if (!begun && send_earlier(w, c))
        give_to_answer(w, c, status);
}

/* Module code on our own thread, in our own process: not a thread that the module started, nor a child that it forked. */
static bool is_ours(const struct worker *w)
{
    return w != NULL && w->current != NULL && !w->dying && getpid() == w->pid && (pid_t)syscall(SYS_gettid) == w->pid;
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

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct worker *w = the_worker;
    (void)context;
    uint64_t condemned = atomic_load(&w->slot->condemned);
    bool ordered = number == SIGABRT && info->si_code <= 0 && info->si_pid == w->setup->master;
    bool too_long = condemned != 0 && condemned == atomic_load(&w->slot->sequence);
    if (ordered && !(is_ours(w) && too_long))
        return; /* the request that it was about has ended meanwhile */
    bool ours = is_ours(w);
    restore_defaults();
    if (apps_in_progress() != NULL)
        tell_loading(w, number);
    if (ours) {
        w->dying = 1;
        abandon(w, too_long ? 504 : 500);
        tell_signal(w, number, info, too_long);
        bound_dying();
        tell_frames();
    }
    /* A fault happens again when we return, and then the core shows it; a signal that was sent does not. */
    if (info->si_code <= 0)
        raise(number);
}

struct breaker *guard_breaker(const struct worker *w, const struct connection *c)
{
    const struct route *route = c->request->match.route.route;
    if (w->config->crash_limit == 0 || c->request->answer != 0 || route == NULL || c->request->match.app == NULL ||
        route->number >= BREAKER_ROUTES)
        return NULL;
    return &w->setup->board->breakers[route->number];
}

void guard_prepare(void)
{
    void *frame;
    backtrace(&frame, 1);
}

void guard_open(struct worker *w)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    w->pid = getpid();
    sigaltstack(&alternate, NULL);
    sigfillset(&action.sa_mask); /* one at a time, and no look in between */
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigaction(faults[i], &action, NULL);
}

void guard_enter(struct worker *w, struct connection *c)
{
    uint64_t sequence = atomic_load_explicit(&w->slot->sequence, memory_order_relaxed);
    atomic_store_explicit(&w->slot->sequence, sequence + 1, memory_order_release);
    w->current = c;
    atomic_signal_fence(memory_order_seq_cst); /* all of it before module code, all of the table at rest */
}

void guard_leave(struct worker *w)
{
    atomic_signal_fence(memory_order_seq_cst);
    w->current = NULL;
    if (w->given > 0)
        give_reclaim(w);
}

void guard_stalled(struct worker *w)
{
    if (is_ours(w) && atomic_load(&w->slot->holding) == atomic_load(&w->slot->sequence))
        give_all(w, w->current);
}

/* A handler that ends the process: modules bind to these, as the executable exports them. */
static void guard_exited(const char *call)
{
    struct worker *w = the_worker;
    if (!is_ours(w))
        return;
    w->dying = 1;
    abandon(w, 500);
    tell(w, slice_from(call));
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
