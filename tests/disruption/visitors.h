/* SPDX-License-Identifier: Apache-2.0
 *
 * The process of a crowd: its clients, each with its habit, and the board that it fills for who has sent it out.
 */
#ifndef DISRUPTION_VISITORS_H
#define DISRUPTION_VISITORS_H

#include "crowd.h"

enum { NUMBERS = 1 << 20 };

struct sample {
    int64_t began_ms;
    int32_t took_us;
};

struct crowd_board {
    volatile int stop, may_end, all_heard;
    volatile int64_t since; /* monotonic us: all_heard when everybody had an answer after that; 0: nobody wants to know */
    struct crowd_tally tally;
    uint32_t last_number, samples;
    unsigned char answered[NUMBERS], given_up[NUMBERS]; /* by number; given_up: its connection ended in order instead, during a stop */
    struct sample sample[NUMBERS];
};

/* Comes with clients as planned and asks the server at 'address', until the board says stop and all that was asked is answered. */
_Noreturn void visitors_run(struct crowd_board *board, const struct crowd_plan *plan, const char *address);

#endif
