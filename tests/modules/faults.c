/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into tine: system calls that fail while a file says so. In the folder $FAULTS a file named after the call holds
 * the number of the error, and behind a blank that of the process if it is one alone that fails; without it the call is made. Each
 * failure is counted in the file's length behind that line.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* The error to fail with, 0 for none. Async-signal-safe: some of these are called in signal handlers. */
static int fault(const char *call)
{
    static char folder[200];
    char path[256], digits[32] = "", *rest;
    int saved = errno, number = 0;
    if (folder[0] == 0 && getenv("FAULTS") != NULL)
        snprintf(folder, sizeof folder, "%s", getenv("FAULTS"));
    snprintf(path, sizeof path, "%s/%s", folder, call);
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd >= 0 && read(fd, digits, sizeof digits - 1) > 0)
        number = (int)strtol(digits, &rest, 10);
    if (number != 0 && *rest == ' ' && strtol(rest, NULL, 10) != getpid())
        number = 0;
    if (number != 0 && write(fd, "x", 1) < 0)
        number = 0;
    if (fd >= 0)
        close(fd);
    errno = number != 0 ? number : saved;
    return number;
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

/* Only those that pass descriptors. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct cmsghdr *first = CMSG_FIRSTHDR(message);
    if (first != NULL && first->cmsg_type == SCM_RIGHTS && fault("sendmsg") != 0)
        return -1;
    return REAL(sendmsg)(fd, message, flags);
}
