/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker_init that takes its time: it says so in the error log, then waits until the file `until` exists. Answers with `text`.
 */
#include <tine.h>

#include <time.h>
#include <unistd.h>

static int answer(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_setting(tine_request_app(r), "text"));
}

static int worker_init(tine_app *app)
{
    if (access(tine_setting(app, "until"), F_OK) != 0)
        tine_log(NULL, TINE_INFO, "worker_init of '%s' waits", tine_setting(app, "text"));
    while (access(tine_setting(app, "until"), F_OK) != 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", answer), {0}},
            .settings = (const tine_option[]){{"until", TINE_PATH, "/", "what is waited for"}, {"text", TINE_TEXT, "", "the answer"}, {0}},
            .worker_init = worker_init)
