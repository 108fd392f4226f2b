/* SPDX-License-Identifier: Apache-2.0
 *
 * See pidfile.h.
 */
#include "master/pidfile.h"

#include "base/io.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_daemon;

/* By rename, so that nobody reads half of it; and into a file of our own, whatever was put there by who owns the folder. */
void pidfile_write(const char *path)
{
    char *temporary = NULL, text[32];
    if (path[0] == 0 || asprintf(&temporary, "%s.%ld", path, (long)getpid()) < 0)
        return;
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || io_write_all(fd, text, (size_t)length) < 0 || rename(temporary, path) < 0) {
        log_error("cannot write the pid file '%s': %s", path, strerror(errno));
        unlink(temporary);
    }
    io_close(&fd);
    free(temporary);
}

void pidfile_remove(const char *path)
{
    char text[32];
    int fd = path[0] != 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1; /* it may be anything by now */
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    text[length > 0 ? length : 0] = 0;
    if (length > 0 && strtol(text, NULL, 10) == (long)getpid())
        unlink(path);
    io_close(&fd);
}

static _Noreturn void wait_for_start(int fd)
{
    char byte;
    ssize_t length;
    while ((length = read(fd, &byte, 1)) < 0 && errno == EINTR)
        ;
    _exit(length == 1 ? 0 : 1);
}

int pidfile_daemonize(void)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0) {
        close(ready[1]);
        wait_for_start(ready[0]);
    }
    close(ready[0]);
    if (setsid() < 0)
        return -1;
    pid = fork(); /* not the leader of the session: no terminal can become ours */
    if (pid < 0)
        return -1;
    if (pid > 0)
        _exit(0);
    io_silence(STDIN_FILENO);
    is_daemon = true;
    return ready[1];
}

/* "-", and what names a stream of ours by a path. */
static bool is_stream(const char *log)
{
    return strcmp(log, "-") == 0 || strncmp(log, "/dev/std", 8) == 0 || strncmp(log, "/dev/fd/", 8) == 0 || strncmp(log, "/proc/", 6) == 0;
}

bool pidfile_is_done_with_output(const struct config *config)
{
    return is_daemon && !is_stream(config->log_access);
}

bool pidfile_is_done_with_errors(const struct config *config)
{
    return is_daemon && !is_stream(config->log_error);
}
