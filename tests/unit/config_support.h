/* SPDX-License-Identifier: Apache-2.0
 *
 * Configurations out of texts, for the tests of src/config. A test runs in a process of its own, so
 * the folder may be changed.
 */
#ifndef TESTS_CONFIG_SUPPORT_H
#define TESTS_CONFIG_SUPPORT_H

#include "config/config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder every test works in; made by enter_folder(), removed by leave_folder() or, after a test that crashed or
 * exited, by remove_folder_later(). */
static char folder[] = "/tmp/tine-config-XXXXXX";

/* A process that waits until we, who alone have the other end of its pipe, are gone. */
static inline void remove_folder_later(void)
{
    int ends[2];
    char byte;

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    if (fork() != 0) {
        close(ends[0]);
        return;
    }
    setsid();
    dup2(ends[0], 0);
    close_range(1, ~0U, 0);
    while (read(0, &byte, 1) < 0)
        continue;
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    _exit(1);
}

static inline void enter_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    remove_folder_later();
}

static inline void leave_folder(void)
{
    char command[64];

    cr_assert_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

static inline void write_bytes(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static inline void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* The messages, one a line; freed by the caller. */
static inline char *join_errors(const struct errors *errors)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < errors->kept; i++)
        fprintf(out, "%s\n", errors->messages[i]);
    fclose(out);
    return text;
}

/* Loads server.ini, which must be right. */
static inline struct config *load_right(const char *path)
{
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load(path, NULL, 0, &errors);
    char *told = join_errors(&errors);

    cr_assert_eq(errors.count, 0, "%s", told);
    cr_assert_not_null(config);
    free(told);
    errors_release(&errors);
    return config;
}

static inline struct config *load_text(const char *text)
{
    write_file("server.ini", text);
    return load_right("server.ini");
}

/* Loads server.ini with this text and expects exactly these messages. */
static inline void expect_errors(const char *text, const char *const *overrides, size_t count, const char *expected)
{
    struct errors errors;
    errors_init(&errors);
    if (text)
        write_file("server.ini", text);
    struct config *config = config_load("server.ini", overrides, count, &errors);
    char *told = join_errors(&errors);

    cr_expect_str_eq(told, expected, "for\n%s\nwas told\n%s\nnot\n%s", text ? text : "", told, expected);
    free(told);
    config_free(config);
    errors_release(&errors);
}

static inline char *print_text(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    config_print(config, out);
    fclose(out);
    return text;
}

#endif
