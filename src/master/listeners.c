/* SPDX-License-Identifier: Apache-2.0
 *
 * See listeners.h.
 */
#include "master/listeners.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "master/activation.h"
#include "master/handshakes.h"
#include "master/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ORPHANS_MS = 500, SETTLE_MS = 20 };

/* Every socket that is open, of whatever generation: an address may overlap with one that an older generation still serves. */
static struct listeners open_sockets;

static bool has(const struct listeners *listeners, const struct listening *listening)
{
    for (size_t i = 0; listeners != NULL && i < listeners->count; i++)
        if (listeners->all[i] == listening)
            return true;
    return false;
}

/* By what was written, or by what became of it: port 0 may since be written as the port that it got. */
static bool is_at(const struct listening *listening, const struct address *address)
{
    return address_equals(&listening->address, address) || address_equals(&listening->bound, address);
}

static struct listening *find_but(const struct listeners *listeners, const struct address *address,
                                  const struct listeners *taken)
{
    for (size_t i = 0; listeners != NULL && i < listeners->count; i++)
        if (!listeners->all[i]->closing && !has(taken, listeners->all[i]) && is_at(listeners->all[i], address))
            return listeners->all[i];
    return NULL;
}

static void append(struct listeners *listeners, struct listening *listening, const struct config_listen *written)
{
    listeners->all = memory_resize(listeners->all, (listeners->count + 1) * sizeof(struct listening *));
    listeners->written = memory_resize(listeners->written, (listeners->count + 1) * sizeof(struct config_listen *));
    listeners->written[listeners->count] = written;
    listeners->all[listeners->count++] = listening;
}

static void forget(struct listening *listening)
{
    for (size_t i = 0; i < open_sockets.count; i++)
        if (open_sockets.all[i] == listening)
            open_sockets.all[i] = open_sockets.all[--open_sockets.count];
}

static const char *hint(int error)
{
    return error == EADDRINUSE      ? " (another program listens there, or another tine)"
           : error == EACCES        ? " (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
           : error == EEXIST        ? " (what lies there is no socket: move it away, or take another path)"
           : error == EADDRNOTAVAIL ? " (this machine has no such address)"
                                    : "";
}

static void refuse(const struct config_listen *listen, const struct address *address, struct errors *errors, const char *why)
{
    char text[ADDRESS_TEXT_MAX], section[128] = "server";
    address_format(address, text);
    if (listen->name[0] != 0)
        snprintf(section, sizeof section, "listen:%s", listen->name);
    config_reject(errors, &listen->place, section, listen->name[0] != 0 ? "address" : "listen", "cannot listen on %s: %s", text, why);
}

/* The workers of a master that was killed let go of its sockets within moments. At the start there is nothing yet that a wait
 * could hold up. */
static int open_patiently(struct listening *listening)
{
    int64_t deadline = clock_ms() + ORPHANS_MS;
    int result;
    while ((result = sockets_open(listening, false)) < 0 && errno == EADDRINUSE && open_sockets.count == 0 &&
           clock_ms() < deadline)
        poll(NULL, 0, 10);
    return result;
}

/* Where addresses overlap (127.0.0.1:80 and 0.0.0.0:80) all sockets need SO_REUSEPORT for the moment in which one is bound or begins to
 * listen. Taken back at once: it would let any process of our user steal connections. */
static void share_ports(bool on)
{
    for (size_t i = 0; i < open_sockets.count; i++)
        sockets_share_port(open_sockets.all[i], on);
}

static int open_beside(struct listening *listening)
{
    if (open_patiently(listening) == 0)
        return 0;
    if (errno != EADDRINUSE || open_sockets.count == 0 || listening->address.socket.any.sa_family == AF_UNIX)
        return -1;
    share_ports(true);
    int result = sockets_open(listening, true), saved = errno;
    share_ports(false);
    if (result == 0)
        sockets_share_port(listening, false);
    errno = saved;
    return result;
}

static void open_one(struct listeners *listeners, const struct config_listen *listen, const struct address *address,
                     const struct listeners *old, struct errors *errors)
{
    struct listening *listening = find_but(old, address, listeners); /* of several with port 0 each is taken once */
    if (listening != NULL) {
        listening->references++;
        append(listeners, listening, listen);
        return;
    }
    listening = memory_new(sizeof *listening);
    *listening = (struct listening){.address = *address, .fd = -1, .references = 1, .backlog = listen->backlog};
    listening->fd = activation_take(address);
    if (listening->fd >= 0) {
        sockets_adopt(listening);
    } else if (open_beside(listening) < 0) {
        char why[256];
        snprintf(why, sizeof why, "%s%s", strerror(errno), hint(errno));
        refuse(listen, address, errors, why);
        free(listening);
        return;
    }
    const char *wrong = sockets_set_owner(listening, listen);
    if (wrong != NULL)
        refuse(listen, address, errors, wrong);
    sockets_set_congestion(listening, listen->congestion); /* who connects while workers get ready has it, too */
    append(listeners, listening, listen);
    append(&open_sockets, listening, NULL);
}

static void update_one(struct listening *listening, const struct config_listen *config)
{
    if (listening->backlog != config->backlog)
        listen(listening->fd, (int)config->backlog);
    listening->backlog = config->backlog;
    const char *wrong = sockets_set_owner(listening, config);
    if (wrong != NULL)
        log_error("%s:%d: %s", config->place.file, config->place.line, wrong);
    wrong = sockets_set_congestion(listening, config->congestion);
    if (wrong != NULL)
        log_error("%s:%d: congestion control '%s': %s", config->place.file, config->place.line, config->congestion, wrong);
}

void listeners_update(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        update_one(listeners->all[i], listeners->written[i]);
}

