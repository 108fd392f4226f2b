/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel does the confining: openat2() with RESOLVE_BENEATH refuses "..", absolute links and links that lead
 * out, on every component and without a race. Checking the text of a path, or comparing with
 * realpath(), is not as good: either loses to a link that is made in between.
 *
 * Without openat2() (Linux before 5.6, or a seccomp filter that does not know it) the path is walked one component
 * at a time with O_NOFOLLOW, which is as safe but follows no link (but for those who follow any). Which it is, is found out once,
 * when the folder is opened: later EPERM could as well mean the file.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename elsewhere in the tree makes a walk through ".." (of a link) fail with EAGAIN, "try again". */
enum { BENEATH_TRIES = 8 };

static int open_confined(int root, const char *path, int flags, enum beneath_links links)
{
    static const uint64_t resolve[] = {[BENEATH_NONE] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
                                       [BENEATH_INSIDE] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
                                       [BENEATH_ANY] = RESOLVE_NO_MAGICLINKS};
    const struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve[links]};

    for (int tries = 1;; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == BENEATH_TRIES)
            return (int)fd;
    }
}

/* Opens one component; `length` bytes of `name`. `flags` say whether a link is followed. */
static int open_step(int folder, const char *name, size_t length, int flags)
{
    char step[NAME_MAX + 1];

    if (length > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(step, name, length);
    step[length] = '\0';
    if (strcmp(step, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    return openat(folder, step, flags);
}

static int open_by_steps(int root, const char *path, int flags, enum beneath_links links)
{
    const int follow = links == BENEATH_ANY ? 0 : O_NOFOLLOW;
    int folder = root;

    for (;;) {
        size_t length = strcspn(path, "/");
        const char *rest = path + length + strspn(path + length, "/");
        bool last = *rest == '\0';
        int fd = open_step(folder, path, length, follow | (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC));
        int saved = errno;

        if (folder != root)
            close(folder);
        errno = saved;
        if (fd < 0 || last)
            return fd;
        folder = fd;
        path = rest;
    }
}

int beneath_open_file(const struct beneath *folder, const char *path, int flags)
{
    if (*path == '\0')
        path = ".";
    /* openat2() refuses flags that mean nothing together; O_PATH takes but a few. */
    flags |= flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    return folder->by_step ? open_by_steps(folder->root, path, flags, folder->links)
                           : open_confined(folder->root, path, flags, folder->links);
}

int beneath_open(struct beneath *folder, const char *path, enum beneath_links links)
{
    const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int probe;

    folder->links = links;
    folder->by_step = false;
    folder->root = open(path, flags);
    if (folder->root < 0)
        return -1;

    /* "." also needs the right to enter the folder, which opening it with O_PATH did not. */
    probe = open_confined(folder->root, ".", flags, links);
    if (probe < 0 && (errno == ENOSYS || errno == EPERM)) {
        folder->by_step = true;
        probe = open_by_steps(folder->root, ".", flags, links);
    }
    if (probe < 0) {
        int saved = errno;

        beneath_close(folder);
        errno = saved;
        return -1;
    }
    close(probe);
    return 0;
}

void beneath_close(struct beneath *folder)
{
    if (folder->root >= 0)
        close(folder->root);
    folder->root = -1;
}
