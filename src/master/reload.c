/* SPDX-License-Identifier: Apache-2.0
 *
 * A reload is a transaction with a verdict, and the start is the first of them. Up to the commit point, a first worker
 * of the new generation being ready with everything opened, any failure undoes all of it and the old generation serves on;
 * what fails after it is back-off within the new generation. Runs in the master.
 */
#include "master/master.h"

#include "base/io.h"
#include "base/log.h"
#include "master/notify.h"
#include "master/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
    DROPPED_MS = 1000  /* that listeners which were dropped are served on; a client whose SYN they drop tries again after a second */
};

/* The transaction before this one may not have been through with the workers that it replaces: that goes on. */
static void refuse(struct master *m, const struct errors *errors)
{
    control_rollback(&m->control);
    m->transaction = m->old != NULL ? TRANSACTION_DRAIN : TRANSACTION_NONE;
    m->transaction_deadline = m->now + DROPPED_MS;
    verdict_refuse(m, errors);
    notify_refused(m, errors->kept > 0 ? errors->messages[0] : "no reason is known");
    if (m->current != NULL)
        return;
    m->exit_status = m->state != MASTER_QUITTING; /* unless that was the wish */
    m->state = MASTER_QUITTING;
}

/* Inherited by all workers that are forked from now on: it stays, even if a later configuration does not want it. */
static int open_addresses(struct master *m, const struct config *config, struct errors *errors)
{
    if (config->limits.per_address == 0 || m->addresses != NULL)
        return 0;
    m->addresses = addresses_new();
    if (m->addresses == NULL)
        errors_add(errors, "no memory to count connections by address ([limits] per_address): %s", strerror(errno));
    return m->addresses != NULL ? 0 : -1;
}

/* Inherited by all workers from the first on, of this binary and the next: it stays as it is. */
static int open_shared(struct master *m, const struct config *config, struct errors *errors)
{
    struct inheritance *from = &m->succession.from;
    if (m->shared.store == NULL && from->shared >= 0 && store_adopt(&m->shared, from->shared) < 0) {
        log_warning("what modules share begins anew: this binary does not know what the one before left");
        io_close(&from->shared);
    }
    from->shared = -1;
    if (m->shared.store == NULL && store_open(&m->shared, (size_t)config->shared) < 0) {
        errors_add(errors, "no memory for modules to share ([server] shared): %s", strerror(errno));
        return -1;
    }
    if (m->shared.size != store_round((size_t)config->shared))
        log_warning("[server] shared: it stays %zu bytes until the server is stopped and started", m->shared.size);
    return 0;
}

static struct generation *open_generation(struct master *m, struct config *config, struct errors *errors)
{
    unsigned number = m->current != NULL ? m->current->number : m->succession.from.generation;
    const struct listeners *there = m->current != NULL ? &m->current->listeners : &m->succession.from.listeners;
    struct generation *generation = generation_open(config, number + 1, there, errors);
    if (generation != NULL && (open_addresses(m, config, errors) < 0 || open_shared(m, config, errors) < 0 ||
                               control_prepare(&m->control, config, errors) < 0)) {
        generation_close(generation);
        return NULL;
    }
    return generation;
}

void reload_begin(struct master *m, struct config *config)
{
    struct errors errors;
    errors_init(&errors);
    verdict_finish(m); /* that of the run before is its own */
    m->reload_run++;
    if (m->current != NULL)
        notify_reloading();
    if (config == NULL)
        config = config_load(m->options.path, m->options.overrides, m->options.override_count, &errors);
    if (errors.count > 0 || config == NULL) {
        if (config != NULL)
            config_free(config);
    } else {
        m->next = open_generation(m, config, &errors);
    }
    int slot = m->next != NULL ? children_spawn(m, m->next, 0, true) : -1;
    if (slot >= 0) {
        m->transaction = TRANSACTION_CANARY;
        errors_release(&errors);
        return;
    }
    if (m->next != NULL) {
        errors_add(&errors, "no worker could be started: the log says why");
        generation_close(m->next);
        m->next = NULL;
    }
    refuse(m, &errors);
    errors_release(&errors);
}

