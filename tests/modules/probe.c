/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that tell what they were given and answer in every way the API has. None of them can
 * hurt the server: random requests are sent at these.
 */
#include <tine.h>

#include <string.h>
#include <unistd.h>

static int hello(tine_request *r)
{
    return tine_text(r, 200, "hello");
}

static int pid(tine_request *r)
{
    return tine_text(r, 200, "%d", (int)getpid());
}

static int id(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_id(r));
}

static int client(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_client(r));
}

static int scheme(tine_request *r)
{
    return tine_text(r, 200, "%s %s", tine_scheme(r), tine_client(r));
}

static int method(tine_request *r)
{
    return tine_text(r, 200, "%s", tine_method(r));
}

/* The body as it came. */
static int echo(tine_request *r)
{
    size_t length;
    const char *body = tine_body(r, &length);
    return tine_send(r, 200, "application/octet-stream", body, length);
}

/* The same of a body that is read while it comes, in pieces of any length. */
static int echo_stream(tine_request *r)
{
    char body[4096];
    size_t length = 0;
    long got;
    while (length < sizeof body && (got = tine_read(r, body + length, length % 5 + 1 < sizeof body - length ? length % 5 + 1 : 1)) > 0)
        length += (size_t)got;
    return tine_failed(r) != 0 ? tine_failed(r) : tine_send(r, 200, "application/octet-stream", body, length);
}

/* Length and FNV-1a of the body: tells whether a large one arrived whole. */
static int sum(tine_request *r)
{
    size_t length;
    const char *body = tine_body(r, &length);
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)body[i]) * 16777619u;
    return tine_text(r, 200, "%zu %08x", length, hash);
}

static int path(tine_request *r)
{
    return tine_text(r, 200, "%s|%s", tine_path(r), tine_param(r, "rest"));
}

static int user(tine_request *r)
{
    return tine_json_pack(r, 200, "{s:s}", "name", tine_param(r, "name"));
}

static int user_me(tine_request *r)
{
    return tine_text(r, 200, "me");
}

static int item(tine_request *r)
{
    return tine_text(r, 200, "item %s", tine_param(r, "number"));
}

static int query(tine_request *r)
{
    const char *value = tine_query(r, "q");
    return tine_text(r, 200, "%s|%s", value == NULL ? "(none)" : value, tine_query_string(r));
}

static int header(tine_request *r)
{
    const char *value = tine_header(r, tine_param(r, "name"));
    return tine_text(r, 200, "%s", value == NULL ? "(none)" : value);
}

static int headers(tine_request *r)
{
    const char *name, *value;
    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++) {
        char *line = tine_printf(r, "%s=%s\n", name, value);
        tine_write(r, line, strlen(line));
    }
    return 0;
}

/* As a handler that forgets to answer, or says no more than a status. */
static int nothing(tine_request *r)
{
    (void)r;
    return 0;
}

static int status(tine_request *r)
{
    int code = 0;
    for (const char *at = tine_param(r, "code"); *at >= '0' && *at <= '9'; at++)
        code = code * 10 + *at - '0';
    return code;
}

static int problem(tine_request *r)
{
    return tine_problem(r, 409, "%s is taken", "ada");
}

static int taken(tine_request *r)
{
    return tine_problem(r, 409, "%s is taken", tine_param(r, "name"));
}

static int redirect(tine_request *r)
{
    return tine_redirect(r, 303, "/hello?from=redirect");
}

/* As a handler that believes what it is told. */
static int redirect_to(tine_request *r)
{
    return tine_redirect(r, 303, tine_query(r, "to"));
}

/* What a handler may set, and what it may not: the returned values are the body. */
static int set(tine_request *r)
{
    int good = tine_set_header(r, "X-Set", "first") == 0 && tine_set_header(r, "X-Set", "second") == 0 &&
               tine_add_header(r, "X-Many", "one") == 0 && tine_add_header(r, "X-Many", "two") == 0 &&
               tine_set_header(r, "X-Empty", "") == 0;
    int bad = tine_set_header(r, "X Bad", "x") == 0 || tine_set_header(r, "X-Split", "a\r\nX-Evil: 1") == 0 ||
              tine_set_header(r, "Content-Length", "7") == 0 || tine_set_header(r, "Transfer-Encoding", "x") == 0 ||
              tine_set_header(r, "Connection", "x") == 0 || tine_set_header(r, "", "x") == 0 || tine_set_header(r, "X-Pad", " x") == 0 ||
              tine_set_header(r, "X-Pad", "x ") == 0;
    return tine_text(r, 201, "%d %d", good, bad);
}

static int twice(tine_request *r)
{
    tine_text(r, 500, "the first answer, which is longer");
    return tine_text(r, 200, "second");
}

/* N bytes, each the low digit of its offset, by tine_write: chunks once there are many. */
static int stream(tine_request *r)
{
    long left = 0;
    char digits[1000];
    for (const char *at = tine_param(r, "bytes"); *at >= '0' && *at <= '9' && left < 100000000; at++)
        left = left * 10 + *at - '0';
    for (size_t i = 0; i < sizeof digits; i++)
        digits[i] = (char)('0' + i % 10);
    tine_set_header(r, "Content-Type", "text/plain");
    for (; left > 0; left -= (long)sizeof digits)
        if (tine_write(r, digits, left < (long)sizeof digits ? (size_t)left : sizeof digits) != 0)
            return 0;
    return 0;
}

