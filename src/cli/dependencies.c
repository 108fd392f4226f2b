/* SPDX-License-Identifier: Apache-2.0
 *
 * See dependencies.h.
 */
#include "cli/dependencies.h"

#include <fts.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 4095 };

/* Targets end in ':', lines that go on in '\'. */
static void read_file(const char *path, void (*take)(void *context, const char *path), void *context)
{
    char word[WORD_MAX + 1];
    FILE *in = fopen(path, "re");
    while (in != NULL && fscanf(in, "%4095s", word) == 1)
        if (strcmp(word, "\\") != 0 && word[strlen(word) - 1] != ':')
            take(context, word);
    if (in != NULL)
        fclose(in);
}

void dependencies_each(const char *objects, void (*take)(void *context, const char *path), void *context)
{
    char *const paths[] = {(char *)objects, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL)
        if (entry->fts_info == FTS_F && entry->fts_namelen > 2 && strcmp(entry->fts_name + entry->fts_namelen - 2, ".d") == 0)
            read_file(entry->fts_path, take, context);
    if (walk != NULL)
        fts_close(walk);
}
