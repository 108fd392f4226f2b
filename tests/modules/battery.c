/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind filters that come with tine: it says what they have told it, and sets fields of its own.
 */
#include <stdio.h>
#include <string.h>
#include <tine.h>
#include <tine_batteries.h>

static int plain(tine_request *r)
{
    return tine_text(r, 200, "plain");
}

/* Fields as ?Name=value. */
static int own(tine_request *r)
{
    const char *name, *value;
    for (size_t i = 0; tine_query_at(r, i, &name, &value) == 0; i++)
        tine_add_header(r, name, value);
    return tine_text(r, 200, "own");
}

static int fail(tine_request *r)
{
    (void)r;
    return 500;
}

static int stream(tine_request *r)
{
    return tine_write(r, memset(tine_alloc(r, 100000), 's', 100000), 100000) == 0 ? 0 : 500;
}

static int show_session(tine_request *r)
{
    const char *control = tine_query(r, "control");
    if (control != NULL)
        tine_set_header(r, "Cache-Control", control);
    return tine_json(r, 200, json_incref(tine_session(r)));
}

/* Pairs of the query are put into it; one without a value is taken out. */
static int set_session(tine_request *r)
{
    const char *name, *value;
    for (size_t i = 0; tine_query_at(r, i, &name, &value) == 0; i++)
        if (*value == 0)
            json_object_del(tine_session(r), name);
        else
            json_object_set_new(tine_session(r), name, json_string(value));
    return show_session(r);
}

/* One value is read, or written; nothing is made of it, so that it can be compared with `plain`. */
static int read_user(tine_request *r)
{
    const char *user = json_string_value(json_object_get(tine_session(r), "user"));
    return tine_text(r, user != NULL ? 200 : 403, "plain");
}

static int write_user(tine_request *r)
{
    const char *user = tine_query(r, "user");
    json_object_set_new(tine_session(r), "user", json_string(user != NULL ? user : ""));
    return tine_text(r, 200, "plain");
}

static int login(tine_request *r)
{
    return tine_session_renew(r) == 0 ? set_session(r) : tine_text(r, 200, "not renewed");
}

static int logout(tine_request *r)
{
    return tine_text(r, 200, tine_session_end(r) == 0 ? "ended" : "not ended");
}

static int fill_session(tine_request *r)
{
    int64_t size = 0;
    if (tine_query_int(r, "size", 0, 1000000, &size))
        return tine_failed(r);
    char *bytes = tine_alloc(r, (size_t)size + 1);
    memset(bytes, 'x', (size_t)size);
    bytes[size] = 0;
    json_object_set_new(tine_session(r), "fill", json_string(bytes));
    return tine_text(r, 200, "filled");
}

/* 4 KB as an API has them. */
static int records(tine_request *r)
{
    static char body[4096];
    static size_t length;
    unsigned number = 1;
    for (int i = 1; length + 100 < sizeof body; i++) {
        number = number * 1103515245 + 12345;
        length += (size_t)snprintf(body + length, sizeof body - length, "%s{\"id\":%d,\"name\":\"item %x\",\"price\":%u.%02u,\"stock\":%u}",
                                   i > 1 ? "," : "[", i, number >> 8, number % 900, number >> 16 & 63, number >> 24 & 127);
    }
    if (body[length - 1] != ']')
        body[length++] = ']';
    return tine_send(r, 200, "application/json", body, length);
}

/* An attribute that is text: /attribute/user */
static int attribute(tine_request *r)
{
    const char *value = tine_attribute(r, tine_param(r, "name"));
    return tine_text(r, 200, "%s", value != NULL ? value : "(none)");
}

static int csrf_token(tine_request *r)
{
    const char *token = tine_csrf_token(r), *control = tine_query(r, "control");
    if (control != NULL)
        tine_set_header(r, "Cache-Control", control);
    return tine_text(r, 200, "%s", token != NULL ? token : "(none)");
}

static int form(tine_request *r)
{
    const char *value = tine_form(r, "value");
    return tine_failed(r) ? tine_failed(r) : tine_text(r, 200, "%s", value);
}

/* Each part as name=text, as a handler finds it behind filters. */
static int parts(tine_request *r)
{
    const tine_part *part;
    const char *all = "";
    while ((part = tine_next_part(r)) != NULL) {
        const char *text = tine_part_text(r);
        all = tine_printf(r, "%s%s%s=%.9s\n", all, part->name, part->file != NULL ? "*" : "", text != NULL ? text : "");
    }
    return tine_failed(r) ? tine_failed(r) : tine_text(r, 200, "%s", all);
}

TINE_MODULE(.routes = (const tine_route[]){
                TINE_GET("/", plain),
                TINE_POST("/", plain),
                TINE_GET("/own", own),
                TINE_GET("/fail", fail),
                TINE_GET("/stream", stream),
                TINE_GET("/attribute/{name}", attribute),
                TINE_GET("/csrf", csrf_token),
                TINE_GET("/session", show_session),
                TINE_POST("/session", set_session),
                TINE_GET("/user", read_user),
                TINE_POST("/user", write_user),
                TINE_GET("/records", records),
                TINE_POST("/login", login),
                TINE_POST("/logout", logout),
                TINE_POST("/fill", fill_session),
                TINE_POST("/form", form),
                TINE_POST("/parts", parts),
                TINE_POST("/parts_arriving", parts, .stream = 1),
                {0},
            })
