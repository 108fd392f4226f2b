/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind filters that come with tine: it says what they have told it, and sets fields of its own.
 */
#include <string.h>
#include <tine.h>
#include <tine_batteries.h>

static int plain(tine_request *r)
{
    return tine_text(r, 200, "plain");
}

/* Fields as ?Name=value. */
static int own(tine_request *r)
{
    const char *name, *value;
    for (size_t i = 0; tine_query_at(r, i, &name, &value) == 0; i++)
        tine_add_header(r, name, value);
    return tine_text(r, 200, "own");
}

static int fail(tine_request *r)
{
    (void)r;
    return 500;
}

static int stream(tine_request *r)
{
    return tine_write(r, memset(tine_alloc(r, 100000), 's', 100000), 100000) == 0 ? 0 : 500;
}

/* An attribute that is text: /attribute/user */
static int attribute(tine_request *r)
{
    const char *value = tine_attribute(r, tine_param(r, "name"));
    return tine_text(r, 200, "%s", value != NULL ? value : "(none)");
}

static int csrf_token(tine_request *r)
{
    const char *token = tine_csrf_token(r);
    return tine_text(r, 200, "%s", token != NULL ? token : "(none)");
}

static int form(tine_request *r)
{
    const char *value = tine_form(r, "value");
    return tine_failed(r) ? tine_failed(r) : tine_text(r, 200, "%s", value);
}

TINE_MODULE(.routes = (const tine_route[]){
                TINE_GET("/", plain),
                TINE_POST("/", plain),
                TINE_GET("/own", own),
                TINE_GET("/fail", fail),
                TINE_GET("/stream", stream),
                TINE_GET("/attribute/{name}", attribute),
                TINE_GET("/csrf", csrf_token),
                TINE_POST("/form", form),
                {0},
            })
