/* SPDX-License-Identifier: Apache-2.0
 *
 * tine.h: write HTTP back ends as plain blocking C functions.
 *
 *     #include <tine.h>
 *
 *     static int hello(tine_request *r)
 *     {
 *         return tine_json_pack(r, 200, "{s:s}", "hello", tine_param(r, "name"));
 *     }
 *
 *     TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/hello/{name}", hello), {0}})
 *
 * Build it with `cc -shared -fPIC -o hello.so hello.c` and mount it in the INI file:
 *
 *     [app:hello]
 *     path = /
 *     module = hello.so
 *
 * A worker is one process and runs one handler at a time, so a handler may block, keep its state in
 * `static` variables and needs no lock. The whole request, body included, is there when it runs (unless its route says .stream).
 *
 * Text that a function returns is NUL-terminated and borrowed: it lives until the handler's response has
 * been sent, and must not be freed. Every function that takes a tine_request may be called
 * only by the handler that was given it, on its thread, before it returns.
 */
#ifndef TINE_H
#define TINE_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* Raised when modules must be compiled again. The structs below may grow at their ends without it. */
#define TINE_ABI 1

#ifdef __GNUC__
#define TINE_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#else
#define TINE_PRINTF(at, first)
#endif

/* In C++ what an initializer leaves out is zero as it is in C, but some compilers want to have that said. */
#if defined(__cplusplus) && __cplusplus >= 201402L
#define TINE_UNSET = 0
#else
#define TINE_UNSET
#endif

/* A pointer to a struct that is made where it is named, and lives until the call is over (in C until the block ends). */
#ifndef __cplusplus
#define TINE_STRUCT(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})
#elif __cplusplus >= 202002L
#define TINE_STRUCT(type, ...) (&static_cast<const type &>(type{.size = sizeof(type), __VA_ARGS__}))
#else /* no names in initializers: the values stand in the order of the struct */
#define TINE_STRUCT(type, ...) (&static_cast<const type &>(type{sizeof(type), __VA_ARGS__}))
#endif

typedef struct tine_request tine_request; /* one request and its response */
typedef struct tine_app tine_app;         /* one [app:NAME]: a module as it is mounted, with its settings */

/* A handler answers one request. It returns 0 to send what it built (200, or 204 if it built nothing), or a
 * status. A status of 400 and above with nothing built is sent as a problem (RFC 9457). tine_text() and its
 * like return the status they were given, so `return tine_text(...);` is a whole answer. */
typedef int tine_handler(tine_request *r);

/* ---- The module ---------------------------------------------------------------------------------- */

/* A route. Patterns match whole paths, below the app's `path`: literal segments, {name} for one segment that
 * is not empty, {name:int} for one of digits (a '-' may stand first), and as the last {name:path} for the rest, which may
 * be empty. The most specific pattern wins: at each segment, from the left, a literal before {name:int} before {name} before {name:path}.
 * A slash at the end counts: "/users" and "/users/" are two paths, and who wants both says both. Only where an app is mounted
 * its "/" answers with and without ("/app", "/app/"). HEAD is answered from GET, OPTIONS and 405 from what there is. */
typedef struct tine_route tine_route;
typedef struct tine_filter tine_filter;

struct tine_route {
    const char *method; /* "GET"; any token; "*" takes every method */
    const char *pattern;
    tine_handler *handler;
    const char *name; /* of the handler, for logs */
    int stream TINE_UNSET;                        /* 1: the handler runs once the head is there, and reads the body by tine_read() */
    const tine_route *routes TINE_UNSET;          /* a group: routes below `pattern`, which is their prefix; ends with {0} */
    const tine_filter *const *filters TINE_UNSET; /* TINE_FILTERS(&one, &two) that run around it, or around all of a group; may be NULL */
    const char *file TINE_UNSET;                  /* where it is written, for `tine routes`: TINE_GET and its like fill it in */
    int line TINE_UNSET;
};

