/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of every kind, and an app with groups for them. A filter adds "b:NAME" to the field X-Trace when it comes before, and "a:NAME"
 * after; what it does beside that the query says: NAME=answer, finish, status, crash, replace, wrap, late and so on.
 */
#include <tine.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void trace(tine_request *r, const char *what, const char *name)
{
    const char *old = tine_response_header(r, "X-Trace");
    tine_set_header(r, "X-Trace", old != NULL ? tine_printf(r, "%s %s:%s", old, what, name) : tine_printf(r, "%s:%s", what, name));
}

static const char *order(tine_request *r, const char *name)
{
    const char *value = tine_query(r, name);
    return value != NULL ? value : "";
}

static void log_deferred(void *text)
{
    tine_log(NULL, TINE_INFO, "deferred %s", (const char *)text);
}

static int before_named(tine_request *r, const char *name)
{
    const char *what = order(r, name);
    trace(r, "b", name);
    if (strcmp(what, "answer") == 0)
        return tine_text(r, 401, "answered by %s", name);
    if (strcmp(what, "finish") == 0)
        return tine_text(r, 401, "finished by %s", name) - 401 + tine_finish(r);
    if (strcmp(what, "status") == 0)
        return 403;
    if (strcmp(what, "nonsense") == 0)
        return -5;
    if (strcmp(what, "crash") == 0)
        abort();
    if (strcmp(what, "stream") == 0)
        for (int i = 0; i < 100; i++)
            tine_write(r, memset(tine_alloc(r, 1000), 's', 1000), 1000);
    return 0;
}

static int after_named(tine_request *r, const char *name)
{
    const char *what = order(r, name);
    size_t length;
    trace(r, "a", name);
    if (strcmp(what, "replace") == 0)
        return tine_text(r, 202, "replaced by %s", name);
    if (strcmp(what, "code") == 0)
        return 203;
    if (strcmp(what, "nonsense_after") == 0)
        return 1;
    if (strcmp(what, "wrap") == 0) {
        const char *body = tine_response_body(r, &length);
        return tine_text(r, tine_status(r), "%s", tine_printf(r, "<%.*s>", (int)length, body));
    }
    if (strcmp(what, "write") == 0 && tine_write(r, "x", 1) != -1)
        abort();
    return 0;
}

static void done_named(tine_request *r, const char *name)
{
    tine_log(r, TINE_INFO, "done %s %d %llu", name, tine_status(r), (unsigned long long)tine_sent(r));
    if (strcmp(order(r, name), "late") == 0 && (tine_set_header(r, "X-Late", "1") != -1 || tine_text(r, 200, "late") != 500))
        abort();
}

#define FILTER(which)                                                                                      \
    static int before_##which(tine_request *r, tine_app *self) { (void)self; return before_named(r, #which); } \
    static int after_##which(tine_request *r, tine_app *self) { (void)self; return after_named(r, #which); }   \
    static void done_##which(tine_request *r, tine_app *self) { (void)self; done_named(r, #which); }           \
    static const tine_filter which = TINE_FILTER(#which, before_##which, after_##which, done_##which);

FILTER(group)
FILTER(inner)
FILTER(route)

/* Of [filter:NAME] it is the section that has the name. */
static int before_own(tine_request *r, tine_app *self)
{
    tine_set_attribute(r, "who", (void *)tine_app_name(self));
    return before_named(r, tine_app_name(self));
}

static int after_own(tine_request *r, tine_app *self)
{
    return after_named(r, tine_app_name(self));
}

static void done_own(tine_request *r, tine_app *self)
{
    done_named(r, tine_app_name(self));
}

static const tine_filter own = TINE_FILTER("own", .before = before_own, .after = after_own, .done = done_own);

static int plain(tine_request *r)
{
    const char *who = tine_attribute(r, "who");
    return tine_text(r, 200, "%s", who != NULL ? who : "nobody");
}

static int id(tine_request *r)
{
    return tine_text(r, 200, "id %s", tine_param(r, "id"));
}

static int fail(tine_request *r)
{
    (void)r;
    return 500;
}

static int nonsense(tine_request *r)
{
    (void)r;
    return 42;
}

static int stream(tine_request *r)
{
    char piece[1000];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 100; i++)
        if (tine_write(r, piece, sizeof piece) < 0)
            return 500;
    return 200;
}

static int crash(tine_request *r)
{
    (void)r;
    abort();
}

static int defer(tine_request *r)
{
    tine_defer(r, log_deferred, "first");
    tine_defer(r, log_deferred, "second");
    return tine_text(r, 200, "%d", tine_defer(r, NULL, NULL));
}

static int attributes(tine_request *r)
{
    int one = 1, two = 2;
    int unnamed = tine_set_attribute(r, "", &one);
    tine_set_attribute(r, "a", &one);
    tine_set_attribute(r, "b", &two);
    tine_set_attribute(r, "a", &two);
    tine_set_attribute(r, "b", NULL);
    return tine_text(r, 200, "%d %d %d %d", unnamed, tine_attribute(r, "a") == &two, tine_attribute(r, "b") == NULL,
                     tine_attribute(r, "c") == NULL);
}

static int health(tine_app *app)
{
    if (access(tine_setting(app, "well"), F_OK) == 0)
        return 0;
    return tine_reject(app, "well", "it is gone");
}

static const tine_route inner_routes[] = {TINE_GET("/x", plain), TINE_GET("/{n:int}/y", id), {0}};
static const tine_route group_routes[] = {TINE_GET("", plain), TINE_POST("/post", plain), TINE_GET("/{id}", id),
                                          TINE_GET("/route", plain, .filters = TINE_FILTERS(&route)),
                                          TINE_GROUP("/in/{id}", inner_routes, .filters = TINE_FILTERS(&inner)), {0}};

/* Without a prefix, and a route of one path in each of two. */
static const tine_route open_routes[] = {TINE_GET("/open", plain), TINE_POST("/both", plain), {0}};
static const tine_route closed_routes[] = {TINE_GET("/closed/{id}", id), TINE_POST("/closed", plain), TINE_GET("/both", plain),
                                           TINE_GROUP("/closed/in", inner_routes), {0}};

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", plain), TINE_POST("/", plain), TINE_GET("/fail", fail),
                                           TINE_GET("/stream", stream),
                                           TINE_GET("/crash", crash), TINE_GET("/nonsense", nonsense), TINE_GET("/defer", defer),
                                           TINE_GET("/attributes", attributes), TINE_GET("/slash/", plain),
                                           TINE_GET("/routed", plain, .filters = TINE_FILTERS(&route)),
                                           TINE_GROUP("/group", group_routes, .filters = TINE_FILTERS(&group)),
                                           TINE_GROUP("", open_routes), TINE_GROUP("", closed_routes, .filters = TINE_FILTERS(&group)),
                                           TINE_GROUP("/deep", ((const tine_route[]){TINE_GET("/one", plain),
                                                      TINE_GROUP("", closed_routes, .filters = TINE_FILTERS(&inner)), {0}}),
                                                      .filters = TINE_FILTERS(&group)), {0}},
            .filters = TINE_FILTERS(&own), .health = health,
            .settings = (const tine_option[]){{"well", TINE_PATH, "/", "it is well while this file is there"}, {0}})
