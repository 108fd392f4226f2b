/* SPDX-License-Identifier: Apache-2.0
 *
 * See crowd.h. The process is forked and shares a board: tallies, times, which numbers were answered.
 */
#include "crowd.h"
#include "visitors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void crowd_prepare(struct crowd *crowd, const struct server *server)
{
    const char *path = text("%s/ledger", server->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    memset(crowd, 0, sizeof *crowd);
    if (fd < 0 || fchmod(fd, 0666) != 0 || ftruncate(fd, NUMBERS) != 0)
        harness_fail("cannot make %s: %s", path, strerror(errno));
    crowd->ledger = mmap(NULL, NUMBERS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    crowd->board = mmap(NULL, sizeof *crowd->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crowd->ledger == MAP_FAILED || crowd->board == MAP_FAILED)
        harness_fail("cannot map the ledger: %s", strerror(errno));
    close(fd);
}

void crowd_start(struct crowd *crowd, const struct server *server, const struct crowd_plan *plan)
{
    crowd->started = now_ms();
    crowd->process = process_fork();
    if (crowd->process == 0)
        visitors_run(crowd->board, plan, plan->address != NULL ? plan->address : server->address);
}

void crowd_await_answers(struct crowd *crowd, int64_t ms)
{
    crowd->board->since = now_us();
    wait_until(ms, crowd->board->all_heard);
}

void crowd_expect_end(struct crowd *crowd)
{
    crowd->board->may_end = 1;
}

static void compare_with_ledger(struct crowd *crowd)
{
    const struct crowd_board *board = crowd->board;
    for (uint32_t i = 1; i <= board->last_number; i++) {
        crowd->tally.doubled += crowd->ledger[i] > 1;
        crowd->tally.wrong += board->answered[i] ? crowd->ledger[i] == 0 : board->given_up[i] && crowd->ledger[i] != 0;
    }
}

void crowd_stop(struct crowd *crowd)
{
    crowd->board->stop = 1;
    if (process_wait(crowd->process, PATIENCE) != 0)
        harness_fail("the crowd does not end");
    crowd->stopped = now_ms();
    crowd->tally = crowd->board->tally;
    if (crowd->recount != NULL)
        crowd->recount(crowd);
    compare_with_ledger(crowd);
}

long crowd_lost(const struct crowd_tally *t)
{
    return t->refused + t->reset + t->unanswered + t->timeout + t->status + t->wrong + t->doubled;
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

double crowd_latency_ms(const struct crowd *crowd, int64_t from, int64_t to, double part)
{
    const struct crowd_board *board = crowd->board;
    int32_t *took = malloc((board->samples + 1) * sizeof *took);
    size_t count = 0;
    for (uint32_t i = 0; i < board->samples; i++)
        if (board->sample[i].began_ms >= from && board->sample[i].began_ms <= to)
            took[count++] = board->sample[i].took_us;
    qsort(took, count, sizeof *took, compare);
    size_t at = (size_t)((double)count * part);
    double latency = count == 0 ? 0 : took[at < count ? at : count - 1] / 1e3;
    free(took);
    return latency;
}
