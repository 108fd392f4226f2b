/* SPDX-License-Identifier: Apache-2.0
 *
 * See project.h.
 */
#include "cli/project.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 20 + CHANGES_MAX, LINE_MAX_BYTES = 4096 };

static char *format(const char *pattern, const char *one, const char *two)
{
    char *text = NULL;
    if (asprintf(&text, pattern, one, two) < 0)
        abort();
    return text;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static bool exists(const char *folder, const char *file)
{
    char *path = format("%s/%s", folder, file);
    bool there = access(path, R_OK) == 0;
    free(path);
    return there;
}

/* 0, or -1 after telling that the file or folder cannot be used. */
static int find_folder(struct project *project, const char *place)
{
    struct stat status;
    char *path = realpath(place, NULL);
    if (path == NULL || stat(path, &status) < 0) {
        fprintf(stderr, "tine run: cannot find '%s': %s\n", place, strerror(errno));
        return -1;
    }
    project->folder = path;
    if (S_ISDIR(status.st_mode))
        return 0;
    if (!ends_with(path, ".c")) {
        fprintf(stderr, "tine run: '%s' is neither a folder nor a .c file\n", place);
        return -1;
    }
    char *slash = strrchr(path, '/');
    if (strpbrk(slash + 1, NOT_FOR_MAKE) != NULL) {
        fprintf(stderr, "tine run: make cannot build '%s', whose name has a blank or a sign that means something to it: rename it\n",
                slash + 1);
        return -1;
    }
    project->source = memory_copy_text(slash + 1);
    *(slash == path ? slash + 1 : slash) = 0;
    return 0;
}

/* The files of the folder that end in 'end', and one of them. */
static size_t find_files(const char *folder, const char *end, char **one)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    size_t count = 0;
    *one = NULL;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && ends_with(entry->d_name, end) && count++ == 0)
            *one = memory_copy_text(entry->d_name);
    if (directory != NULL)
        closedir(directory);
    return count;
}

static bool mentions(const char *folder, const char *file, const char *text)
{
    char line[LINE_MAX_BYTES], *path = format("%s/%s", folder, file);
    FILE *in = fopen(path, "re");
    bool found = false;
    while (in != NULL && !found && fgets(line, sizeof line, in) != NULL)
        found = line[0] != '#' && strstr(line, text) != NULL;
    if (in != NULL)
        fclose(in);
    free(path);
    return found;
}

static int check_sources(const struct project *project)
{
    char *one;
    size_t count = find_files(project->folder, ".c", &one);
    free(one);
    if (project->source != NULL || count > 0)
        return 0;
    fprintf(stderr, "tine run: there is no .c file in %s: name one (tine run hello.c), or begin with 'tine new hello'\n", project->folder);
    return -1;
}

/* The one that is named like the module, or the only one. */
static int find_ini(struct project *project, const char *ini)
{
    char *one = NULL, *own = format("%s%s", project->name, ".ini");
    size_t count = 0;
    if (ini != NULL)
        project->ini = realpath(ini, NULL);
    else if (exists(project->folder, own))
        project->ini = format("%s/%s", project->folder, own);
    else if (project->source == NULL && (count = find_files(project->folder, ".ini", &one)) == 1)
        project->ini = format("%s/%s", project->folder, one);
    free(own);
    free(one);
    if (ini != NULL && project->ini == NULL)
        fprintf(stderr, "tine run: cannot read '%s': %s\n", ini, strerror(errno));
    else if (count > 1)
        fprintf(stderr, "tine run: there are %zu .ini files in %s, and none is %s.ini: say which with -c\n", count, project->folder,
                project->name);
    return count > 1 || (ini != NULL && project->ini == NULL) ? -1 : 0;
}

/* A module that can be read out of its name in a log or a section. */
static char *name_of(const char *file)
{
    char *name = memory_copy_text(file);
    if (ends_with(name, ".c"))
        name[strlen(name) - 2] = 0;
    for (char *at = name; *at; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *at) == NULL)
            *at = '_';
    return name;
}

static char *take_line(FILE *in)
{
    char line[LINE_MAX_BYTES];
    if (in == NULL || fgets(line, sizeof line, in) == NULL)
        return NULL;
    line[strcspn(line, "\n")] = 0;
    return memory_copy_text(line);
}

