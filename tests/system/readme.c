/* SPDX-License-Identifier: Apache-2.0
 *
 * What README shows of modules works as it stands there: its listings are compiled by its command, mounted by its INI file, and answer its curl
 * commands with its answers. And the examples are as short as they are said to be.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

TestSuite(readme, .timeout = 120);

enum { EXAMPLE_LINES = 40, ENDPOINT_LINES = 10, ENDPOINT_COLUMNS = 100 };

/* From behind 'from', which is looked for at 'at', to 'to'. */
static char *between(const char *at, const char *from, const char *to)
{
    const char *start = strstr(at, from), *end = start != NULL ? strstr(start + strlen(from), to) : NULL;
    if (end == NULL)
        harness_fail("README has no '%s' with '%s' behind it: tests run in the folder of the Makefile", from, to);
    start += strlen(from);
    return text("%.*s", (int)(end - start), start);
}

static const char *readme(void)
{
    return file_read("README.md", NULL);
}

/* What stands there, in which "..." stands for anything. */
static char *as_expression(const char *shown)
{
    char *expression = text("%s%s%s", shown, shown, shown), *to = expression;
    for (; *shown != 0; shown++) {
        if (strncmp(shown, "...", 3) == 0) {
            to = stpcpy(to, ".*");
            shown += 2;
            continue;
        }
        if (strchr(".[]{}()*+?^$|\\", *shown) != NULL)
            *to++ = '\\';
        *to++ = *shown;
    }
    *to = 0;
    return expression;
}

/* Each "$ curl ..." of the passage, and the line below it. */
static void expect_answers(const struct server *server, const char *passage, size_t count)
{
    size_t found = 0;
    for (const char *at = passage; (at = strstr(at, "    $ curl ")) != NULL; found++) {
        char *command = between(at, "    $ ", "\n"), *answer = between(at, "\n    ", "\n"), *host = strstr(command, "localhost:8080");
        cr_assert_not_null(host, "%s", command);
        struct run ran = run("sh", "-c", text("%.*s%s%s", (int)(host - command), command, server->address, host + strlen("localhost:8080")));
        cr_assert(text_matches(ran.out, text("^%s$", as_expression(answer))), "%s\n%s: %s%s", command, answer, ran.out, ran.err);
        at += strlen("    $ curl ");
    }
    cr_assert_eq(found, count);
}

/* Compiled and served as README says, but on a port that is free. */
static void serve(struct server *server, const char *listing)
{
    char *ini = between(readme(), "```ini\n", "```"), *listen = strstr(ini, "127.0.0.1:8080");
    char *folder = realpath(".", NULL);
    cr_assert_not_null(listen);
    server_prepare(server, text("%.*s127.0.0.1:0%s", (int)(listen - ini), ini, listen + strlen("127.0.0.1:8080")));
    file_write(text("%s/greet.c", server->dir), listing);
    const char *command = between(readme(), "\n    cc ", "\n");
    struct run ran = run("sh", "-c", text("cd %s && ln -s %s/include include && cc %s", server->dir, folder, command));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    server_launch(server);
}

Test(readme, shows_a_first_handler_that_works)
{
    struct server server;
    char *section = between(readme(), "\n## A first handler\n", "\n## ");
    serve(&server, between(section, "```c\n", "```"));
    expect_answers(&server, section, 2);
    server_stop(&server);
}

Test(readme, shows_a_json_endpoint_of_ten_lines_that_works)
{
    struct server server;
    char *section = between(readme(), "\n## Input\n", "\n## "), *listing = between(section, "A JSON endpoint is ten lines:\n\n```c\n", "```");
    cr_expect_eq(text_count(listing, "\n"), ENDPOINT_LINES);
    for (const char *line = listing; *line != 0; line += strcspn(line, "\n") + 1)
        cr_expect_leq(strcspn(line, "\n"), ENDPOINT_COLUMNS, "%s", line);
    serve(&server, listing);
    expect_answers(&server, section, 1);
    const char *body = "{\"name\":\"Ada\",\"age\":36}";
    const char *fields = text("Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    struct response response = ask(&server, text("%s%s", request("POST", "/api/people", fields), body));
    expect_response(&response, 201, "{\"name\":\"Ada\",\"age\":36}");
    server_stop(&server);
}

/* ---- Examples ---- */

/* All that the system tests say, in which each example must be named. */
static char *all_tests(void)
{
    glob_t files;
    char *all = text("%s", "");
    cr_assert_eq(glob("tests/system/*.c", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        all = text("%s%s", all, file_read(files.gl_pathv[i], NULL));
    globfree(&files);
    return all;
}

Test(readme, promises_examples_that_are_short_and_tested)
{
    glob_t files;
    char *tests = all_tests();
    cr_assert_eq(glob("src/examples/*.c", 0, NULL, &files), 0);
    cr_assert_geq(files.gl_pathc, 11);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i], *name = strrchr(path, '/') + 1;
        int length = (int)strlen(name) - 2;
        cr_expect_lt(text_count(file_read(path, NULL), "\n"), EXAMPLE_LINES, "%s has too many lines", path);
        cr_expect(strstr(tests, text("../../%.*s.so", length, name)) != NULL || strstr(tests, text("(\"%.*s\"", length, name)) != NULL,
                  "no test serves %s", path);
    }
    globfree(&files);
}