/* A handler, and what else of the route is to be set: TINE_GET("/", show), TINE_POST("/files", take, .stream = 1) */
#define TINE_ROUTE(method, pattern, ...) TINE_ROUTE_OF(method, pattern, __VA_ARGS__, )
#if defined(__cplusplus) && __cplusplus < 202002L /* which has no names in initializers: what else is to be set follows in order */
#define TINE_ROUTE_OF(method_, pattern_, handler_, ...) {method_, pattern_, handler_, #handler_, __VA_ARGS__}
#else
#define TINE_ROUTE_OF(method_, pattern_, handler_, ...) \
    {.method = method_, .pattern = pattern_, .handler = handler_, .name = #handler_, __VA_ARGS__ .file = __FILE__, .line = __LINE__}
#endif
#define TINE_GET(pattern, ...) TINE_ROUTE("GET", pattern, __VA_ARGS__)
#define TINE_POST(pattern, ...) TINE_ROUTE("POST", pattern, __VA_ARGS__)
#define TINE_PUT(pattern, ...) TINE_ROUTE("PUT", pattern, __VA_ARGS__)
#define TINE_PATCH(pattern, ...) TINE_ROUTE("PATCH", pattern, __VA_ARGS__)
#define TINE_DELETE(pattern, ...) TINE_ROUTE("DELETE", pattern, __VA_ARGS__)

/* Routes with a common prefix and, with `.filters = TINE_FILTERS(&auth)`, common filters. Their patterns are appended to the prefix, so ""
 * is the prefix itself; groups may stand in groups, eight deep. What no route answers (404) its filters see as well if its prefix is the
 * longest that the path begins with; where there are routes for other methods alone (405, OPTIONS) those of the group of the first of
 * these see it. A group whose prefix is "" is there for its filters: its routes are where they would be without it, and of paths that
 * none of them has its filters see nothing. */
#define TINE_GROUP(prefix, ...) TINE_GROUP_OF(prefix, __VA_ARGS__, )
#ifndef __cplusplus
#define TINE_GROUP_OF(prefix_, routes_, ...) {.pattern = prefix_, .routes = routes_, __VA_ARGS__ .file = __FILE__, .line = __LINE__}
#elif __cplusplus >= 202002L
#define TINE_GROUP_OF(prefix_, routes_, ...) \
    {.method = nullptr, .pattern = prefix_, .handler = nullptr, .name = nullptr, .routes = routes_, __VA_ARGS__ .file = __FILE__, \
     .line = __LINE__}
#else
#define TINE_GROUP_OF(prefix_, routes_, ...) {nullptr, prefix_, nullptr, nullptr, 0, routes_, __VA_ARGS__}
#endif

/* A filter: code that runs around handlers. Filters are named in the INI file, as
 *
 *     [filter:auth]
 *     module = ./auth.so
 *     [server]                 or one [app:NAME]
 *     filters = auth, log
 *
 * or in code: `.filters` of a module, a group or a route. From the outermost to the innermost: [server] filters, [app:NAME] filters,
 * `.filters` of the app's module, of its groups, of the route. They also run where no handler does: 404, 405, OPTIONS, 403 (then only
 * those of the server) and a body that is refused (413, 507 and the like; tine_body() is empty then). They do not run on a head that is
 * refused (400), on /-/live and /-/ready, and on what is answered for a handler that crashed or hung. A [filter:NAME] may be for some
 * requests alone, by `only = POST /login` or `except = GET /articles` (share/doc/tine/batteries.md tells more): around others none of its
 * functions is called.
 *
 * `self` is the [filter:NAME], or the app whose module has the filter: for settings and tine_data(). Any function may be NULL. */
struct tine_filter {
    size_t size;      /* filled in by TINE_FILTER */
    const char *name; /* for logs */
    /* Before the handler, from the outermost in; on a .stream route also before the body is there. 0: go on; a status: this is the answer
     * (built, or a problem if it is 400 and above), and what is further in does not run. Fields set here stay, whatever answers. */
    int (*before)(tine_request *r, tine_app *self) TINE_UNSET;
    /* When the answer is there, from the innermost out, for filters whose `before` has let it pass. Fields may still be changed. 0: send
     * it; or it is replaced: `return tine_problem(...)`; a status with nothing built takes the place of the status alone. For a response
     * that is sent while its handler runs this comes before its head; it cannot be replaced then. tine_write() and its like are
     * refused. */
    int (*after)(tine_request *r, tine_app *self) TINE_UNSET;
    /* When nothing changes any more, in the order of `after`: tine_status() and tine_sent() say what came of it. */
    void (*done)(tine_request *r, tine_app *self) TINE_UNSET;
    /* Who may not, shall not upload: asked when the head is there and some of the body is still to come, before 100 (Continue). A status
     * refuses the body: without it the request is answered by every `before` as ever, which sees that status by tine_status() and answers
     * in its own words (a problem is sent if none does), and the connection ends. 0 lets it pass: what was set here is forgotten, what was
     * deferred is called, `after` and `done` are not, the body is read, and then every `before` runs as ever. So it is called besides
     * `before` and may not count, nor leave anything that only `done` frees; mostly it is the same function (`.before = check, .early =
     * check`). It has no body, and cannot stream: to ask for that is an error.
     * Asked are filters from the outermost in, up to the first that has a `before`, which might have refused, and no `early`; one that
     * never refuses may have an `early` that returns 0. None is asked where the body came with the head, nor for .stream routes, whose
     * `before` runs that early anyway, nor by tine_test.h and `tine call`. */
    int (*early)(tine_request *r, tine_app *self) TINE_UNSET;
};

/* `static const tine_filter auth = TINE_FILTER("auth", .before = check, .after = tell);` */
#define TINE_FILTER(name_, ...) {.size = sizeof(tine_filter), .name = name_, __VA_ARGS__}

/* `TINE_FILTERS(&auth, &log)`, outermost first: what `.filters` takes. In C++ (from C++14) the filters must be variables of
 * the file or its namespaces, `static const tine_filter auth = ...`. */
#ifndef __cplusplus
#define TINE_FILTERS(...) ((const tine_filter *const[]){__VA_ARGS__, NULL})
#elif __cplusplus >= 201402L
} /* extern "C" has no templates */
template <const tine_filter *... filters> constexpr const tine_filter *const tine_filter_list[] = {filters..., nullptr};
extern "C" {
#define TINE_FILTERS(...) (tine_filter_list<__VA_ARGS__>)
#endif

/* What a setting of the module holds. */
typedef enum tine_type {
    TINE_TEXT,
    TINE_PATH,    /* a file or folder; a relative one starts at the folder of the INI file it stands in */
    TINE_INTEGER,
    TINE_SIZE,    /* bytes; 10, 8k, 1m, 2g */
    TINE_TIME,    /* milliseconds; 50ms, 10s, 5m, 1h, 1d */
    TINE_SWITCH,  /* on, off */
    TINE_SECRET   /* as TINE_TEXT, a password say: `tine -T` does not show it */
} tine_type;

/* A setting that the module takes in its [app:NAME]; any other key there is an error. A name that ends in ".*" stands for all keys that
 * begin so ("type.*" for type.xyz), as many as are given; it has no fallback. tine_setting_each() finds them.
 * Names that tine has taken are none: `module`, `only` and `except` of a [filter:NAME], those in tine.ini(5) of an [app:NAME]. */
typedef struct tine_option {
    const char *name;
    tine_type type;
    const char *fallback; /* as it would be written; NULL: the setting must be given */
    const char *help;     /* one line for a person */
} tine_option;

/* The module. It is exported by TINE_MODULE() and lives as long as the process. */
typedef struct tine_module {
    uint32_t abi, size;                /* filled in by TINE_MODULE */
    uint32_t route_size, option_size;  /* so that arrays can be walked when the structs have grown */
    const tine_route *routes;          /* ends with {0} */
    const tine_option *settings;       /* ends with {0}; may be NULL */

    /* Check settings and prepare plain memory. Runs wherever the configuration is tested, so it may open
     * nothing and start nothing. 0, or -1 after tine_reject(). May be NULL. */
    int (*load)(tine_app *app);
    /* Once in every worker, after the fork and the drop of privileges: databases are opened here. 0, or -1
     * after tine_reject(): a start or reload is then refused with that reason. Workers start at the same time,
     * so what makes tables takes a lock of the database first. A module that is mounted twice is loaded once,
     * and this runs for each [app:NAME] in turn: what differs between them belongs into tine_set_data(), as a
     * static variable would be the last one's, and what they share is opened the first time. May be NULL. */
    int (*worker_init)(tine_app *app);
    /* The same for workers that stop in order, where worker_init succeeded. May be NULL. */
    void (*worker_exit)(tine_app *app);
    /* Networks whose clients may come to it where its [app:NAME] has no `allow`: "127.0.0.0/8, ::1, unix:". NULL: all. */
    const char *allow;
    /* TINE_FILTERS() of the module: what a [filter:NAME] of it runs, and what runs around its own routes. May be NULL. */
    const tine_filter *const *filters;
    /* Can it serve: is its database there? Asked by /-/ready ([server] health) in a worker, as if it were a handler, each time; the answer
     * is 503 unless all say 0. -1 after tine_reject(), whose reason is logged when it begins to fail. It looks anew each time, and connects
     * again where need be: maybe nobody else asks the worker meanwhile. May be NULL. */
    int (*health)(tine_app *app);
} tine_module;

#ifndef TINE_MODULE_SYMBOL
#define TINE_MODULE_SYMBOL tine_module_exported
#endif

/* In C++ the arrays that it names are static ones (C++ has no compound literals), and it needs C++20; with an older one define the
 * symbol, as extern "C", by hand. */
#ifdef __cplusplus
#define TINE_MODULE(...)                                                                              \
    extern "C" __attribute__((visibility("default"))) const tine_module TINE_MODULE_SYMBOL;           \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") \
    const tine_module TINE_MODULE_SYMBOL = {                                                          \
        .abi = TINE_ABI, .size = sizeof(tine_module), .route_size = sizeof(tine_route),               \
        .option_size = sizeof(tine_option), __VA_ARGS__};                                             \
    _Pragma("GCC diagnostic pop")
#else
#define TINE_MODULE(...)                                                                              \
    extern __attribute__((visibility("default"))) const tine_module TINE_MODULE_SYMBOL;               \
    const tine_module TINE_MODULE_SYMBOL = {                                                          \
        .abi = TINE_ABI, .size = sizeof(tine_module), .route_size = sizeof(tine_route),               \
        .option_size = sizeof(tine_option), __VA_ARGS__};
#endif

/* ---- The request --------------------------------------------------------------------------------- */

const char *tine_method(tine_request *r); /* "GET" */

/* The path, percent-decoded once, without dot segments. An encoded slash stays "%2F". */
const char *tine_path(tine_request *r);

/* The query as it was sent, without '?'; "" when there is none. */
const char *tine_query_string(tine_request *r);

/* Value of the {name} in the route's pattern, decoded; NULL when the pattern has none of that name (a handler is told so in the
 * log, once). Of a {name:path} an encoded slash stays "%2F". */
const char *tine_param(tine_request *r, const char *name);

/* Value of the first `name=` of the query, decoded ('+' is a space); NULL when it is absent or cannot be decoded. To refuse what cannot be,
 * go through the query once with tine_query_at(r, i, NULL, NULL). Decoded bytes need not be UTF-8. */
const char *tine_query(tine_request *r, const char *name);

/* Value of a request field, case of `name` ignored; several of one name are joined by ", " (RFC 9110, 5.3),
 * those of Cookie by "; ". NULL when there is none. */
const char *tine_header(tine_request *r, const char *name);

/* The i-th field (0 first) as it came; returns 0, or -1 behind the last. Either pointer may be NULL. */
int tine_header_at(tine_request *r, size_t i, const char **name, const char **value);

/* The body and, unless `length` is NULL, its length in bytes; "" and 0 when there is none. It ends with a NUL
 * that does not count. A large one lies in a file that is mapped. NULL if that fails; and in a .stream handler, which waits here for
 * the rest, if that fails or tine_read() or tine_next_part() has taken some already. */
const char *tine_body(tine_request *r, size_t *length);

/* Address of the client ("127.0.0.1", "::1", "unix:"); behind proxies that [server] trusted names, the one that they ask for. */
const char *tine_client(tine_request *r);

/* "http", or "https" when a trusted proxy says that its client came by TLS. A Location without a scheme needs no such thing. */
const char *tine_scheme(tine_request *r);

/* The request's id, in the logs and in the response: made, or taken from X-Request-Id, so that it may be anything that a client or proxy
 * wrote of letters, digits and marks, '/' and '.' too. */
const char *tine_id(tine_request *r);

/* The app the request was routed to; NULL in filters where there is none (404). */
tine_app *tine_request_app(tine_request *r);

/* The app and the handler that the request was routed to, as logs have it: "hello.greet". NULL where there is none (404, 405). */
const char *tine_handler_name(tine_request *r);

/* ---- Input that is taken apart ------------------------------------------------------------------- */

/* When one of these fails because of what the client sent, it has built the problem that says so (400, 413, 415 and the like), and
 * tine_failed() is its status. So several can be called in a row before one question:
 *
 *     const char *name = tine_form(r, "name");
 *     int64_t age;
 *     if (tine_form_int(r, "age", 0, 150, &age))
 *         return tine_failed(r);
 *
 * What takes a body apart takes none in a content coding: 415, with Accept-Encoding: identity.
 *
 * The first failure stays. A handler that returns 0 and has built nothing else sends it too; of a filter it counts only if it returns it.
 * When it is the handler's own mistake the log names it, and the status is 500. */

/* Status of the first failure, 0 if there was none. */
int tine_failed(tine_request *r);

/* What its problem says of it ("/age: Expected integer, got string"), for errors in a form of one's own: UTF-8, whatever was sent; "" if
 * there was none. */
const char *tine_failure(tine_request *r);

/* Integers in decimal, from `lo` to `hi`. Return 0 with *value set, or 400 (it is absent, no integer, or out of bounds) and *value is as
 * it was. tine_form_int() fails in the ways of tine_form() too. One that may be left out:
 *
 *     int64_t page = 1;
 *     if (tine_query(r, "page") && tine_query_int(r, "page", 1, 1000, &page))
 *         return tine_failed(r);
 */
int tine_param_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value);
int tine_query_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value);
int tine_form_int(tine_request *r, const char *name, int64_t lo, int64_t hi, int64_t *value);

