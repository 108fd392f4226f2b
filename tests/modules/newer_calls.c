/* SPDX-License-Identifier: Apache-2.0
 *
 * A module compiled against a tine.h whose structs for calls have grown: nothing shows that when it is loaded. And, as NEWER_ROUTES, one
 * whose routes have.
 */
#include <tine.h>

static int cookie(tine_request *r)
{
    struct {
        tine_cookie_options options;
        void *more;
    } newer = {.options = {.size = sizeof newer}};
    return tine_text(r, 200, "%d", tine_set_cookie(r, "a", "b", &newer.options));
}

static int content(tine_request *r)
{
    struct {
        tine_content content;
        void *more;
    } newer = {.content = {.size = sizeof newer, .data = "x", .length = 1}};
    return tine_send_content(r, &newer.content);
}

static const tine_route routes[] = {TINE_GET("/cookie", cookie), TINE_GET("/content", content), {0}};

#ifdef NEWER_ROUTES
TINE_MODULE(.routes = routes, .route_size = sizeof(tine_route) + 8)
#else
TINE_MODULE(.routes = routes)
#endif