void reload_request(struct master *m)
{
    if (m->state != MASTER_SERVING) {
        m->reload_again |= m->state == MASTER_STARTING;
        upgrade_pass_signal(m, SIGHUP);
        return;
    }
    if (m->upgrade.state != UPGRADE_NONE || m->upgrade.wanted || succession_is_pending(m)) {
        log_info("an upgrade is under way: the file is read again after it");
        m->reload_again = true;
        return;
    }
    if (m->transaction == TRANSACTION_CANARY) {
        log_info("a reload is under way: the file is read again after it");
        m->reload_again = true; /* this one may have read the file before it was changed again */
        return;
    }
    /* Generations before the last may still be in departure: any number of them can be. */
    log_info("reloading '%s'", m->options.path);
    reload_begin(m, NULL);
}

/* Sockets that were there before were told of then. */
static void log_new_listeners(const struct generation *next, const struct generation *old)
{
    for (size_t i = 0; i < next->listeners.count; i++) {
        struct listeners one = {.all = &next->listeners.all[i], .count = 1};
        if (old == NULL || next->listeners.all[i]->references == 1)
            listeners_log(&one);
    }
}

void reload_commit(struct master *m, unsigned canary)
{
    struct generation *old = m->current;
    m->current = m->next;
    m->next = NULL;
    logs_use(&m->current->logs, m->current->config);
    if (old == NULL && m->current->privileges.drop && m->current->config->user[0] == 0)
        log_info("started as root: workers are '%s' ([server] user)", m->current->privileges.user);
    log_new_listeners(m->current, old);
    if (old != NULL) {
        old->older = m->old;
        m->old = old;
        listeners_shut(&old->listeners, &m->current->listeners);
    }
    listeners_update(&m->current->listeners);
    if (old == NULL) {
        succession_settle(m);
        privileges_hurry();
    }
    control_commit(&m->control);
    if (old == NULL || strcmp(old->config->pidfile, m->current->config->pidfile) != 0) {
        if (old != NULL)
            pidfile_remove(old->config->pidfile);
        pidfile_write(m->current->config->pidfile);
    }
    memset(m->positions, 0, sizeof m->positions);
    population_reset(m);
    m->state = MASTER_SERVING;
    atomic_store(&m->board->state, m->state); /* before the first worker can tell anybody */
    m->transaction = TRANSACTION_DRAIN;
    m->transaction_deadline = m->now + DROPPED_MS;
    m->children[canary].canary = false;
    children_let_go(m, canary);
    verdict_accept(m);
    notify_ready(m);
}

/* As root of a container or unit may lack it. None of them could be told to leave, or be ended. */
static bool may_signal(struct master *m, unsigned slot)
{
    struct child *child = &m->children[slot];
    if (kill(child->pid, 0) == 0 || errno != EPERM)
        return true;
    config_reject_value(&m->reasons, m->next->config, "server", "user",
                        "workers, who are '%s', cannot be signalled: %s (CAP_KILL is missing: --cap-add of a container, "
                        "CapabilityBoundingSet= of the unit; 'user = root' does without)",
                        m->next->privileges.user, strerror(errno));
    io_close(&child->control); /* which tells it to leave */
    return false;
}

void reload_canary_ready(struct master *m, unsigned slot)
{
    /* Not if it was condemned meanwhile: it ran out of its time, or the server stops. What it had said by then is read all the same. */
    if (m->reasons.count == 0 && !m->children[slot].aborted && may_signal(m, slot) && !succession_ask(m, slot))
        reload_commit(m, slot);
}

void reload_canary_gone(struct master *m, const char *how)
{
    if (m->transaction != TRANSACTION_CANARY)
        return;
    if (m->reasons.count == 0)
        errors_add(&m->reasons, "the first worker %s before it was ready", how);
    generation_close(m->next);
    m->next = NULL;
    refuse(m, &m->reasons);
    errors_release(&m->reasons);
    errors_init(&m->reasons);
}