/* Value of a cookie (RFC 6265), as it came but for quotes around it; the first of that name; NULL when there is none. What breaks the
 * grammar is passed over. */
const char *tine_cookie(tine_request *r, const char *name);

/* Value of the first `name=` of an application/x-www-form-urlencoded body, decoded, or of the first plain field of that name in a
 * multipart/form-data body, whose parts can be gone through all the same (in a .stream handler, which waits here for the rest, not before
 * the first of these calls: once tine_read() or tine_next_part() has taken some this is a 500, logged). Always UTF-8. NULL when there is
 * none, or after a failure: 415 when the body is of another type or charset, 400 when it is malformed, 413 when the parts found so are
 * larger together than [limits] body_memory. */
const char *tine_form(tine_request *r, const char *name);

/* The i-th pair (0 first) of the query, or of an application/x-www-form-urlencoded body, decoded. Return 0, or -1 behind the last or
 * after a failure (400, 415). */
int tine_query_at(tine_request *r, size_t i, const char **name, const char **value);
int tine_form_at(tine_request *r, size_t i, const char **name, const char **value);

/* Parses the body as JSON and unpacks it by a format ("Formats of JSON" below), into the pointers that follow:
 *
 *     if (tine_json_body(r, "{s:s, s?i}", "name", &name, "age", &age))
 *         return tine_failed(r);
 *
 * Returns 0; or 415 when the body is not application/json in UTF-8, 400 when it is not JSON or an object has a key twice (the problem
 * says where), 422 when it is not what the format wants (the problem has the JSON pointer of the place; an 'i' that does not fit an int
 * is that too); or 500, logged, for a format that is wrong. Text and values unpacked live until the response is sent; 'O' gives a
 * reference. */
