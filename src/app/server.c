/* SPDX-License-Identifier: Apache-2.0
 *
 * See server.h.
 *
 * /-/live says that a worker answers; /-/ready that the server wants requests: it turns 503 as soon as the server is about to stop, so that
 * whoever balances load looks elsewhere before the first connection is refused.
 */
#include "app/server.h"

#include "shared/status.h"
#include "tine.h"

static struct {
    struct scoreboard *board;
    bool health;
    struct router router;
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

static int ready(tine_request *r)
{
    enum master_state state = atomic_load(&server.board->state);
    return state <= MASTER_SERVING || state == MASTER_RETIRING ? answer(r, 200, "ready") : answer(r, 503, "stopping");
}

void server_use(struct scoreboard *board, bool health)
{
    server.board = board;
    server.health = health;
    if (!health)
        return;
    router_init(&server.router);
    router_add(&server.router, "GET", "/-/live", live, "live", UINT32_MAX);
    router_add(&server.router, "GET", "/-/ready", ready, "ready", UINT32_MAX);
}

int server_match(struct slice method, struct slice path, struct router_match *match, struct buffer *allow)
{
    if (!server.health || path.length < 4 || memcmp(path.data, "/-/", 3) != 0)
        return 404;
    return router_match(&server.router, method, path, match, allow);
}
