/* SPDX-License-Identifier: Apache-2.0
 *
 * The tutorial of README is done as it stands there, from an empty home: its listings are saved, its edits made, its commands typed into
 * one shell, and what they print is compared with what is shown. And the examples are as short as they are said to be.
 *
 * What it goes by: a command is a line "    $ ...", what it prints stands below; a listing is the content of the file that was named last
 * before it, one in diff notation an edit of it. "..." stands for anything, as a line of its own for any lines; times, ids and processes
 * may differ. A server is a command that goes on until the next one, and curl is asked again until it sees what was saved.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(readme, .timeout = 240);

enum { EXAMPLE_LINES = 40, ENDPOINT_LINES = 10, ENDPOINT_COLUMNS = 100, SHOWN_LOG = 1000 };

#define SHOWN_PORT "8000"

/* ---- What is shown, and what came ---- */

/* From behind 'from', which is looked for at 'at', to 'to'. */
static char *between(const char *at, const char *from, const char *to)
{
    const char *start = strstr(at, from), *end = start != NULL ? strstr(start + strlen(from), to) : NULL;
    if (end == NULL)
        harness_fail("README has no '%s' with '%s' behind it: tests run in the folder of the Makefile", from, to);
    start += strlen(from);
    return text("%.*s", (int)(end - start), start);
}

static char *replaced(const char *whole, const char *old, const char *new)
{
    char *result = text("%s", "");
    for (const char *found; (found = strstr(whole, old)) != NULL; whole = found + strlen(old))
        result = text("%s%.*s%s", result, (int)(found - whole), whole, new);
    return text("%s%s", result, whole);
}

/* Without what differs from one time to the next. */
static char *masked(const char *what)
{
    static const char *const sed =
        "s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9:.]+/TIME/g; s/TIME (debug|info|warning|error) [0-9]+/TIME \\1 PID/g;"
        "s/^Date: .*/Date: TIME/; s/[0-9a-f]{16}/ID/g; s/\\([0-9.]+s\\)/(TIME)/g; s/[ \r]+$//";
    char *path = text("%s/masked", test_dir());
    file_write(path, what);
    return run("sed", "-E", sed, path).out;
}

static bool line_matches(const char *shown, const char *shown_end, const char *line, const char *line_end)
{
    for (; shown < shown_end; shown++, line++) {
        if (shown_end - shown >= 3 && strncmp(shown, "...", 3) == 0) {
            for (const char *rest = line; rest <= line_end; rest++)
                if (line_matches(shown + 3, shown_end, rest, line_end))
                    return true;
            return false;
        }
        if (line == line_end || *shown != *line)
            return false;
    }
    return line == line_end;
}

static const char *behind_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line != 0 ? line + 1 : line;
}

/* Empty lines count for nothing. */
static bool matches(const char *shown, const char *came)
{
    shown += strspn(shown, "\n");
    came += strspn(came, "\n");
    if (*shown == 0)
        return *came == 0;
    if (strncmp(shown, "...\n", 4) == 0)
        return matches(shown + 4, came) || (*came != 0 && matches(shown, behind_line(came)));
    return *came != 0 && line_matches(shown, shown + strcspn(shown, "\n"), came, came + strcspn(came, "\n")) &&
           matches(behind_line(shown), behind_line(came));
}

/* ---- The shell ---- */

static struct {
    int commands;    /* what is typed */
    char *out, *log; /* what it prints, and what the server does */
    char *folder;    /* where it stands */
    char port[8];
    int count;
    bool serving;
} shell;

static char *type(const char *command)
{
    size_t before = strlen(file_read(shell.out, NULL));
    char *mark = text("@@%d@@ ", ++shell.count);
    cr_assert_gt(dprintf(shell.commands, "{ %s\n} </dev/null\nprintf '\\n%s%%s@@\\n' \"$PWD\"\n", command, mark), 0);
    char *end = NULL, *printed = NULL;
    await((printed = file_read(shell.out, NULL) + before, (end = strstr(printed, mark)) != NULL && strstr(end, "@@\n") != NULL));
    shell.folder = between(end, mark, "@@\n");
    return text("%.*s", (int)(end - printed), printed);
}

/* As in a shell of the user's own; and what is said of a port of ours holds for any that is free. */
static void open_shell(void)
{
    const char *const ours[] = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B", "T", "NAME", "BXFI_MAP", "PKG_CONFIG_PATH"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unsetenv(ours[i]);
    char *fifo = text("%s/commands", test_dir()), *home = text("%s/home", test_dir());
    shell.out = text("%s/out", test_dir());
    shell.log = text("%s/server", test_dir());
    cr_assert(mkfifo(fifo, 0600) == 0 && mkdir(home, 0755) == 0);
    setenv("HOME", home, 1);
    file_write(text("%s/.curlrc", home), "silent\nshow-error\n"); /* as in a terminal */
    setenv("LC_ALL", "C.UTF-8", 1);
    file_write(shell.out, "");
    const char *argv[] = {"sh", "-c", text("exec sh <%s", fifo), NULL};
    kill_at_exit(process_start(argv, shell.out, shell.out));
    shell.commands = open(fifo, O_WRONLY | O_CLOEXEC);
    snprintf(shell.port, sizeof shell.port, "%d", port_reserve());
}

static void end_server(void)
{
    if (shell.serving)
        type("kill -INT $server; wait $server");
    shell.serving = false;
}