int tine_json_body(tine_request *r, const char *format, ...);

/* The same for a whole document, without unpacking: borrowed until the response is sent. NULL after a failure. */
json_t *tine_json_document(tine_request *r);

/* Reads on in the body: up to `size` bytes. Returns how many, 0 at the end, -1 after a failure. In a .stream handler it waits for the
 * client, up to [timeouts] body, and what arrives is progress that [timeouts] request counts from; 100 (Continue) is sent with the first
 * call. It then fails with 408 (too slow), 413 (beyond [limits] body), 400 (malformed, or the client has gone), and the connection ends.
 * What a handler leaves unread is read over if it is there already; if not, the connection ends with the answer. */
long tine_read(tine_request *r, void *buffer, size_t size);

/* The whole body as a file, read from its beginning; tine closes it once the response is sent. -1 after a failure (500, or what
 * tine_body() waits for). It may have more than *length bytes: those do not count. */
int tine_body_fd(tine_request *r, size_t *length);

/* A part of a multipart/form-data body. New members come at the end. */
typedef struct tine_part {
    const char *name;
    const char *file;      /* NULL: a plain field. Else a file's name, made safe: no folder, no control bytes, not hidden, at most 255
                            * bytes of UTF-8, never empty. It may be there already, and another client's. */
    const char *file_sent; /* as the client sent it, for showing; NULL as `file` is */
    const char *type;      /* Content-Type; NULL when there is none */
} tine_part;

/* Goes to the next part; what is unread of the one before is passed over. The part and its text live until the next call. NULL behind the
 * last, or after a failure: 415 for another type of body, 400 when it is malformed, and those of tine_read(). */
const tine_part *tine_next_part(tine_request *r);

/* Reads on in the part: as tine_read(). */
long tine_part_read(tine_request *r, void *buffer, size_t size);

/* The rest of the part as text, UTF-8 without NUL; lives until the response is sent. NULL after a failure: 413 if all parts taken so
 * would be larger than [limits] body_memory, 400 if it is not text. */
const char *tine_part_text(tine_request *r);

/* The rest of the part as an unlinked file in [server] temp, read from its beginning; tine closes it at the next part. -1 after a failure:
 * 507 when there is no room, 500. */
int tine_part_fd(tine_request *r, uint64_t *length);

/* Writes the rest of the part to a file that must not be there yet (mode 0666 less the umask). Returns 0 or the status of the
 * failure: 409 if it is there, 507, 500; then nothing stays. */
int tine_part_save(tine_request *r, const char *path);

/* Any text as the name of a file, made safe as that of a part is: for names that come in a path, a query or a form. What is safe stays as
 * it is. */
const char *tine_file_name(tine_request *r, const char *text);

/* ---- The response -------------------------------------------------------------------------------- */

