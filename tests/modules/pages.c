/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers with the template that the query names, made of the values that the body has.
 */
#include <tine.h>

typedef int render(tine_request *r, int status, const char *name, json_t *values);

static int page(tine_request *r)
{
    render *make = (render *)tine_attribute(r, "template");
    json_t *values = tine_json_document(r);

    if (values == NULL)
        return tine_failed(r);
    return make(r, 201, tine_query(r, "name"), json_incref(values));
}

static int nothing(tine_request *r)
{
    render *make = (render *)tine_attribute(r, "template");

    return make(r, 200, "page", NULL);
}

static int deep(tine_request *r)
{
    render *make = (render *)tine_attribute(r, "template");
    json_t *values = json_object();

    for (int i = 0; i < 1000; i++)
        values = json_pack("{s:o}", "more", values);
    return make(r, 200, "page", values);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_POST("/page", page), TINE_GET("/nothing", nothing), TINE_GET("/deep", deep), {0}})
