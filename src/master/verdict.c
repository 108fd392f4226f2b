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

enum { TELL_MS = 5000 }; /* workers of a new generation that do not get ready hold up its verdict for no longer */

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

static void format_accepted(const struct master *m, char *text, size_t size)
{
    snprintf(text, size, "generation %u serves", m->current->number);
}

/* Who asked is told later: what asks next on a new connection, a script that deploys say, is not to meet the old generation. */
void verdict_accept(struct master *m)
{
    char text[64];
    format_accepted(m, text, sizeof text);
    note(m, true, text); /* before it is told: who reads it there finds it in the status */
    log_info("%s", text);
    m->tell_by = m->now + TELL_MS;
}

void verdict_tell(struct master *m)
{
    char text[64];
    if (m->tell_by == 0)
        return;
    m->tell_by = 0;
    format_accepted(m, text, sizeof text);
    control_tell_verdict(m, true, text);
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

static void refuse(struct master *m, const struct errors *errors, const char *what,
                   void (*tell)(struct master *m, bool accepted, const char *text))
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
    snprintf(text, sizeof text, "generation %u serves, in process %ld", m->current->number + 1, (long)m->upgrade.pid);
    log_info("process %ld has taken over", (long)m->upgrade.pid);
    control_tell_upgrade(m, true, text);
}
