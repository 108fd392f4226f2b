/* SPDX-License-Identifier: Apache-2.0
 *
 * One setting of every type; load and worker_init that can be told to refuse, worker_init also to crash.
 */
#include <tine.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const tine_option options[] = {
    {"greeting", TINE_TEXT, "good day", "what / says"},
    {"file", TINE_PATH, "some/file", "a path"},
    {"count", TINE_INTEGER, "3", "a number"},
    {"room", TINE_SIZE, "8k", "bytes"},
    {"pause", TINE_TIME, "50ms", "milliseconds"},
    {"loud", TINE_SWITCH, "off", "a switch"},
    {"must", TINE_TEXT, NULL, "has to be given; 'bad load' and 'bad init' are refused there"},
    {"crash_if", TINE_PATH, "/nonexistent", "worker_init aborts while this file exists"},
    {0}};

static int load(tine_app *app)
{
    if (strcmp(tine_setting(app, "must"), "bad load") == 0)
        return tine_reject(app, "must", "load does not like it");
    return 0;
}

static int worker_init(tine_app *app)
{
    if (access(tine_setting(app, "crash_if"), F_OK) == 0)
        abort();
    if (strcmp(tine_setting(app, "must"), "bad init") == 0)
        return tine_reject(app, "must", "worker_init does not like it");
    tine_set_data(app, "set in worker_init");
    return 0;
}

static int show(tine_request *r)
{
    tine_app *app = tine_request_app(r);
    return tine_text(r, 200, "%s|%s|%lld|%lld|%lld|%lld|%s|%s|%s|%s", tine_setting(app, "greeting"),
                     tine_setting(app, "file"), (long long)tine_setting_number(app, "count"),
                     (long long)tine_setting_number(app, "room"), (long long)tine_setting_number(app, "pause"),
                     (long long)tine_setting_number(app, "loud"), tine_setting(app, "must"), tine_app_name(app),
                     tine_app_path(app), (const char *)tine_data(app));
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", show), {0}}, .settings = options, .load = load,
            .worker_init = worker_init)
