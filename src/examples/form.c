/* SPDX-License-Identifier: Apache-2.0 */
/* A form and a cookie: curl -c jar -d name=ada -d age=36 localhost:8000/; curl -b jar localhost:8000/ */
#include <tine.h>

static int greet(tine_request *r)
{
    const char *name = tine_cookie(r, "name");
    return tine_text(r, 200, "hello %s\n", name != NULL ? name : "stranger");
}

static int enter(tine_request *r)
{
    const char *name = tine_form(r, "name");
    int64_t age;
    if (tine_form_int(r, "age", 0, 150, &age))
        return tine_failed(r);
    if (name == NULL || tine_set_cookie(r, "name", name, NULL)) /* which refuses what could not stand in one */
        return tine_problem(r, 400, "the name must be one word");
    return tine_redirect(r, 303, "/");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", greet), TINE_POST("/", enter), {0}})
