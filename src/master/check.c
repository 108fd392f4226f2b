/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h.
 */
#include "master/check.h"

#include "app/access_log.h"
#include "app/apps.h"
#include "base/safe_line.h"
#include "master/privileges.h"
#include "master/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_SECONDS = 30 };

static void check_folder(const struct config *config, const char *folder, const char *path, const char *section, const char *key,
                         struct errors *errors)
{
    if (access(folder, W_OK | X_OK) < 0)
        config_reject_value(errors, config, section, key, "cannot write '%s': %s", path, strerror(errno));
}

static void check_folder_of(const struct config *config, const char *path, const char *section, const char *key,
                            struct errors *errors)
{
    const char *slash = strrchr(path, '/');
    char *folder = path[0] == '/' ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
    if (folder != NULL)
        check_folder(config, folder, path, section, key, errors);
    free(folder);
}

static void check_is_no_folder(const struct config *config, const char *path, const char *section, const char *key, struct errors *errors)
{
    struct stat status;
    if (path[0] == '/' && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        config_reject_value(errors, config, section, key, "cannot write '%s': %s", path, strerror(EISDIR));
}

/* One that is there is written to, whatever its folder allows: /dev/null, or a file that root made for us. */
static void check_log(const struct config *config, const char *path, const char *key, struct errors *errors)
{
    check_is_no_folder(config, path, "log", key, errors);
    if (path[0] != '/' || access(path, F_OK) < 0)
        check_folder_of(config, path, "log", key, errors);
    else if (access(path, W_OK) < 0)
        config_reject_value(errors, config, "log", key, "cannot write '%s': %s", path, strerror(errno));
}

static void check_owner(const struct config *config, const struct config_listen *listen, const char *section, struct errors *errors)
{
    const char *wrong;
    uid_t uid;
    gid_t gid;
    if ((wrong = privileges_find_owner(listen->owner, "", &uid, &gid)) != NULL)
        config_reject_value(errors, config, section, "owner", "'%s': %s", listen->owner, wrong);
    if ((wrong = privileges_find_owner("", listen->group, &uid, &gid)) != NULL)
        config_reject_value(errors, config, section, "group", "'%s': %s", listen->group, wrong);
}

/* What took the place of a socket that is served does not hinder a reload, which keeps the socket. */
static void check_local(const struct config *config, const struct config_listen *listen, const char *section, bool tests,
                        struct errors *errors)
{
    const char *path = listen->address.socket.local.sun_path, *key = listen->name[0] != 0 ? "address" : "listen";
    struct stat status;
    check_folder_of(config, path, section, key, errors);
    if (tests && lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        config_reject_value(errors, config, section, key, "'%s' is there already, and no socket: move it away, or take another path", path);
    check_owner(config, listen, section, errors);
}

static void check_congestion(const struct config *config, const struct config_listen *listen, const char *section, bool tests,
                             struct errors *errors)
{
    if (listen->congestion[0] == 0)
        return;
    const char *wrong = sockets_refuse_congestion(listen->address.socket.any.sa_family, listen->congestion, tests && geteuid() != 0);
    if (wrong != NULL)
        config_reject_value(errors, config, section, "congestion", "'%s': %s", listen->congestion, wrong);
}

void check_surroundings(const struct config *config, bool tests, struct errors *errors)
{
    check_folder(config, config->temp, config->temp, "server", "temp", errors);
    check_folder_of(config, config->pidfile, "server", "pidfile", errors);
    check_is_no_folder(config, config->pidfile, "server", "pidfile", errors);
    check_folder_of(config, config->control, "server", "control", errors);
    check_log(config, config->log_access, "access", errors);
    check_log(config, config->log_error, "error", errors);
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct config_listen *listen = &config->listens[i];
        char section[128] = "server";
        if (listen->name[0] != 0)
            snprintf(section, sizeof section, "listen:%s", listen->name);
        check_congestion(config, listen, section, tests, errors);
        if (listen->address.socket.any.sa_family == AF_UNIX)
            check_local(config, listen, section, tests, errors);
    }
}

/* Module code has crashed: whose it was. */
static int reasons_fd;

/* Async-signal-safe: the heap, and whatever lock the C library takes for stdio and translations, may be in any state. */
static void on_fault(int number)
{
    struct safe_line line = {.length = 0};
    signal(number, SIG_DFL);
    if (apps_in_progress() == NULL) {
        raise(number); /* comes when we return */
        return;
    }
    apps_put_crash(&line, number);
    safe_line_end(&line);
    if (write(reasons_fd, line.text, line.length) < 0)
        _exit(1);
    _exit(0);
}

static void catch_faults(int fd)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    reasons_fd = fd;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        signal(faults[i], on_fault);
}

static _Noreturn void check_in_child(const struct config *config, FILE *print, int fd)
{
    struct errors errors;
    const char *reason;
    alarm(CHECK_SECONDS);
    catch_faults(fd);
    errors_init(&errors);
    struct apps *apps = apps_load(config, NULL, &errors);
    if (access_log_new(config->log_access_format, &reason) == NULL)
        config_reject_value(&errors, config, "log", "access_format", "%s", reason);
    if (print != NULL && errors.count == 0) {
        apps_print(apps, config, print);
        if (fflush(print) != 0)
            errors_add(&errors, "cannot write the configuration: %s", strerror(errno));
    }
    for (size_t i = 0; i < apps->warnings.kept; i++)
        fprintf(stderr, "%s\n", apps->warnings.messages[i]);
    FILE *out = fdopen(fd, "w");
    for (size_t i = 0; out != NULL && i < errors.kept; i++)
        fprintf(out, "%s\n", errors.messages[i]);
    if (out != NULL)
        fflush(out);
    _exit(0); /* what a module registered with atexit() is none of ours */
}

static void read_reasons(int fd, struct errors *errors)
{
    char line[4096];
    FILE *in = fdopen(fd, "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = 0;
        errors_add(errors, "%s", line);
    }
    if (in != NULL)
        fclose(in);
}

void check_apps(const struct config *config, FILE *print, struct errors *errors)
{
    int pipes[2], status = 0;
    fflush(NULL);
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        errors_add(errors, "cannot check modules: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        check_in_child(config, print, pipes[1]);
    }
    close(pipes[1]);
    read_reasons(pipes[0], errors);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        errors_add(errors, "cannot check modules: no process could be made");
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        errors_add(errors, "a module ended the process while it was loaded, with status %d", WEXITSTATUS(status));
    else if (!WIFEXITED(status))
        errors_add(errors, "while the modules were loaded: %s", WTERMSIG(status) == SIGALRM ? "it took longer than 30 s"
                                                                                             : strsignal(WTERMSIG(status)));
}
