/* SPDX-License-Identifier: Apache-2.0
 *
 * The old code of a module that a test replaces under a running server; version_b.c is the new.
 */
#include <tine.h>

#ifndef VERSION
#define VERSION "a"
#endif

static int version(tine_request *r)
{
    return tine_text(r, 200, VERSION);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", version), {0}})
