/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdict in the scoreboard, written by one process while others read.
 */
#include "shared/scoreboard.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

Test(scoreboard, keeps_a_verdict_cut_to_its_room)
{
    struct scoreboard *board = scoreboard_new();
    char text[SCOREBOARD_VERDICT_MAX], longer[2 * SCOREBOARD_VERDICT_MAX];

    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    cr_expect(!scoreboard_read_verdict(board, text));
    cr_expect_str_empty(text);
    scoreboard_write_verdict(board, true, longer);
    cr_expect(scoreboard_read_verdict(board, text));
    cr_expect_eq(strlen(text), SCOREBOARD_VERDICT_MAX - 1);
    scoreboard_write_verdict(board, false, "short");
    cr_expect(!scoreboard_read_verdict(board, text));
    cr_expect_str_eq(text, "short");
}

/* A module wrote over it. */
Test(scoreboard, counts_no_slots_that_are_not_there)
{
    struct scoreboard *board = scoreboard_new();
    atomic_store(&board->used, UINT32_MAX);
    atomic_store(&board->slots[SCOREBOARD_SLOTS - 1].requests, 2);
    atomic_store(&board->slots[SCOREBOARD_SLOTS - 1].held, 3);
    cr_expect_eq(scoreboard_used(board), SCOREBOARD_SLOTS);
    cr_expect_eq(scoreboard_requests(board), 2);
    cr_expect_eq(scoreboard_held(board), 3);
    cr_expect_eq(scoreboard_count_streams(board, 1), 0);
    cr_expect_not(scoreboard_has_idle(board, NULL));
    cr_expect_not(scoreboard_has_other(board, NULL));
}

static void write_for_ever(struct scoreboard *board, const char *one, const char *other)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0;; i++) { /* with pauses: a reader gives up after a thousand tries */
        scoreboard_write_verdict(board, i % 2, i % 2 ? one : other);
        nanosleep(&(struct timespec){0, 1000}, NULL);
    }
}

/* Never half of one verdict and half of another. */
Test(scoreboard, a_verdict_is_read_whole_while_it_is_written)
{
    struct scoreboard *board = scoreboard_new();
    char text[SCOREBOARD_VERDICT_MAX], one[SCOREBOARD_VERDICT_MAX], other[SCOREBOARD_VERDICT_MAX];

    memset(one, 'a', sizeof one - 1), one[sizeof one - 1] = '\0';
    memset(other, 'b', sizeof other - 1), other[sizeof other - 1] = '\0';
    scoreboard_write_verdict(board, true, one);
    pid_t writer = fork();
    if (writer == 0)
        write_for_ever(board, one, other);
    for (int i = 0; i < 1000000; i++) {
        bool accepted = scoreboard_read_verdict(board, text);
        bool halfway = atomic_load(&board->verdict_version) % 2 != 0; /* not run for so long that the reader gave up? */
        cr_assert(halfway || strcmp(text, accepted ? one : other) == 0, "read %d: %s, %d", i, text, accepted);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
}

/* A writer that died in the middle holds nobody up. */
Test(scoreboard, a_verdict_half_written_is_still_read)
{
    struct scoreboard *board = scoreboard_new();
    char text[SCOREBOARD_VERDICT_MAX];

    scoreboard_write_verdict(board, true, "text");
    atomic_fetch_add(&board->verdict_version, 1);
    scoreboard_read_verdict(board, text);
    cr_expect_str_eq(text, "text");
}
