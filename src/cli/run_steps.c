/* SPDX-License-Identifier: Apache-2.0
 *
 * What `tine run` does one after the other; see runner.h.
 */
#include "cli/runner.h"

#include "base/memory.h"
#include "cli/dependencies.h"
#include "cli/holder.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void stop(struct runner *runner, int result)
{
    runner->stopping = true;
    runner->result = result;
}

/* Takes 'why', which is shown unless it was. Without a server yet one is started that has nothing else to show; where it would listen the
 * INI file says, and if that cannot be read there is nothing to be done. */
static void fail(struct runner *runner, char *why, bool shown)
{
    if (!shown)
        fprintf(stderr, "%s%s", why, why[0] != 0 && why[strlen(why) - 1] != '\n' ? "\n" : "");
    run_write(runner, "failure", why);
    free(why);
    runner->failing = true;
    if (runner->config == NULL) {
        stop(runner, 1);
        return;
    }
    fputs("tine run: not served as it is; mend it and save\n", stderr);
    if (runner->server > 0)
        return;
    struct words settings = {0};
    char *ini = NULL;
    run_write_stand_in(runner, &settings);
    if (asprintf(&ini, "%s/stand-in.ini", runner->directory) < 0)
        abort();
    runner->stand_in = true;
    run_start_server(runner, ini, &settings);
    words_release(&settings);
    free(ini);
}

static void succeed(struct runner *runner)
{
    run_forget(runner, "failure");
    if (runner->failing)
        fputs("tine run: served again\n", stderr);
    runner->failing = false;
}

void run_changed(struct runner *runner)
{
    char *wrong = run_read_settings(runner);
    if (wrong != NULL)
        fail(runner, wrong, false);
    else
        run_start_step(runner, STEP_BUILD, project_make(&runner->project, &runner->installation, "module"), false);
}

static void check(struct runner *runner)
{
    struct words command = {0};
    words_add(&command, "%s", runner->installation.binary);
    words_add(&command, "-c");
    words_add(&command, "%s", runner->ini);
    words_add(&command, "-t");
    for (size_t i = 0; i < runner->wanted.count; i++)
        words_add(&command, "%s", runner->wanted.all[i]);
    run_start_step(runner, STEP_CHECK, command.all, true);
    words_release(&command);
}

static void reload(struct runner *runner)
{
    char *command[] = {runner->installation.binary, (char[]){"reload"}, (char[]){"-c"}, runner->ini, NULL};
    run_start_step(runner, STEP_RELOAD, command, false);
}

static void start(struct runner *runner)
{
    run_stop_server(runner);
    words_release(&runner->settings);
    for (size_t i = 0; i < runner->wanted.count; i++)
        words_add(&runner->settings, "%s", runner->wanted.all[i]);
    runner->stand_in = false;
    succeed(runner);
    run_start_server(runner, runner->ini, &runner->settings);
}

static void built(struct runner *runner, const char *output)
{
    char number[32];
    fputs(output, stderr); /* warnings */
    changes_clear(&runner->project.changes);
    snprintf(number, sizeof number, "%lu\n", ++runner->build);
    run_write(runner, "build", number);
    if (runner->server > 0 && !runner->stand_in && words_equal(&runner->settings, &runner->wanted))
        reload(runner);
    else
        check(runner);
}

/* The setting that is wrong is one of ours, as that of the module's place: that it came by -o says nothing to anybody. */
static void drop_places_of_ours(const struct runner *runner, char *output)
{
    for (char *line = output, *newline; line != NULL; line = newline != NULL ? newline + 1 : NULL) {
        char *place_end = strncmp(line, "-o ", 3) == 0 ? strstr(line, ": [") : NULL, *own = strstr(line, runner->project.objects);
        newline = strchr(line, '\n');
        if (place_end == NULL || own == NULL || own > place_end || (newline != NULL && place_end > newline))
            continue;
        memmove(line, place_end + 2, strlen(place_end + 2) + 1);
        newline = strchr(line, '\n');
    }
}

/* The compiler has said what is wrong; make only says that something is. */
static void drop_lines_of_make(char *output)
{
    char *to = output;
    for (char *line = output; *line != 0;) {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        if (strncmp(line, "make: *** [", 11) != 0 && (strncmp(line, "make[", 5) != 0 || strstr(line, ": *** [") == NULL)) {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    if (to > output)
        *to = 0;
}

/* Sources and headers may lie in folders of their own. The system's do not change while somebody works. */
static void watch_folder_of(void *context, const char *path)
{
    struct runner *runner = context;
    const char *slash = strrchr(path, '/');
    char *name = NULL, *folder = NULL;
    if (path[0] == '/' || slash == NULL)
        return;
    if (asprintf(&name, "%.*s/", (int)(slash - path), path) < 0 || asprintf(&folder, "%s/%s", runner->project.folder, name) < 0)
        abort();
    watch_add(&runner->watch, folder, name, false);
    free(folder);
    free(name);
}

void run_step_ended(struct runner *runner, int status)
{
    enum run_step step = runner->step;
    char *output = run_read(runner, "output");
    runner->step = STEP_NONE;
    runner->step_pid = 0;
    if (runner->stopping) {
        free(output);
        return;
    }
    if (step == STEP_BUILD)
        dependencies_each(runner->project.objects, watch_folder_of, runner);
    if (status != 0) {
        drop_lines_of_make(output);
        drop_places_of_ours(runner, output);
        fail(runner, output, false);
        return;
    }
    if (step == STEP_BUILD)
        built(runner, output);
    else if (step == STEP_CHECK)
        start(runner);
    else
        succeed(runner);
    free(output);
}

/* Which of the addresses, and who has it. */
static void tell_holder(const struct runner *runner)
{
    for (size_t i = 0; i < runner->config->listen_count; i++) {
        const struct address *address = &runner->config->listens[i].address;
        int family = address->socket.any.sa_family;
        unsigned port = ntohs(family == AF_INET ? address->socket.v4.sin_port : address->socket.v6.sin6_port);
        char holder[128];
        if ((family != AF_INET && family != AF_INET6) || port == 0)
            continue;
        holder_describe(port, holder, sizeof holder);
        fprintf(stderr, "tine run: port %u is taken by %s: end that, or take another: tine run -o server.listen=127.0.0.1:%u\n", port,
                holder, port < 65535 ? port + 1 : 8000);
    }
}

static char *tail_text(const struct relay *relay)
{
    char *text = memory_new(buffer_length(&relay->tail) + 1);
    if (buffer_length(&relay->tail) > 0)
        memcpy(text, buffer_bytes(&relay->tail), buffer_length(&relay->tail));
    return text;
}

void run_server_ended(struct runner *runner, int status)
{
    relay_read(runner, &runner->out);
    relay_read(runner, &runner->err);
    runner->server = 0;
    if (runner->stopping)
        return;
    char *tail = tail_text(&runner->err);
    bool taken = strstr(tail, "another program listens there") != NULL;
    if (taken)
        tell_holder(runner);
    if (taken || runner->has_served || runner->stand_in) {
        stop(runner, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        free(tail);
    } else {
        fail(runner, tail, true);
    }
}
