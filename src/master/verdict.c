/* SPDX-License-Identifier: Apache-2.0
 *
 * A transaction's verdict, told everywhere it is waited for: in the log, to whoever asked by `tine reload`, and in the
 * scoreboard, for the status. Runs in the master.
 */
#include "master/master.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* Who asked, a script that deploys say, is told that all is well when what it asks next, on a new connection, cannot meet what was there
 * before. Workers that do not get ready hold that up for no longer. */
enum { TELL_MS = 5000, LOOK_MS = 5 };

static void note(struct master *m, bool accepted, const char *text)
{
    bool is_start = m->reload_run == 1 && m->succession.from.generation == 0;
    if (accepted) {
        atomic_store(&m->board->generation, m->current->number);
        atomic_store(&m->board->loaded_at, clock_wall_ms());
    }
    if (is_start && accepted)
        return;
    scoreboard_write_verdict(m->board, accepted, text);
    atomic_store(&m->board->reload_at, clock_wall_ms());
}

static void tell_later(const struct master *m, struct verdict *verdict, const char *text)
{
    verdict->by = m->now + TELL_MS;
    snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

void verdict_accept(struct master *m)
{
    char text[64];
    snprintf(text, sizeof text, "generation %u serves", m->current->number);
    note(m, true, text); /* before it is told: who reads it there finds it in the status */
    log_info("%s", text);
    tell_later(m, &m->reload_verdict, text);
}

typedef void tell_function(struct master *m, bool accepted, const char *text);

static void deliver(struct master *m, struct verdict *verdict, tell_function *tell)
{
    if (verdict->by == 0)
        return;
    verdict->by = 0;
    tell(m, true, verdict->text);
}

/* A worker says nothing when it accepts no more, so we look now and then, while somebody waits. */
static void tell_in_time(struct master *m, struct verdict *verdict, tell_function *tell, bool awaited, const struct generation *serving)
{
    if (verdict->by > m->now && awaited && children_accept(m, serving))
        master_wake_at(m, m->now + LOOK_MS);
    else
        deliver(m, verdict, tell);
}

void verdict_step(struct master *m)
{
    bool settled = m->state == MASTER_SERVING && m->upgrade.state == UPGRADE_NONE;
    tell_in_time(m, &m->reload_verdict, control_tell_verdict, settled && control_awaits(&m->control, m->reload_run), m->current);
    tell_in_time(m, &m->upgrade_verdict, control_tell_upgrade, control_awaits_upgrade(&m->control), NULL);
}

void verdict_finish(struct master *m)
{
    deliver(m, &m->reload_verdict, control_tell_verdict);
    deliver(m, &m->upgrade_verdict, control_tell_upgrade);
}

static void format_reasons(const struct errors *errors, struct buffer *text)
{
    for (size_t i = 0; i < errors->kept; i++)
        buffer_format(text, "%s\n", errors->messages[i]);
    if (errors->count > errors->kept)
        buffer_format(text, "and %zu more\n", errors->count - errors->kept);
}

static void log_reasons(const struct errors *errors)
{
    for (size_t i = 0; i < errors->kept; i++)
        log_error("%s", errors->messages[i]);
    if (errors->count > errors->kept)
        log_error("and %zu more", errors->count - errors->kept);
}

static void refuse(struct master *m, const struct errors *errors, const char *what, tell_function *tell)
{
    struct buffer text = BUFFER_EMPTY;
    char last[64], short_text[SCOREBOARD_VERDICT_MAX];
    log_reasons(errors);
    snprintf(last, sizeof last, "%s refused: generation %u serves on", what, m->current->number);
    snprintf(short_text, sizeof short_text, "%s: %s", last, errors->kept > 0 ? errors->messages[0] : "no reason");
    note(m, false, short_text);
    log_error("%s", last);
    format_reasons(errors, &text);
    buffer_append(&text, last, strlen(last) + 1); /* NUL included */
    tell(m, false, buffer_bytes(&text));
    buffer_release(&text);
}

void verdict_refuse(struct master *m, const struct errors *errors)
{
    if (m->current != NULL)
        refuse(m, errors, "reload", control_tell_verdict);
    else if (!succession_refuse(m, errors))
        log_reasons(errors);
}

void verdict_refuse_upgrade(struct master *m, const struct errors *errors)
{
    refuse(m, errors, "upgrade", control_tell_upgrade);
}

void verdict_accept_upgrade(struct master *m)
{
    char text[96];
    log_info("process %ld has taken over", (long)m->upgrade.pid);
    snprintf(text, sizeof text, "generation %u serves, in process %ld", m->current->number + 1, (long)m->upgrade.pid);
    tell_later(m, &m->upgrade_verdict, text);
}

void verdict_revoke_upgrade(struct master *m, const char *text)
{
    log_error("%s", text);
    if (m->upgrade_verdict.by != 0)
        control_tell_upgrade(m, false, text);
    m->upgrade_verdict.by = 0;
}
