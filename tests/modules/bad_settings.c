/* SPDX-License-Identifier: Apache-2.0
 *
 * Declares settings wrongly: a default that is not of its type, a type that this tine does not have.
 */
#include <tine.h>

static int hello(tine_request *r)
{
    return tine_text(r, 200, "hello");
}

static const tine_option options[] = {{"room", TINE_SIZE, "much", "bytes"}, {"new", (tine_type)99, "x", "of a newer tine"}, {0}};

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", hello), {0}}, .settings = options)
