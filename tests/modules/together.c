/* SPDX-License-Identifier: Apache-2.0
 *
 * A filter around handlers that send their answers themselves: streams, events, work after the answer, bodies that arrive. What the
 * filter does besides, ?before= and ?after= say; a handler works on until the file is there that ?file= names.
 */
#include <tine.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *q(tine_request *r, const char *name)
{
    const char *value = tine_query(r, name);
    return value != NULL ? value : "";
}

/* All that takes input apart, where there may be no app. */
static void take_part(tine_request *r)
{
    const tine_part *part = tine_next_part(r);
    const char *text = part != NULL ? tine_part_text(r) : NULL;
    uint64_t length = 0;
    int fd = tine_next_part(r) != NULL ? tine_part_fd(r, &length) : -1;
    tine_set_header(r, "X-Parts", tine_printf(r, "%s %d %d", text != NULL ? text : "-", fd >= 0, (int)length));
}

static int before(tine_request *r, tine_app *self)
{
    const char *what = q(r, "before");
    int64_t sum;
    (void)self;
    if (strcmp(what, "part") == 0)
        take_part(r);
    if (strcmp(what, "share") == 0 && tine_shared_increment(r, "asked", 1, 0, &sum) == 0)
        tine_set_header(r, "X-Sum", tine_printf(r, "%d", (int)sum));
    if (strcmp(what, "form") == 0)
        tine_form(r, "a");
    if (strcmp(what, "form_failed") == 0 && tine_form(r, "a") == NULL)
        return tine_failed(r);
    if (strcmp(what, "finish") == 0) {
        tine_problem(r, 401, "no");
        tine_finish(r);
    }
    return 0;
}

static int after(tine_request *r, tine_app *self)
{
    const char *what = q(r, "after");
    (void)self;
    tine_set_header(r, "X-After", tine_printf(r, "%d", tine_status(r)));
    if (strcmp(what, "form") == 0)
        tine_form(r, "a");
    if (strcmp(what, "cookie") == 0)
        tine_set_cookie(r, "last", "1", NULL);
    if (strcmp(what, "send") == 0 && tine_flush(r) + tine_event(r, NULL, NULL, "x") + tine_write_html(r, "x") + tine_finish(r) != -4)
        abort();
    return 0;
}

static void done(tine_request *r, tine_app *self)
{
    (void)self;
    tine_log(r, TINE_INFO, "done %d %llu", tine_status(r), (unsigned long long)tine_sent(r));
}

static const tine_filter around = TINE_FILTER("around", .before = before, .after = after, .done = done);

static void say(void *text)
{
    tine_log(NULL, TINE_INFO, "deferred %s", (const char *)text);
}

static int work_on(tine_request *r, const char *what)
{
    while (access(q(r, "file"), F_OK) != 0)
        tine_sleep(r, 5);
    tine_log(r, TINE_INFO, "worked on after %s", what);
    return 0;
}

static int plain(tine_request *r)
{
    return tine_text(r, 200, "plain");
}

static int written(tine_request *r)
{
    tine_write(r, "written", 7);
    return 0;
}

static int finish(tine_request *r)
{
    tine_defer(r, say, "the end");
    tine_text(r, 202, "accepted");
    tine_finish(r);
    return work_on(r, "finish");
}

static int events(tine_request *r)
{
    if (tine_event(r, "tick", NULL, "1") < 0)
        return 0;
    return q(r, "file")[0] != 0 ? work_on(r, "an event") : 0;
}

/* The body arrives while it runs. */
static int upload(tine_request *r)
{
    size_t length = 0;
    if (strcmp(q(r, "take"), "none") != 0 && tine_body(r, &length) == NULL)
        return tine_failed(r);
    tine_text(r, 202, "%d", (int)length);
    tine_finish(r);
    return work_on(r, "an upload");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/", plain), TINE_GET("/written", written), TINE_GET("/finish", finish),
                                           TINE_GET("/events", events), TINE_POST("/upload", upload, .stream = 1), {0}},
            .filters = TINE_FILTERS(&around))
