/* SPDX-License-Identifier: Apache-2.0
 *
 * See installation.h.
 */
#include "cli/installation.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *beside(const char *folder, const char *path)
{
    char *joined = NULL, *clean;
    if (asprintf(&joined, "%s/%s", folder, path) < 0)
        abort();
    clean = realpath(joined, NULL);
    free(joined);
    return clean;
}

int installation_find(struct installation *installation, const char *command)
{
    char binary[PATH_MAX] = "";
    if (readlink("/proc/self/exe", binary, sizeof binary - 1) < 0) {
        fprintf(stderr, "tine %s: cannot tell where this binary lies: is /proc mounted?\n", command);
        return -1;
    }
    char *folder = memory_copy_text(binary);
    *strrchr(folder, '/') = 0;
    *installation =
        (struct installation){.binary = memory_copy_text(binary), .makefile = beside(folder, "tine.mk"), .pkgconfig = beside(folder, ".")};
    if (installation->makefile == NULL) {
        free(installation->pkgconfig);
        installation->makefile = beside(folder, "../share/tine/tine.mk");
        installation->pkgconfig = beside(folder, "../lib/pkgconfig");
    }
    free(folder);
    if (installation->makefile != NULL && installation->pkgconfig != NULL)
        return 0;
    fprintf(stderr, "tine %s: what modules are built with is missing: there is no share/tine/tine.mk or no lib/pkgconfig for %s "
                    "('make install' in tine's source brings both)\n", command, binary);
    return -1;
}

void installation_release(struct installation *installation)
{
    free(installation->binary);
    free(installation->makefile);
    free(installation->pkgconfig);
    *installation = (struct installation){0};
}