/* Quoted for the shell. */
static void print_word(FILE *out, const char *word)
{
    fputc('\'', out);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (const char[]){*word, 0}, out);
    fputs("' ", out);
}

/* What only the Makefile knows. That make is missing or the Makefile broken is told by make, or by the shell. */
static int ask_make(struct project *project, const struct installation *installation)
{
    char *command = NULL;
    size_t size;
    FILE *out = open_memstream(&command, &size);
    for (char **word = project_make(project, installation, "tine-facts"); *word != NULL; word++)
        print_word(out, *word);
    fclose(out);
    fflush(stdout);
    FILE *in = popen(command, "re");
    char *name = take_line(in), *runtime = take_line(in), *next = take_line(in);
    int result = in != NULL ? pclose(in) : -1;
    free(command);
    if (result != 0 || name == NULL) {
        fputs("tine run: cannot ask make how to build; is it there (Debian: apt-get install make gcc libc6-dev libjansson-dev), and the "
              "Makefile right?\n", stderr);
        return -1;
    }
    free(project->name);
    project->name = name;
    if (project->sanitize && runtime != NULL && runtime[0] == '/')
        project->runtime = next != NULL && next[0] == '/' ? format("%s:%s", runtime, next) : runtime;
    else if (project->sanitize)
        fputs("tine run: the compiler has no sanitizers here: going without\n", stderr);
    project->sanitize = project->runtime != NULL;
    return 0;
}

int project_find(struct project *project, const struct installation *installation, const char *place, const char *ini, bool sanitize,
                 const char *scratch)
{
    *project = (struct project){.sanitize = sanitize};
    if (find_folder(project, place) < 0 || check_sources(project) < 0)
        return -1;
    project->has_makefile = project->source == NULL && mentions(project->folder, "Makefile", "TINE_MK");
    project->name = name_of(project->source != NULL ? project->source : strrchr(project->folder, '/') + 1);
    project->objects = format("%s/%s", scratch, "objects");
    if (ask_make(project, installation) < 0)
        return -1;
    if (project->has_makefile)
        project->objects = format("%s/build/%s", project->folder, project->sanitize ? "run" : "run-plain");
    return find_ini(project, ini);
}

/* Where it can be: the name of the folder may be one that make takes for several. */
static const char *seen_from_folder(const struct project *project)
{
    size_t length = strlen(project->folder);
    bool inside = strncmp(project->objects, project->folder, length) == 0 && project->objects[length] == '/';
    return project->objects + (inside ? length + 1 : 0);
}

char **project_make(const struct project *project, const struct installation *installation, const char *target)
{
    static char *words[ARGUMENTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
        free(words[i]);
        words[i] = NULL;
    }
    words[count++] = memory_copy_text("make");
    words[count++] = memory_copy_text("-s");
    words[count++] = format("--directory=%s%s", project->folder, "");
    words[count++] = format("B=%s%s", seen_from_folder(project), "");
    words[count++] = memory_copy_text("OPTIMIZE=-Og");
    words[count++] = format("SANITIZE=%s%s", project->sanitize ? "address,undefined" : "", "");
    if (!project->has_makefile) {
        words[count++] = format("--file=%s%s", installation->makefile, "");
        words[count++] = format("NAME=%s%s", project->name, "");
        words[count++] = memory_copy_text("TESTS=");
    }
    if (project->source != NULL)
        words[count++] = format("SOURCES=%s%s", project->source, "");
    for (size_t i = 0; i < project->changes.count; i++)
        words[count++] = format("--what-if=%s%s", project->changes.names[i], "");
    if (project->changes.all)
        words[count++] = memory_copy_text("--always-make");
    words[count++] = memory_copy_text(target);
    return words;
}

bool project_is_rules(const char *file)
{
    return ends_with(file, ".mk") || strcmp(file, "Makefile") == 0;
}

bool project_concerns(const struct project *project, const char *file)
{
    if (file[0] == '.')
        return false;
    if (ends_with(file, ".c") && strncmp(file, "test", 4) == 0)
        return project->source != NULL && strcmp(file, project->source) == 0;
    return ends_with(file, ".c") || ends_with(file, ".h") || ends_with(file, ".ini") || project_is_rules(file);
}