/* Each of these makes the whole response and returns `status`, or 500 (logged) if it cannot. A second call
 * replaces what the first built; fields set by tine_set_header() stay, and a Content-Type set so is kept. */

/* text/plain; charset=utf-8, formatted as by printf. */
int tine_text(tine_request *r, int status, const char *format, ...) TINE_PRINTF(3, 4);

/* application/json. Takes the reference to `value`, as json_pack() gives it; NULL (a json_pack() that failed) is a 500. */
int tine_json(tine_request *r, int status, json_t *value);

/* application/json by a format ("Formats of JSON" below), without a json_t: for an answer that is written where it is made,
 *
 *     return tine_json_pack(r, 200, "{s:i, s:s, s:o}", "id", 7, "name", name, "tags", tags);
 *
 * Takes the references that 'o' gives, unless the format itself is wrong. What json_pack() could not pack (a text that is NULL or not
 * UTF-8) is a 500; no compiler checks the arguments, and those that do not fit the format are as bad as with printf ('i' takes an int,
 * 'I' a json_int_t). */
int tine_json_pack(tine_request *r, int status, const char *format, ...);

/* `length` bytes of any media type, copied. `type` NULL sets no Content-Type. */
int tine_send(tine_request *r, int status, const char *type, const void *data, size_t length);

/* application/problem+json (RFC 9457) with `detail` formatted as by printf; a small page when the client would rather have HTML. Fields
 * that were set stay, but for Content-Type, Content-Encoding and digests; a Cache-Control of 412 or 416 becomes no-store. A 500 is logged,
 * with the handler's name and the detail. */
int tine_problem(tine_request *r, int status, const char *format, ...) TINE_PRINTF(3, 4);

/* A redirect (301, 302, 303, 307 or 308) to a URI reference, which is sent percent-encoded where need be. */
int tine_redirect(tine_request *r, int status, const char *location);

/* `length` bytes of an open regular file from `offset` on. Takes the descriptor: tine closes it, on failure too. */
int tine_send_fd(tine_request *r, int status, int fd, off_t offset, size_t length);

/* ---- What has versions --------------------------------------------------------------------------- */

/* A file, whole or what of it is asked for: answers conditions (304, 412) and ranges (206, 416) of RFC 9110, and HEAD. `type` NULL: told by
 * the path's extension. Not a file, or not there: 404; may not be read: 403. Any path is opened: what a client sent goes through
 * tine_file_name() before it becomes part of one. */
int tine_send_file(tine_request *r, const char *path, const char *type);

/* The answer is to be saved by a browser, not shown, as a file of that name (Content-Disposition, RFC 6266): any text, made safe as by
 * tine_file_name(). What a client has uploaded is sent so, as a page of it would run its scripts as one of yours. NULL: browsers find a
 * name themselves. Returns as tine_set_header(). */
int tine_set_attachment(tine_request *r, const char *name);

/* The same as tine_send_file() for content from elsewhere, a cache say. Set with TINE_CONTENT(); what is not named there is 0. */
typedef struct tine_content {
    size_t size;               /* filled in by TINE_CONTENT */
    const void *data TINE_UNSET;          /* the bytes; NULL: those of */
    int fd TINE_UNSET;                    /* an open regular file, which is read by position only */
    int status TINE_UNSET;                /* 0 is 200; with any other conditions and ranges do not count */
    uint64_t length TINE_UNSET;           /* of all of it */
    const char *type TINE_UNSET;          /* Content-Type; NULL: none */
    const char *encoding TINE_UNSET;      /* Content-Encoding; NULL: none. Its ETag must differ from that of the content without */
    const char *cache_control TINE_UNSET; /* sent with the content and with 304, not with errors; NULL: none */
    const char *etag TINE_UNSET;          /* with its quotes, weak (W/"...") where equal tags do not promise equal bytes; NULL: none */
    time_t modified TINE_UNSET;           /* Last-Modified; 0: unknown */
    void (*release)(void *owner) TINE_UNSET; /* called once, when data and fd are no longer needed, on failure too: up to the client's last
                                   * byte, long after the handler. NULL: they stay for good. It may use no request. */
    void *owner TINE_UNSET;
    const char *vary TINE_UNSET;          /* Vary: by which request fields this content was chosen among others; NULL: it was not.
                                   * What was chosen shares its date with others: If-Range with a date gets all of it */
    int nosniff TINE_UNSET;               /* not 0: X-Content-Type-Options: nosniff, the client is to believe `type` */
    size_t room TINE_UNSET;               /* bytes in front of `data`, in memory of this process alone (no MAP_SHARED), that tine may
                                           * write on until `release`, in all of which another answer may be sent from the same: 512
                                           * let the head and some 10 KB go out in one piece, which is cheaper. 0: none */
} tine_content;

#define TINE_CONTENT(...) TINE_STRUCT(tine_content, __VA_ARGS__)

int tine_send_content(tine_request *r, const tine_content *content);

/* Evaluates If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since against the current version, in the order of RFC 9110,
 * 13.2.2. Returns 0: go on; else 304 or 412, which the handler returns. `etag` may be NULL, `modified` 0. To GET and HEAD it also sets
 * ETag and Last-Modified. */
int tine_precondition(tine_request *r, const char *etag, time_t modified);

/* The same for who only wants to know whether the client has this version already: then 1, and `return 304;`. */
int tine_fresh(tine_request *r, const char *etag, time_t modified);

/* An entity tag for a file, of its inode, size and time; weak while it may change again within the same tick of that time. */
enum { TINE_ETAG_SIZE = 32 };
void tine_etag(const struct stat *status, char etag[TINE_ETAG_SIZE]);

/* The media type of a path by its extension, with charset where it is text; "application/octet-stream" if unknown. Static text. */
const char *tine_media_type(const char *path);

