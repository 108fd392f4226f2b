/* SPDX-License-Identifier: Apache-2.0
 *
 * See notify.h.
 */
#include "master/notify.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "master/master.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MESSAGE_MAX = 1024,
    STATUS_MAX = 512,
    OWED_MAX = 8,
    OWED_AGAIN_MS = 50,
    STATUS_EVERY_MS = 200,   /* a status alone at most so often: workers may come and go */
    STOP_MORE_US = 5000000   /* beyond 'graceful': handlers that do not end are aborted, then killed */
};

static struct {
    int fd; /* -1: there is no manager */
    struct sockaddr_un address;
    socklen_t length;
    pid_t started_as;    /* the manager's main process; going to the background changes ours */
    int64_t watchdog_ms; /* between two WATCHDOG=1; 0: none is wanted */
    int64_t watchdog_at;
    int64_t watchdog_us; /* as we were told */
    bool held;     /* another process speaks */
    bool stopping; /* that was said */
    bool unheard;  /* that sending fails was logged */
    char refusal[STATUS_MAX]; /* why the last reload was refused; "": it was not */
    char status[STATUS_MAX];  /* as last told */
    int64_t status_at;
    size_t owed_count;
} manager = {.fd = -1};

/* What could not be sent yet. Not in the struct, all of which is data of the program for its one value: what workers write lies on both
 * sides of it, and would be two pages apart. */
static char owed[OWED_MAX][MESSAGE_MAX];

/* ---- the protocol ---- */

/* A path, or '@' and an abstract name. */
static bool parse_socket(const char *text)
{
    size_t length = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || length < 2 || length >= sizeof manager.address.sun_path)
        return false;
    manager.address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(manager.address.sun_path, text, length);
    manager.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '/'));
    if (text[0] == '@')
        manager.address.sun_path[0] = 0;
    return true;
}

static int64_t parse_positive(const char *text)
{
    char *end;
    long long value = text != NULL ? strtoll(text, &end, 10) : 0;
    return text != NULL && *end == 0 && value > 0 ? value : 0;
}

/* WATCHDOG_PID says for whom WATCHDOG_USEC is: a process that was started by another service would take it for its own. */
static int64_t parse_watchdog(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    int64_t half = parse_positive(getenv("WATCHDOG_USEC")) / 2000;
    if (pid != NULL && parse_positive(pid) != getpid())
        return 0;
    return half == 0 && parse_positive(getenv("WATCHDOG_USEC")) > 0 ? 1 : half;
}

void notify_init(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    manager.started_as = getpid();
    manager.watchdog_ms = parse_watchdog();
    manager.watchdog_us = manager.watchdog_ms > 0 ? parse_positive(getenv("WATCHDOG_USEC")) : 0;
    if (name != NULL && name[0] != 0 && !parse_socket(name))
        log_warning("NOTIFY_SOCKET '%s' is neither a path nor '@' and an abstract name: the service manager is told nothing", name);
    else if (name != NULL && name[0] != 0)
        manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    notify_withdraw();
}

void notify_forget(void)
{
    io_close(&manager.fd);
}

void notify_pass_on(void)
{
    char text[sizeof manager.address.sun_path + 1];
    if (manager.fd < 0)
        return;
    size_t length = manager.length - offsetof(struct sockaddr_un, sun_path);
    snprintf(text, sizeof text, "%c%.*s", manager.address.sun_path[0] == 0 ? '@' : manager.address.sun_path[0], (int)length - 1,
             manager.address.sun_path + 1);
    setenv("NOTIFY_SOCKET", text, 1);
    if (manager.watchdog_us == 0)
        return;
    snprintf(text, sizeof text, "%lld", (long long)manager.watchdog_us);
    setenv("WATCHDOG_USEC", text, 1);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    setenv("WATCHDOG_PID", text, 1);
}

void notify_withdraw(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_hold(bool held)
{
    manager.held = held;
}

static bool send_one(const char *message)
{
    while (sendto(manager.fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&manager.address, manager.length) < 0) {
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            return false;
        if (!manager.unheard)
            log_warning("cannot tell the service manager: %s", strerror(errno));
        manager.unheard = true; /* it may be back for the next */
        return true;
    }
    manager.unheard = false;
    return true;
}

static void pay(void)
{
    size_t paid = 0;
    while (paid < manager.owed_count && send_one(owed[paid]))
        paid++;
    manager.owed_count -= paid;
    memmove(owed, owed + paid, manager.owed_count * sizeof owed[0]);
}

/* In order, behind what is owed already. Of too many the oldest is dropped: the last word counts. */
static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    va_list arguments;
    if (manager.fd < 0 || manager.held)
        return;
    if (manager.owed_count == OWED_MAX)
        memmove(owed, owed + 1, --manager.owed_count * sizeof owed[0]);
    va_start(arguments, format);
    vsnprintf(owed[manager.owed_count++], MESSAGE_MAX, format, arguments);
    va_end(arguments);
    pay();
}

