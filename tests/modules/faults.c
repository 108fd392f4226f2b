/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into tine: system calls that fail while a file says so. In the folder $FAULTS a file named after the call holds
 * the number of the error, and behind a blank that of the process if it is one alone that fails; without it the call is made. Each
 * failure is counted in the file's length behind that line.
 * The file `clock` holds the seconds by which the wall clock is ahead.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int CRYPTO_memcmp(const void *a, const void *b, size_t length);
char *crypt_rn(const char *phrase, const char *setting, void *data, int size);

/* The number in a file, 0 when there is none. Async-signal-safe, and by system calls alone: of the functions that they have some
 * are replaced here. */
static int look(const char *name, bool count)
{
    static char folder[200];
    char path[256], digits[32] = "", *rest;
    int saved = errno, number = 0;
    if (folder[0] == 0 && getenv("FAULTS") != NULL)
        snprintf(folder, sizeof folder, "%s", getenv("FAULTS"));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd >= 0 && syscall(SYS_read, fd, digits, sizeof digits - 1) > 0)
        number = (int)strtol(digits, &rest, 10);
    if (number != 0 && *rest == ' ' && strtol(rest, NULL, 10) != getpid())
        number = 0;
    if (count && number != 0 && syscall(SYS_write, fd, "x", 1) < 0)
        number = 0;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return number;
}

/* The error to fail with, 0 for none. */
static int fault(const char *call)
{
    int error = look(call, true);
    if (error != 0)
        errno = error;
    return error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

pid_t fork(void)
{
    return fault("fork") != 0 ? -1 : REAL(fork)();
}

pid_t _Fork(void)
{
    return fault("fork") != 0 ? -1 : REAL(_Fork)();
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return fault("accept4") != 0 ? -1 : REAL(accept4)(fd, address, length, flags);
}

int memfd_create(const char *name, unsigned flags)
{
    return fault("memfd_create") != 0 ? -1 : REAL(memfd_create)(name, flags);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    return fault("send") != 0 ? -1 : REAL(send)(fd, data, length, flags);
}

/* Of the room for what was sent: a socket keeps what the system gives it by default. */
int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    bool room = level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_SNDBUFFORCE);
    return room && fault("setsockopt") != 0 ? -1 : REAL(setsockopt)(fd, level, option, value, length);
}

/* Of connections: what several processes wait for is watched in turn. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    bool adds = operation == EPOLL_CTL_ADD && (event->events & EPOLLEXCLUSIVE) == 0;
    return adds && fault("epoll_ctl") != 0 ? -1 : REAL(epoll_ctl)(epoll, operation, fd, event);
}

int flock(int fd, int operation)
{
    return fault("flock") != 0 ? -1 : REAL(flock)(fd, operation);
}

DIR *opendir(const char *path)
{
    return fault("opendir") != 0 ? NULL : REAL(opendir)(path);
}

/* Those that pass descriptors; they may also succeed, and SIGABRT come right behind. And those that do not, by a name of their own. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct cmsghdr *first = CMSG_FIRSTHDR(message);
    bool passes = first != NULL && first->cmsg_type == SCM_RIGHTS;
    if (fault(passes ? "sendmsg" : "sendmsg.plain") != 0)
        return -1;
    ssize_t sent = REAL(sendmsg)(fd, message, flags);
    if (passes && look("sendmsg.abort", true) != 0) /* as if it came from elsewhere, just then */
        raise(SIGABRT);
    return sent;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
    return fault("sendfile") != 0 ? -1 : REAL(sendfile)(out, in, offset, count);
}

ssize_t pread(int fd, void *data, size_t length, off_t at)
{
    return fault("pread") != 0 ? -1 : REAL(pread)(fd, data, length, at);
}

/* Only into files without a name, as spooled bodies are: a disk that is full for them. */
ssize_t write(int fd, const void *data, size_t length)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0 && fault("write") != 0)
        return -1;
    return syscall(SYS_write, fd, data, length);
}

/* Never fails: how often secrets are compared in a time that says nothing. Modules find it in place of libcrypto's. */
int CRYPTO_memcmp(const void *a, const void *b, size_t length)
{
    const unsigned char *one = a, *other = b;
    unsigned char difference = 0;
    look("CRYPTO_memcmp", true);
    for (size_t i = 0; i < length; i++)
        difference |= one[i] ^ other[i];
    return difference;
}

/* Never fails either: how often passwords are compared, which takes long. */
char *crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    static char *(*real)(const char *, const char *, void *, int);
    if (real == NULL)
        *(void **)&real = dlsym(dlopen("libcrypt.so.1", RTLD_NOW), "crypt_rn");
    look("crypt_rn", true);
    return real(phrase, setting, data, size);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += look("clock", false);
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
