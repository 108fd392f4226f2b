/* SPDX-License-Identifier: Apache-2.0
 *
 * A filter that is asked early, by the same function that runs before the handler, and what it leaves each time; the handler says how often
 * that was called for its request. What .early does beside that the query says: early=answer, crash, hang, body, write and so on.
 * An app with `asked = off` has its handlers alone.
 */
#include <tine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tine_batteries.h>
#include <unistd.h>

static int calls;     /* since the handler ran last */
static int open_ones; /* that were deferred, and not yet called */

static void count_down(void *number)
{
    --*(int *)number;
}

/* What is left of it on the request is counted by what is there already. */
static int check(tine_request *r, tine_app *self)
{
    int *left = tine_attribute(r, "left");
    if (!tine_setting_number(self, "asked"))
        return 0;
    calls++;
    if (left == NULL)
        left = memset(tine_alloc(r, sizeof *left), 0, sizeof *left);
    ++*left;
    tine_set_attribute(r, "left", left);
    tine_add_header(r, "X-Checked", tine_printf(r, "%d", *left));
    tine_set_cookie(r, "checked", "yes", NULL);
    open_ones++;
    tine_defer(r, count_down, &open_ones);
    const char *key = tine_header(r, "X-Key"), *wanted = tine_query(r, "key");
    if (wanted != NULL && (key == NULL || strcmp(key, wanted) != 0))
        return tine_problem(r, 401, "the key is needed");
    return 0;
}

static int misuse(tine_request *r, const char *what)
{
    char piece[8];
    size_t length;
    if (strcmp(what, "body") == 0)
        return tine_body(r, &length) == NULL && length == 0 ? tine_failed(r) : 0;
    if (strcmp(what, "fd") == 0)
        return tine_body_fd(r, NULL) == -1 ? 422 : 0;
    if (strcmp(what, "read") == 0)
        return tine_read(r, piece, sizeof piece) == -1 ? 422 : 0;
    if (strcmp(what, "form") == 0)
        return tine_form(r, "a") == NULL ? tine_failed(r) : 0;
    if (strcmp(what, "write") == 0)
        return tine_write(r, "x", 1) == -1 ? 422 : 0;
    if (strcmp(what, "flush") == 0)
        return tine_flush(r) == -1 ? 422 : 0;
    if (strcmp(what, "finish") == 0)
        return tine_text(r, 200, "finished") == 200 && tine_finish(r) == -1 ? 422 : 0;
    return strcmp(what, "nonsense") == 0 ? -5 : 0;
}

static int early(tine_request *r, tine_app *self)
{
    const char *what = tine_query(r, "early");
    if (what == NULL)
        return check(r, self);
    if (strcmp(what, "crash") == 0)
        abort();
    if (strcmp(what, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(what, "answer") == 0)
        return tine_text(r, 403, "early");
    if (strcmp(what, "built") == 0)
        return tine_send(r, 200, "text/plain", memset(tine_alloc(r, 300000), 'b', 300000), 300000) - 200;
    if (strcmp(what, "member") == 0)
        return json_object_get(tine_session(r), "user") != NULL ? check(r, self) : 401;
    if (strcmp(what, "gate") == 0) {
        while (access(tine_query(r, "gate"), F_OK) != 0)
            usleep(5000);
        return 403;
    }
    if (strcmp(what, "careless") == 0) /* it does not look whether that failed */
        return check(r, self) + (tine_body(r, NULL) != NULL);
    return misuse(r, what);
}

static int report(tine_request *r)
{
    const int *left = tine_attribute(r, "left");
    size_t length = 0;
    int called = calls;
    const char *body = tine_body(r, &length);
    calls = 0;
    if (tine_failed(r))
        return tine_failed(r);
    return tine_text(r, 200, "%d calls, %d left, %d open: %.*s", called, left != NULL ? *left : 0, open_ones,
                     length < 100 ? (int)length : 0, body);
}

static int count(tine_request *r)
{
    (void)r;
    return tine_text(r, 200, "%d open", open_ones);
}

static const tine_filter asked = TINE_FILTER("asked", .before = check, .early = early);

/* Of a module that was built when there was none: what stands there is something else. */
static int never(tine_request *r, tine_app *self)
{
    (void)r;
    (void)self;
    abort();
}

static const tine_filter older = {.size = offsetof(tine_filter, early), .name = "older", .early = never};

TINE_MODULE(.routes = (const tine_route[]){TINE_POST("/", report), TINE_GET("/", count), TINE_POST("/stream", report, .stream = 1), {0}},
            .filters = TINE_FILTERS(&asked, &older),
            .settings = (const tine_option[]){{"asked", TINE_SWITCH, "on", "run the filter"}, {0}})
