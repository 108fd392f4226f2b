/* SPDX-License-Identifier: Apache-2.0
 *
 * Behind its routes there is what may stand behind an array that does not end with {0}.
 */
#include <tine.h>

static int handle(tine_request *r)
{
    return tine_text(r, 200, "never");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", handle), {.method = "GET", .pattern = (const char *)1}})
