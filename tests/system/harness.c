/* SPDX-License-Identifier: Apache-2.0
 *
 * Time, text, files and the test's own directory. See harness.h.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    char directory[64];
    int janitor; /* write end of its pipe */
} harness = {.janitor = -1};

int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000000 + now.tv_nsec / 1000;
}

int64_t now_ms(void)
{
    return now_us() / 1000;
}

void pause_shortly(void)
{
    nanosleep(&(struct timespec){0, 5 * 1000000}, NULL);
}

int port_reserve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        harness_fail("no free port");
    return ntohs(address.sin_port);
}

const char *tine_path(void)
{
    static char path[PATH_MAX];
    const char *given = getenv("TINE");
    if (path[0] == 0 && realpath(given ? given : "build/tine", path) == NULL)
        harness_fail("no tine at $TINE (%s)", given ? given : "build/tine");
    return path;
}

const char *modules_path(void)
{
    static char path[PATH_MAX + 32];
    const char *binary = tine_path();
    snprintf(path, sizeof path, "%.*s/tests/modules", (int)(strrchr(binary, '/') - binary), binary);
    return path;
}

/* Outlives the test by a moment: waits until the pipe's other end is closed, which happens even when the
 * test crashes or is killed, then kills what it was told of and removes the directory. */
static void janitor_run(int pipe_end)
{
    pid_t told[32], process;
    size_t count = 0;
    setsid();
    for (int signal_number = 1; signal_number < 32; signal_number++)
        signal(signal_number, SIG_IGN);
    while (read(pipe_end, &process, sizeof process) == (ssize_t)sizeof process)
        if (count < sizeof told / sizeof *told)
            told[count++] = process;
    while (count-- > 0) {
        kill(-told[count], SIGKILL); /* its process group, if it leads one that still has members */
        if (strstr(process_file(told[count], "cmdline"), "tine") != NULL) /* not a stranger with its number */
            kill(told[count], SIGKILL);
    }
    execlp("rm", "rm", "-rf", harness.directory, (char *)NULL);
    _exit(1);
}

static void janitor_start(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        harness_fail("pipe: %s", strerror(errno));
    pid_t janitor = fork();
    if (janitor == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0), dup2(null, 1), dup2(null, 2);
        dup2(ends[0], 3);
        close_range(4, ~0U, 0);
        janitor_run(3);
    }
    close(ends[0]);
    harness.janitor = ends[1];
}

const char *test_dir(void)
{
    if (harness.directory[0] == 0) {
        strcpy(harness.directory, "/tmp/tine-test-XXXXXX");
        umask(022);
        if (mkdtemp(harness.directory) == NULL || chmod(harness.directory, 0755) != 0)
            harness_fail("cannot make %s: %s", harness.directory, strerror(errno));
        janitor_start();
    }
    return harness.directory;
}

void kill_at_exit(pid_t process)
{
    test_dir();
    if (write(harness.janitor, &process, sizeof process) != (ssize_t)sizeof process)
        harness_fail("the janitor is gone");
}

char *text(const char *format, ...)
{
    char *result;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&result, format, arguments) < 0)
        harness_fail("out of memory");
    va_end(arguments);
    return result;
}

char *file_read(const char *path, size_t *length)
{
    size_t size = 0, capacity = 4096;
    char *content = malloc(capacity);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    while (fd >= 0 && (got = read(fd, content + size, capacity - size - 1)) > 0) {
        size += (size_t)got;
        if (capacity - size < 2)
            content = realloc(content, capacity *= 2);
    }
    if (fd >= 0)
        close(fd);
    content[size] = 0;
    if (length != NULL)
        *length = size;
    return content;
}

void file_write_bytes(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        harness_fail("cannot write %s: %s", path, strerror(errno));
    close(fd);
}

void file_write(const char *path, const char *content)
{
    file_write_bytes(path, content, strlen(content));
}

bool file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

size_t text_count(const char *haystack, const char *needle)
{
    size_t count = 0;
    for (const char *at = haystack; (at = strstr(at, needle)) != NULL; at += strlen(needle))
        count++;
    return count;
}

bool text_matches(const char *haystack, const char *expression)
{
    regex_t compiled;
    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
        harness_fail("bad expression: %s", expression);
    bool matches = regexec(&compiled, haystack, 0, NULL, 0) == 0;
    regfree(&compiled);
    return matches;
}

void expect_matches(const char *haystack, const char *const *expressions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!text_matches(haystack, expressions[i]))
            harness_fail("%s is not in:\n%s", expressions[i], haystack);
}

bool is_sanitized(void)
{
    const char *sanitizers = getenv("SANITIZE");
    return sanitizers != NULL && sanitizers[0] != 0;
}
