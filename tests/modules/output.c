/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that answer in the less usual ways: pages, cookies, streams, events, work after the answer.
 */
#include <tine.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *q(tine_request *r, const char *name)
{
    const char *value = tine_query(r, name);
    return value != NULL ? value : "";
}

static int page(tine_request *r)
{
    tine_html(r, 201, "<p title='%s'>%s %d</p>", q(r, "q"), q(r, "q"), 7);
    for (int i = 0; i < 2; i++)
        tine_write_html(r, "<li>%s%d</li>", "<", i);
    return 0;
}

static int escaped(tine_request *r)
{
    return tine_text(r, 200, "%s|%s", tine_escape_html(r, q(r, "q")), tine_escape_html(r, NULL));
}

/* Lines of any length, more than are gathered. */
static int written(tine_request *r)
{
    int count = (int)strtol(q(r, "q"), NULL, 10), failed = 0;
    for (int i = 0; i < count; i++)
        failed += tine_write_text(r, "%d,%0*d\r\n", i, i % 3000, 7);
    failed += tine_write_text(r, "%s", "");
    tine_write_text(r, "%d<", failed);
    return 0;
}

static int attachment(tine_request *r)
{
    int set = tine_set_attachment(r, tine_query(r, "q"));
    return tine_text(r, 200, "%d", set);
}

static int cookies(tine_request *r)
{
    int failed = tine_set_cookie(r, "plain", "a=b", NULL);
    failed +=
        tine_set_cookie(r, "all", "1",
                        TINE_COOKIE(.path = "/x", .domain = "a.test", .same_site = "Strict", .max_age = 60, .secure = 1, .scripts = 1));
    failed += tine_set_cookie(r, "gone", NULL, NULL);
    failed += tine_set_cookie(r, "other", "", TINE_COOKIE(.same_site = "None"));
    failed += tine_set_cookie(r, "__Host-sid", "x", NULL);
    failed += tine_set_cookie(r, "never", "x", TINE_COOKIE(.secure = -1));
    return tine_text(r, 200, "%d", failed);
}

/* Each one wrong in its own way. */
static int bad_cookies(tine_request *r)
{
    static char large[5000];
    memset(large, 'x', sizeof large - 1);
    int failed = -(tine_set_cookie(r, "a b", "x", NULL) + tine_set_cookie(r, NULL, "x", NULL) +
                   tine_set_cookie(r, "split", "x\r\nX-Evil: 1", NULL) +
                   tine_set_cookie(r, "split", "x;Domain=evil.test", NULL) + tine_set_cookie(r, "large", large, NULL) +
                   tine_set_cookie(r, "p", "x", TINE_COOKIE(.path = "/\r\nX-Evil: 1")) +
                   tine_set_cookie(r, "p", "x", TINE_COOKIE(.path = "x")) +
                   tine_set_cookie(r, "d", "x", TINE_COOKIE(.domain = "a; HttpOnly")) +
                   tine_set_cookie(r, "s", "x", TINE_COOKIE(.same_site = "Loose")) +
                   tine_set_cookie(r, "n", "x", TINE_COOKIE(.same_site = "None", .secure = -1)) +
                   tine_set_cookie(r, "__Host-x", "x", TINE_COOKIE(.path = "/y")) +
                   tine_set_cookie(r, "__Secure-x", "x", TINE_COOKIE(.secure = -1)));
    return tine_text(r, 200, "%d", failed);
}

/* Says what it is about to do, so that a client can be sure of it, and then waits for a word: for the file that the query names. */
static int wait_for_file(tine_request *r, const char *path)
{
    int slept = 0;
    for (int i = 0; i < 3000 && slept == 0 && access(path, F_OK) != 0; i++)
        slept = tine_sleep(r, 10);
    return slept;
}

/* A piece, and the next when told so. */
static int stream(tine_request *r)
{
    tine_set_header(r, "Content-Type", "text/plain");
    tine_write(r, "one ", 4);
    int flushed = tine_flush(r);
    int slept = flushed == 0 ? wait_for_file(r, q(r, "file")) : 0;
    tine_log(r, TINE_INFO, "stream: flushed %d, slept %d", flushed, slept);
    tine_write(r, "two", 3);
    return 0;
}

static int endless(tine_request *r)
{
    int count = 0;
    while (tine_event(r, NULL, NULL, NULL) == 0 && tine_sleep(r, atoi(q(r, "every"))) == 0)
        count++;
    tine_log(r, TINE_INFO, "endless: over after some %s", count > 0 ? "events" : "trouble");
    return 0;
}

