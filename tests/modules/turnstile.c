/* SPDX-License-Identifier: Apache-2.0
 *
 * A module whose worker_init() passes once for each token that lies there, and for everybody once the gate is open: which worker of which
 * master gets ready is the test's to say.
 */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <tine.h>
#include <unistd.h>

static int answer(tine_request *r)
{
    return tine_text(r, 200, "through");
}

/* Tokens are named 1 to 9. */
static bool take_token(const char *directory)
{
    char path[4096];
    for (int i = 1; i < 10; i++) {
        snprintf(path, sizeof path, "%s/token.%d", directory, i);
        if (unlink(path) == 0)
            return true;
    }
    snprintf(path, sizeof path, "%s/open", directory);
    return access(path, F_OK) == 0;
}

static int worker_init(tine_app *app)
{
    const char *directory = tine_setting(app, "directory");
    if (take_token(directory))
        return 0;
    tine_log(NULL, TINE_INFO, "worker_init waits");
    while (!take_token(directory))
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", answer), {0}},
            .settings = (const tine_option[]){{"directory", TINE_PATH, ".", "where tokens lie"}, {0}}, .worker_init = worker_init)
