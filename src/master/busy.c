/* SPDX-License-Identifier: Apache-2.0
 *
 * See busy.h.
 */
#include "master/busy.h"

enum {
    WINDOW_MS = 50,
    BUSY_PER_MS = 4, /* requests, for each CPU: many workers that interrupt each other come to little more */
    CALM_PER_MS = 2, /* less than that, so that a load between does not change it with every look */
    CLIENTS = 4      /* connections, for each CPU: of few clients each waits for its answer, and asks no more while it does */
};

bool busy_is_due(const struct busy *busy, int64_t now)
{
    return now - busy->since >= WINDOW_MS;
}

bool busy_look(struct busy *busy, int64_t now, uint64_t requests, uint64_t connections, unsigned cpus)
{
    bool many = connections >= (uint64_t)CLIENTS * cpus;
    uint64_t limit = (uint64_t)(now - busy->since) * cpus * (busy->busy ? CALM_PER_MS : BUSY_PER_MS);
    *busy = (struct busy){now, requests, many && requests - busy->requests >= limit};
    return busy->busy;
}
