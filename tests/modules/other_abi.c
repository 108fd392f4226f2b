/* SPDX-License-Identifier: Apache-2.0
 *
 * A module compiled against another tine.h.
 */
#include <tine.h>

#undef TINE_ABI
#define TINE_ABI 4711

static int hello(tine_request *r)
{
    return tine_text(r, 200, "hello");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", hello), {0}})
