/* SPDX-License-Identifier: Apache-2.0
 *
 * See launch.h.
 */
#include "master/launch.h"

#include "base/io.h"
#include "base/memory.h"
#include "master/inheritance.h"
#include "master/master.h"
#include "master/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

void launch_init(int argc, char **argv)
{
    arguments = memory_new(((size_t)argc + 1) * sizeof *arguments);
    for (int i = 0; i < argc; i++)
        arguments[i] = memory_copy_text(argv[i]);
}

const char *launch_program(void)
{
    return arguments[0];
}

const char *launch_hint(int error)
{
    return error == EAGAIN ? " (the limit of processes: ulimit -u, or TasksMax= in the unit)" : "";
}

/* Found as the shell found us: by a path, or in PATH. execvp() would hand what is no program (a file that was cut off, or is empty) to
 * /bin/sh, as whom we are. */
static void run_program(void)
{
    if (strchr(arguments[0], '/') != NULL)
        execv(arguments[0], arguments);
    else
        execvp(arguments[0], arguments);
}

/* Returns only if it cannot be run. */
static void become(int link)
{
    sigset_t before;
    inheritance_announce(link);
    notify_pass_on();
    master_pass_signals(&before);
    run_program();
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    notify_withdraw();
    inheritance_withdraw();
    errno = error;
}

static _Noreturn void run_child(int link)
{
    become(link);
    inheritance_tell(link, "reason cannot run '%s': %s", arguments[0], strerror(errno));
    _exit(127);
}

/* A link with everything in it; [1] is for the new one. */
static int open_link(struct master *m, int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    if (inheritance_send(pair[0], m) == 0)
        return 0;
    io_close(&pair[0]);
    io_close(&pair[1]);
    return -1;
}

pid_t launch_beside(struct master *m, int *link)
{
    int pair[2];
    if (open_link(m, pair) < 0)
        return -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_child(pair[1]);
    io_close(&pair[1]);
    if (pid < 0)
        io_close(&pair[0]);
    *link = pair[0];
    return pid;
}

int launch_here(struct master *m, int *link)
{
    int pair[2];
    if (open_link(m, pair) < 0)
        return -1;
    fflush(NULL);
    pid_t copy = fork();
    if (copy == 0) {
        io_close(&pair[1]);
        *link = pair[0];
        return 0;
    }
    io_close(&pair[0]); /* the copy has the old side, we are to be the new one */
    if (copy > 0) {
        become(pair[1]);
        int error = errno;
        kill(copy, SIGKILL);
        while (waitpid(copy, NULL, 0) < 0 && errno == EINTR) /* what it still does to shared memory is done then */
            ;
        errno = error;
    }
    io_close(&pair[1]);
    return -1;
}
