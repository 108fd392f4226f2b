/* SPDX-License-Identifier: Apache-2.0
 *
 * A module compiled against a tine.h of the same ABI whose module struct has grown.
 */
#include <tine.h>

static int hello(tine_request *r)
{
    return tine_text(r, 200, "hello");
}

static const tine_route routes[] = {TINE_GET("/", hello), {0}};

extern const struct newer_module {
    tine_module module;
    void *more[100];
} tine_module_exported;
const struct newer_module tine_module_exported = {
    .module = {.abi = TINE_ABI, .size = sizeof(struct newer_module), .route_size = sizeof(tine_route), .option_size = sizeof(tine_option),
               .routes = routes}};
