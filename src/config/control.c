/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h.
 */
#include "config/control.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* bytes of the path's end in the name, for whoever looks with ss -xl */

void control_clean_path(const char *path, char *clean)
{
    char *end = clean;

    while (*path) {
        size_t length = strcspn(path, "/");

        if (length == 2 && strncmp(path, "..", 2) == 0) {
            while (end > clean && *--end != '/')
                continue;
        } else if (length > 0 && !(length == 1 && *path == '.')) {
            *end++ = '/';
            memmove(end, path, length);
            end += length;
        }
        path += length + (path[length] == '/');
    }
    if (end == clean)
        *end++ = '/';
    *end = '\0';
}

/* FNV-1a: two files of one machine do not meet in it, and nothing secret hangs on it; peers are checked. */
static uint64_t hash(const char *text)
{
    uint64_t value = 0xcbf29ce484222325;

    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 0x100000001b3;
    return value;
}

static socklen_t name_abstract(const char *file, uid_t uid, struct sockaddr_un *address)
{
    char *clean = memory_new(strlen(file) + 2);

    control_clean_path(file, clean);
    size_t length = strlen(clean);
    int written = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "tine-%u-%016llx-%s", (unsigned)uid,
                           (unsigned long long)hash(clean), clean + (length > SHOWN_MAX ? length - SHOWN_MAX : 0));
    free(clean);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)written);
}

int control_address(const char *control, const char *file, uid_t uid, struct sockaddr_un *address, socklen_t *length)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strcmp(control, "auto") == 0) {
        *length = name_abstract(file, uid, address);
        return 0;
    }
    if (strlen(control) >= sizeof address->sun_path)
        return -1;
    strcpy(address->sun_path, control);
    *length = sizeof *address;
    return 0;
}