static void kill_canary(struct master *m)
{
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].canary)
            kill(m->children[i].pid, SIGKILL);
}

void reload_cancel(struct master *m)
{
    if (m->transaction == TRANSACTION_CANARY) {
        errors_add(&m->reasons, "the server is stopping");
        kill_canary(m); /* then reload_canary_gone() undoes the rest */
    }
    m->reload_again = false;
}

/* One old worker leaves for each new one that is ready; the rest with the last. */
static void retire_old(struct master *m)
{
    unsigned wanted = m->wanted, ready = children_ready(m, m->current), serving = 0;
    for (unsigned i = 0; i < m->slots; i++) {
        const struct child *child = &m->children[i];
        if (child->state == CHILD_STARTING && child->generation != m->current)
            children_order(m, i, ORDER_GIVE, 0); /* it leaves before it serves at all */
        serving += child->state == CHILD_READY && child->generation != m->current;
    }
    unsigned keep = ready >= wanted ? 0 : wanted - ready;
    for (unsigned i = 0; i < m->slots && serving > keep; i++) {
        const struct child *child = &m->children[i];
        if (child->state != CHILD_READY || child->generation == m->current)
            continue;
        children_order(m, i, ORDER_GIVE, child->generation->config->timeouts.graceful);
        serving--;
    }
    if (ready >= wanted && serving == 0)
        m->transaction = TRANSACTION_NONE;
}

static bool any_dropped(const struct master *m)
{
    for (const struct generation *g = m->old; g != NULL; g = g->older)
        if (listeners_have_closing(&g->listeners))
            return true;
    return false;
}

/* Sockets that were dropped are served until nothing waits there; then old workers leave all at once, as soon as there is a new one for
 * each, and the sockets stop to listen, whoever still has a descriptor of them: the address may be covered by a new one. */
static void drain_dropped(struct master *m)
{
    if (!any_dropped(m)) {
        m->transaction = TRANSACTION_REPLACE;
        return;
    }
    bool filled = children_ready(m, m->current) >= m->wanted;
    if (m->now < m->transaction_deadline && !(filled && listeners_are_drained(true))) {
        master_wake_at(m, m->now + 20);
        return;
    }
    for (unsigned i = 0; i < m->slots; i++)
        if (m->children[i].state != CHILD_NONE && m->children[i].generation != m->current) /* one that is about to be ready as well */
            children_order(m, i, ORDER_GIVE, m->children[i].generation->config->timeouts.graceful);
    for (struct generation *g = m->old; g != NULL; g = g->older)
        listeners_close_dropped(&g->listeners);
    m->transaction = TRANSACTION_REPLACE;
}

void reload_step(struct master *m)
{
    if (m->transaction == TRANSACTION_CANARY && m->succession.asked) {
        if (m->now < m->transaction_deadline) {
            master_wake_at(m, m->transaction_deadline);
        } else if (m->reasons.count == 0) {
            errors_add(&m->reasons, "the master before this one did not answer");
            kill_canary(m);
        }
    }
    if (m->transaction == TRANSACTION_DRAIN)
        drain_dropped(m);
    if (m->transaction == TRANSACTION_REPLACE)
        retire_old(m);
    if (m->transaction != TRANSACTION_CANARY && m->reload_again && m->state == MASTER_SERVING &&
        m->upgrade.state == UPGRADE_NONE && !m->upgrade.wanted && !succession_is_pending(m)) {
        m->reload_again = false;
        reload_request(m);
    }
}

void reload_release_old(struct master *m)
{
    for (struct generation **link = &m->old; *link != NULL;) {
        struct generation *generation = *link;
        if (generation->children > 0) {
            link = &generation->older;
            continue;
        }
        *link = generation->older;
        generation_close(generation);
    }
}
