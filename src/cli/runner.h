/* SPDX-License-Identifier: Apache-2.0
 *
 * tine run as a process: it never serves and never loads a module. It starts make, the server (this binary again, with the sanitizers'
 * runtime loaded first) and its commands as children, one step at a time, and goes by how they end:
 *
 *     a change -> build -> no server yet, or other settings: check (-t) -> start
 *                       -> else:                             reload
 *     whatever fails: its words are the answer to every request (modules/develop.c), until the next change
 *
 * Inside of src/cli only.
 */
#ifndef CLI_RUNNER_H
#define CLI_RUNNER_H

#include "base/buffer.h"
#include "cli/installation.h"
#include "cli/project.h"
#include "cli/watch.h"
#include "config/config.h"

#include <stdbool.h>
#include <sys/types.h>

enum run_step { STEP_NONE, STEP_BUILD, STEP_CHECK, STEP_RELOAD };

/* What the server writes goes through us: without the questions of pages whether there is news, and so that a failure can be shown. */
struct relay {
    int from, to;
    struct buffer line; /* begun */
    struct buffer tail; /* the last of it */
};

/* The words of a command; they are its own. */
struct words {
    char **all;
    size_t count;
};

struct runner {
    const char **overrides; /* of the command line */
    size_t override_count;
    struct installation installation;
    struct project project;
    struct watch watch;
    char directory[64];    /* for what is ours: see run_files.c */
    char *ini;             /* what is served by; the project's, or one of our own */
    struct config *config; /* as it was last read without an error; NULL: never */
    int signals;
    enum run_step step;
    pid_t step_pid;
    pid_t server;
    bool stand_in;         /* the server is one that has nothing but the failure to show */
    bool has_served;       /* it got so far */
    bool failing;
    bool stopping;
    int result;            /* exit status, when stopping */
    struct words settings; /* -o ... of the server that runs */
    struct words wanted;   /* of the next one */
    struct relay out, err;
    unsigned long build;
};

void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_release(struct words *words);
bool words_equal(const struct words *a, const struct words *b);

/* run_files.c: our folder, its files, and what is in them. */
int run_make_directory(struct runner *runner);
void run_remove_directory(struct runner *runner);
void run_write(const struct runner *runner, const char *name, const char *text);
char *run_read(const struct runner *runner, const char *name); /* to be freed; "" when it is not there */
void run_forget(const struct runner *runner, const char *name);

/* run_settings.c: reads the INI file and makes runner->wanted of it. NULL, or what is wrong, to be freed. */
char *run_read_settings(struct runner *runner);
/* An INI file of the same addresses and nothing else, for the stand-in; -o words for it. */
void run_write_stand_in(struct runner *runner, struct words *settings);

/* run_process.c: children. Those that load modules have the sanitizers' runtime. */
void run_start_step(struct runner *runner, enum run_step step, char *const *command, bool loads_modules);
void run_stop_step(struct runner *runner); /* and whatever it has started */
void run_start_server(struct runner *runner, const char *ini, const struct words *settings);
void run_stop_server(struct runner *runner); /* and waits for its end */
void relay_read(struct runner *runner, struct relay *relay);

/* run_steps.c: what comes next. */
void run_changed(struct runner *runner);
void run_step_ended(struct runner *runner, int status);
void run_server_ended(struct runner *runner, int status);

#endif
