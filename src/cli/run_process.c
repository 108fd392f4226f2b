/* SPDX-License-Identifier: Apache-2.0
 *
 * The children of `tine run`.
 */
#include "cli/runner.h"

#include "base/clock.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_MS = 3000, TAIL_MAX = 16 << 10, LINE_MAX_BYTES = 64 << 10, RELAY_BYTES = 16 << 10 };

/* Appended to what is set already: the last of two counts. Leaks are no matter of a worker that ends all at once; a report ends as a
 * crash does, which the server knows how to answer. */
static void add_options(const char *name, const char *ours)
{
    const char *theirs = getenv(name);
    char *all = NULL;
    if (asprintf(&all, "%s%s%s", ours, theirs != NULL ? ":" : "", theirs != NULL ? theirs : "") < 0)
        abort();
    setenv(name, all, 1);
    free(all);
}

static void prepare_environment(const struct runner *runner, bool loads_modules)
{
    /* We may have been started by make, whose make ours is not. */
    unsetenv("MAKEFLAGS");
    unsetenv("MFLAGS");
    unsetenv("MAKELEVEL");
    unsetenv("NOTIFY_SOCKET");
    if (!loads_modules || runner->project.runtime == NULL)
        return;
    setenv("LD_PRELOAD", runner->project.runtime, 1);
    add_options("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1:print_legend=0:"
                                "handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0");
    add_options("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:abort_on_error=1");
}

static pid_t run_start(struct runner *runner, char *const *command, bool loads_modules, bool leads, int out, int err)
{
    pid_t parent = getpid(), child;
    sigset_t none;
    fflush(NULL);
    child = fork();
    if (leads && child >= 0)
        setpgid(child, child); /* in both: whoever is first */
    if (child != 0)
        return child;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    prepare_environment(runner, loads_modules);
    execvp(command[0], command);
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", command[0], strerror(errno));
    _exit(127);
}

void run_start_step(struct runner *runner, enum run_step step, char *const *command, bool loads_modules)
{
    char path[sizeof runner->directory + sizeof "/output"];
    snprintf(path, sizeof path, "%s/output", runner->directory);
    int output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    runner->step_pid = run_start(runner, command, loads_modules, true, output, output);
    runner->step = runner->step_pid > 0 ? step : STEP_NONE;
    io_close(&output);
}

/* A step has a process group: make ends its children when it is told to end, but a compiler is a child of theirs. */
void run_stop_step(struct runner *runner)
{
    int64_t deadline = clock_ms() + STOP_MS;
    if (runner->step_pid <= 0)
        return;
    kill(-runner->step_pid, SIGTERM);
    while (waitpid(runner->step_pid, NULL, WNOHANG) == 0) {
        poll(NULL, 0, 10);
        if (clock_ms() > deadline)
            kill(-runner->step_pid, SIGKILL);
    }
    runner->step_pid = 0;
}

/* One end for us, the other for the child. */
static int open_relay(struct relay *relay, int to)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    io_close(&relay->from);
    buffer_clear(&relay->line, 0);
    buffer_clear(&relay->tail, 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    relay->from = ends[0];
    relay->to = to;
    return ends[1];
}

void run_start_server(struct runner *runner, const char *ini, const struct words *settings)
{
    struct words command = {0};
    words_add(&command, "%s", runner->installation.binary);
    words_add(&command, "-c");
    words_add(&command, "%s", ini);
    for (size_t i = 0; i < settings->count; i++)
        words_add(&command, "%s", settings->all[i]);
    int out = open_relay(&runner->out, STDOUT_FILENO), err = open_relay(&runner->err, STDERR_FILENO);
    runner->has_served = false;
    runner->server = run_start(runner, command.all, true, false, out, err);
    io_close(&out);
    io_close(&err);
    words_release(&command);
}

void run_stop_server(struct runner *runner)
{
    int64_t deadline = clock_ms() + STOP_MS;
    if (runner->server <= 0)
        return;
    kill(runner->server, SIGINT);
    while (waitpid(runner->server, NULL, WNOHANG) == 0) {
        struct pollfd outputs[] = {{.fd = runner->out.from, .events = POLLIN}, {.fd = runner->err.from, .events = POLLIN}};
        poll(outputs, 2, 10);
        relay_read(runner, &runner->out);
        relay_read(runner, &runner->err);
        if (clock_ms() > deadline)
            kill(runner->server, SIGKILL);
    }
    runner->server = 0;
}

/* What it comes down to is known: somebody's page asks whether there is news. */
static bool is_noise(const char *line, size_t length)
{
    return memmem(line, length, "GET /-/run ", 11) != NULL;
}

static void pass_line(struct runner *runner, struct relay *relay, const char *line, size_t length)
{
    if (is_noise(line, length))
        return;
    io_write_all(relay->to, line, length);
    buffer_append(&relay->tail, line, length);
    if (buffer_length(&relay->tail) > TAIL_MAX)
        buffer_consume(&relay->tail, buffer_length(&relay->tail) - TAIL_MAX);
    if (relay == &runner->err && !runner->has_served && memmem(line, length, "generation 1 serves", 19) != NULL) {
        runner->has_served = true;
        if (!runner->stand_in)
            fputs("tine run: what you save is built and served at once; Ctrl-C ends\n", stderr);
    }
}

void relay_read(struct runner *runner, struct relay *relay)
{
    const char *newline;
    if (relay->from < 0)
        return;
    ssize_t length = read(relay->from, buffer_reserve(&relay->line, RELAY_BYTES), RELAY_BYTES);
    if (length > 0)
        relay->line.end += (size_t)length;
    while ((newline = memchr(buffer_bytes(&relay->line), '\n', buffer_length(&relay->line))) != NULL) {
        size_t line = (size_t)(newline - buffer_bytes(&relay->line)) + 1;
        pass_line(runner, relay, buffer_bytes(&relay->line), line);
        buffer_consume(&relay->line, line);
    }
    if (length == 0 || buffer_length(&relay->line) > LINE_MAX_BYTES) {
        pass_line(runner, relay, buffer_bytes(&relay->line), buffer_length(&relay->line));
        buffer_clear(&relay->line, 0);
    }
    if (length == 0)
        io_close(&relay->from);
}
