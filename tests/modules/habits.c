/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns as they are written elsewhere, and literals that look alike.
 */
#include <tine.h>

static int handle(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_path(r));
}

static const tine_route group[] = {TINE_GET("/in/:name/x", handle), {0}};

TINE_MODULE(.routes = (const tine_route[]){
                TINE_GET("/d/:id", handle), TINE_GET("/d/:id(\\d+)", handle), TINE_GET("/e/*", handle), TINE_GET("/f/*rest", handle),
                TINE_GROUP("/g/:group", group), TINE_GET("/h/verb:do", handle), TINE_GET("/h/:", handle), TINE_GET("/h/a*", handle),
                {0},
            })
