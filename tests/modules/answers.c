/* SPDX-License-Identifier: Apache-2.0
 *
 * What filters that change, keep or count answers are tried on: the query says what is answered. Each answer says in X-Calls how many
 * handlers of this server have run.
 *
 *     /answer?length=5000&type=text/html&status=404&field=Cache-Control:+no-store&field=...&echo=X-Forwarded-Host
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tine.h>
#include <time.h>

static tine_counter *calls;

static int worker_init(tine_app *app)
{
    calls = tine_counter_find(app, "calls");
    return 0;
}

static const char *query(tine_request *r, const char *name, const char *fallback)
{
    const char *value = tine_query(r, name);
    return value != NULL ? value : fallback;
}

static void set_fields(tine_request *r)
{
    const char *name, *value;
    for (size_t i = 0; tine_query_at(r, i, &name, &value) == 0; i++) {
        const char *colon = strchr(value, ':');
        if (strcmp(name, "field") == 0 && colon != NULL)
            tine_add_header(r, tine_printf(r, "%.*s", (int)(colon - value), value), colon + 1 + strspn(colon + 1, " "));
    }
    tine_set_header(r, "X-Calls", tine_printf(r, "%lld", (long long)tine_counter_add(calls, 1)));
}

static char *words(tine_request *r, size_t length)
{
    char *text = tine_alloc(r, length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = "compress me, "[i % 13];
    text[length] = 0;
    return text;
}

/* Signals that tell of a stall do not cut it short. */
static void busy(long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (ms > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

static int answer(tine_request *r)
{
    size_t length = (size_t)atol(query(r, "length", "0"));
    int status = atoi(query(r, "status", "200"));
    const char *echo = tine_query(r, "echo"), *etag = tine_query(r, "etag"), *type = tine_query(r, "type");
    set_fields(r);
    busy(atol(query(r, "ms", "0")));
    if (etag != NULL && tine_precondition(r, etag, 0) != 0)
        return 304;
    if (echo != NULL)
        return tine_text(r, status, "%s", tine_header(r, echo) != NULL ? tine_header(r, echo) : "nothing");
    if (length == 0)
        return tine_text(r, status, "%s %s", tine_method(r), query(r, "text", "plain"));
    return tine_send(r, status, type != NULL ? type : "text/plain", words(r, length), length);
}

static int content(tine_request *r)
{
    set_fields(r);
    return tine_send_content(r, TINE_CONTENT(.data = words(r, 5000), .length = 5000, .type = "text/plain", .etag = "\"one\""));
}

static int file(tine_request *r)
{
    return tine_send_file(r, tine_setting(tine_request_app(r), "file"), "text/plain");
}

static int stream(tine_request *r)
{
    set_fields(r);
    tine_set_header(r, "Content-Type", "text/plain");
    for (int i = 0; i < 20; i++)
        tine_write(r, words(r, 5000), 5000);
    return 200;
}

static int flushed(tine_request *r)
{
    set_fields(r);
    tine_set_header(r, "Content-Type", "text/plain");
    tine_write(r, words(r, 5000), 5000);
    tine_flush(r);
    return 200;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/answer", answer), TINE_POST("/answer", answer), TINE_GET("/content", content),
                                           TINE_GET("/file", file), TINE_GET("/stream", stream), TINE_GET("/flushed", flushed), {0}},
            .settings = (const tine_option[]){{"file", TINE_PATH, "/nowhere", "what /file sends"}, {0}}, .worker_init = worker_init)
