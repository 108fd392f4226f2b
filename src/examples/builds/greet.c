/* SPDX-License-Identifier: Apache-2.0
 *
 * A module that CMake (CMakeLists.txt) or Meson (meson.build) builds, and tests.
 */
#include <tine.h>

static int greet(tine_request *r)
{
    return tine_text(r, 200, "hello %s\n", tine_param(r, "name"));
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/hello/{name}", greet), {0}})
