/* SPDX-License-Identifier: Apache-2.0
 *
 * See installed.h.
 */
#include "config/installed.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_-"

char *installed_module(const char *name, struct pool *memory)
{
    static const char *const folders[] = {"modules", "../lib/tine"};
    char binary[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", binary, sizeof binary - 1);

    if (length <= 0 || !*name || name[strspn(name, NAME_BYTES)])
        return NULL;
    binary[length] = '\0';
    *strrchr(binary, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = pool_format(memory, "%s/%s/%s.so", binary, folders[i], name);

        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}
