/* SPDX-License-Identifier: Apache-2.0
 *
 * See busy.h.
 */
#include "master/busy.h"

enum {
    WINDOW_MS = 50,
    BUSY_PER_MS = 12, /* requests, for each CPU: a tenth of what it can do, and more than one client that waits for each answer comes to */
    CALM_PER_MS = 6   /* less than that, so that a load between does not change it with every look */
};

bool busy_is_due(const struct busy *busy, int64_t now)
{
    return now - busy->since >= WINDOW_MS;
}

bool busy_look(struct busy *busy, int64_t now, uint64_t requests, unsigned cpus)
{
    uint64_t limit = (uint64_t)(now - busy->since) * cpus * (busy->busy ? CALM_PER_MS : BUSY_PER_MS);
    *busy = (struct busy){now, requests, requests - busy->requests >= limit};
    return busy->busy;
}
