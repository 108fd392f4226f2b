/* SPDX-License-Identifier: Apache-2.0
 *
 * See support.h.
 */
#include "support.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Criterion's own leaks shall not end a test, and texts live as long as it: tine's would show in the system tests. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* Found from here as long as the process lives, so that no leak checker asks whose it is. */
static struct kept {
    struct kept *next;
    char *text;
} *kept;

char *text(const char *format, ...)
{
    struct kept *one = calloc(1, sizeof *one);
    va_list arguments;
    va_start(arguments, format);
    cr_assert(one != NULL && vasprintf(&one->text, format, arguments) >= 0);
    va_end(arguments);
    one->next = kept;
    kept = one;
    return one->text;
}

const char *module_path(const char *name)
{
    const char *build = getenv("BUILD");
    return text("%s/%s.so", build != NULL ? build : "build", name);
}

tine_test *open_module(const char *name, const char *settings)
{
    tine_test *t = tine_test_open(module_path(name), settings);
    cr_assert_not_null(t);
    return t;
}

void expect_answer(const tine_answer *a, int status, const char *body)
{
    cr_assert_eq(tine_answer_status(a), status, "%d: %s", tine_answer_status(a), tine_answer_body(a, NULL));
    if (body != NULL)
        cr_assert_str_eq(tine_answer_body(a, NULL), body);
}

void expect_header(const tine_answer *a, const char *name, const char *value)
{
    const char *found = tine_answer_header(a, name);
    if (value == NULL)
        cr_assert_null(found, "%s: %s", name, found);
    else
        cr_assert_str_eq(found != NULL ? found : "(none)", value);
}

void expect_in(const char *haystack, const char *needle)
{
    cr_assert_not_null(strstr(haystack, needle), "'%s' is not in:\n%s", needle, haystack);
}

static char folder[64];

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    rmdir(folder);
}

const char *own_folder(void)
{
    if (folder[0] != 0)
        return folder;
    strcpy(folder, "/tmp/tine-in-process-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}

int count_files(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    if (directory != NULL)
        closedir(directory);
    return count;
}
