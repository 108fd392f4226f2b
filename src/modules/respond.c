/* SPDX-License-Identifier: Apache-2.0
 *
 * respond: one fixed answer to every request; a health check, a maintenance page, robots.txt. Runs in a worker.
 *
 *     [app:maintenance]
 *     path = /
 *     module = respond
 *     status = 503
 *     headers = Retry-After: 600 | Cache-Control: no-store
 *
 * An error status without a body is answered as tine answers errors itself. What is sent is checked and taken apart
 * when the configuration is loaded, so that a mistake is told there and no request can meet it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <tine.h>

struct field {
    const char *name, *value; /* in answer.text */
};

struct answer {
    int status;
    const char *type, *body;
    char *text; /* the setting, cut into names and values */
    size_t count;
    struct field fields[];
};

/* The fields that tine_set_header() refuses, and the one that has a setting of its own. */
static const char *const reserved[] = {"Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive",
                                       "Server", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
                                       "X-Request-Id", NULL};

/* A token of RFC 9110, 5.6.2. */
static bool is_token(const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return *text != '\0' && text[strspn(text, token)] == '\0';
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; reserved[i] != NULL; i++) {
        if (strcasecmp(name, reserved[i]) == 0)
            return true;
    }
    return false;
}

static bool has_control_byte(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return true;
    }
    return false;
}

static char *trim(char *text)
{
    char *end;

    text += strspn(text, " \t");
    end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    return text;
}

/* Takes "Name: value" apart, in place. 0, or -1 after tine_reject(). */
static int parse_field(tine_app *app, char *text, struct field *field)
{
    char *colon = strchr(text, ':');

    if (colon == NULL)
        return tine_reject(app, "headers", "expected 'Name: value', not '%s'", trim(text));
    *colon = '\0';
    field->name = trim(text);
    field->value = trim(colon + 1);
    if (!is_token(field->name))
        return tine_reject(app, "headers", "'%s' is not a field name", field->name);
    if (strcasecmp(field->name, "Content-Type") == 0)
        return tine_reject(app, "headers", "'%s' is set by 'type'", field->name);
    if (is_reserved(field->name))
        return tine_reject(app, "headers", "'%s' is set by tine", field->name);
    if (has_control_byte(field->value))
        return tine_reject(app, "headers", "the value of '%s' has a control byte", field->name);
    return 0;
}

static int parse_fields(tine_app *app, struct answer *answer)
{
    char *rest = answer->text;

    if (*trim(rest) == '\0')
        return 0;
    for (char *text = strsep(&rest, "|"); text != NULL; text = strsep(&rest, "|")) {
        if (parse_field(app, text, &answer->fields[answer->count]) != 0)
            return -1;
        answer->count++;
    }
    return 0;
}

static int check(tine_app *app)
{
    int64_t status = tine_setting_number(app, "status");

    /* 1xx is not an answer, and Switching Protocols would be a promise. */
    if (status < 200 || status > 599)
        return tine_reject(app, "status", "must be 200 to 599, not %lld", (long long)status);
    if ((status == 204 || status == 205 || status == 304) && *tine_setting(app, "body") != '\0')
        return tine_reject(app, "body", "a response with status %lld has no body", (long long)status);
    if (has_control_byte(tine_setting(app, "type")))
        return tine_reject(app, "type", "has a control byte");
    return 0;
}

static void answer_free(struct answer *answer)
{
    if (answer == NULL)
        return;
    free(answer->text);
    free(answer);
}

/* Room for every field that `headers` can have: one more than it has separators. */
static struct answer *answer_new(const char *headers)
{
    struct answer *answer;
    size_t most = 1;

    for (const char *text = headers; *text != '\0'; text++)
        most += *text == '|';
    answer = calloc(1, sizeof(*answer) + most * sizeof(answer->fields[0]));
    if (answer != NULL)
        answer->text = strdup(headers);
    if (answer != NULL && answer->text == NULL) {
        free(answer);
        return NULL;
    }
    return answer;
}

static int load(tine_app *app)
{
    struct answer *answer;

    if (check(app) != 0)
        return -1;
    answer = answer_new(tine_setting(app, "headers"));
    if (answer == NULL)
        return tine_reject(app, NULL, "out of memory");
    if (parse_fields(app, answer) != 0) {
        answer_free(answer);
        return -1;
    }
    answer->status = (int)tine_setting_number(app, "status");
    answer->type = tine_setting(app, "type");
    answer->body = tine_setting(app, "body");
    tine_set_data(app, answer);
    return 0;
}

static void worker_exit(tine_app *app)
{
    answer_free(tine_data(app));
    tine_set_data(app, NULL);
}

static int respond(tine_request *r)
{
    const struct answer *answer = tine_data(tine_request_app(r));
    size_t length = strlen(answer->body);
    const char *type = length > 0 && *answer->type != '\0' ? answer->type : NULL;

    for (size_t i = 0; i < answer->count; i++)
        tine_add_header(r, answer->fields[i].name, answer->fields[i].value);
    if (length == 0 && answer->status >= 400)
        return answer->status;
    return tine_send(r, answer->status, type, answer->body, length);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_ROUTE("*", "/{path:path}", respond), {0}},
            .settings =
                (const tine_option[]){
                    {"status", TINE_INTEGER, "200", "status of the answer"},
                    {"type", TINE_TEXT, "text/plain; charset=utf-8", "its Content-Type, when there is a body"},
                    {"body", TINE_TEXT, "", "its body"},
                    {"headers", TINE_TEXT, "", "more fields: Name: value | Name: value"},
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
