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
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

/* Where /proc is not there, any program of that name. */
static bool is_this_program(const char *path)
{
    struct stat this, status;
    if (stat("/proc/self/exe", &this) < 0)
        return access(path, X_OK) == 0;
    return stat(path, &status) == 0 && status.st_dev == this.st_dev && status.st_ino == this.st_ino;
}

/* Where the shell found 'name': the entry of PATH, links and all, that leads to this very program. NULL: no entry does. */
static char *find_in_path(const char *name)
{
    const char *entry = getenv("PATH");
    while (entry != NULL) {
        size_t length = strcspn(entry, ":");
        char *path = memory_new(length + strlen(name) + 3);
        sprintf(path, "%.*s/%s", length > 0 ? (int)length : 1, length > 0 ? entry : ".", name);
        if (is_this_program(path))
            return path;
        free(path);
        entry = entry[length] == ':' ? entry + length + 1 : NULL;
    }
    return NULL;
}

/* A name alone is looked up now: later PATH may lead to another program. */
static char *find_program(const char *name)
{
    char running[PATH_MAX];
    if (strchr(name, '/') != NULL)
        return memory_copy_text(name);
    char *path = find_in_path(name);
    if (path != NULL)
        return path;
    ssize_t length = readlink("/proc/self/exe", running, sizeof running - 1);
    running[length > 0 ? length : 0] = 0;
    return memory_copy_text(length > 0 ? running : name);
}

void launch_init(int argc, char **argv)
{
    arguments = memory_new(((size_t)argc + 1) * sizeof *arguments);
    arguments[0] = find_program(argv[0]);
    for (int i = 1; i < argc; i++)
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

/* Returns only if it cannot be run. */
static void become(int link)
{
    sigset_t before;
    inheritance_announce(link);
    notify_pass_on();
    master_pass_signals(&before);
    /* Not execvp(): what is no program (a file that was cut off) it would hand to /bin/sh, as whom we are. */
    execv(arguments[0], arguments);
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
