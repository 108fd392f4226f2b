/* SPDX-License-Identifier: Apache-2.0
 *
 * See title.h.
 */
#include "base/title.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct {
    char *start;
    size_t size;
    char **copies; /* of the environment, kept for those that unsetenv() takes out of it */
    char **list;   /* the environment's own, which setenv() replaces */
} area;

void title_init(int argc, char **argv)
{
    char *end = argc > 0 ? argv[0] : NULL;
    int count = 0;
    /* argv and the environment lie behind one another; only a run without gaps is ours to write over. */
    for (int i = 0; i < argc && argv[i] == end; i++)
        end += strlen(argv[i]) + 1;
    while (environ[count] != NULL)
        count++;
    char **copies = memory_new(((size_t)count + 1) * sizeof *copies);
    for (int i = 0; i < count; i++) {
        if (environ[i] == end)
            end += strlen(environ[i]) + 1;
        copies[i] = memory_copy_text(environ[i]);
    }
    area.copies = copies;
    environ = area.list = memory_new(((size_t)count + 1) * sizeof *environ);
    memcpy(environ, copies, (size_t)count * sizeof *environ);
    area.start = argc > 0 ? argv[0] : NULL;
    area.size = area.start != NULL ? (size_t)(end - area.start) : 0;
}

void title_set(const char *format, ...)
{
    char title[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(title, sizeof title, format, arguments);
    va_end(arguments);
    prctl(PR_SET_NAME, "tine"); /* what pgrep and top go by; stays short and the same */
    if (area.size == 0)
        return;
    memset(area.start, 0, area.size);
    snprintf(area.start, area.size, "%s", title);
}
