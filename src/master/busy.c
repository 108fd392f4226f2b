/* SPDX-License-Identifier: Apache-2.0
 *
 * See busy.h.
 */
#include "master/busy.h"

enum {
    WINDOW_MS = 50,
    BUSY_PER_MS = 4, /* requests, for each CPU: some hundredths of what it can do */
    CALM_PER_MS = 2  /* less than that, so that a load between does not change it with every look */
};

bool busy_look(struct busy *busy, int64_t now, uint64_t requests, unsigned cpus)
{
    int64_t elapsed = now - busy->since;
    if (elapsed < WINDOW_MS)
        return busy->busy;
    uint64_t limit = (uint64_t)elapsed * cpus * (busy->busy ? CALM_PER_MS : BUSY_PER_MS);
    *busy = (struct busy){now, requests, requests - busy->requests >= limit};
    return busy->busy;
}
