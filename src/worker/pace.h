/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a client that is slow is waited for. It buys its time: each byte gives it the part of a second that [limits] rate
 * says, and never more than the whole timeout. So a fast one has all of the timeout after each byte, as if there were no rate, and one
 * that is slower than the rate uses its time up. Pure.
 */
#ifndef WORKER_PACE_H
#define WORKER_PACE_H

#include <stdint.h>

/* The time that 'bytes' are worth, in ms, rounded in the client's favour. */
static inline int64_t pace_worth(uint64_t bytes, int64_t rate)
{
    if (rate == 0)
        return bytes > 0 ? INT32_MAX : 0;
    if (bytes >= (uint64_t)rate * 1000000) /* more than any timeout, and no overflow */
        return INT32_MAX;
    return (int64_t)((bytes * 1000 + (uint64_t)rate - 1) / (uint64_t)rate);
}

/* The client was waited for until 'until' and has now sent, or taken, 'bytes'. Until when is it waited for? */
static inline int64_t pace_extend(int64_t until, int64_t now, uint64_t bytes, int64_t rate, int64_t timeout)
{
    int64_t bought = until + pace_worth(bytes, rate), most = now + timeout;
    return bytes == 0 ? until : bought < most ? bought : most;
}

#endif