/* How much the client wants a content coding ("gzip"), in thousandths; -1: it must not be sent. "identity" that is not spoken of is 0.
 * Who chooses by it also sets Vary: Accept-Encoding. */
int tine_accepts_encoding(tine_request *r, const char *coding);

/* ---- Fields and streams -------------------------------------------------------------------------- */

/* One rule for what comes from modules: a name or value with a control byte, CR, LF or NUL never gets out. Functions that set a field
 * leave it out and return -1, those that make the whole response return 500; both are logged, with the handler's and the module's
 * name. */

/* Sets a response field, replacing those of that name; add_header appends one. Return 0, or -1 (logged) when the name is not a token, the
 * value has a control byte, the field is tine's own (Content-Length, Transfer-Encoding, Connection, Date, Server, X-Request-Id,
 * Keep-Alive, Upgrade, TE, Trailer) or the response has begun. Both are copied. `value` NULL removes the field. */
int tine_set_header(tine_request *r, const char *name, const char *value);
int tine_add_header(tine_request *r, const char *name, const char *value);

/* Sets the status of a response built with tine_write(); 200 unless set. Returns the one that counts: not this, with a line in the log,
 * if it is not from 200 to 599 or the response has begun. */
int tine_set_status(tine_request *r, int status);

/* Appends to the body. Up to 64 KB are gathered and sent with a Content-Length when the handler returns; beyond that it is a stream
 * (below): the response begins and is sent in chunks while the handler runs, waiting for a slow client up to [timeouts] send. Behind
 * tine_text() and its like it goes on with that body. Returns 0, or -1: the client is gone, or (logged) after tine_finish(), behind a
 * file, for NULL or a negative length. Then return 0: there is nobody to tell. */
int tine_write(tine_request *r, const void *data, size_t length);

/* The same with a text, formatted as by printf, of any length: a line of CSV, say. It takes none of the memory that lasts until the handler
 * returns. -1 (logged) for a format that is NULL. */
int tine_write_text(tine_request *r, const char *format, ...) TINE_PRINTF(2, 3);

/* ---- Pages ---------------------------------------------------------------------------------------- */

/* text/html; charset=utf-8, formatted as by printf, where each %s and %c that is put in is escaped, for content and for attributes in
 * quotes. The format is not: it is the page's own. No %n and %ls; a width of %s is ignored. A format that it cannot take is a 500,
 * logged. */
int tine_html(tine_request *r, int status, const char *format, ...) TINE_PRINTF(3, 4);

/* Goes on with the page, formatted and escaped in the same way. Returns as tine_write(). */
int tine_write_html(tine_request *r, const char *format, ...) TINE_PRINTF(2, 3);

/* The text escaped, for pages that are put together by other means; "" for NULL. */
const char *tine_escape_html(tine_request *r, const char *text);

/* ---- Cookies of the response ---------------------------------------------------------------------- */

/* How a cookie is set, with TINE_COOKIE(); what is not named there is 0. */
typedef struct tine_cookie_options {
    size_t size;           /* filled in by TINE_COOKIE */
    const char *path TINE_UNSET;      /* NULL: "/" */
    const char *domain TINE_UNSET;    /* a host name, no dot in front; NULL: this host alone, without those below it */
    const char *same_site TINE_UNSET; /* "Lax", "Strict", or "None", which is always Secure; NULL: "Lax" */
    int64_t max_age TINE_UNSET;       /* seconds; 0: until the browser is closed; negative: it is deleted */
    int secure TINE_UNSET;            /* only over TLS: 1 yes, -1 no, 0 if tine_scheme() is "https" now */
    int scripts TINE_UNSET;           /* 1: JavaScript may read it (no HttpOnly) */
} tine_cookie_options;

#define TINE_COOKIE(...) TINE_STRUCT(tine_cookie_options, __VA_ARGS__)

/* Adds a Set-Cookie, in place of an earlier one of that name, path and domain: `options` NULL is SameSite=Lax, HttpOnly, Secure on https,
 * Path=/, until the browser is closed. A `value` is visible ASCII without '"', ',', ';' and '\\' (write others in hex, say); NULL deletes
 * the cookie, with the path and domain that it was set with. Names that begin with "__Host-" or "__Secure-" are always Secure. Returns 0,
 * or -1 (logged) when a browser would not take it, or the response has begun. */
int tine_set_cookie(tine_request *r, const char *name, const char *value, const tine_cookie_options *options);

/* ---- Streams, and work after the answer ------------------------------------------------------------ */

/* A handler that sends its response piece by piece OCCUPIES ITS WORKER, a whole process, for as long as it runs. [limits] streams (16)
 * bounds how many handlers of an app, in all workers, do so at a time; one more is answered 503 with Retry-After, and its calls return
 * -1. See that [server] workers_max leaves workers for others. Each piece that the client takes starts [timeouts] request anew, and while
 * it is waited for [timeouts] send and [limits] rate count instead: a stream may last for ever, but may not be silent for so long,
 * tine_sleep() included. On a reload or stop it has [timeouts] graceful to end. One that cannot go on returns 500 (or another status from
 * 400 on): the answer breaks off, and the client sees that it is not whole. Text and memory that functions here return are freed when the
 * handler returns, not before: one that goes round for hours formats into buffers of its own. */

/* Sends what is gathered now, the head first. Returns 0, or -1: the client is gone, there is no room for a stream, the request is HEAD (its
 * client waits for no more), or (logged) the status has no content, or it is too late as for tine_write(). */
int tine_flush(tine_request *r);

/* Sends one server-sent event; the first begins the response, with the fields it needs unless they were set. `event` (its type) and `id`
 * may be NULL; `data` of several lines arrives as such. All three NULL: a comment, which keeps proxies and timeouts content while there
 * is no news. A browser that comes again tells the last id in tine_header(r, "Last-Event-ID"). Returns as tine_flush(); -1 (logged) for a
 * line end in `event` or `id`. */