int listeners_open(struct listeners *listeners, const struct config *config, const struct listeners *old, struct errors *errors)
{
    size_t before = errors->count;
    *listeners = (struct listeners){0};
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct config_listen *listen = &config->listens[i];
        struct address first = listen->address, second;
        if (first.both_families)
            sockets_split_families(&listen->address, &first, &second);
        open_one(listeners, listen, &first, old, errors);
        if (listen->address.both_families && errors->count == before && !listeners->all[listeners->count - 1]->dual)
            open_one(listeners, listen, &second, old, errors);
    }
    activation_close_rest(); /* if something failed too: the warning may be the explanation */
    if (errors->count == before)
        return 0;
    listeners_release(listeners);
    return -1;
}

void listeners_release(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (--listeners->all[i]->references > 0)
            continue;
        forget(listeners->all[i]);
        if (listeners->all[i]->passed)
            sockets_restore_congestion(listeners->all[i]);
        sockets_unlink(listeners->all[i]);
        io_close(&listeners->all[i]->fd);
        free(listeners->all[i]);
    }
    free(listeners->all);
    free(listeners->written);
    *listeners = (struct listeners){0};
}

void listeners_shut(struct listeners *listeners, const struct listeners *keep)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listening *listening = listeners->all[i];
        if (has(keep, listening) || listening->closing)
            continue;
        listening->closing = true;
        listening->shut_at = clock_ms();
        sockets_shut(listening);
    }
}

void listeners_inherit(struct listeners *listeners, struct listening *listening)
{
    append(listeners, listening, NULL);
    append(&open_sockets, listening, NULL);
}

void listeners_forget(struct listeners *listeners, const struct listeners *own)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (!has(own, listeners->all[i]))
            io_close(&listeners->all[i]->fd);
}

void listeners_hand_over(struct listeners *listeners, const bool *kept)
{
    struct listeners going_on = {.all = memory_new((listeners->count + 1) * sizeof(struct listening *))};
    for (size_t i = 0; i < listeners->count; i++) {
        if (!kept[i])
            continue;
        listeners->all[i]->passed = true;
        listeners->all[i]->inode = 0; /* a path is the other's to remove, */
        listeners->all[i]->congestion[0] = 0; /* and what it was before the other's to give back */
        going_on.all[going_on.count++] = listeners->all[i];
    }
    listeners_shut(listeners, &going_on);
    free(going_on.all);
}

bool listeners_have_closing(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->all[i]->closing && listeners->all[i]->fd >= 0)
            return true;
    return false;
}

void listeners_close_dropped(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (!listeners->all[i]->closing || listeners->all[i]->fd < 0)
            continue;
        /* shutdown() of a listener works on all processes that have it. Here that is the purpose, but for the service manager. */
        if (!listeners->all[i]->passed)
            shutdown(listeners->all[i]->fd, SHUT_RDWR);
        io_close(&listeners->all[i]->fd);
    }
}

static bool has_waiting(const struct listening *listening)
{
    struct pollfd poller = {.fd = listening->fd, .events = POLLIN}; /* -1 is passed over */
    return poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN) != 0;
}

/* Of all that are shut at once: the kernel looks through its whole table each time. */
static bool have_handshakes(void)
{
    const struct address **addresses = memory_new((open_sockets.count + 1) * sizeof *addresses);
    struct handshakes handshakes = {addresses, 0};
    for (size_t i = 0; i < open_sockets.count; i++) {
        const struct listening *listening = open_sockets.all[i];
        if (listening->closing && !listening->passed && listening->fd >= 0)
            addresses[handshakes.count++] = &listening->bound;
    }
    bool exist = handshakes_exist(&handshakes);
    free(addresses);
    return exist;
}

bool listeners_are_drained(bool handshakes)
{
    /* A SYN that passed just before the door was shut may still be on its way through the kernel. */
    for (size_t i = 0; i < open_sockets.count; i++)
        if (open_sockets.all[i]->closing && clock_ms() - open_sockets.all[i]->shut_at < SETTLE_MS)
            return false;
    /* Handshakes first: one that is complete by then is in the queue, and seen there. */
    if (handshakes && have_handshakes())
        return false;
    for (size_t i = 0; i < open_sockets.count; i++)
        if (open_sockets.all[i]->closing && has_waiting(open_sockets.all[i]))
            return false;
    return true;
}

static void revive_one(struct listening *listening, const struct config_listen *written)
{
    char text[ADDRESS_TEXT_MAX];
    address_format(&listening->bound, text);
    share_ports(true);
    int result = sockets_revive(listening), error = errno;
    share_ports(false);
    if (result < 0) {
        log_error("the socket of %s was shut down, by a handler or from outside, and cannot be opened again: %s", text,
                  error == ENOTSUP ? "it is the service manager's to do so" : strerror(error));
        return;
    }
    log_warning("the socket of %s was shut down, by a handler or from outside: it is open again", text);
    const char *wrong = written != NULL ? sockets_set_owner(listening, written) : NULL;
    if (wrong != NULL)
        log_error("%s: %s", text, wrong);
}

bool listeners_revive(const struct listeners *listeners)
{
    bool any = false;
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i]->closing || !sockets_is_dead(listeners->all[i]))
            continue;
        revive_one(listeners->all[i], listeners->written[i]);
        any = true;
    }
    return any;
}

bool listeners_have_waiting(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (has_waiting(listeners->all[i]))
            return true;
    return false;
}

void listeners_log(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        char text[ADDRESS_TEXT_MAX];
        address_format(&listeners->all[i]->bound, text);
        log_info("listening on %s%s", text, !listeners->all[i]->passed ? ""
                                            : listeners->all[i]->dual  ? " (passed in; accepts IPv4 too)"
                                                                       : " (passed in)");
    }
}
