/* SPDX-License-Identifier: Apache-2.0
 *
 * tine_test.h: test modules from any test library, or from main(), without a server: a module is opened with its settings in the test's own
 * process, and requests go through the same parser, limits, filters, routes and handlers as on the wire.
 *
 *     #include <tine_test.h>
 *     #include <criterion/criterion.h>
 *
 *     Test(hello, greets)
 *     {
 *         tine_test *t = tine_test_open("./hello.so", NULL);
 *         const tine_answer *a = tine_test_get(t, "/hello/ada");
 *         cr_assert_eq(tine_answer_status(a), 200);
 *         cr_assert_str_eq(tine_answer_body(a, NULL), "{\"hello\":\"ada\"}");
 *         tine_test_close(t);
 *     }
 *
 * Build it with `cc test.c -ltine_test -ljansson -lcriterion`. No network, no privileges, no INI file, nothing left behind. What belongs to
 * the server's processes is not there: nothing is logged to the access log, no time limit ([timeouts]) runs, tine_server_status() is
 * NULL, and a handler that crashes or calls exit() ends the test as it would any program, with its stack for the debugger.
 *
 * Of a module there is one in a process: its static variables are shared by all tine_test that are open, and keep their values from one
 * to the next, as nothing is ever unloaded. worker_init runs in each tine_test_open(), and should set what handlers rely on. (Criterion
 * runs each test in a process of its own.) All functions are to be called on one thread.
 */
#ifndef TINE_TEST_H
#define TINE_TEST_H

#include <tine.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

typedef struct tine_test tine_test;     /* a module, or more, that is open */
typedef struct tine_answer tine_answer; /* to one request; lives until tine_test_close() */

/* Opens a module: load and worker_init run. `module` is the path of the shared object (seen from the current folder), or a built-in's
 * name, and `settings` (NULL: none) the lines below its [app:NAME] in an INI file; NAME is the file's, without ".so". Paths in them are
 * seen from the current folder:
 *
 *     tine_test_open("build/upload.so", "folder = /tmp\n" "limits.body = 10k\n")
 *
 * `settings` that begin with a line "[...]" are a whole INI text, for what takes more: filters, several apps, [limits]. Then `module` is
 * NULL.
 *
 * Returns NULL after writing every reason to standard error, as `tine -t` does ("settings:2: [app:notes] fiel: ..."). Calls with that
 * NULL abort the test. */
tine_test *tine_test_open(const char *module, const char *settings);

/* Runs worker_exit, and frees all answers. NULL: nothing. */
void tine_test_close(tine_test *t);

/* Send a request and return when its handler has: never NULL, a request that is refused has an answer too (400, 404, 413 and the like).
 *
 * `fields` are lines "Name: value\n" (NULL: none; the last needs no end); Host: localhost and Content-Length are added unless they are
 * there. `body` NULL: none. tine_test_send() takes one of any bytes, tine_test_json() one that is application/json. The method is any,
 * the target a path with its query. What is malformed is sent as it is, and refused by the parser; so is a body with a Transfer-Encoding
 * of your own. A Content-Length that says less than there is cuts the body off, one that says more is answered 408.
 *
 * The request comes from 127.0.0.1; with `trusted = 127.0.0.1` in [server], from whom X-Forwarded-For says. tine_sleep() and tine_wait()
 * do wait, but for a second in sum at most: then they return 1, as if the worker were to end, so that a handler that streams for ever comes
 * to an end. */
const tine_answer *tine_test_call(tine_test *t, const char *method, const char *target, const char *fields, const char *body);
const tine_answer *tine_test_send(tine_test *t, const char *method, const char *target, const char *fields, const void *body,
                                  size_t length);
const tine_answer *tine_test_get(tine_test *t, const char *target);
const tine_answer *tine_test_json(tine_test *t, const char *method, const char *target, const char *json);

/* The status: 200, 404. */
int tine_answer_status(const tine_answer *a);

/* The value of the first field of that name, case ignored; NULL when there is none. */
const char *tine_answer_header(const tine_answer *a, const char *name);

/* The i-th field (0 first). Returns 0, or -1 behind the last. Either pointer may be NULL. */
int tine_answer_header_at(const tine_answer *a, size_t i, const char **name, const char **value);

/* The body, whatever it was sent in (a file, chunks), NUL-terminated behind its `*length` bytes (`length` may be NULL); "" when there is
 * none. */
const char *tine_answer_body(const tine_answer *a, size_t *length);

/* The body as JSON, borrowed; NULL when it is none. */
json_t *tine_answer_json(const tine_answer *a);

/* 1: the answer came to its end; 0: it broke off, because the handler failed after it had begun. */
int tine_answer_whole(const tine_answer *a);

/* What was logged while the last request was handled, all lines ("" when there are none): 2026-11-22 14:00:00.123 error 4711 handler ...
 * Lives until the next request. With TINE_TEST_LOG=1 in the environment it goes to standard error as well. */
const char *tine_test_log(tine_test *t);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
