/* SPDX-License-Identifier: Apache-2.0
 *
 * See scoreboard.h.
 */
#include "shared/scoreboard.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const worker_state_names[WORKER_STATES] = {"free", "starting", "waiting", "busy", "handler", "leaving"};

const char *const master_state_names[MASTER_STATES] = {"starting", "serving", "delaying", "retiring",
                                                       "draining", "leaving", "quitting"};

static int wake_fd = -1; /* not in the mapping: who writes over that shall not have the master wait for something else */

struct scoreboard *scoreboard_new(void)
{
    /* NORESERVE: untouched slots cost nothing, and there are many. */
    struct scoreboard *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (board == MAP_FAILED)
        return NULL;
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return wake_fd < 0 ? NULL : board;
}

int scoreboard_wake_fd(void)
{
    return wake_fd;
}

/* Worker and master both store, then load, sequentially consistent. With anything weaker each may miss the
 * other's store, and the master would sleep while a worker is active (seen 236 times in 300,000). */
void scoreboard_activate(struct scoreboard *board, struct slot *slot)
{
    atomic_store(&slot->active, 1);
    if (atomic_load(&board->master_sleeps) && atomic_exchange(&board->master_sleeps, 0)) {
        uint64_t one = 1;
        ssize_t written = write(wake_fd, &one, sizeof one); /* full means that it is being woken already */
        (void)written;
    }
}

bool scoreboard_has_idle(struct scoreboard *board, const struct slot *own)
{
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++)
        if (&board->slots[i] != own && atomic_load(&board->slots[i].state) == WORKER_WAITING)
            return true;
    return false;
}

/* Slots that were never used are not looked at: looking would make memory of them. */
uint64_t scoreboard_requests(const struct scoreboard *board)
{
    uint64_t sum = atomic_load(&board->totals.requests);
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++)
        sum += atomic_load_explicit(&board->slots[i].requests, memory_order_relaxed);
    return sum;
}

uint64_t scoreboard_held(const struct scoreboard *board)
{
    uint64_t sum = 0;
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++)
        sum += atomic_load_explicit(&board->slots[i].held, memory_order_relaxed);
    return sum;
}

bool scoreboard_has_other(struct scoreboard *board, const struct slot *own)
{
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t state = atomic_load(&board->slots[i].state);
        if (&board->slots[i] != own && (state == WORKER_WAITING || state == WORKER_BUSY || state == WORKER_HANDLER))
            return true;
    }
    return false;
}

uint64_t scoreboard_count_streams(struct scoreboard *board, uint64_t app)
{
    uint64_t count = 0;
    uint32_t used = scoreboard_used(board);
    for (uint32_t i = 0; i < used; i++)
        count += atomic_load(&board->slots[i].streaming) == app;
    return count;
}

bool scoreboard_master_may_sleep(struct scoreboard *board, unsigned count)
{
    atomic_store(&board->master_sleeps, 1);
    for (unsigned i = 0; i < count; i++) {
        struct slot *slot = &board->slots[i];
        if (atomic_load(&slot->active) || !log_ring_is_empty(&slot->log)) {
            atomic_store(&board->master_sleeps, 0);
            return false;
        }
    }
    return true;
}

void scoreboard_master_woke(struct scoreboard *board)
{
    uint64_t count;
    atomic_store(&board->master_sleeps, 0);
    ssize_t length = read(wake_fd, &count, sizeof count);
    (void)length;
}

/* There is one writer, and readers that must never hold it up: they read again if the version moved. */
void scoreboard_write_verdict(struct scoreboard *board, bool accepted, const char *text)
{
    size_t length = strlen(text);
    if (length > sizeof board->verdict - 1)
        length = sizeof board->verdict - 1;
    atomic_fetch_add(&board->verdict_version, 1);
    atomic_thread_fence(memory_order_release); /* none of the words below may be seen before that */
    atomic_store(&board->accepted, accepted);
    memcpy(board->verdict, text, length);
    board->verdict[length] = 0;
    atomic_fetch_add(&board->verdict_version, 1);
}

bool scoreboard_read_verdict(const struct scoreboard *board, char text[static SCOREBOARD_VERDICT_MAX])
{
    bool accepted = false;
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t version = atomic_load(&board->verdict_version);
        accepted = atomic_load(&board->accepted);
        memcpy(text, board->verdict, SCOREBOARD_VERDICT_MAX);
        text[SCOREBOARD_VERDICT_MAX - 1] = 0;
        atomic_thread_fence(memory_order_seq_cst);
        if (version % 2 == 0 && version == atomic_load(&board->verdict_version))
            break;
    }
    return accepted;
}
