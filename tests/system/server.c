/* SPDX-License-Identifier: Apache-2.0
 *
 * See server.h. Everything is learned from outside: the log, /proc, exit codes.
 */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static char *replace(char *in, const char *word, const char *with)
{
    char *at;
    while ((at = strstr(in, word)) != NULL)
        in = text("%.*s%s%s", (int)(at - in), in, with, at + strlen(word));
    return in;
}

char *server_expand(const struct server *server, const char *ini)
{
    return replace(replace(text("%s", ini), "@DIR@", server->dir), "@MODULES@", modules_path());
}

void server_configure(const struct server *server, const char *ini)
{
    const char *fresh = text("%s.fresh", server->ini);
    file_write(fresh, server_expand(server, ini));
    if (rename(fresh, server->ini) != 0) /* whole or not at all: a reload may be reading it */
        harness_fail("rename %s: %s", fresh, strerror(errno));
}

void server_prepare(struct server *server, const char *ini)
{
    static int number;
    memset(server, 0, sizeof *server);
    snprintf(server->dir, sizeof server->dir, "%s/%d", test_dir(), ++number);
    if (mkdir(server->dir, 0755) != 0)
        harness_fail("mkdir %s: %s", server->dir, strerror(errno));
    snprintf(server->ini, sizeof server->ini, "%s/server.ini", server->dir);
    snprintf(server->log, sizeof server->log, "%s/log", server->dir);
    snprintf(server->access, sizeof server->access, "%s/access", server->dir);
    server_configure(server, ini);
}

void server_launch_by(struct server *server, const char *const *argv)
{
    free(file_read(server->log, &server->log_start));
    server->pid = process_start(argv, server->access, server->log);
    kill_at_exit(server->pid);
    server->generation = 1;
    server->refusals = 0;
    snprintf(server->address, sizeof server->address, "%s", server_address(server, 0));
}

void server_launch(struct server *server)
{
    const char *argv[] = {tine_path(), "-c", server->ini, NULL};
    server_launch_by(server, argv);
}

void server_start(struct server *server, const char *ini)
{
    server_prepare(server, ini);
    server_launch(server);
}

char *expect_bad_ini(const struct server *server, const char *reason)
{
    struct run ran = run_tine("-t", "-c", server->ini);
    if (ran.code != 1 || !text_matches(ran.err, reason))
        harness_fail("%d, and no /%s/ in: %s%s", ran.code, reason, ran.err, ran.out);
    return ran.err;
}

void server_signal(const struct server *server, int signal_number)
{
    if (kill(server->pid, signal_number) != 0)
        harness_fail("kill(%d): %s", server->pid, strerror(errno));
}

void server_hup(struct server *server)
{
    server_signal(server, SIGHUP);
    server_log_await(server, text("generation %d serves", ++server->generation), 1);
}

pid_t server_succeed(struct server *server)
{
    pid_t old = server->pid;
    char *line = text(" %d process ", old), *at = NULL;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that it is ours to wait for when the old one has ended */
    if (!wait_until(PATIENCE, (at = strstr(server_log(server), line)) != NULL))
        harness_fail("nobody took over from %d; the log:\n%s", old, server_log(server));
    server->pid = atoi(at + strlen(line));
    kill_at_exit(server->pid);
    server_log_await(server, text("%d generation %d serves", server->pid, ++server->generation), 1);
    return old;
}

void server_upgrade(struct server *server)
{
    server_signal(server, SIGUSR2);
    pid_t old = server_succeed(server);
    int code = process_wait(old, PATIENCE);
    if (code != 0)
        harness_fail("the old master ended with %d; the log:\n%s", code, server_log(server));
}

void server_reload(struct server *server, const char *ini)
{
    server_configure(server, ini);
    server_hup(server);
}

void server_reload_refused(struct server *server, const char *ini)
{
    server_configure(server, ini);
    server_signal(server, SIGHUP);
    server_log_await(server, "reload refused", (size_t)++server->refusals);
}

/* What no test provokes: a sanitizer's report, a failed assertion, a bad address. (Handlers that abort() or are killed
 * are part of some.) */
static bool log_tells_fault(const char *log)
{
    return text_matches(log, "AddressSanitizer|LeakSanitizer|runtime error:|[Aa]ssertion|SEGV|[Ss]egmentation|"
                             "SIGBUS|Bus error|stack smashing|buffer overflow");
}

