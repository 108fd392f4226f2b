/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h.
 */
#include "master/check.h"

#include "app/access_log.h"
#include "app/apps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_SECONDS = 30 };

static _Noreturn void check_in_child(const struct config *config, int fd)
{
    struct errors errors;
    const char *reason;
    alarm(CHECK_SECONDS);
    errors_init(&errors);
    apps_load(config, NULL, &errors);
    if (access_log_new(config->log_access_format, &reason) == NULL)
        config_reject_value(&errors, config, "log", "access_format", "%s", reason);
    FILE *out = fdopen(fd, "w");
    for (size_t i = 0; out != NULL && i < errors.kept; i++)
        fprintf(out, "%s\n", errors.messages[i]);
    if (out != NULL)
        fflush(out);
    _exit(0); /* what a module registered with atexit() is none of ours */
}

static void read_reasons(int fd, struct errors *errors)
{
    char line[4096];
    FILE *in = fdopen(fd, "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = 0;
        errors_add(errors, "%s", line);
    }
    if (in != NULL)
        fclose(in);
}

void check_apps(const struct config *config, struct errors *errors)
{
    int pipes[2], status = 0;
    fflush(NULL);
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        errors_add(errors, "cannot check modules: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        check_in_child(config, pipes[1]);
    }
    close(pipes[1]);
    read_reasons(pipes[0], errors);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        errors_add(errors, "cannot check modules: no process could be made");
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        errors_add(errors, "a module ended the process while it was loaded, with status %d", WEXITSTATUS(status));
    else if (!WIFEXITED(status))
        errors_add(errors, "while the modules were loaded: %s", WTERMSIG(status) == SIGALRM ? "it took longer than 30 s"
                                                                                             : strsignal(WTERMSIG(status)));
}
