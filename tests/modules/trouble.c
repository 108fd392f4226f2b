/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that wait, sleep, spin and crash. A test meets a handler at its gate: "gate N entered" in
 * the error log says that it is inside; the handler leaves when the file gate.N.open appears in
 * `directory`. No sleep has to be guessed.
 */
#include <tine.h>

#include <err.h>
#include <error.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int gate(tine_request *r)
{
    const char *name = tine_param(r, "name");
    const char *file = tine_printf(r, "%s/gate.%s.open", tine_setting(tine_request_app(r), "directory"), name);
    tine_log(r, TINE_INFO, "gate %s entered", name);
    while (access(file, F_OK) != 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    return tine_text(r, 200, "through gate %s", name);
}

static int nap(tine_request *r)
{
    long ms = strtol(tine_param(r, "ms"), NULL, 10);
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        continue;
    return tine_text(r, 200, "slept %ld ms", ms);
}

/* Longer than it may, and the abort comes only when it is over, as it does to one that ends at the very moment it is sent. By the system
 * call: the functions leave SIGABRT alone. */
static int late(tine_request *r)
{
    sigset_t aborts;
    sigemptyset(&aborts);
    sigaddset(&aborts, SIGABRT);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &aborts, NULL, _NSIG / 8);
    return nap(r);
}

static void *rest(void *argument)
{
    for (;;)
        pause();
    return argument;
}

/* The process goes on without its main thread, which nobody can send a signal to any more. */
static int headless(tine_request *r)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, rest, NULL) != 0)
        return tine_problem(r, 500, "cannot start a thread");
    pthread_exit(NULL);
}

/* Takes every descriptor that there is, for good. */
static int hoard(tine_request *r)
{
    long count = 0;
    while (dup(0) >= 0)
        count++;
    return tine_text(r, 200, "%ld", count);
}

/* Closes every descriptor that there is, as one who takes -1 or a freed one for the first of its own; the server's are among them. */
static int rob(tine_request *r)
{
    close_range(3, ~0U, 0);
    return tine_text(r, 200, "closed");
}

/* Closes one too often, a listener's meanwhile, and opens another socket, which gets its number. */
static int supplant(tine_request *r)
{
    int pair[2], listens = 0;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    for (int fd = 3; fd < 100; fd++)
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof listens}) == 0 && listens)
            dup2(pair[0], fd);
    return tine_text(r, 200, "supplanted");
}

/* Is it a listening socket of the server's, and not that of another descriptor that was seen? */
static int is_another_listener(int fd, ino_t *seen, size_t *count)
{
    struct stat status;
    int listens = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof listens}) < 0 || !listens || fstat(fd, &status) < 0)
        return 0;
    for (size_t i = 0; i < *count; i++)
        if (seen[i] == status.st_ino)
            return 0;
    seen[(*count)++] = status.st_ino;
    return 1;
}

/* Shuts down what it takes for sockets of its own: the server's, for all processes. Each once, as it may be open again by then. */
static int shut(tine_request *r)
{
    ino_t seen[100];
    size_t count = 0;
    for (int fd = 3; fd < 100; fd++)
        if (is_another_listener(fd, seen, &count))
            shutdown(fd, SHUT_RDWR);
    return tine_text(r, 200, "shut");
}

static volatile int deep = 1;
static int *volatile nowhere = NULL;

/* Memory that nobody frees; as a list, so that a sanitizer does not take it for a mistake. */
static int leak(tine_request *r)
{
    static void *last;
    void **more = malloc(100000);
    memset(more, 'l', 100000);
    *more = last;
    last = more;
    return tine_text(r, 200, "leaked");
}

static int overflow(volatile char *before)
{
    volatile char frame[4096];
    frame[0] = before != NULL ? before[0] : 1;
    return deep ? overflow(frame) + frame[0] : 0;
}

/* A child that a handler forks is none of tine's business, whatever becomes of it. */
static int child(tine_request *r)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (strcmp(tine_param(r, "how"), "exit") == 0)
            exit(4);
        if (strcmp(tine_param(r, "how"), "back") == 0)
            return tine_text(r, 200, "the child");
        *nowhere = 1;
    }
    waitpid(pid, &status, 0);
    return tine_text(r, 200, "%s", WIFSIGNALED(status) ? "signal" : "exit");
}

