/* SPDX-License-Identifier: Apache-2.0
 *
 * A module that needs a function which nobody has.
 */
#include <tine.h>

int tine_that_never_was(tine_request *r);

static int hello(tine_request *r)
{
    return tine_that_never_was(r);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", hello), {0}})
