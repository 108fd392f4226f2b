/* SPDX-License-Identifier: Apache-2.0
 *
 * See balance.h. Everybody counts for himself, from what all slots say they hold; nobody is asked, and nobody waits. What is given goes to
 * those below their share, who alone watch the channel; if they all sleep in accept(), the master kicks them.
 */
#include "worker/balance.h"

#include "worker/give.h"

enum {
    LOOK_AFTER_MS = 20, /* connections come in crowds */
    LOOKS = 3,          /* each after twice the time: others' crowds may not have settled at the first */
    SLACK = 2           /* connections below or above the share, beside an eighth of it, that are not worth the trouble */
};

/* Those that serve: who has left, or has not begun, or is in a handler that takes its time, can take nothing. */
static bool has_share(const struct worker *w, const struct slot *slot)
{
    uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    if (state < WORKER_WAITING || state > WORKER_HANDLER || atomic_load_explicit(&slot->order, memory_order_relaxed) >= ORDER_GIVE)
        return false;
    int64_t since = atomic_load_explicit(&slot->since, memory_order_relaxed);
    return since == 0 || w->now - since < BALANCE_AWAY_MS;
}

/* Our share, and what the one holds who has least. */
static uint32_t count_share(const struct worker *w, uint32_t *least)
{
    const struct scoreboard *board = w->setup->board;
    uint32_t used = scoreboard_used(board), workers = 0;
    uint64_t sum = 0;
    *least = UINT32_MAX;
    for (uint32_t i = 0; i < used; i++) {
        if (!has_share(w, &board->slots[i]))
            continue;
        uint32_t held = atomic_load_explicit(&board->slots[i].held, memory_order_relaxed);
        *least = held < *least ? held : *least;
        sum += held;
        workers++;
    }
    return workers > 0 ? (uint32_t)((sum + workers - 1) / workers) : 0;
}

/* There may be hundreds of workers to look at: then it is done less often. */
static void look_later(struct worker *w)
{
    int64_t after = LOOK_AFTER_MS + scoreboard_used(w->setup->board);
    w->balance_at = w->now + (after << (LOOKS - w->balance_looks));
}

void balance_note(struct worker *w)
{
    if (w->balance_at == 0 || w->balance_looks < LOOKS) {
        w->balance_looks = LOOKS;
        look_later(w);
    }
}

bool balance_may_take(const struct worker *w)
{
    return w->share == 0 || w->held < w->share || w->order != ORDER_SERVE; /* those who leave take what nobody else may */
}

/* In small messages, since whoever takes one takes all of it. */
static void give_surplus(struct worker *w)
{
    uint32_t piece = w->share / 8 + 1;
    adopt_watch(w, false); /* not to us */
    for (uint32_t surplus = w->held - w->share; surplus > 0;) {
        uint32_t given = give_oldest(w, piece < surplus ? piece : surplus);
        if (given == 0)
            break;
        surplus -= given;
    }
    give_reclaim(w);
}

/* Somebody lacks much, or we have much too much: he who has most may be far above the share while nobody is far below it. */
static bool is_worth_it(const struct worker *w, uint32_t least)
{
    uint32_t slack = w->share / 8 + SLACK;
    return w->held > w->share && (least + slack < w->share || w->held > w->share + slack);
}

/* All that are above their share give what is above it, so that together they give what the others lack. */
void balance(struct worker *w)
{
    uint32_t least, joined = atomic_load_explicit(&w->setup->board->joined, memory_order_relaxed);
    if (joined != w->joined && w->held > 0)
        balance_note(w);
    w->joined = joined;
    if (w->balance_at == 0 || w->now < w->balance_at)
        return;
    w->balance_at = 0;
    if (--w->balance_looks > 0)
        look_later(w);
    w->share = count_share(w, &least);
    if (w->order == ORDER_SERVE && is_worth_it(w, least))
        give_surplus(w);
}
