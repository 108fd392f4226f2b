/* SPDX-License-Identifier: Apache-2.0
 *
 * One setting of every type; load and worker_init that can be told to refuse, load to exit, and worker_init to
 * crash, to wait and to need what only one can have.
 */
#include <tine.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static const tine_option options[] = {
    {"greeting", TINE_TEXT, "good day", "what / says"},
    {"file", TINE_PATH, "some/file", "a path"},
    {"count", TINE_INTEGER, "3", "a number"},
    {"room", TINE_SIZE, "8k", "bytes"},
    {"pause", TINE_TIME, "50ms", "milliseconds"},
    {"loud", TINE_SWITCH, "off", "a switch"},
    {"must", TINE_TEXT, NULL, "has to be given; 'bad load' and 'bad init' are refused there, 'exit' exits in load"},
    {"crash_if", TINE_PATH, "/nonexistent", "worker_init aborts while this file exists"},
    {"hold", TINE_PATH, "/nonexistent", "worker_init waits while this file exists"},
    {"lock", TINE_PATH, "/nonexistent", "if this file exists, worker_init needs it for itself alone"},
    {"password", TINE_SECRET, "", "not shown"},
    {"token.*", TINE_SECRET, NULL, "not shown either"},
    {"word.*", TINE_TEXT, NULL, "any number of them"},
    {"folder.*", TINE_PATH, NULL, "any number of paths"},
    {"wait.*", TINE_TIME, NULL, "any number of times"},
    {0}};

static int load(tine_app *app)
{
    if (strcmp(tine_setting(app, "must"), "bad load") == 0)
        return tine_reject(app, "must", "load does not like it\n");
    if (strcmp(tine_setting(app, "must"), "exit") == 0)
        exit(1);
    if (strcmp(tine_setting(app, "must"), "crash in load") == 0)
        abort();
    return 0;
}

static void wait_while(const char *file)
{
    if (access(file, F_OK) == 0)
        tine_log(NULL, TINE_INFO, "worker %d waits in worker_init", (int)getpid());
    while (access(file, F_OK) == 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
}

/* Held until the process ends. */
static int take_lock(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? 0 : flock(fd, LOCK_EX | LOCK_NB);
}

static int worker_init(tine_app *app)
{
    if (access(tine_setting(app, "crash_if"), F_OK) == 0)
        abort();
    wait_while(tine_setting(app, "hold"));
    if (take_lock(tine_setting(app, "lock")) != 0)
        return tine_reject(app, "lock", "another has it");
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

/* All settings of a name that stands for many. */
static int list(tine_request *r)
{
    const char *names[] = {"word.*", "folder.*", "wait.*", "none.*", "must"}, *key, *value;
    int64_t number;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; tine_setting_each(tine_request_app(r), names[n], i, &key, &value, &number) == 0; i++) {
            char *line = tine_printf(r, "%s %s=%s (%lld)\n", names[n], key, value, (long long)number);
            tine_write(r, line, strlen(line));
        }
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", show), TINE_GET("/list", list), {0}}, .settings = options, .load = load,
            .worker_init = worker_init)
