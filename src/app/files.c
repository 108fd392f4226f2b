/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of tine.h that send files, and what a file is told by. Runs in workers.
 */
#include "app/blame.h"
#include "app/problem.h"
#include "app/response.h"
#include "base/mix.h"
#include "http/media_types.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { YOUNG_SECONDS = 2 }; /* the coarsest clock of a file system that is in use */

static void close_file(void *owner)
{
    close((int)(intptr_t)owner);
}

int tine_send_fd(tine_request *r, int status, int fd, off_t offset, size_t length)
{
    if (!response_start(r, status, NULL)) {
        close(fd);
        return 500;
    }
    if (fd < 0 || offset < 0 || length > PTRDIFF_MAX) {
        request_blame(r, TINE_ERROR, "gives tine_send_fd() %zu bytes from offset %" PRId64 " of descriptor %d: was one of them negative?",
                      length, (int64_t)offset, fd);
        close(fd);
        return problem_of_wrong_answer(r);
    }
    struct response_part *part = arena_alloc(&r->arena, sizeof *part);
    *part = (struct response_part){.offset = offset, .length = length};
    r->response.fd = fd;
    r->response.parts = part;
    r->response.part_count = 1;
    r->response.release = close_file;
    r->response.owner = (void *)(intptr_t)fd;
    return r->response.status;
}

/* Mixed rather than spelled out: the number of an inode is nobody's business. A file that was changed a moment ago can be
 * changed again without its time, which is as coarse as the file system's clock, telling: until then the tag is weak (8.8.1). */
void tine_etag(const struct stat *status, char etag[TINE_ETAG_SIZE])
{
    const uint64_t about[] = {(uint64_t)status->st_ino, (uint64_t)status->st_size, (uint64_t)status->st_mtim.tv_sec,
                              (uint64_t)status->st_mtim.tv_nsec};
    uint64_t x = 0;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        x = mix((x ^ about[i]) + MIX_STEP);
    bool young = status->st_mtim.tv_sec + YOUNG_SECONDS > time(NULL);
    snprintf(etag, TINE_ETAG_SIZE, "%s\"%016" PRIx64 "\"", young ? "W/" : "", x);
}

static int refuse_file(tine_request *r, const char *path, int error)
{
    if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP)
        return problem_answer(r, 404, "");
    tine_log(r, TINE_ERROR, "cannot send '%s': %s", path, strerror(error));
    return problem_answer(r, error == EMFILE || error == ENFILE ? 503 : error == EACCES || error == EPERM ? 403 : 500, "");
}

int tine_send_file(tine_request *r, const char *path, const char *type)
{
    struct stat status;
    char etag[TINE_ETAG_SIZE];
    if (path == NULL) {
        request_blame(r, TINE_ERROR, "gives tine_send_file() NULL for a path");
        return problem_of_wrong_answer(r);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO shall not hold it up */
    if (fd < 0)
        return refuse_file(r, path, errno);
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return refuse_file(r, path, ENOENT);
    }
    tine_etag(&status, etag);
    return tine_send_content(r, TINE_CONTENT(.fd = fd, .length = (uint64_t)status.st_size, .etag = etag, .modified = status.st_mtime,
                                             .type = type != NULL ? type : media_type_of(path), .release = close_file,
                                             .owner = (void *)(intptr_t)fd));
}

const char *tine_media_type(const char *path)
{
    return media_type_of(path);
}
