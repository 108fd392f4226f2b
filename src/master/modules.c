/* SPDX-License-Identifier: Apache-2.0
 *
 * See modules.h.
 */
#include "master/modules.h"

#include "app/module.h"
#include "app/module_file.h"
#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DIRECTORY_PREFIX "tine-modules-"

/* Whose folder is it? Process ids do not tell: containers that share a /tmp do not see each other's, and each has a process 1. A lock
 * does, it ends with the last process of its owner. Returns the descriptor that holds it, or -1 if another has it. */
static int lock_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        io_close(&fd);
    return fd;
}

/* Between mkdtemp() and the lock another tine may have taken it for one that was left behind. */
static int lock_new_directory(const char *path)
{
    struct stat status;
    int fd = lock_directory(path);
    if (fd >= 0 && (fstat(fd, &status) < 0 || status.st_nlink == 0))
        io_close(&fd);
    return fd;
}

/* Code cannot be loaded from a file system that is mounted noexec. */
static char *make_directory_in(const char *parent, int *lock)
{
    struct statvfs status;
    char *path = NULL;
    if (statvfs(parent, &status) < 0 || (status.f_flag & ST_NOEXEC) != 0)
        return NULL;
    for (int tries = 0; tries < 3; tries++) {
        if (asprintf(&path, "%s/" DIRECTORY_PREFIX "%ld-XXXXXX", parent, (long)getpid()) < 0)
            return NULL;
        bool made = mkdtemp(path) != NULL;
        if (made && (*lock = lock_new_directory(path)) >= 0 && fchmod(*lock, 0755) == 0)
            return path;
        if (made)
            rmdir(path); /* here, as the next start looks for such in [server] temp alone */
        io_close(lock);
        free(path);
    }
    return NULL;
}

static char *make_directory(const char *temp, int *lock)
{
    const char *const parents[] = {temp, "/run", "/var/tmp", "/dev/shm"};
    char *path = NULL;
    for (size_t i = 0; i < sizeof parents / sizeof parents[0] && path == NULL; i++)
        path = make_directory_in(parents[i], lock);
    return path;
}

static int copy_bytes(int from, int to, off_t size)
{
    while (size > 0) {
        ssize_t copied = sendfile(to, from, NULL, (size_t)size);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied <= 0)
            return -1;
        size -= copied;
    }
    return 0;
}

/* Copies one open file; it must be the same before and after. Returns NULL, or what is wrong. */
static const char *copy_file(int from, const char *target)
{
    struct stat before, after;
    const char *wrong = NULL;
    if (fstat(from, &before) < 0)
        return "it cannot be read";
    int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    if (to < 0)
        return "its copy cannot be made";
    fchmod(to, 0755); /* workers are another user, whatever the umask */
    if (copy_bytes(from, to, before.st_size) < 0)
        wrong = "its copy cannot be written: is there room?";
    else if (fstat(from, &after) < 0 || after.st_size != before.st_size ||
             after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        wrong = "it changed while it was read: is it still being copied?";
    io_close(&to);
    return wrong;
}

static void refuse(const struct config *config, const struct config_app *app, struct errors *errors, const char *wrong)
{
    char section[128];
    snprintf(section, sizeof section, "%s:%s", config_app_kind(app), app->name);
    config_reject_value(errors, config, section, "module", "cannot load '%s': %s", app->module, wrong);
}

/* Apps with the same module share its copy, and with it the module's static variables. */
static char *copied_before(const struct modules *modules, const struct config *config, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (modules->files[k] != NULL && strcmp(config->apps[k].module, config->apps[i].module) == 0)
            return modules->files[k];
    return NULL;
}

static void copy_module(struct modules *modules, const struct config *config, size_t i, struct errors *errors)
{
    const struct config_app *app = &config->apps[i];
    const char *name = strrchr(app->module, '/') + 1;
    char *known = copied_before(modules, config, i);
    if (known != NULL) {
        modules->files[i] = memory_copy_text(known);
        return;
    }
    const char *wrong;
    int from = module_file_open(app->module, &wrong);
    if (from < 0) {
        refuse(config, app, errors, wrong);
        return;
    }
    if (asprintf(&modules->files[i], "%s/%zu-%s", modules->directory, i, name) < 0)
        abort();
    wrong = copy_file(from, modules->files[i]);
    if (wrong != NULL)
        refuse(config, app, errors, wrong);
    io_close(&from);
}

int modules_copy(struct modules *modules, const struct config *config, struct errors *errors)
{
    size_t before = errors->count;
    *modules = (struct modules){.lock = -1, .count = config->app_count};
    modules->files = memory_new((config->app_count + 1) * sizeof *modules->files);
    for (size_t i = 0; i < config->app_count && errors->count == before; i++) {
        if (!module_is_file(config->apps[i].module))
            continue;
        if (modules->directory == NULL)
            modules->directory = make_directory(config->temp, &modules->lock);
        if (modules->directory == NULL)
            errors_add(errors, "no folder for copies of modules: '%s' is not writable or mounted noexec; see [server] temp",
                       config->temp);
        else
            copy_module(modules, config, i, errors);
    }
    if (errors->count == before)
        return 0;
    modules_release(modules);
    return -1;
}

/* The folder holds nothing but our flat files. */
static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    rmdir(path);
}

/* By name: a folder cannot be read where there is no descriptor to be had. */
void modules_release(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        if (modules->files[i] != NULL)
            unlink(modules->files[i]);
        free(modules->files[i]);
    }
    if (modules->directory != NULL) {
        rmdir(modules->directory);
        io_close(&modules->lock);
    }
    free(modules->files);
    free(modules->directory);
    *modules = (struct modules){0};
}

static bool is_ours_by_name(const char *path, const char *name)
{
    struct stat status;
    return strncmp(name, DIRECTORY_PREFIX, sizeof DIRECTORY_PREFIX - 1) == 0 && lstat(path, &status) == 0 &&
           S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

void modules_remove_stale(const char *temp)
{
    DIR *directory = opendir(temp);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", temp, entry->d_name) < 0)
            break;
        int lock = is_ours_by_name(path, entry->d_name) ? lock_directory(path) : -1;
        if (lock >= 0)
            remove_directory(path);
        io_close(&lock);
        free(path);
    }
    if (directory != NULL)
        closedir(directory);
}
