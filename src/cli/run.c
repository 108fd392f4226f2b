/* SPDX-License-Identifier: Apache-2.0
 *
 * tine run [FILE.c | FOLDER]: builds a module, serves it, and does so again whenever something is saved. This file has the command line
 * and the one wait; see runner.h.
 */
#include "cli/cli.h"
#include "cli/runner.h"

#include "base/io.h"
#include "base/memory.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct run_options {
    const char *place, *ini;
    bool sanitize;
};

static int refuse_usage(const char *problem)
{
    fprintf(stderr, "tine run: %s\nusage: tine run [-c FILE] [-o SECTION.KEY=VALUE]... [--no-sanitize] [FILE.c | FOLDER]\n", problem);
    return -1;
}

static int parse(struct runner *runner, struct run_options *options, int argc, char **argv)
{
    static const struct option longs[] = {{"no-sanitize", no_argument, NULL, 'n'}, {0}};
    int option;
    *options = (struct run_options){.place = ".", .sanitize = true};
    runner->overrides = memory_new((size_t)argc * sizeof *runner->overrides);
    opterr = 0;
    while ((option = getopt_long(argc, argv, "c:o:", longs, NULL)) != -1) {
        if (option == 'c')
            options->ini = optarg;
        else if (option == 'o' && strchr(optarg, '.') != NULL && strchr(optarg, '=') != NULL)
            runner->overrides[runner->override_count++] = optarg;
        else if (option == 'n')
            options->sanitize = false;
        else
            return refuse_usage(option == 'o' ? "-o takes SECTION.KEY=VALUE" : "wrong option");
    }
    if (optind < argc)
        options->place = argv[optind++];
    return optind < argc ? refuse_usage("too many arguments") : 0;
}

/* From now on they come by a descriptor: nothing is interrupted by them. Where nobody reads what is told there is nobody to serve. */
static int open_signals(void)
{
    const int numbers[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct runner *runner)
{
    struct signalfd_siginfo signals[8];
    ssize_t length;
    while ((length = read(runner->signals, signals, sizeof signals)) > 0)
        for (size_t i = 0; i < (size_t)length / sizeof signals[0]; i++)
            if (signals[i].ssi_signo != SIGCHLD)
                runner->stopping = true;
}

static void reap(struct runner *runner)
{
    int status;
    pid_t process;
    while ((process = waitpid(-1, &status, WNOHANG)) > 0) {
        if (process == runner->step_pid)
            run_step_ended(runner, status);
        else if (process == runner->server)
            run_server_ended(runner, status);
    }
}

static void wait_and_act(struct runner *runner)
{
    struct pollfd watched[] = {{.fd = runner->signals, .events = POLLIN}, {.fd = runner->watch.fd, .events = POLLIN},
                               {.fd = runner->out.from, .events = POLLIN}, {.fd = runner->err.from, .events = POLLIN}};
    /* A step that runs is let end; what changes meanwhile waits. */
    poll(watched, sizeof watched / sizeof watched[0], runner->step == STEP_NONE ? watch_due(&runner->watch) : -1);
    if (watched[2].revents != 0)
        relay_read(runner, &runner->out);
    if (watched[3].revents != 0)
        relay_read(runner, &runner->err);
    if (watched[1].revents != 0)
        watch_read(&runner->watch, &runner->project);
    take_signals(runner);
    reap(runner);
    if (!runner->stopping && runner->step == STEP_NONE && watch_due(&runner->watch) == 0) {
        watch_take(&runner->watch, &runner->project.changes);
        run_changed(runner);
    }
}

static void end(struct runner *runner)
{
    runner->stopping = true;
    run_stop_step(runner);
    run_stop_server(runner);
    run_remove_directory(runner);
}

static int prepare(struct runner *runner, const struct run_options *options)
{
    if (installation_find(&runner->installation, "run") < 0 || run_make_directory(runner) < 0 ||
        project_find(&runner->project, &runner->installation, options->place, options->ini, options->sanitize, runner->directory) < 0)
        return -1;
    runner->ini = runner->project.ini;
    if (runner->ini == NULL && asprintf(&runner->ini, "%s/run.ini", runner->directory) < 0)
        abort();
    if (watch_open(&runner->watch) < 0) {
        fputs("tine run: cannot watch for changes: see /proc/sys/fs/inotify/max_user_instances\n", stderr);
        return -1;
    }
    watch_add(&runner->watch, runner->project.folder, "", false);
    if (runner->project.ini != NULL) {
        char *folder = memory_copy_text(runner->project.ini), *slash = strrchr(folder, '/');
        *(slash == folder ? slash + 1 : slash) = 0;
        watch_add(&runner->watch, folder, NULL, false);
        free(folder);
    }
    return 0;
}

int cli_run(int argc, char **argv)
{
    static struct runner runner = {.signals = -1, .out = {.from = -1}, .err = {.from = -1}, .watch = {.fd = -1}};
    struct run_options options;
    if (parse(&runner, &options, argc, argv) < 0)
        return 2;
    runner.result = prepare(&runner, &options) < 0;
    if (runner.result == 0) {
        run_write(&runner, "build", "0\n");
        runner.signals = open_signals();
        run_changed(&runner);
        while (!runner.stopping)
            wait_and_act(&runner);
    }
    end(&runner);
    return runner.result;
}
