/* SPDX-License-Identifier: Apache-2.0
 *
 * See file.h.
 */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *read_all(struct file *file, int fd, char *text)
{
    file->length = 0;
    for (;;) {
        ssize_t got = read(fd, text + file->length, FILE_BYTES_MAX + 1 - file->length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerror(errno);
        if (got == 0)
            return NULL;
        file->length += (size_t)got;
        if (file->length > FILE_BYTES_MAX)
            return "it is larger than 1 MiB";
    }
}

static const char *read_open(struct file *file, int fd, struct pool *memory)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return strerror(errno);
    if (S_ISDIR(status.st_mode))
        return "it is a directory";
    if (!S_ISREG(status.st_mode))
        return "it is not a regular file";
    if (status.st_size > FILE_BYTES_MAX)
        return "it is larger than 1 MiB";
    file->device = status.st_dev;
    file->inode = status.st_ino;

    /* Not by its size alone: it may be growing, and files of /proc say 0. */
    char *text = pool_alloc(memory, FILE_BYTES_MAX + 1);
    file->text = text;
    return read_all(file, fd, text);
}

const char *file_read(struct file *file, const char *path, struct pool *memory)
{
    /* O_NONBLOCK: opening a FIFO would wait for a writer. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return strerror(errno);
    const char *wrong = read_open(file, fd, memory);
    close(fd);
    return wrong;
}

char *file_directory(const char *path, struct pool *memory)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return pool_text(memory, ".");
    return pool_format(memory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

char *file_join(const char *directory, const char *path, struct pool *memory)
{
    bool is_root = strcmp(directory, "/") == 0;

    if (*path == '/')
        return pool_text(memory, path);
    return pool_format(memory, "%s/%s", is_root ? "" : directory, path);
}
