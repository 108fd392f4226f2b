/* SPDX-License-Identifier: Apache-2.0
 *
 * See server.h.
 *
 * /-/live says that a worker answers; /-/ready that the server wants requests: it turns 503 as soon as the server is about to stop, so that
 * whoever balances load looks elsewhere before the first connection is refused.
 */
#include "app/server.h"

#include "app/apps.h"
#include "app/request.h"
#include "shared/status.h"
#include "tine.h"

static struct {
    struct scoreboard *board;
    bool health;
    struct router router;
    struct apps *apps; /* whose health is asked for; NULL: not started yet */
} server;

json_t *tine_server_status(void)
{
    return server.board != NULL ? status_make(server.board) : NULL;
}

static int answer(tine_request *r, int status, const char *text)
{
    tine_set_header(r, "Cache-Control", "no-store");
    return tine_text(r, status, "%s\n", text);
}

static int live(tine_request *r)
{
    return answer(r, 200, "live");
}

/* The request is that app's meanwhile: should it crash or hang there, that is whose fault it was. */
static int check_apps(tine_request *r)
{
    for (size_t i = 0; i < server.apps->count; i++) {
        struct tine_app *app = r->match.app = &server.apps->all[i];
        bool healthy = app_is_healthy(app);
        r->match.app = NULL;
        if (!healthy)
            return tine_text(r, 503, "%s:%s is not healthy\n", config_app_kind(app->section), app->section->name);
    }
    return 0;
}

static int ready(tine_request *r)
{
    enum master_state state = server.board != NULL ? atomic_load(&server.board->state) : MASTER_SERVING;
    tine_set_header(r, "Cache-Control", "no-store");
    int status = server.apps != NULL ? check_apps(r) : 0;
    if (status != 0)
        return status;
    return state <= MASTER_SERVING || state == MASTER_RETIRING ? answer(r, 200, "ready") : answer(r, 503, "stopping");
}

void server_use(struct scoreboard *board, bool health)
{
    server.board = board;
    server.health = health;
    if (!health || server.router.root != NULL)
        return;
    router_init(&server.router);
    router_add(&server.router, "GET", "/-/live", live, "live", UINT32_MAX);
    router_add(&server.router, "GET", "/-/ready", ready, "ready", UINT32_MAX);
}

void server_ask(struct apps *apps)
{
    server.apps = apps;
}

const struct route *server_routes(void)
{
    return server.health ? server.router.first : NULL;
}

int server_match(struct slice method, struct slice path, struct router_match *match, struct buffer *allow)
{
    if (!server.health || path.length < 4 || memcmp(path.data, "/-/", 3) != 0)
        return 404;
    return router_match(&server.router, method, path, match, allow);
}