int server_wait(struct server *server)
{
    int code = process_wait(server->pid, PATIENCE);
    if (code < 0)
        harness_fail("the master does not end; its log:\n%s", server_log(server));
    if (log_tells_fault(server_log(server)))
        harness_fail("the log tells of a fault:\n%s", server_log(server));
    return code;
}

void server_stop(struct server *server)
{
    pid_t workers[WORKERS_MAX];
    size_t count = server_workers(server, workers);
    server_signal(server, SIGTERM);
    int code = server_wait(server);
    char *log = server_log(server);
    if (code != 0)
        harness_fail("stopped with %d; the log:\n%s", code, log);
    while (count-- > 0)
        if (process_alive(workers[count]))
            harness_fail("worker %d outlives its master", workers[count]);
}

void server_restart(struct server *server, const char *ini)
{
    server_stop(server);
    server_start(server, ini);
}

void server_stop_after_crashes(struct server *server)
{
    server_signal(server, SIGTERM);
    int code = process_wait(server->pid, PATIENCE);
    if (code != 0)
        harness_fail("ended with %d; the log:\n%s", code, server_log(server));
}

char *server_log(const struct server *server)
{
    size_t length;
    char *log = file_read(server->log, &length);
    if (length >= server->log_start)
        memmove(log, log + server->log_start, length - server->log_start + 1);
    return log;
}

bool server_log_has(const struct server *server, const char *needle)
{
    char *log = server_log(server);
    bool has = strstr(log, needle) != NULL;
    free(log);
    return has;
}

static size_t log_count(const struct server *server, const char *needle)
{
    char *log = server_log(server);
    size_t count = text_count(log, needle);
    free(log);
    return count;
}

void server_log_await(const struct server *server, const char *needle, size_t count)
{
    if (!wait_until(PATIENCE, log_count(server, needle) >= count || !process_alive(server->pid)) ||
        log_count(server, needle) < count)
        harness_fail("the log never said \"%s\" (%zu times); it says:\n%s", needle, count, server_log(server));
}

void server_open_gate(const struct server *server, const char *gate)
{
    file_write(text("%s/gate.%s.open", server->dir, gate), "");
}

void server_make_tokens(const struct server *server)
{
    char *tokens = text("%s/tokens", server->dir);
    mkdir(tokens, 0777);
    chmod(tokens, 0777); /* whatever the umask is: workers may be another user */
}

void server_lay_token(const struct server *server, int number)
{
    file_write(text("%s/tokens/token.%d", server->dir, number), "");
}

static char *access_line(const struct server *server, const char *needle)
{
    char *log = file_read(server->access, NULL), *line = NULL;
    for (char *at = strtok(log, "\n"); at != NULL && line == NULL; at = strtok(NULL, "\n"))
        if (strstr(at, needle) != NULL)
            line = text("%s", at);
    free(log);
    return line;
}

char *server_access_await(const struct server *server, const char *needle)
{
    char *line = NULL;
    if (!wait_until(PATIENCE, (line = access_line(server, needle)) != NULL))
        harness_fail("no \"%s\" in the access log:\n%s", needle, file_read(server->access, NULL));
    return line;
}

const char *server_address(const struct server *server, size_t index)
{
    static char address[128];
    server_log_await(server, "listening on ", index + 1);
    char *log = server_log(server), *at = log;
    for (size_t i = 0; i <= index; i++)
        at = strstr(at, "listening on ") + strlen("listening on ");
    snprintf(address, sizeof address, "%.*s", (int)strcspn(at, " \n"), at);
    free(log);
    return address;
}

int address_port(const char *address)
{
    return atoi(strrchr(address, ':') + 1);
}

size_t server_workers(const struct server *server, pid_t *workers)
{
    return process_children(server->pid, workers, WORKERS_MAX);
}

void server_await_workers(const struct server *server, size_t count, pid_t *workers)
{
    if (!wait_until(PATIENCE, server_workers(server, workers) == count))
        harness_fail("%zu workers, not %zu; the log:\n%s", server_workers(server, workers), count, server_log(server));
}

void server_await_replaced(const struct server *server, const pid_t *before, size_t count)
{
    pid_t now[WORKERS_MAX];
    await(server_workers(server, now) == count && !pids_overlap(now, count, before, count));
}

void await_accepting(const pid_t *workers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        await(strcmp(process_file(workers[i], "wchan"), "inet_csk_accept") == 0);
}

bool pids_overlap(const pid_t *some, size_t some_count, const pid_t *others, size_t other_count)
{
    for (size_t i = 0; i < some_count; i++)
        for (size_t k = 0; k < other_count; k++)
            if (some[i] == others[k])
                return true;
    return false;
}