int tine_event(tine_request *r, const char *event, const char *id, const char *data);

/* Waits, and sends first what a stream has gathered. Signals do not cut it short. Returns 0 when the time has passed; -1 as soon as the
 * client has closed its connection, or its sending side; 1 as soon as this worker is to end (stop, reload, recycling): then come to an
 * end, too; a client that comes again finds another worker. After tine_finish() the client is not looked at. As long as no response has
 * begun, as in long polling, what it waits counts for [timeouts] request and occupies its worker all the same, but [limits] streams does
 * not count it. */
int tine_sleep(tine_request *r, int64_t milliseconds);

/* The same, but at most until a descriptor is ready for `events` (POLLIN, POLLOUT; see poll(2)): then it returns 2, as for one that is
 * broken or negative, which reading it will tell. For news that come from elsewhere, with a sign of life for the client now and then:
 *
 *     while ((what = tine_wait(r, PQsocket(db), POLLIN, 10000)) == 2 || what == 0)
 *         if (what == 0 ? tine_event(r, NULL, NULL, NULL) : send_notifications(r, db))
 *             break;
 */
int tine_wait(tine_request *r, int fd, short events, int64_t milliseconds);

/* Sends the response that was built, whole, and lets go of the client: its next request, on the same connection too, waits for no more
 * than a free worker. The handler may go on working; what it returns does not count any more (400 and above is logged). Its time still
 * counts for [timeouts] request (an app or a [route:NAME] may have its own, as timeouts.request), and after a reload or stop it has
 * [timeouts] graceful to end: tine_sleep() tells. It is lost if the worker is killed: what must not be lost belongs into a queue or
 * database first. Of a .stream handler that has not read its body to the end the connection ends, too. Returns 0, or -1: the client is gone, or
 * (logged) it was called before. */
int tine_finish(tine_request *r);

/* ---- Filters ------------------------------------------------------------------------------------- */

/* Something that a filter found out, for handlers and other filters: lives as long as the request. `name` is copied; setting it again
 * replaces the value, NULL removes it. tine_set_attribute() returns 0, or -1 (logged) without a name; tine_attribute() NULL when there is
 * none. */
int tine_set_attribute(tine_request *r, const char *name, void *value);
void *tine_attribute(tine_request *r, const char *name);

/* Calls function(argument) when handler and filters are through with the request, whatever they answered; the last deferred first. Not if
 * the worker crashes. The response may not be sent yet, and `function` may use no request. Returns 0, or -1 (logged) without a
 * function. */
int tine_defer(tine_request *r, void (*function)(void *argument), void *argument);

/* Status of the response as it is by now; 0: nothing is built. Where no handler will run (404, 413 and the like) a `before` sees which one
 * it is to be. */
int tine_status(tine_request *r);

/* Bytes of its body that the client gets (0 for HEAD); of one that was sent while its handler ran, those that were sent. */
uint64_t tine_sent(tine_request *r);

/* A field of the response by now, the first of that name; NULL when there is none. Not those that tine writes itself. */
const char *tine_response_header(tine_request *r, const char *name);

/* The i-th field (0 first) of the response by now, but for those that tine writes itself and the Content-Type that comes with a body.
 * Returns 0, or -1 behind the last. Either pointer may be NULL. */
int tine_response_header_at(tine_request *r, size_t i, const char **name, const char **value);

/* The response's body by now, and, unless `length` is NULL, its length; NULL when it is not in memory whole: a file, sent already, or
 * about to be sent while its handler runs. It lives until the next response is built, or this one is written on, and may be part of
 * what copies it: a text, page, JSON, problem, redirect or tine_send(). tine_send_content(), tine_send_file() and tine_write() may not be
 * given any of it. */
const void *tine_response_body(tine_request *r, size_t *length);

/* ---- Shared by all workers ----------------------------------------------------------------------- */

/* What lies in memory that all workers share: it outlives workers, however they end, reloads and upgrades of tine, and is gone when the
 * server stops. [server] shared says how large it is. Each app has names of its own, and keeps them for as long as its [app:NAME] is called
 * so; a filter has those of its `self`. A worker that is killed within one of these functions holds up nobody, and what it was about is
 * either done or not. */

typedef struct tine_counter tine_counter;

enum { TINE_KEY_MAX = 112, TINE_VALUE_MAX = 352 };

/* The counter `name` (1 to TINE_KEY_MAX bytes), which begins at 0. In worker_init and handlers; it stays valid for as long as the
 * process. NULL (logged) for a bad name, or when there is no room: each takes 64 bytes of a 16th of [server] shared (1024 in 1m), for
 * good. */
tine_counter *tine_counter_find(tine_app *app, const char *name);

/* Adds (a negative number takes away) and returns the sum; exact, whoever else counts. It wraps around beyond 64 bits. Never fails, on
 * any thread; with NULL these do nothing and return 0. */
int64_t tine_counter_add(tine_counter *counter, int64_t more);
int64_t tine_counter_get(const tine_counter *counter);
void tine_counter_set(tine_counter *counter, int64_t value);

/* A store of small values by key (1 to TINE_KEY_MAX bytes, values 0 to TINE_VALUE_MAX) for what can be made again: sessions, caches,
 * limits of rates. An entry is gone `ttl_ms` milliseconds after it was set (0: it stays), or earlier, for want of room: it lies in one of
 * many buckets by its key, each of 12 entries, and a 13th takes the place of one that has expired, else of the one not used for longest
 * of the app that has most of them there: so a flood of one app's entries pushes out its own. 1m has 1428 entries; less than half full
 * the store hardly ever does that. Each function works as a whole: no other worker sees half of it. */

