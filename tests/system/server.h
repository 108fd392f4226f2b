/* SPDX-License-Identifier: Apache-2.0
 *
 * A tine of the test's own: started on an INI text, reloaded, signalled, looked at, stopped.
 * In INI texts @DIR@ stands for the server's directory and @MODULES@ for the test modules'.
 */
#ifndef SYSTEM_SERVER_H
#define SYSTEM_SERVER_H

#include "harness.h"

/* The beginning of most INI texts: two workers on a port that the system picks. */
#define TWO_WORKERS "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define ONE_WORKER "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"

/* Apps to put behind it. */
#define PROBE "[app:probe]\npath = /\nmodule = @MODULES@/probe.so\n"
#define TROUBLE "[app:trouble]\npath = /trouble\nmodule = @MODULES@/trouble.so\ndirectory = @DIR@\n"
#define TURNSTILE "[app:turnstile]\npath = /turnstile\nmodule = @MODULES@/turnstile.so\ndirectory = @DIR@/tokens\n"
#define RESPOND(text) "[app:hello]\npath = /\nmodule = respond\nbody = " text "\n"

/* For shell scripts that play a new binary: waits until the old master, at the other end of the link, has answered 'word'. It ends by
 * itself with the link. */
#define HEAR(word) \
    "for n in {1..50}; do [ \"$(dd bs=65536 count=1 status=none <&$TINE_UPGRADE)\" = '" word "' ] && break; done\n"

struct server {
    pid_t pid;         /* the master */
    char address[128]; /* of the first listener, as logged: "127.0.0.1:43211" */
    char dir[80];      /* server.ini, log (standard error) and access (standard output) stand in it */
    char ini[96], log[96], access[96];
    size_t log_start;  /* length of the log when the current run began */
    int generation;    /* 1, and one more with each reload that was accepted */
    int refusals;      /* reloads refused so far */
};

enum { WORKERS_MAX = 64 };

/* Writes the text to server.ini of a fresh directory and starts tine on it; fails unless it listens. */
void server_start(struct server *server, const char *ini);

/* The same in steps: prepare the directory and the file; start (again) on what lies there. */
void server_prepare(struct server *server, const char *ini);
void server_launch(struct server *server);

/* The same by another command, which becomes tine. */
void server_launch_by(struct server *server, const char *const *argv);

/* Only writes the INI file; HUP would read it. */
void server_configure(const struct server *server, const char *ini);

/* Writes the file, sends HUP and waits until the log says that the next generation serves, or that the
 * reload was refused. */
void server_reload(struct server *server, const char *ini);
void server_reload_refused(struct server *server, const char *ini);

/* Fails unless `tine -t` refuses what lies there, with such a reason. Returns all that it tells. */
char *expect_bad_ini(const struct server *server, const char *reason);

/* Just sends HUP and waits for the verdict. */
void server_hup(struct server *server);

/* USR2, and waits until the master of the new binary has taken over; server->pid is that one then, and the old one has ended. */
void server_upgrade(struct server *server);

/* The same when it has been asked for already; the old one may go on for as long as its workers are busy. Returns its pid. */
pid_t server_succeed(struct server *server);

void server_signal(const struct server *server, int signal_number);

/* TERM: must end with exit code 0 and leave no worker. */
void server_stop(struct server *server);

/* The same where its log tells of crashes, which are no faults of tine's. */
void server_stop_after_crashes(struct server *server);

/* Stops it and starts another. Not a reload, after which workers of before still answer for a moment. */
void server_restart(struct server *server, const char *ini);

/* Waits for the master's end: its exit code or 128 + signal. A failed test if it does not end, or if its log tells of a
 * fault: a sanitizer's report, an assertion, a bad address. */
int server_wait(struct server *server);

/* What the log says since the current run began. Freed by the caller or with the test. */
char *server_log(const struct server *server);
bool server_log_has(const struct server *server, const char *needle);

/* Waits until the log holds 'needle', 'count' times. */
void server_log_await(const struct server *server, const char *needle, size_t count);

/* Lets go on who waits at this gate of TROUBLE: client_enter_gate(). */
void server_open_gate(const struct server *server, const char *gate);

/* For TURNSTILE, before the server is launched: the folder of its tokens. One of them, 1 to 9, lets one worker get ready. */
void server_make_tokens(const struct server *server);
void server_lay_token(const struct server *server, int number);

/* Waits until the access log holds 'needle'; returns the line it stands in. */
char *server_access_await(const struct server *server, const char *needle);

/* The address of the index-th (0 first) "listening on" line of this run; waits for it. */
const char *server_address(const struct server *server, size_t index);

/* Its port as a number. */
int address_port(const char *address);

/* The workers there are, or waits until there are exactly 'count' of them. */
size_t server_workers(const struct server *server, pid_t *workers);
void server_await_workers(const struct server *server, size_t count, pid_t *workers);

/* Waits until there are as many workers, none of them one of 'before'. */
void server_await_replaced(const struct server *server, const pid_t *before, size_t count);

/* Waits until they sleep in accept, and so are ready: one that has just been forked has all that the master has, until it has forgotten
 * it. */
void await_accepting(const pid_t *workers, size_t count);

/* Does any of 'some' stand in 'others'? */
bool pids_overlap(const pid_t *some, size_t some_count, const pid_t *others, size_t other_count);

/* Puts @DIR@ and @MODULES@ in. */
char *server_expand(const struct server *server, const char *ini);

#endif
