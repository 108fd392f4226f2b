/* SPDX-License-Identifier: Apache-2.0
 *
 * The module that the target "connection" mounts as ./handlers: everything that tine.h lets one see of a request goes into its answer.
 * Handlers that read a body while it arrives read all of it, or what they answer would depend on how it was cut.
 */
#ifndef TESTS_FUZZ_HANDLERS_H
#define TESTS_FUZZ_HANDLERS_H

#include "fuzz.h"

#include <tine.h>

#include <time.h>

static struct timespec moment; /* stands still but for slow() and for clients that are waited for */

static long number_of(tine_request *r)
{
    long number = strtol(tine_param(r, "n"), NULL, 10);
    return number < 0 || number > 9000 ? 9000 : number;
}

__attribute__((format(printf, 2, 3))) static void tell(tine_request *r, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    FUZZ_CHECK(length >= 0);
    tine_write(r, text, (size_t)length);
    free(text);
}

/* To its end, whatever was wrong with it. */
static void read_over(tine_request *r)
{
    char bytes[100];
    while (tine_read(r, bytes, sizeof bytes) > 0)
        ;
}

static int echo(tine_request *r)
{
    size_t length;
    const char *body = tine_body(r, &length);
    FUZZ_CHECK(tine_failed(r) != 0 || (body != NULL && body[length] == 0));
    return tine_failed(r) != 0 ? tine_failed(r) : tine_send(r, 200, "application/octet-stream", body, length);
}

static int all(tine_request *r)
{
    const char *name, *value, *query = tine_query(r, "q"), *tail = tine_param(r, "tail"), *cookie = tine_cookie(r, "c");
    tell(r, "%s|%s|%s|%s|%s|%s|%s|%s\n", tine_method(r), tine_path(r), tine_query_string(r), query ? query : "-", tail ? tail : "-",
         tine_client(r), tine_scheme(r), cookie ? cookie : "-");
    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++) {
        const char *joined = tine_header(r, name);
        FUZZ_CHECK(joined != NULL);
        tell(r, "%s=%s|%s\n", name, value, joined);
    }
    return 0;
}

static int stream(tine_request *r)
{
    static const char bytes[500];
    for (long left = number_of(r); left > 0; left -= (long)sizeof bytes)
        if (tine_write(r, bytes, left < (long)sizeof bytes ? (size_t)left : sizeof bytes) != 0)
            break;
    return 0;
}

static int events(tine_request *r)
{
    for (long left = number_of(r); left > 0; left -= 100)
        if (tine_event(r, "tick", tine_header(r, "Last-Event-ID"), tine_query_string(r)) != 0)
            break;
    return 0;
}

static int block(tine_request *r)
{
    size_t length = (size_t)number_of(r);
    return tine_send(r, 200, NULL, memset(tine_alloc(r, length + 1), 'b', length), length);
}

static int status(tine_request *r)
{
    return (int)number_of(r);
}

static int slow(tine_request *r)
{
    moment.tv_nsec = (moment.tv_nsec + 6000000) % 1000000000;
    return tine_text(r, 200, "%s", tine_param(r, "name"));
}

static int fresh(tine_request *r)
{
    const char *tag = tine_header(r, "X-Tag");
    return tine_fresh(r, tag, 1000000000) ? 304 : tine_redirect(r, 303, tag ? tag : "/");
}

static int form(tine_request *r)
{
    const char *name, *value;
    int64_t number = 0;
    tine_form_int(r, "n", -5, 5, &number);
    for (size_t i = 0; tine_form_at(r, i, &name, &value) == 0; i++)
        tell(r, "%s=%s\n", name, value);
    for (size_t i = 0; tine_query_at(r, i, &name, &value) == 0; i++)
        tell(r, "%s=%s\n", name, value);
    if (tine_set_cookie(r, "c", tine_query(r, "c"), NULL) != 0)
        tell(r, "no cookie\n");
    read_over(r);
    tell(r, "%lld %d\n", (long long)number, tine_failed(r));
    return 0;
}

static int json(tine_request *r)
{
    const char *name;
    json_t *rest = NULL;
    if (tine_json_body(r, "{s:s, s?o}", "name", &name, "rest", &rest) != 0)
        return tine_failed(r);
    return tine_json_pack(r, 201, "{s:s, s:O?}", "name", name, "rest", rest);
}

static int parts(tine_request *r)
{
    const tine_part *part;
    char bytes[70];
    long length;
    while ((part = tine_next_part(r)) != NULL) {
        tell(r, "%s|%s|%s|", part->name, part->file ? part->file : "-", part->type ? part->type : "-");
        if (part->file == NULL)
            tell(r, "%s", tine_part_text(r) ? "text" : "none");
        else
            while ((length = tine_part_read(r, bytes, sizeof bytes)) > 0)
                tine_write(r, bytes, (size_t)length);
        tell(r, "\n");
    }
    read_over(r);
    tell(r, "%d\n", tine_failed(r));
    return 0;
}

/* Its head is out before the body is there. */
static int early(tine_request *r)
{
    char all[1200];
    size_t have = 0;
    long length;
    tine_flush(r);
    while ((length = tine_read(r, all + have, sizeof all - have)) > 0)
        have += (size_t)length;
    FUZZ_CHECK(have < sizeof all);
    tine_write(r, all, have);
    return 0;
}

static int finish(tine_request *r)
{
    read_over(r);
    tine_text(r, 200, "finished %d", tine_failed(r));
    tine_finish(r);
    return 0;
}

static int let_in(tine_request *r, tine_app *self)
{
    (void)self;
    tine_set_header(r, "X-Let-In", tine_method(r));
    if (tine_header(r, "X-Stop") == NULL)
        return 0;
    read_over(r);
    return tine_problem(r, 403, "stopped");
}

static int let_out(tine_request *r, tine_app *self)
{
    (void)self;
    tine_add_header(r, "X-Let-Out", tine_status(r) < 400 ? "good" : "bad");
    return tine_header(r, "X-Instead") != NULL ? tine_text(r, 299, "%s", tine_header(r, "X-Instead")) : 0;
}

static const tine_filter door = TINE_FILTER("door", .before = let_in, .after = let_out);

static const tine_route arriving[] = {TINE_POST("/echo", echo, .stream = 1), TINE_POST("/parts", parts, .stream = 1),
                                      TINE_POST("/form", form, .stream = 1), TINE_POST("/early", early, .stream = 1),
                                      TINE_POST("/finish", finish, .stream = 1), {0}};

TINE_MODULE(.filters = TINE_FILTERS(&door),
            .routes = (const tine_route[]){
                TINE_POST("/echo", echo), TINE_PUT("/echo", echo), TINE_ROUTE("*", "/all", all), TINE_GET("/all/{tail:path}", all),
                TINE_GET("/stream/{n:int}", stream), TINE_GET("/events/{n:int}", events), TINE_GET("/block/{n:int}", block),
                TINE_GET("/status/{n:int}", status), TINE_GET("/slow/{name}", slow), TINE_GET("/fresh", fresh), TINE_POST("/form", form),
                TINE_POST("/json", json), TINE_POST("/parts", parts), TINE_ROUTE("*", "/finish", finish),
                TINE_GROUP("/a", arriving, .filters = TINE_FILTERS(&door)), {0}})

#endif
