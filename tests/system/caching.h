/* SPDX-License-Identifier: Apache-2.0
 *
 * A server with the filter cache, and whether an answer of it was made before. A test runs in a process of its own, and so has one server.
 */
#ifndef SYSTEM_CACHING_H
#define SYSTEM_CACHING_H

#include "client.h"
#include "required.h"

#include <criterion/criterion.h>
#include <string.h>

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 4\nworkers_max = 4\nshared = 8m\n"
#define KEEP "[filter:keep]\nmodule = cache\ntell = on\n"
#define APP(filters) "[app:a]\npath = /\nmodule = @MODULES@/answers.so\nfilters = " filters "\n"
#define MINUTE "field=Cache-Control:max-age=60"

static struct server server;

static inline void start(void)
{
    require_module("cache");
    server_start(&server, SERVER KEEP APP("keep"));
}

static inline void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

static inline struct response ask_for(const char *method, const char *path, const char *fields)
{
    struct client client = client_connect(&server);
    client_send(&client, request(method, path, fields));
    struct response response = strcmp(method, "HEAD") == 0 ? client_read_head(&client) : client_read(&client);
    client_close(&client);
    return response;
}

/* Is it an answer that was made before? */
static inline bool is_kept(const char *path, const char *fields)
{
    struct response response = ask_for("GET", path, fields);
    const char *age = response_header(&response, "Age"), *cache = response_header(&response, "X-Cache");
    bool kept = age != NULL;
    cr_assert_eq(kept, cache != NULL && strcmp(cache, "hit") == 0, "%s", response.head);
    response_free(&response);
    return kept;
}

static inline void expect_kept_for(const char *path, const char *fields, const char *others_path, const char *others, bool kept)
{
    is_kept(path, fields);
    if (is_kept(others_path, others) != kept)
        harness_fail("%s with '%s' is %s kept for %s with '%s'", path, fields, kept ? "not" : "wrongly", others_path, others);
}

#endif
