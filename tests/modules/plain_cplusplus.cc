/* SPDX-License-Identifier: Apache-2.0
 *
 * A module without the macros of tine.h: plain extern "C" symbols, as older C++ and other languages have them.
 */
#include <tine.h>

extern "C" {

static int hello(tine_request *r)
{
    return tine_text(r, 200, "hello %s from plain symbols, %s", tine_param(r, "name"), tine_setting(tine_request_app(r), "greeting"));
}

extern const tine_module tine_module_exported;
}

static const tine_route routes[] = {{"GET", "/hello/{name}", hello, "hello"}, {}};
static const tine_option options[] = {{"greeting", TINE_TEXT, "well met", "what is added"}, {}};

static tine_module make()
{
    tine_module module = tine_module();
    module.abi = TINE_ABI;
    module.size = sizeof(tine_module);
    module.route_size = sizeof(tine_route);
    module.option_size = sizeof(tine_option);
    module.routes = routes;
    module.settings = options;
    return module;
}

const tine_module tine_module_exported = make();
