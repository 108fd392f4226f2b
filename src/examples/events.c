/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: new EventSource("/clock") in a browser, or curl -N localhost:8000/clock. Each client occupies a worker. */
#include <stdlib.h>
#include <time.h>
#include <tine.h>

static int clock_events(tine_request *r)
{
    const char *last = tine_header(r, "Last-Event-ID"); /* of a browser that comes again */
    int at = last != NULL ? atoi(last) + 1 : 0;

    do {
        const char *data = tine_printf(r, "%lld", (long long)time(NULL));

        if (tine_event(r, "tick", tine_printf(r, "%d", at++), data) != 0)
            break; /* the client is gone, or too many are here already */
    } while (at < 1000 && tine_sleep(r, 1000) == 0); /* what tine_printf() takes is freed at the end: so there is one */
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/clock", clock_events), {0}})
