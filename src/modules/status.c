/* SPDX-License-Identifier: Apache-2.0
 *
 * status: what the server does, for a person as text and for a program as JSON (Accept: application/json, or ?format=json). Runs
 * in a worker.
 *
 *     [app:status]
 *     path = /-/status
 *     module = status
 *     allow = 10.0.0.0/8
 *
 * It shows requests that others have made, so it answers those alone who ask from this machine, unless 'allow' says more. Behind
 * a proxy on the same machine everybody does: let the proxy keep the path to itself.
 */
#include "networks.h"
#include "status_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>

struct allowed {
    size_t count;
    struct network networks[];
};

static const char *const local[] = {"127.0.0.0/8", "::1"};

static struct allowed *allowed_new(const char *setting)
{
    size_t most = sizeof local / sizeof local[0] + 1;

    for (; *setting != '\0'; setting++)
        most += *setting == ',';
    return calloc(1, sizeof(struct allowed) + most * sizeof(struct network));
}

static int load(tine_app *app)
{
    const char *text = tine_setting(app, "allow");
    struct allowed *allowed = allowed_new(text);

    if (allowed == NULL)
        return tine_reject(app, NULL, "out of memory");
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        network_parse(&allowed->networks[allowed->count++], local[i], strlen(local[i]));
    while (text[strspn(text, " \t")] != '\0') {
        size_t length = strcspn(text, ",");
        const char *wrong = network_parse(&allowed->networks[allowed->count++], text, length);

        if (wrong != NULL) {
            free(allowed);
            return tine_reject(app, "allow", "'%.*s' %s", (int)(length < 100 ? length : 100), text, wrong);
        }
        text += length + (text[length] == ',');
    }
    tine_set_data(app, allowed);
    return 0;
}

static void worker_exit(tine_app *app)
{
    free(tine_data(app));
    tine_set_data(app, NULL);
}

static bool is_allowed(tine_request *r)
{
    const struct allowed *allowed = tine_data(tine_request_app(r));
    const char *client = tine_client(r);

    if (strcmp(client, "unix:") == 0) /* the permissions of the socket have decided */
        return true;
    for (size_t i = 0; i < allowed->count; i++) {
        if (network_has(&allowed->networks[i], client))
            return true;
    }
    return false;
}

static bool wants_json(tine_request *r)
{
    const char *format = tine_query(r, "format"), *accept = tine_header(r, "Accept");

    if (format != NULL)
        return strcmp(format, "json") == 0;
    return accept != NULL && strcasestr(accept, "application/json") != NULL;
}

static int show(tine_request *r)
{
    if (!is_allowed(r))
        return tine_problem(r, 403, "this is for clients on this machine; [app:%s] allow can name more",
                            tine_app_name(tine_request_app(r)));
    tine_set_header(r, "Cache-Control", "no-store");
    tine_set_header(r, "Vary", "Accept");
    json_t *status = tine_server_status();
    if (wants_json(r))
        return tine_json(r, 200, status);
    char *text = status != NULL ? status_text(status) : NULL;
    int result = text != NULL ? tine_send(r, 200, "text/plain; charset=utf-8", text, strlen(text)) : 500;
    json_decref(status);
    free(text);
    return result;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", show), {0}},
            .settings =
                (const tine_option[]){
                    {"allow", TINE_TEXT, "", "networks of clients that are answered, besides this machine; comma separated"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
