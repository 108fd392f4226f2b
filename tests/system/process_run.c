/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting, awaiting and looking at processes. See harness.h.
 */
#include "harness.h"

#include <sys/stat.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fds[16];
    size_t count;
} passed;

void process_pass(const int *fds, size_t count)
{
    for (passed.count = 0; passed.count < count && passed.count < 16; passed.count++)
        passed.fds[passed.count] = fds[passed.count];
}

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(127);
}

/* In the child: nothing that Criterion set up may reach the program under test. */
static void become(const char *const *argv, const char *out_path, const char *err_path)
{
    sigset_t none;
    setpgid(0, 0);
    redirect("/dev/null", O_RDONLY, 0);
    redirect(out_path, O_WRONLY | O_CREAT | O_APPEND, 1);
    redirect(err_path, O_WRONLY | O_CREAT | O_APPEND, 2);
    int high[16];
    for (size_t i = 0; i < passed.count; i++) /* out of the way first: one may be another's place */
        high[i] = fcntl(passed.fds[i], F_DUPFD_CLOEXEC, 100);
    for (size_t i = 0; i < passed.count; i++)
        dup2(high[i], 3 + (int)i);
    close_range(3 + (unsigned)passed.count, ~0U, 0);
    for (int signal_number = 1; signal_number < 65; signal_number++)
        signal(signal_number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

pid_t process_fork(void)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        harness_fail("fork: %s", strerror(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
    }
    return child;
}

pid_t process_start(const char *const *argv, const char *out_path, const char *err_path)
{
    pid_t child = process_fork();
    if (child == 0)
        become(argv, out_path, err_path);
    return child;
}

int process_wait(pid_t process, int64_t ms)
{
    int status, fd = (int)syscall(SYS_pidfd_open, process, 0);
    if (fd < 0)
        return -1; /* there is none (any more): nothing to wait for */
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    int ready = poll(&ended, 1, (int)ms);
    close(fd);
    if (ready != 1 || waitpid(process, &status, 0) != process)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct run run_program(const char *const *argv)
{
    return run_program_within(PATIENCE, argv);
}

struct run run_program_within(int64_t ms, const char *const *argv)
{
    static int number;
    struct run result;
    const char *out = text("%s/run%d.out", test_dir(), ++number);
    const char *err = text("%s/run%d.err", test_dir(), number);
    pid_t child = process_start(argv, out, err);
    result.code = process_wait(child, ms);
    if (result.code < 0) {
        kill(child, SIGKILL);
        harness_fail("%s did not end; it said: %s", argv[0], file_read(err, NULL));
    }
    result.out = file_read(out, NULL);
    result.err = file_read(err, NULL);
    return result;
}

bool program_exists(const char *name)
{
    return run("sh", "-c", text("command -v %s", name)).code == 0;
}

/* Field 3 (state) and 4 (parent) of /proc/PID/stat, read behind the name, which may hold anything. */
static bool process_stat(pid_t process, char *state, pid_t *parent)
{
    char *stat = process_file(process, "stat");
    char *behind_name = strrchr(stat, ')');
    bool known = behind_name != NULL && sscanf(behind_name + 1, " %c %d", state, parent) == 2;
    free(stat);
    return known;
}

bool process_alive(pid_t process)
{
    char state;
    pid_t parent;
    return process_stat(process, &state, &parent) && state != 'Z' && state != 'X';
}

/* Clock ticks since the system started. */
static unsigned long long process_started(pid_t process)
{
    char *stat = process_file(process, "stat");
    const char *behind_name = strrchr(stat, ')');
    unsigned long long started = 0;
    if (behind_name != NULL)
        sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &started);
    free(stat);
    return started;
}

int64_t process_age_ms(pid_t process)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
           (int64_t)(process_started(process) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

struct found {
    pid_t pid;
    unsigned long long started;
};

/* Pids begin anew when the last one has been given: of two that began in the same tick and are far apart the larger came first. */
static int compare_ages(const void *a, const void *b)
{
    enum { FAR = 1000 };
    const struct found *one = a, *other = b;
    if (one->started != other->started)
        return one->started < other->started ? -1 : 1;
    int apart = one->pid - other->pid;
    return apart > FAR || apart < -FAR ? -apart : apart;
}

size_t process_children(pid_t process, pid_t *children, size_t max)
{
    size_t count = 0;
    struct found *found = calloc(max, sizeof *found);
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (found != NULL && proc != NULL && count < max && (entry = readdir(proc)) != NULL) {
        char state;
        pid_t parent, candidate = atoi(entry->d_name);
        if (isdigit((unsigned char)entry->d_name[0]) && process_stat(candidate, &state, &parent) &&
            parent == process && state != 'Z')
            found[count++] = (struct found){candidate, process_started(candidate)};
    }
    closedir(proc);
    qsort(found, count, sizeof *found, compare_ages);
    for (size_t i = 0; i < count; i++)
        children[i] = found[i].pid;
    free(found);
    return count;
}

char *process_file(pid_t process, const char *name)
{
    char path[64];
    size_t length;
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    char *content = file_read(path, &length);
    for (size_t i = 0; i + 1 < length; i++)
        if (content[i] == 0)
            content[i] = ' ';
    return content;
}

static long ticks_of(pid_t process)
{
    long user = 0, system = 0;
    sscanf(strrchr(process_file(process, "stat"), ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
    return user + system;
}

void process_expect_rest(pid_t process, const char *what)
{
    long before = ticks_of(process);
    for (int64_t end = now_ms() + 1000; now_ms() < end;)
        pause_shortly();
    long used = ticks_of(process) - before;
    if (used >= sysconf(_SC_CLK_TCK) / 5)
        harness_fail("%s: %ld ticks", what, used);
}

int process_sockets(pid_t process)
{
    return atoi(run("sh", "-c", text("ls -l /proc/%d/fd | grep -c socket:", process)).out);
}

bool nobody_can_reach_tine(void)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s", tine_path());
    for (char *slash = strrchr(path, '/'); slash != NULL && slash > path; slash = strrchr(path, '/')) {
        *slash = 0;
        if (stat(path, &status) == 0 && (status.st_mode & S_IXOTH) == 0)
            return geteuid() != 0;
    }
    return true;
}
