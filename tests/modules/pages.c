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

/* A list of ten by the template "list", and the same page ready-made. */
static int list(tine_request *r)
{
    render *make = (render *)tine_attribute(r, "template");
    json_t *people = json_array();

    for (int i = 0; i < 10; i++)
        json_array_append_new(people, json_pack("{s:i,s:s}", "id", i, "name", "Ada & Bob"));
    return make(r, 200, "list", json_pack("{s:o}", "people", people));
}

static int ready(tine_request *r)
{
    static const char page[] = "<ul>"
#define PERSON(id) "<li id=\"" #id "\">Ada &amp; Bob</li>"
        PERSON(0) PERSON(1) PERSON(2) PERSON(3) PERSON(4) PERSON(5) PERSON(6) PERSON(7) PERSON(8) PERSON(9) "</ul>";

    return tine_send(r, 200, "text/html; charset=utf-8", page, sizeof page - 1);
}

static int deep(tine_request *r)
{
    render *make = (render *)tine_attribute(r, "template");
    json_t *values = json_object();

    for (int i = 0; i < 1000; i++)
        values = json_pack("{s:o}", "more", values);
    return make(r, 200, "page", values);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_POST("/page", page), TINE_GET("/nothing", nothing), TINE_GET("/deep", deep),
                                           TINE_GET("/list", list), TINE_GET("/ready", ready), {0}})
