/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler's own children are given, and what they leave behind: /env/NAME is answered by a program that it starts;
 * /orphan starts a process called "orphan" whose parent is gone at once, and which ends when the file orphan.leave appears in
 * `directory`. worker_init waits for the file `wait_for`.
 */
#include <tine.h>

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int environment(tine_request *r)
{
    char line[256] = "";
    FILE *out = popen(tine_printf(r, "printenv %s", tine_param(r, "name")), "r");
    if (out == NULL)
        return 500;
    if (fgets(line, sizeof line, out) != NULL)
        line[strcspn(line, "\n")] = 0;
    return tine_text(r, 200, "%s", pclose(out) == 0 ? line : "(unset)");
}

static void be_orphan(const char *file)
{
    if (fork() != 0)
        _exit(0);
    close_range(0, ~0U, 0);
    prctl(PR_SET_NAME, "orphan");
    while (access(file, F_OK) != 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    _exit(7);
}

static int orphan(tine_request *r)
{
    const char *file = tine_printf(r, "%s/orphan.leave", tine_setting(tine_request_app(r), "directory"));
    pid_t middle = fork();
    if (middle == 0)
        be_orphan(file);
    return waitpid(middle, NULL, 0) == middle ? tine_text(r, 200, "left") : 500;
}

static int worker_init(tine_app *app)
{
    while (access(tine_setting(app, "wait_for"), F_OK) != 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    return 0;
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/env/{name}", environment), TINE_GET("/orphan", orphan), {0}},
            .settings = (const tine_option[]){{"directory", TINE_PATH, ".", "where the orphan looks"},
                                              {"wait_for", TINE_PATH, "/", "a file without which no worker gets ready"}, {0}},
            .worker_init = worker_init)