static int sleep_at(const char *end)
{
    volatile char frame[256];
    frame[0] = 0;
    if ((const char *)frame - end > 1000)
        return sleep_at(end) + frame[0];
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    return 0;
}

/* Sleeps where there is next to nothing left of its stack. */
static int brink(tine_request *r)
{
    pthread_attr_t attributes;
    void *end;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0 || pthread_attr_getstack(&attributes, &end, &size) != 0)
        return tine_problem(r, 501, "where the stack ends is not known");
    pthread_attr_destroy(&attributes);
    sleep_at(end);
    return tine_text(r, 200, "back");
}

/* Blocks all signals, and leaves it at that. */
static int mask(tine_request *r)
{
    sigset_t all;
    sigfillset(&all);
    if (strcmp(tine_param(r, "how"), "thread") == 0)
        pthread_sigmask(SIG_BLOCK, &all, NULL);
    else
        sigprocmask(SIG_SETMASK, &all, NULL);
    return tine_text(r, 200, "masked");
}

/* A child that stays behind, with all that its worker has, until its gate is opened. */
static int leave_child(tine_request *r)
{
    const char *file = tine_printf(r, "%s/gate.child.open", tine_setting(tine_request_app(r), "directory"));
    if (fork() == 0) {
        while (access(file, F_OK) != 0)
            nanosleep(&(struct timespec){0, 2000000}, NULL);
        _exit(0);
    }
    return tine_text(r, 200, "left");
}

/* All of a head that can be asked for: none of it is changed by that for who answers in the end. */
static void look_at(tine_request *r)
{
    const char *name, *value;
    tine_method(r);
    tine_query_string(r);
    for (size_t i = 0; tine_header_at(r, i, &name, &value) == 0; i++)
        tine_header(r, name);
}

static int crash(tine_request *r)
{
    static const struct {
        const char *how;
        int number;
    } signals[] = {{"segv", SIGSEGV}, {"bus", SIGBUS}, {"fpe", SIGFPE}, {"ill", SIGILL}, {"kill", SIGKILL}};
    const char *how = tine_param(r, "how");
    look_at(r);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "_exit") == 0)
        _exit(3);
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "_Exit") == 0)
        _Exit(3);
    if (strcmp(how, "quick_exit") == 0)
        quick_exit(3);
    if (strcmp(how, "errx") == 0)
        errx(3, "a handler gives up");
    if (strcmp(how, "error") == 0)
        error(3, 0, "a handler gives up");
    if (strcmp(how, "null") == 0)
        *nowhere = 1;
    if (strcmp(how, "stack") == 0)
        return overflow(NULL);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(how, signals[i].how) == 0)
            raise(signals[i].number);
    return 404;
}

/* Writes the first part, waits at the gate, writes the rest: a response that has begun. */
static int halves(tine_request *r)
{
    size_t length = 200000;
    char *part = tine_alloc(r, length);
    memset(part, 'a', length);
    tine_write(r, part, length);
    gate(r);
    memset(part, 'b', length);
    tine_write(r, part, length);
    return 0;
}

static void worker_exit(tine_app *app)
{
    (void)app;
    tine_log(NULL, TINE_INFO, "trouble leaves worker %d", (int)getpid());
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/gate/{name}", gate), TINE_GET("/nap/{ms:int}", nap), TINE_GET("/late/{ms:int}", late),
                                           TINE_GET("/headless", headless), TINE_GET("/hoard", hoard), TINE_GET("/rob", rob),
                                           TINE_GET("/supplant", supplant), TINE_GET("/shut", shut), TINE_GET("/leak", leak),
                                           TINE_GET("/child/{how}", child), TINE_GET("/crash/{how}", crash),
                                           TINE_GET("/halves/{name}", halves), TINE_GET("/leave_child", leave_child),
                                           TINE_GET("/mask/{how}", mask), TINE_GET("/brink", brink), {0}},
            .settings = (const tine_option[]){{"directory", TINE_PATH, ".", "where gates are opened"}, {0}},
            .worker_exit = worker_exit)
