/* SPDX-License-Identifier: Apache-2.0 */
/* A response as it is made, row by row: curl -N 'localhost:8000/rows?count=3'. It occupies its worker: see [limits] streams. */
#include <inttypes.h>
#include <tine.h>

static int rows(tine_request *r)
{
    int64_t count = 10;

    if (tine_query(r, "count") && tine_query_int(r, "count", 0, 1000, &count))
        return tine_failed(r);
    tine_set_header(r, "Content-Type", "text/csv; charset=utf-8");
    for (int64_t i = 0; i < count; i++) {
        if (tine_write_text(r, "%" PRId64 ",%" PRId64 "\r\n", i, i * i) < 0 || tine_flush(r) < 0)
            return 0; /* the client is gone: nobody needs the rest */
        if (tine_sleep(r, 100) != 0)
            return 0;
    }
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/rows", rows), {0}})