/* Sleeps with nothing sent. */
static int nap(tine_request *r)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    tine_log(r, TINE_INFO, "nap: begins");
    int slept = tine_sleep(r, atoi(q(r, "ms")));
    clock_gettime(CLOCK_MONOTONIC, &after);
    long took = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    tine_log(r, TINE_INFO, "nap: slept %d", slept);
    return tine_text(r, 200, "%d %s", slept, took >= atoi(q(r, "ms")) ? "whole" : "short");
}

/* For the FIFO that the query names. */
static int waiting(tine_request *r)
{
    int fifo = open(q(r, "fifo"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    tine_log(r, TINE_INFO, "waiting: begins");
    int what = tine_wait(r, fifo, POLLIN, atoi(q(r, "ms")));
    tine_log(r, TINE_INFO, "waiting: %d", what);
    if (fifo >= 0)
        close(fifo);
    return tine_text(r, 200, "%d", what);
}

static int events(tine_request *r)
{
    tine_event(r, "greeting", "1", "two\nlines");
    tine_event(r, NULL, NULL, "a\r\nb\rc\n");
    tine_event(r, NULL, NULL, NULL);
    tine_event(r, NULL, "2", "");
    return 0;
}

static int bad_events(tine_request *r)
{
    int failed = -(tine_event(r, "a\ndata: evil", NULL, "x") + tine_event(r, NULL, "1\rdata: evil", "x"));
    return tine_text(r, 200, "%d", failed);
}

static int finish(tine_request *r)
{
    tine_text(r, 202, "accepted %s", q(r, "q"));
    int finished = tine_finish(r);
    int slept = wait_for_file(r, q(r, "file"));
    tine_log(r, TINE_INFO, "finish: %d, worked on for %s by %s %s, slept %d", finished, q(r, "q"), tine_method(r), tine_path(r), slept);
    if (strcmp(q(r, "then"), "crash") == 0)
        raise(SIGSEGV);
    return atoi(q(r, "then"));
}

/* What else can be finished. */
static int finish_what(tine_request *r)
{
    const char *what = q(r, "what");
    char digits[100000];
    memset(digits, '7', sizeof digits);
    if (strcmp(what, "file") == 0)
        tine_send_file(r, q(r, "file"), NULL);
    if (strcmp(what, "stream") == 0)
        tine_write(r, digits, sizeof digits);
    if (strcmp(what, "large") == 0)
        tine_send(r, 200, NULL, digits, sizeof digits);
    if (strcmp(what, "status") == 0)
        tine_set_status(r, 201);
    tine_finish(r);
    return 0;
}

static int late(tine_request *r)
{
    const char *what = q(r, "what");
    int result = 0;
    if (strcmp(what, "finish") == 0) {
        tine_text(r, 200, "all");
        tine_finish(r);
    } else {
        tine_write(r, "all", 3);
        tine_flush(r);
    }
    result += tine_set_header(r, "X-Late", "1") + tine_set_cookie(r, "late", "1", NULL);
    if (strcmp(what, "finish") == 0)
        result += tine_write(r, "more", 4) + tine_flush(r) + tine_event(r, NULL, NULL, "more") + tine_write_html(r, "more") +
                  tine_write_text(r, "more") + tine_finish(r);
    result += tine_text(r, 200, "other") == 500 ? -1 : 0;
    tine_set_status(r, 404);
    tine_log(r, TINE_INFO, "late: %d calls failed", -result);
    return 0;
}

static int wrong(tine_request *r)
{
    const char *what = q(r, "what");
    if (strcmp(what, "send") == 0)
        return tine_send(r, 200, NULL, "x", (size_t)-1);
    if (strcmp(what, "send_null") == 0)
        return tine_send(r, 200, NULL, NULL, 5);
    if (strcmp(what, "send_type") == 0)
        return tine_send(r, 200, "text/plain\r\nX-Evil: 1", "x", 1);
    if (strcmp(what, "json") == 0)
        return tine_json(r, 200, NULL);
    if (strcmp(what, "json_pack") == 0)
        return tine_json_pack(r, 200, "{s:i, s:s}", "a", 1, "b", "\xff");
    if (strcmp(what, "json_pack_format") == 0)
        return tine_json_pack(r, 200, "{s:i", "a", 1);
    if (strcmp(what, "json_pack_null") == 0)
        return tine_json_pack(r, 200, NULL);
    if (strcmp(what, "redirect") == 0)
        return tine_redirect(r, 302, NULL);
    if (strcmp(what, "redirect_status") == 0)
        return tine_redirect(r, 200, "/");
    if (strcmp(what, "html") == 0)
        return tine_html(r, 200, "%ls", L"x");
    if (strcmp(what, "text") == 0) {
        const char *volatile none = NULL;
        return tine_text(r, 200, none, 0);
    }
    if (strcmp(what, "status") == 0)
        return tine_text(r, 99, "x");
    if (strcmp(what, "returned") == 0)
        return 1000;
    if (strcmp(what, "fd") == 0)
        return tine_send_fd(r, 200, open("/dev/null", O_RDONLY), -5, 7);
    if (strcmp(what, "fd_length") == 0)
        return tine_send_fd(r, 200, open("/dev/null", O_RDONLY), 0, (size_t)-1);
    return 404;
}

/* Wrong calls that only fail themselves. */
static int wrong_calls(tine_request *r)
{
    int failed = -(tine_write(r, NULL, 5) + tine_write(r, "x", (size_t)-1) + tine_set_header(r, NULL, "x") +
                   tine_set_header(r, "X-A", "a\nb") + tine_add_header(r, "X-A", NULL));
    tine_sleep(r, -1);
    tine_wait(r, STDIN_FILENO, POLLIN, -1);
    tine_set_status(r, 1000);
    return tine_text(r, 200, "%d", failed);
}

/* In a loop: the log must not be flooded. */
static int stubborn(tine_request *r)
{
    for (int i = 0; i < 10000; i++)
        tine_write(r, NULL, 5);
    return tine_text(r, 200, "done");
}

static int no_content(tine_request *r)
{
    tine_set_status(r, 204);
    int failed = tine_flush(r);
    tine_log(r, TINE_INFO, "no_content: %d", failed);
    return 0;
}

static int behind_file(tine_request *r)
{
    tine_send_file(r, q(r, "file"), "text/plain");
    tine_write(r, "more", 4);
    return 0;
}

static int fails_late(tine_request *r)
{
    tine_text(r, 200, "fine");
    tine_finish(r);
    return 500;
}

static char *lent;

static void scribble_and_free(void *owner)
{
    (void)owner;
    memset(lent, '!', strlen(lent));
    free(lent);
}

/* The second response is made of the first, which is ours to give back. */
static int made_of(tine_request *r)
{
    const char *how = q(r, "how");
    size_t length;
    if (q(r, "lent") != NULL)
        tine_send_content(r, TINE_CONTENT(.data = lent = strdup("a body that is lent"), .length = 19, .release = scribble_and_free,
                                          .owner = NULL));
    else
        tine_text(r, 200, "a body that is lent");
    const char *body = tine_response_body(r, &length);
    if (strcmp(how, "text") == 0)
        return tine_text(r, 200, "<%.*s>", (int)length, body);
    if (strcmp(how, "html") == 0)
        return tine_html(r, 200, "<%.*s>", (int)length, body);
    if (strcmp(how, "send") == 0)
        return tine_send(r, 200, "text/plain", body + 2, length - 2);
    if (strcmp(how, "json") == 0)
        return tine_json(r, 200, json_pack("[s%]", body, length));
    if (strcmp(how, "problem") == 0)
        return tine_problem(r, 400, "%s", body);
    if (strcmp(how, "redirect") == 0)
        return tine_redirect(r, 302, body);
    return tine_json_pack(r, 200, "[s%]", body, length);
}

static int gives_up(tine_request *r)
{
    return tine_problem(r, (int)strtol(tine_query(r, "status"), NULL, 10), "no such table: %s", "users");
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/page", page),
                                           TINE_GET("/escaped", escaped),
                                           TINE_GET("/written", written),
                                           TINE_GET("/attachment", attachment),
                                           TINE_GET("/cookies", cookies),
                                           TINE_GET("/bad_cookies", bad_cookies),
                                           TINE_GET("/stream", stream),
                                           TINE_GET("/endless", endless),
                                           TINE_GET("/nap", nap),
                                           TINE_GET("/waiting", waiting),
                                           TINE_GET("/events", events),
                                           TINE_GET("/bad_events", bad_events),
                                           TINE_ROUTE("*", "/finish", finish),
                                           TINE_GET("/finish_what", finish_what),
                                           TINE_GET("/late", late),
                                           TINE_GET("/wrong", wrong),
                                           TINE_GET("/wrong_calls", wrong_calls),
                                           TINE_GET("/stubborn", stubborn),
                                           TINE_GET("/no_content", no_content),
                                           TINE_GET("/behind_file", behind_file),
                                           TINE_GET("/made_of", made_of),
                                           TINE_GET("/fails_late", fails_late),
                                           TINE_GET("/gives_up", gives_up),
                                           {0}})
