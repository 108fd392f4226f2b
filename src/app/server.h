/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker says of the server as a whole: its status, for tine_server_status(), and the health endpoints. Runs in
 * workers.
 */
#ifndef APP_SERVER_H
#define APP_SERVER_H

#include "app/apps.h"
#include "shared/scoreboard.h"

#include <stdbool.h>

/* Once in a worker, before its apps are loaded. 'board' NULL: no server runs. With 'health' the built-in /-/live and /-/ready are there
 * ([server] health). */
void server_use(struct scoreboard *board, bool health);

/* From now on /-/ready asks these apps for their health. */
void server_ask(struct apps *apps);

/* The built-in endpoints in their order, through 'following'; NULL when there are none. */
const struct route *server_routes(void);

/* Does a built-in endpoint have this path? As router_match(), and 404 at once when health is off. */
int server_match(struct slice method, struct slice path, struct router_match *match, struct buffer *allow);

#endif
