/* SPDX-License-Identifier: Apache-2.0
 *
 * A module as it was compiled when ABI 1 was first laid out: its own copy of the structs, never to be brought up to date, and no tine.h.
 * As long as TINE_ABI is 1 it has to load and to work.
 */
#include <stddef.h>
#include <stdint.h>

struct request;
struct app;

struct route {
    const char *method, *pattern;
    int (*handler)(struct request *r);
    const char *name;
};

struct option {
    const char *name;
    int type; /* 0 text, 1 path, 2 integer, 3 size, 4 time, 5 switch */
    const char *fallback, *help;
};

struct module {
    uint32_t abi, size, route_size, option_size;
    const struct route *routes;
    const struct option *settings;
    int (*load)(struct app *app);
    int (*worker_init)(struct app *app);
    void (*worker_exit)(struct app *app);
};

struct content {
    size_t size;
    const void *data;
    int fd, status;
    uint64_t length;
    const char *type, *encoding, *cache_control, *etag;
    int64_t modified;
    void (*release)(void *owner);
    void *owner;
};

int tine_text(struct request *r, int status, const char *format, ...);
int tine_send_content(struct request *r, const struct content *content);
const char *tine_param(struct request *r, const char *name);
struct app *tine_request_app(struct request *r);
const char *tine_setting(struct app *app, const char *name);
int64_t tine_setting_number(struct app *app, const char *name);
void tine_set_data(struct app *app, void *data);
void *tine_data(struct app *app);

static int load(struct app *app)
{
    tine_set_data(app, "loaded");
    return 0;
}

static int worker_init(struct app *app)
{
    static char text[32] = "started after ";
    const char *from = tine_data(app);
    for (size_t i = 0; i < 7; i++)
        text[14 + i] = from[i];
    tine_set_data(app, text);
    return 0;
}

static int show(struct request *r)
{
    struct app *app = tine_request_app(r);
    return tine_text(r, 200, "%s: %s, %lld, %lld, %s", tine_param(r, "name"), tine_setting(app, "greeting"),
                     (long long)tine_setting_number(app, "room"), (long long)tine_setting_number(app, "loud"),
                     (const char *)tine_data(app));
}

static int content(struct request *r)
{
    struct content content = {.size = sizeof content, .data = "frozen", .fd = -1, .length = 6, .type = "text/plain", .etag = "\"1\""};
    return tine_send_content(r, &content);
}

static const struct route routes[] = {{"GET", "/show/{name}", show, "show"}, {"GET", "/content", content, "content"}, {0}};
static const struct option options[] = {
    {"greeting", 0, "good day", "a text"}, {"room", 3, "8k", "a size"}, {"loud", 5, "off", "a switch"}, {0}};

extern __attribute__((visibility("default"))) const struct module tine_module_exported;
const struct module tine_module_exported = {1, sizeof(struct module), sizeof(struct route), sizeof(struct option), routes,
                                            options, load, worker_init, NULL};