static char *printed_by_server(const char *command, const char *shown)
{
    end_server();
    file_write(shell.log, "");
    type(text("%s >%s 2>&1 & server=$!", command, shell.log));
    shell.serving = true;
    wait_until(PATIENCE, matches(shown, masked(file_read(shell.log, NULL))));
    return file_read(shell.log, NULL);
}

static bool begins(const char *command, const char *with)
{
    return strncmp(command, with, strlen(with)) == 0;
}

static const char *last_of(const char *log)
{
    size_t length = strlen(log);
    return length > SHOWN_LOG ? log + length - SHOWN_LOG : log;
}

static void expect_command(const char *typed, const char *output)
{
    char *command = replaced(typed, SHOWN_PORT, shell.port), *shown = masked(replaced(output, SHOWN_PORT, shell.port)), *came;
    bool serves = begins(command, "tine run") || text_matches(command, "^tine -c [a-z.]+$");
    int64_t deadline = now_ms() + PATIENCE;
    if (strstr(command, " install PREFIX=") != NULL)
        command = text("B=%s %s", text("%.*s", (int)(strrchr(tine_path(), '/') - tine_path()), tine_path()), command);
    do
        came = serves ? printed_by_server(command, shown) : type(command);
    while (!matches(shown, masked(came)) && shell.serving && begins(command, "curl ") && now_ms() < deadline);
    cr_assert(matches(shown, masked(came)), "$ %s\n%s\nis shown, and what came is\n%s\n%s", typed, output, came,
              shell.serving ? last_of(file_read(shell.log, NULL)) : "");
    if (begins(command, "tine new ")) {
        const char *name = command + strlen("tine new "), *ini = text("%s/%s/%s.ini", shell.folder, name, name);
        file_write(ini, replaced(file_read(ini, NULL), SHOWN_PORT, shell.port));
    }
}

/* ---- Listings ---- */

/* The lines of an edit that are there before it ('+' is not) or after it ('-' is not). */
static char *side(const char *edit, char other)
{
    char *lines = text("%s", "");
    for (; *edit != 0; edit = behind_line(edit))
        if (*edit != other)
            lines = text("%s%.*s", lines, (int)(behind_line(edit) - edit - 1), edit + 1);
    return lines;
}

static void save(const char *name, const char *kind, const char *listing)
{
    char *path = text("%s/%s", shell.folder, name), *content = replaced(listing, SHOWN_PORT, shell.port);
    cr_assert_str_not_empty(name, "it is not said which file this is:\n%s", listing);
    if (strcmp(kind, "diff") == 0) {
        char *old = side(content, '+'), *whole = file_read(path, NULL);
        cr_assert_eq(text_count(whole, old), 1, "%s does not have, or not once:\n%s", name, old);
        content = replaced(whole, old, side(content, '-'));
    } else if (strcmp(kind, "ini") == 0 && geteuid() == 0) { /* else workers were nobody, who may write nothing here */
        content = text("%s\n[server]\nuser = root\n", content);
    }
    file_write(text("%s~", path), content);
    cr_assert_eq(rename(text("%s~", path), path), 0);
}

/* The last word in backticks that is a file's name. */
static const char *named(const char *prose, const char *before)
{
    for (const char *tick; (tick = strchr(prose, '`')) != NULL;) {
        size_t length = strcspn(tick + 1, "`");
        char *word = text("%.*s", (int)length, tick + 1);
        if (text_matches(word, "^([a-z_]+\\.(c|ini)|Makefile)$"))
            before = word;
        prose = tick + 1 + length + (tick[1 + length] == '`');
    }
    return before;
}

/* ---- The tutorial ---- */

static char *section(void)
{
    return between(file_read("README.md", NULL), "\n## Tutorial\n", "\n## ");
}

/* What is printed by the command whose line ends before 'at'; '*end' is behind it. */
static char *output_at(const char *at, const char **end)
{
    char *output = text("%s", "");
    while (begins(at, "    ") && !begins(at, "    $ ")) {
        output = text("%s%.*s", output, (int)(behind_line(at) - at - 4), at + 4);
        at = behind_line(at);
        at += begins(at, "\n    ") && !begins(at, "\n    $ ");
    }
    *end = at;
    return output;
}

static size_t do_all(const char *at)
{
    const char *name = "";
    size_t commands = 0;
    while (*at != 0) {
        char *line = text("%.*s", (int)strcspn(at, "\n"), at);
        const char *next = behind_line(at);
        if (begins(line, "```")) {
            char *listing = between(at, "\n", "```");
            save(name, line + 3, listing);
            next = behind_line(next + strlen(listing));
        } else if (begins(line, "    $ ")) {
            expect_command(line + 6, output_at(next, &next));
            commands++;
        } else {
            name = named(line, name);
        }
        at = next;
    }
    return commands;
}

Test(readme, has_a_tutorial_that_does_what_it_shows)
{
    if (is_sanitized())
        cr_skip_test("done with the build that is installed");
    open_shell();
    cr_expect_gt(do_all(section()), 20);
    end_server();
    close(shell.commands);
}

Test(readme, shows_a_json_endpoint_of_ten_lines)
{
    char *listing = between(section(), "ten lines:\n\n```c\n", "```");
    cr_expect_eq(text_count(listing, "\n"), ENDPOINT_LINES);
    for (const char *line = listing; *line != 0; line = behind_line(line))
        cr_expect_leq(strcspn(line, "\n"), ENDPOINT_COLUMNS, "%s", line);
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
