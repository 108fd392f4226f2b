/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of a `tine run`, below $TMPDIR: "build" and "failure" for modules/develop.c, the output of steps, INI files of our own, and
 * what is built of a single file. Workers may be another user, so everybody may read it.
 */
#include "cli/runner.h"

#include "base/memory.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_MAX = 64 << 10, PATH_BYTES = 128 };

static void path_of(const struct runner *runner, const char *name, char path[static PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", runner->directory, name);
}

int run_make_directory(struct runner *runner)
{
    const char *parent = getenv("TMPDIR");
    size_t longest = sizeof runner->directory - sizeof "/tine-run-XXXXXX";
    if (parent == NULL || parent[0] != '/' || strlen(parent) > longest || strpbrk(parent, NOT_FOR_MAKE) != NULL)
        parent = "/tmp";
    snprintf(runner->directory, sizeof runner->directory, "%.*s/tine-run-XXXXXX", (int)longest, parent);
    if (mkdtemp(runner->directory) == NULL) {
        fprintf(stderr, "tine run: cannot make a folder in %s: %m\n", parent);
        runner->directory[0] = 0;
        return -1;
    }
    return chmod(runner->directory, 0755);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    remove(path);
    return 0;
}

void run_remove_directory(struct runner *runner)
{
    if (runner->directory[0] != 0)
        nftw(runner->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whoever reads it sees all of it or nothing. */
void run_write(const struct runner *runner, const char *name, const char *text)
{
    char path[PATH_BYTES], whole[PATH_BYTES];
    path_of(runner, "new", path);
    path_of(runner, name, whole);
    FILE *out = fopen(path, "we");
    if (out == NULL || fputs(text, out) < 0 || fchmod(fileno(out), 0644) < 0 || fclose(out) != 0 || rename(path, whole) < 0)
        fprintf(stderr, "tine run: cannot write %s: %m\n", whole);
}

char *run_read(const struct runner *runner, const char *name)
{
    char path[PATH_BYTES], *text = memory_new(READ_MAX + 1);
    path_of(runner, name, path);
    FILE *in = fopen(path, "re");
    if (in != NULL) {
        text[fread(text, 1, READ_MAX, in)] = 0;
        fclose(in);
    }
    return text;
}

void run_forget(const struct runner *runner, const char *name)
{
    char path[PATH_BYTES];
    path_of(runner, name, path);
    unlink(path);
}
