/* SPDX-License-Identifier: Apache-2.0
 *
 * tine new NAME: a folder with a module to begin with, its INI file, test and Makefile. Nothing that is there is written over.
 */
#include "cli/cli.h"
#include "cli/installation.h"
#include "cli/scaffold.h"

#include "base/io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_LENGTH_MAX = 48 };

struct place {
    const char *folder, *name;
    struct installation installation;
};

/* It becomes a file's, a section's and, in test.c, a part of function names. */
static const char *check_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (length == 0 || name[length] != 0 || isdigit((unsigned char)name[0]))
        return "a name has letters, digits and '_', and does not begin with a digit: hello, my_api";
    if (length > NAME_LENGTH_MAX)
        return "the name is longer than 48 letters";
    return strncmp(name, "test", 4) == 0 ? "names that begin with 'test' are for files of tests" : NULL;
}

static bool is_empty(const char *folder)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    bool empty = directory != NULL;
    while (empty && (entry = readdir(directory)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        closedir(directory);
    return empty;
}

/* What stands in the place of the word that begins here, and its length. */
static const char *replacement(const struct place *place, const char *word, size_t left, size_t *length)
{
    const struct {
        const char *word, *value;
    } words[] = {{"@NAME@", place->name}, {"@PKGCONFIG@", place->installation.pkgconfig}, {"@MAKEFILE@", place->installation.makefile}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *length = strlen(words[i].word);
        if (*length <= left && strncmp(word, words[i].word, *length) == 0)
            return words[i].value;
    }
    return NULL;
}

static void fill_in(const struct place *place, const char *text, const char *end, FILE *out)
{
    while (text < end) {
        size_t length = 1;
        const char *value = *text == '@' ? replacement(place, text, (size_t)(end - text), &length) : NULL;
        if (value != NULL)
            fputs(value, out);
        else
            fwrite(text, 1, length = 1, out);
        text += length;
    }
}

static int write_file(const struct place *place, const struct scaffold_file *file)
{
    char path[PATH_MAX] = "";
    FILE *out = fmemopen(path, sizeof path - 1, "w");
    fprintf(out, "%s/", place->folder);
    fill_in(place, file->name, file->name + strlen(file->name), out);
    if (fclose(out) != 0 || (out = fopen(path, "wxe")) == NULL) {
        fprintf(stderr, "tine new: cannot make %s: %s\n", path, strerror(errno));
        return -1;
    }
    fill_in(place, file->start, file->end, out);
    if (fclose(out) != 0) {
        fprintf(stderr, "tine new: cannot write %s: %s\n", path, strerror(errno));
        return -1;
    }
    printf("  %-24s %s\n", path, file->help);
    return 0;
}

static int make(struct place *place)
{
    if (mkdir(place->folder, 0777) < 0 && (errno != EEXIST || !is_empty(place->folder))) {
        fprintf(stderr, errno == EEXIST ? "tine new: '%s' is there already, and not an empty folder: take another name, or move it away\n" :
                "tine new: cannot make the folder '%s': %m\n", place->folder);
        return 1;
    }
    printf("made\n");
    for (size_t i = 0; i < scaffold_file_count; i++)
        if (write_file(place, &scaffold_files[i]) < 0)
            return 1;
    printf("\nnow\n  cd %s\n  make test\n  make run       # or: tine run; in another terminal: curl localhost:8000/hello/you\n",
           place->folder);
    return fflush(stdout) == 0 ? 0 : 1;
}

int cli_new(int argc, char **argv)
{
    struct place place = {.folder = argc == 2 ? argv[1] : ""};
    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: tine new NAME\n", stderr);
        return 2;
    }
    const char *slash = strrchr(place.folder, '/');
    place.name = slash != NULL ? slash + 1 : place.folder;
    const char *wrong = check_name(place.name);
    if (wrong != NULL) {
        fprintf(stderr, "tine new: '%s': %s\n", place.name, wrong);
        return 2;
    }
    int result = installation_find(&place.installation, "new") < 0 ? 1 : make(&place);
    installation_release(&place.installation);
    return result;
}
