/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_file.h. Only what stands last in the path is looked at: who owns a folder above it can do as he likes in any case.
 */
#include "master/log_file.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LINKS_MAX = 8 };

/* Not waiting is for the opening alone: workers write to the same. */
static int open_with(const char *path, int more)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | more, 0644);
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

/* Where the link 'fd' at 'path' leads: "", when it is one of the kernel's, which does so itself. NULL with errno: it is not to be
 * followed. */
static char *read_link(int fd, const char *path)
{
    char target[PATH_MAX], *whole = NULL;
    struct stat status;
    struct statfs system;
    const char *slash = strrchr(path, '/');
    if (fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
        return NULL;
    if (system.f_type == PROC_SUPER_MAGIC)
        return strdup("");
    errno = EPERM;
    if (status.st_uid != 0)
        return NULL;
    ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
    if (length <= 0)
        return NULL;
    target[length] = 0;
    int folder = target[0] != '/' && slash != NULL ? (int)(slash + 1 - path) : 0;
    return asprintf(&whole, "%.*s%s", folder, path, target) < 0 ? NULL : whole;
}

static int open_as_root(const char *path, int links)
{
    int fd = open_with(path, O_NOFOLLOW);
    if (fd >= 0 || errno != ELOOP || links == 0)
        return fd;
    int link = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char *target = link >= 0 ? read_link(link, path) : NULL;
    int saved = errno;
    io_close(&link);
    if (target != NULL) {
        fd = target[0] == 0 ? open_with(path, 0) : open_as_root(target, links - 1);
        saved = errno;
    }
    free(target);
    errno = saved;
    return fd;
}

int log_file_open(const char *path)
{
    return geteuid() == 0 ? open_as_root(path, LINKS_MAX) : open_with(path, 0);
}

const char *log_file_why(int error)
{
    return error == EPERM   ? "it is a symbolic link of another user, which root does not follow: give it to root (chown -h)"
           : error == ENXIO ? "it is a pipe that nobody reads from, or a socket"
                            : strerror(error);
}