/* For functions that a filter hands out to handlers: from now on keys are those of `app` (its `self`), or for NULL of who runs. Returns
 * what it was before, to be put back: the handler must find its own keys afterwards. */
tine_app *tine_shared_as(tine_request *r, tine_app *app);

/* The value, NUL-terminated behind its `*length` bytes (`length` may be NULL); NULL when there is none, or (logged) for a bad key. */
const char *tine_shared_get(tine_request *r, const char *key, size_t *length);

/* Sets it, in place of what there was. 0, or -1 (logged): key or value are not of those lengths, the time is negative, or, as with the
 * others that write, four processes were stopped while they wrote next to it. */
int tine_shared_set(tine_request *r, const char *key, const void *value, size_t length, int64_t ttl_ms);

/* The same if there is none yet: 1; 0 when there is; or -1. Of several workers one gets the 1. */
int tine_shared_add(tine_request *r, const char *key, const void *value, size_t length, int64_t ttl_ms);

/* 1: it is gone now; 0: there was none; -1: a bad key. */
int tine_shared_delete(tine_request *r, const char *key);

/* Sets it where its value is `before` by now, byte for byte (NULL: where there is none): 1; 0 when it is not; or -1. Of several workers
 * one gets the 1; the others read again what there is, and decide again. */
int tine_shared_swap(tine_request *r, const char *key, const void *before, size_t before_length, const void *value, size_t length,
                     int64_t ttl_ms);

/* Adds to a value that is a number in decimal digits. One that is not there begins at 0 and lives `ttl_ms`; else the time that there is
 * runs on. The sum is in `*sum` (NULL: not wanted). 0, or -1 (logged) also when it is no number or the sum has more than 64 bits. */
int tine_shared_increment(tine_request *r, const char *key, int64_t more, int64_t ttl_ms, int64_t *sum);

/* ---- Formats of JSON ----------------------------------------------------------------------------- */

/* They are those of jansson; blanks, ',' and ':' between the letters are for the eye.
 *
 *              tine_json_body() into              tine_json_pack() of
 *     s        const char **: a string            const char *, not NULL
 *     s?       -                                  const char *; NULL is null
 *     s*       -                                  const char *; NULL: no key
 *     s%       const char **, size_t *: length    const char *, size_t
 *     i        int *                              int
 *     I        json_int_t *: 64 bits              json_int_t
 *     b        int *: 1 or 0                      int
 *     f        double *: 1.5 or 1.0, not 1        double
 *     F        double *: any number               -
 *     n        nothing: it must be null           nothing: null
 *     o        json_t **: any value, borrowed     json_t *, and its reference
 *     O        json_t **: any, with a reference   json_t *, still the caller's
 *     {s:i}    each key, const char *, then its value
 *     [i, i]   so many items
 *
 * Of tine_json_body() alone: '?' behind a key lets it be left out, and what its pointer leads to stays as it was; '!' at the end of an
 * object or array refuses (422) what was not named:
 *
 *     "{s:s, s?i, s?{s:s} !}"
 *
 * A '?' lets no null in: "{s?s}" refuses {"note": null}. A field that may be null, left out or given, as with PATCH, is taken by 'o':
 *
 *     json_t *note = NULL;
 *     if (tine_json_body(r, "{s?o}", "note", &note))
 *         return tine_failed(r);
 *     if (note && !json_is_null(note) && !json_is_string(note))
 *         return tine_problem(r, 422, "/note: a string or null");
 *     if (note)
 *         set_note(json_string_value(note)); // NULL for null
 */

/* ---- Memory, log, settings ----------------------------------------------------------------------- */

/* Memory until the response is sent, aligned for any type, not zeroed. Never NULL: without memory the worker ends. */
void *tine_alloc(tine_request *r, size_t size);
char *tine_printf(tine_request *r, const char *format, ...) TINE_PRINTF(2, 3);

typedef enum tine_level { TINE_DEBUG, TINE_INFO, TINE_WARNING, TINE_ERROR } tine_level;

/* One line in the error log, with the request's id unless `r` is NULL. May be called anywhere. */
void tine_log(tine_request *r, tine_level level, const char *format, ...) TINE_PRINTF(3, 4);

/* A setting as text, its fallback if it was not given; a TINE_PATH is absolute. NULL only for a name that was not declared. */
const char *tine_setting(tine_app *app, const char *name);

/* A setting of type INTEGER, SIZE (bytes), TIME (milliseconds) or SWITCH (0, 1). */
int64_t tine_setting_number(tine_app *app, const char *name);

/* The i-th (0 first) of the settings that a name with ".*" stands for, in the order of the file: what stands in place of the '*', and the
 * value. Any pointer may be NULL. `number` is as of tine_setting_number(). Returns 0, or -1 behind the last. */
int tine_setting_each(tine_app *app, const char *name, size_t i, const char **key, const char **value, int64_t *number);

/* The NAME of [app:NAME], and its `path`, without a '/' at the end unless that is all of it. */
const char *tine_app_name(tine_app *app);
const char *tine_app_path(tine_app *app);

/* A pointer of the module's own for each app: set in load or worker_init, there in every handler. */
void tine_set_data(tine_app *app, void *data);
void *tine_data(tine_app *app);

/* The state of the whole server, the document that `tine status --json` shows: version, generation, last reload, every worker and
 * totals; durations end in _ms. The caller's reference. NULL where no server runs (`tine -t`) or without memory. In handlers and
 * worker_init. */
json_t *tine_server_status(void);

/* Says why load, worker_init or health fails, with file and line of the setting (NULL: of the app). Returns -1. */
int tine_reject(tine_app *app, const char *setting, const char *format, ...) TINE_PRINTF(3, 4);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
