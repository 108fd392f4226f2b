/* SPDX-License-Identifier: Apache-2.0
 *
 * See breaker.h.
 */
#include "shared/breaker.h"

static void begin_anew(struct breaker *breaker)
{
    atomic_store(&breaker->crashes, 0);
    atomic_store(&breaker->window, 0);
    atomic_store(&breaker->open_until, 0);
    atomic_store(&breaker->trying, 0);
    atomic_store(&breaker->since, 0);
    atomic_store(&breaker->total, 0);
}

/* Until when it is, then. */
static bool is_open(struct breaker *breaker, uint32_t generation, int64_t *until)
{
    uint32_t former = atomic_load_explicit(&breaker->generation, memory_order_relaxed);
    /* Of an older generation's workers, while a reload is under way, the newer one's counts are none of their business. */
    if (former < generation && atomic_compare_exchange_strong(&breaker->generation, &former, generation))
        begin_anew(breaker);
    *until = atomic_load(&breaker->open_until);
    return *until != 0 && former <= generation;
}

bool breaker_is_open(struct breaker *breaker, uint32_t generation)
{
    int64_t until;
    return is_open(breaker, generation, &until);
}

enum breaker_verdict breaker_admit(struct breaker *breaker, uint32_t generation, int64_t now)
{
    int64_t until;
    if (!is_open(breaker, generation, &until))
        return BREAKER_PASS;
    /* Whoever puts off the next try has this one. It may never end (its worker hangs and is killed, say): then the next one is due. */
    if (now < until || !atomic_compare_exchange_strong(&breaker->open_until, &until, now + BREAKER_PAUSE_MS))
        return BREAKER_REFUSE;
    atomic_store(&breaker->trying, 1);
    return BREAKER_TRY;
}

bool breaker_crashed(struct breaker *breaker, uint32_t generation, uint32_t limit, int64_t now)
{
    int64_t never = 0;
    if (atomic_load(&breaker->generation) > generation)
        return false; /* it is another route's by now */
    bool tried = atomic_load(&breaker->trying) != 0;
    if (now - atomic_load(&breaker->window) > BREAKER_WINDOW_MS) {
        atomic_store(&breaker->window, now);
        atomic_store(&breaker->crashes, 0);
    }
    atomic_fetch_add(&breaker->total, 1);
    uint32_t crashes = atomic_fetch_add(&breaker->crashes, 1) + 1;
    if (!tried && crashes < limit)
        return false;
    atomic_compare_exchange_strong(&breaker->since, &never, now);
    atomic_store(&breaker->open_until, now + BREAKER_PAUSE_MS);
    atomic_store(&breaker->trying, 0);
    return true;
}

void breaker_succeeded(struct breaker *breaker, uint32_t generation)
{
    if (atomic_load(&breaker->generation) == generation)
        begin_anew(breaker);
}

void breaker_untried(struct breaker *breaker, uint32_t generation, int64_t now)
{
    if (atomic_load(&breaker->generation) != generation)
        return;
    atomic_store(&breaker->trying, 0);
    atomic_store(&breaker->open_until, now);
}
