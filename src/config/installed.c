/* SPDX-License-Identifier: Apache-2.0
 *
 * See installed.h.
 */
#include "config/installed.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* Seen from that file. */
static const char *const folders[] = {"modules", "../lib/tine"};

/* The file that this code is in: the binary, or the library that test programs are linked with. */
static bool find_own_file(char path[static PATH_MAX])
{
    Dl_info info;
    size_t length = dladdr((void *)folders, &info) != 0 ? strlen(info.dli_fname) : 0;

    if (length > 3 && strcmp(info.dli_fname + length - 3, ".so") == 0)
        return realpath(info.dli_fname, path) != NULL;
    ssize_t read = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (read <= 0)
        return false;
    path[read] = '\0';
    return true;
}

char *installed_module(const char *name, struct pool *memory)
{
    char binary[PATH_MAX];

    if (!*name || name[strspn(name, NAME_BYTES)] || !find_own_file(binary))
        return NULL;
    *strrchr(binary, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = pool_format(memory, "%s/%s/%s.so", binary, folders[i], name);

        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}