/* As a handler whose data source fails in the midst. */
static int broken_stream(tine_request *r)
{
    stream(r);
    return 500;
}

/* The same bytes in one piece: the handler is done long before a slow client has read them. */
static int block(tine_request *r)
{
    size_t length = 0;
    for (const char *at = tine_param(r, "bytes"); *at >= '0' && *at <= '9' && length < 100000000; at++)
        length = length * 10 + (size_t)(*at - '0');
    char *bytes = tine_alloc(r, length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('0' + i % 10);
    return tine_send(r, 200, "text/plain", bytes, length);
}

static int created(tine_request *r)
{
    tine_set_status(r, 201);
    tine_write(r, "made", 4);
    return 0;
}

static int fresh(tine_request *r)
{
    return tine_fresh(r, "\"v1\"", 1000000000) ? 304 : tine_text(r, 200, "version 1");
}

/* As a handler that makes an entity tag of what a stranger gave it. */
static int fresh_split(tine_request *r)
{
    return tine_fresh(r, "\"v1\"\r\nX-Evil: 1", 1000000000) ? 304 : tine_text(r, 200, "version 1");
}

/* A text where there must be none. */
static int reset(tine_request *r)
{
    return tine_text(r, 205, "reset");
}

static int cookies(tine_request *r)
{
    const char *sent = tine_header(r, "Cookie");
    tine_add_header(r, "Set-Cookie", "a=1");
    tine_add_header(r, "Set-Cookie", "b=2");
    return tine_text(r, 200, "%s", sent == NULL ? "(none)" : sent);
}

static int cookie(tine_request *r)
{
    const char *value = tine_cookie(r, tine_param(r, "name"));
    return tine_text(r, 200, "%s", value == NULL ? "(none)" : value);
}

/* Sets what the query says; what of it is refused is counted. */
static int set_cookie(tine_request *r)
{
    const char *name = tine_query(r, "name"), *then = tine_query(r, "then");
    int64_t age = 0;
    if (tine_query(r, "age") != NULL && tine_query_int(r, "age", -1000, 1000, &age) != 0)
        return tine_failed(r);
    const tine_cookie_options *options = TINE_COOKIE(.path = tine_query(r, "path"), .domain = tine_query(r, "domain"),
                                                     .same_site = tine_query(r, "same_site"), .max_age = age);
    int refused = -tine_set_cookie(r, name, tine_query(r, "value"), options);
    if (then != NULL) /* the same once more, but perhaps for another path */
        refused -= tine_set_cookie(r, name, then, TINE_COOKIE(.path = tine_query(r, "then_path"), .domain = tine_query(r, "then_domain")));
    return tine_text(r, 200, "%d", refused);
}

static int log_line(tine_request *r)
{
    tine_log(r, TINE_WARNING, "the probe says %d", 42);
    return tine_text(r, 200, "%s", tine_id(r));
}

/* As a library says it: several lines, the last with its end. */
static int log_lines(tine_request *r)
{
    tine_log(r, TINE_WARNING, "%s", "it failed\n\tbecause\r\n\n");
    return tine_problem(r, 500, "%s", "it failed\n");
}

TINE_MODULE(.routes = (const tine_route[]){
                TINE_GET("/", hello), TINE_GET("/hello", hello), TINE_GET("/pid", pid), TINE_GET("/id", id),
                TINE_GET("/client", client), TINE_GET("/scheme", scheme), TINE_ROUTE("*", "/method", method), TINE_POST("/echo", echo),
                TINE_PUT("/echo", echo), TINE_POST("/echo_stream", echo_stream, .stream = 1), TINE_POST("/sum", sum),
                TINE_GET("/path/{rest:path}", path),
                TINE_GET("/users/{name}", user), TINE_GET("/users/me", user_me), TINE_DELETE("/users/{name}", nothing),
                TINE_GET("/items/{number:int}", item), TINE_GET("/query", query), TINE_GET("/header/{name}", header),
                TINE_GET("/headers", headers), TINE_GET("/nothing", nothing), TINE_GET("/status/{code:int}", status),
                TINE_GET("/problem", problem), TINE_GET("/taken/{name}", taken), TINE_GET("/redirect", redirect),
                TINE_GET("/redirect_to", redirect_to), TINE_GET("/set", set),
                TINE_GET("/twice", twice), TINE_GET("/stream/{bytes:int}", stream), TINE_GET("/broken_stream/{bytes:int}", broken_stream),
                TINE_GET("/block/{bytes:int}", block), TINE_POST("/created", created), TINE_GET("/fresh", fresh),
                TINE_GET("/fresh_split", fresh_split),
                TINE_GET("/reset", reset), TINE_GET("/cookies", cookies), TINE_GET("/cookie/{name}", cookie),
                TINE_GET("/set_cookie", set_cookie), TINE_GET("/log", log_line), TINE_GET("/log_lines", log_lines), {0}})
