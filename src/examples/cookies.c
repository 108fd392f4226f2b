/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies and a page: curl -c jar -b jar localhost:8000/; curl -c jar -b jar -X POST localhost:8000/theme/dark */
#include <string.h>
#include <tine.h>

static int page(tine_request *r)
{
    const char *chosen = tine_cookie(r, "theme"), *theme = chosen != NULL && strcmp(chosen, "dark") == 0 ? "dark" : "light";

    tine_set_header(r, "Vary", "Cookie");
    return tine_html(r, 200, "<!doctype html>\n<title>%s</title>\n<body class=\"%s\">hello, %s\n", theme, theme, tine_client(r));
}

/* SameSite=Lax, HttpOnly, and Secure where the client came by https: that is so unless one says otherwise. */
static int choose(tine_request *r)
{
    if (tine_set_cookie(r, "theme", tine_param(r, "name"), TINE_COOKIE(.max_age = 30 * 86400)) < 0)
        return tine_problem(r, 400, "no cookie can hold that name");
    return tine_redirect(r, 303, "/");
}

static int forget(tine_request *r)
{
    tine_set_cookie(r, "theme", NULL, NULL);
    return 204;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", page), TINE_POST("/theme/{name}", choose), TINE_DELETE("/theme", forget), {0}})
