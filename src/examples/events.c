/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: new EventSource("/clock") in a browser, or curl -N localhost:8000/clock. Each client occupies a worker. */
#include <stdlib.h>
#include <time.h>
#include <tine.h>

static int clock_events(tine_request *r)
{
    const char *last = tine_header(r, "Last-Event-ID"); /* of a browser that comes again */
    unsigned long at = last != NULL ? strtoul(last, NULL, 10) + 1 : 0;

    for (int sent = 0; sent < 1000; sent++) { /* what tine_printf() takes is freed at the end: so there is one */
        const char *data = tine_printf(r, "%lld", (long long)time(NULL));

        if (tine_event(r, "tick", tine_printf(r, "%lu", at++), data) != 0)
            break; /* the client is gone, or too many are here already */
        if (tine_sleep(r, 1000) != 0)
            break;
    }
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/clock", clock_events), {0}})
