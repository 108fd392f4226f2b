/* SPDX-License-Identifier: Apache-2.0
 *
 * A thousand routes, /r000/{id}/x to /r999/{id}/x: do they cost more than ten?
 */
#include <tine.h>

static int answer(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_param(r, "id"));
}

#define ROUTE(a, b, c) TINE_GET("/r" #a #b #c "/{id}/x", answer)
#define TEN_ROUTES(a, b) \
    ROUTE(a, b, 0), ROUTE(a, b, 1), ROUTE(a, b, 2), ROUTE(a, b, 3), ROUTE(a, b, 4), ROUTE(a, b, 5), ROUTE(a, b, 6), ROUTE(a, b, 7), \
        ROUTE(a, b, 8), ROUTE(a, b, 9)
#define HUNDRED_ROUTES(a) \
    TEN_ROUTES(a, 0), TEN_ROUTES(a, 1), TEN_ROUTES(a, 2), TEN_ROUTES(a, 3), TEN_ROUTES(a, 4), TEN_ROUTES(a, 5), TEN_ROUTES(a, 6), \
        TEN_ROUTES(a, 7), TEN_ROUTES(a, 8), TEN_ROUTES(a, 9)

#ifdef ONLY_TEN
TINE_MODULE(.routes = (const tine_route[]){TEN_ROUTES(0, 0), {0}})
#else
TINE_MODULE(.routes = (const tine_route[]){HUNDRED_ROUTES(0), HUNDRED_ROUTES(1), HUNDRED_ROUTES(2), HUNDRED_ROUTES(3), HUNDRED_ROUTES(4),
                                           HUNDRED_ROUTES(5), HUNDRED_ROUTES(6), HUNDRED_ROUTES(7), HUNDRED_ROUTES(8),
                                           HUNDRED_ROUTES(9), {0}})
#endif