/* ---- what people read ---- */

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* One line, and no character cut in two: systemd passes over a status that is not UTF-8. */
static void write_line(char text[static STATUS_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_line(char text[static STATUS_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, STATUS_MAX, format, arguments);
    va_end(arguments);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    if (wanted < STATUS_MAX || (unsigned char)text[length - 1] < 0x80)
        return;
    while (length > 1 && is_continuation(text[length - 1]))
        length--;
    text[length - 1] = 0;
}

static void describe_serving(const struct master *m, char text[static STATUS_MAX])
{
    unsigned wanted = (unsigned)m->current->config->workers, ready = children_ready(m, m->current);
    char workers[64];
    if (ready == wanted)
        snprintf(workers, sizeof workers, "%u worker%s", ready, ready == 1 ? "" : "s");
    else
        snprintf(workers, sizeof workers, "%u of %u workers", ready, wanted);
    if (manager.refusal[0] != 0)
        write_line(text, "generation %u serves on, %s; reload refused: %s", m->current->number, workers, manager.refusal);
    else
        write_line(text, "generation %u serves, %s", m->current->number, workers);
}

static void describe(const struct master *m, char text[static STATUS_MAX])
{
    if (m->current == NULL && manager.refusal[0] != 0)
        write_line(text, "cannot start: %s", manager.refusal);
    else if (m->state == MASTER_QUITTING)
        write_line(text, "stopping at once");
    else if (m->state >= MASTER_DRAINING)
        write_line(text, "stopping: %u worker%s in progress", m->alive, m->alive == 1 ? " finishes what is" : "s finish what is");
    else if (m->current == NULL)
        write_line(text, "starting: the first worker prepares itself");
    else if (m->transaction == TRANSACTION_CANARY)
        write_line(text, "reloading: generation %u serves until the next is ready", m->current->number);
    else
        describe_serving(m, text);
}

/* `lines` are whole ones. */
static void tell_with_status(const struct master *m, const char *lines)
{
    describe(m, manager.status);
    manager.status_at = clock_ms();
    tell("%sSTATUS=%s\n", lines, manager.status);
}

static void tell_ready(const struct master *m)
{
    char lines[64] = "READY=1\n";
    if (getpid() != manager.started_as)
        snprintf(lines, sizeof lines, "MAINPID=%ld\nREADY=1\n", (long)getpid());
    tell_with_status(m, lines);
}

/* ---- what happens ---- */

void notify_reloading(void)
{
    /* When it was sent counts: a reload that the manager has asked for later has not begun yet. */
    tell("RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)clock_us());
}

void notify_ready(const struct master *m)
{
    manager.refusal[0] = 0;
    tell_ready(m);
}

void notify_refused(const struct master *m, const char *reason)
{
    write_line(manager.refusal, "%s", reason);
    /* While we stop, READY would take the STOPPING back. */
    if (m->state == MASTER_SERVING)
        tell_ready(m);
    else if (m->current == NULL)
        tell_with_status(m, "");
}

void notify_cannot_start(const char *reason)
{
    char text[STATUS_MAX];
    write_line(text, "cannot start: %s", reason);
    tell("STATUS=%s\n", text);
}

void notify_hand_over(pid_t pid)
{
    tell("MAINPID=%ld\nREADY=1\n", (long)pid);
    manager.held = true;
}

bool notify_owes(void)
{
    return manager.fd >= 0 && manager.owed_count > 0;
}

static void tell_stopping(const struct master *m)
{
    char lines[96] = "STOPPING=1\n";
    if (m->state == MASTER_DRAINING || m->state == MASTER_LEAVING)
        snprintf(lines, sizeof lines, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\n",
                 (long long)(m->stop_deadline - m->now) * 1000 + STOP_MORE_US);
    manager.stopping = true;
    tell_with_status(m, lines);
}

static void update_status(struct master *m)
{
    char text[STATUS_MAX];
    describe(m, text);
    if (strcmp(text, manager.status) == 0)
        return;
    if (m->now < manager.status_at + STATUS_EVERY_MS)
        master_wake_at(m, manager.status_at + STATUS_EVERY_MS);
    else
        tell_with_status(m, "");
}

static void feed_watchdog(struct master *m)
{
    if (manager.watchdog_ms == 0)
        return;
    if (m->now >= manager.watchdog_at) {
        tell("WATCHDOG=1\n");
        manager.watchdog_at = m->now + manager.watchdog_ms;
    }
    master_wake_at(m, manager.watchdog_at);
}

void notify_step(struct master *m)
{
    if (manager.fd < 0)
        return;
    if (manager.held) {
        pay();
        if (manager.owed_count > 0)
            master_wake_at(m, m->now + OWED_AGAIN_MS);
        return;
    }
    if (m->state >= MASTER_DRAINING && !manager.stopping)
        tell_stopping(m);
    pay();
    if (manager.owed_count > 0) { /* what can be left out is, so that it does not push out what counts */
        master_wake_at(m, m->now + OWED_AGAIN_MS);
        return;
    }
    update_status(m);
    feed_watchdog(m);
}
