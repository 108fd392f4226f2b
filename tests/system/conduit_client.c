/* SPDX-License-Identifier: Apache-2.0
 *
 * See conduit_client.h.
 */
#include "conduit_client.h"
#include "required.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *conduit_exchanges(void)
{
    return text("%s/exchanges", test_dir());
}

/* Workers may be nobody, and make the file. */
void conduit_serve(struct server *server, enum conduit_kind kind, const char *settings)
{
    server_prepare(server, "");
    require_conduit();
    if (kind == ON_POSTGRES && !database_make(server))
        cr_skip_test("PostgreSQL is not there: scripts/setup test installs it");
    chmod(server->dir, 0777);
    const char *where = kind == ON_POSTGRES ? text("postgres = %s\n", database_conninfo()) : "file = @DIR@/conduit.sqlite\n";
    server_configure(server, text("[server]\nlisten = 127.0.0.1:0\n%s[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\n"
                                  "password_cost = 1\n%s", settings != NULL ? settings : "workers = 2\nworkers_max = 2\n", where));
    server_launch(server);
}

static void keep_exchange(const char *method, const char *path, const struct response *response)
{
    const char *type = response_header(response, "Content-Type");
    json_t *exchange = json_pack("{s:s, s:s, s:i, s:s, s:s}", "method", method, "path", path, "status", response->status, "type",
                                 type != NULL ? type : "", "body", response->body);
    FILE *file = fopen(conduit_exchanges(), "a");
    cr_assert(exchange != NULL && file != NULL, "%s %s: %s", method, path, response->body);
    json_dumpf(exchange, file, JSON_COMPACT);
    fputc('\n', file);
    fclose(file);
    json_decref(exchange);
}

char *conduit_request(const char *method, const char *path, const char *token, const char *body)
{
    char *fields = token != NULL ? text("Authorization: Token %s\r\n", token) : "";
    if (body != NULL)
        fields = text("%sContent-Type: application/json\r\nContent-Length: %zu\r\n", fields, strlen(body));
    return text("%s%s", request(method, text("/api%s", path), fields), body != NULL ? body : "");
}

struct call conduit_call(const struct server *server, const char *method, const char *path, const char *token, const char *body)
{
    struct response response = ask(server, conduit_request(method, path, token, body));
    keep_exchange(method, text("/api%s", path), &response);
    struct call call = {response.status, json_loads(response.body, 0, NULL), text("%s", response.body)};
    response_free(&response);
    return call;
}

json_t *conduit_expect(const struct server *server, int status, const char *method, const char *path, const char *token, const char *body)
{
    struct call call = conduit_call(server, method, path, token, body);
    cr_assert_eq(call.status, status, "%s %s %s: %d %s", method, path, body != NULL ? body : "", call.status, call.body);
    return call.json;
}

void conduit_refused(const struct server *server, int status, const char *reasons, const char *method, const char *path, const char *token,
                     const char *body)
{
    json_t *json = conduit_expect(server, status, method, path, token, body), *reason;
    const char *told = "";
    size_t i;
    json_array_foreach(conduit_at(json, "errors.body"), i, reason)
        told = text("%s%s%s", told, i > 0 ? "; " : "", json_string_value(reason));
    cr_assert_str_eq(told, reasons, "%s %s: %s", method, path, told);
}

json_t *conduit_at(const json_t *json, const char *path)
{
    while (json != NULL && path[0] != 0) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "."), path);
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name)) : json_object_get(json, name);
        path += strlen(name) + (path[strlen(name)] == '.');
    }
    return (json_t *)json;
}

const char *conduit_text(const json_t *json, const char *path)
{
    const char *value = json_string_value(conduit_at(json, path));
    return value != NULL ? value : "(none)";
}

int conduit_number(const json_t *json, const char *path)
{
    const json_t *value = conduit_at(json, path);
    if (json_is_boolean(value))
        return json_is_true(value);
    return json_is_integer(value) ? (int)json_integer_value(value) : -1;
}

char *conduit_member(const struct server *server, const char *name)
{
    const char *body = text("{\"user\":{\"username\":\"%s\",\"email\":\"%s@example.org\",\"password\":\"difference\"}}", name, name);
    return text("%s", conduit_text(conduit_expect(server, 201, "POST", "/users", NULL, body), "user.token"));
}

char *conduit_article(const struct server *server, const char *token, const char *title, const char *tags)
{
    const char *body =
        text("{\"article\":{\"title\":\"%s\",\"description\":\"about %s\",\"body\":\"text\",\"tagList\":%s}}", title, title, tags);
    return text("%s", conduit_text(conduit_expect(server, 201, "POST", "/articles", token, body), "article.slug"));
}
