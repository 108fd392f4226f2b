/* SPDX-License-Identifier: Apache-2.0
 *
 * The manual pages, as `make man` leaves them beside tine: nothing is missing in them, and a formatter has nothing to say about them.
 */
#include "harness.h"

#include <criterion/criterion.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

TestSuite(manual, .timeout = 120);

static char *pages(void)
{
    return text("%s/man", dirname(text("%s", tine_path())));
}

static char *page(const char *name)
{
    char *path = text("%s/%s", pages(), name);
    if (!file_exists(path))
        harness_fail("%s is not there: make man", path);
    return file_read(path, NULL);
}

static char *shell(const char *command)
{
    struct run ran = run("sh", "-c", command);
    cr_assert_eq(ran.code, 0, "%s: %s%s", command, ran.out, ran.err);
    return ran.out;
}

/* It also says of pages that they refer to others that are not there, as long as nothing is installed. */
Test(manual, formatters_find_nothing_to_say)
{
    if (!program_exists("mandoc"))
        cr_skip_test("there is no mandoc: scripts/setup test installs it");
    static const char *const names[] = {"tine.8", "tine.3", "tine_test.3", "tine_batteries.3", "tine.ini.5"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert_gt(strlen(page(names[i])), 1000);
        cr_assert_str_eq(shell(text("mandoc -T lint %s/%s | grep -v ': referenced manual not found: ' || :", pages(), names[i])), "");
    }
}

/* What a file exports that matches, and what the page tells of. Returns how many that are. */
static size_t expect_functions(const char *file, const char *matching, const char *page_name)
{
    char *manual = page(page_name);
    char *names = shell(text("nm -D --defined-only %s | sed -n 's/^.* T \\(tine_[a-z0-9_]*\\)$/\\1/p' | grep -E '%s'", file, matching));
    size_t count = 0;
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n"), count++) {
        cr_assert(text_matches(manual, text("^\\.Fo %s$", name)), "%s is not in the synopsis", name);
        cr_assert(text_matches(manual, text("^[a-z].*[ *]%s\\(", name)), "%s is not in the description", name);
    }
    cr_assert_eq(text_count(manual, "\n.Fo "), count, "functions that are not there");
    cr_assert_eq(text_count(manual, "\n.Fa \"\"\n"), 0, "an argument without type and name");
    return count;
}

Test(manual, every_public_function_has_its_prototype_and_text)
{
    cr_assert_gt(expect_functions(tine_path(), ".", "tine.3"), 80);
    const char *library = text("%s/libtine_test.so", dirname(text("%s", tine_path())));
    cr_assert_gt(expect_functions(library, "^tine_(test|answer)_", "tine_test.3"), 10);
}

/* Its functions are inline: nothing exports them. */
Test(manual, functions_of_batteries_have_their_page)
{
    char *manual = page("tine_batteries.3");
    char *names = shell("sed -n 's/^static inline .*[ *]\\(tine_[a-z_]*\\)(.*/\\1/p' include/tine_batteries.h | grep -vx "
                        "tine_battery"); /* which finds the filter for them */
    size_t count = 0;
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n"), count++) {
        cr_assert(text_matches(manual, text("^\\.Fo %s$", name)), "%s is not in the synopsis", name);
        cr_assert(text_matches(manual, text("^[a-z].*[ *]%s\\(tine_request \\*r\\);\n\\.Ed\n\\.Pp\n", name)), "%s has no text", name);
    }
    cr_assert_gt(count, 3);
    cr_assert_eq(text_count(manual, "\n.Fo "), count);
    cr_assert_eq(text_count(manual, "_calls"), 0, "what is nobody's business");
}

/* What comes with tine is found from the page of the file that it is named in. */
Test(manual, every_module_is_named)
{
    char *manual = page("tine.ini.5");
    char *names = shell("ls src/modules/loaded | sed -n 's/\\.cc*$//p'");
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n"))
        cr_expect(text_matches(manual, text("^\\.Ic %s( |$)", name)), "%s is not there", name);
    cr_expect(strstr(manual, "module = develop") == NULL, "which is for `tine run`");
    static const char *const pages[] = {"tine.8", "tine_batteries.3", "tine.ini.5"};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        cr_expect(strstr(page(pages[i]), "batteries.md") != NULL, "%s", pages[i]);
}

/* The sources, their strings as they are printed. */
static char *all_words(void)
{
    return shell("cat src/*/*.c src/cli/scaffold/Makefile etc/tine.mk.in scripts/run scripts/setup | sed -zE "
                 "'s/\"[[:space:]]*\\n[[:space:]]*\"//g; s/\\\\\"/\"/g'");
}

/* What is shown as an error of ours is printed somewhere, in these words; "..." stands for what differs. */
Test(manual, errors_are_shown_as_they_are_printed)
{
    char *words = all_words(), *lines = file_read("src/man/errors.md", NULL);
    size_t count = 0;
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *shown = strncmp(line, "| ", 2) == 0 ? strstr(line + 2, " | ") : NULL, *end = shown != NULL ? strstr(shown + 4, "` ") : NULL;
        if (end == NULL || shown[3] != '`') /* a compiler's, say */
            continue;
        *end = 0;
        for (char *piece = shown + 4, *next; piece != NULL; piece = next, count++) {
            if ((next = strstr(piece, "...")) != NULL) {
                *next = 0;
                next += 3;
            }
            cr_expect(strstr(words, piece) != NULL, "'%s' is not in the sources", piece);
        }
    }
    cr_expect_gt(count, 30);
}

Test(manual, every_key_has_its_place)
{
    char *manual = page("tine.ini.5");
    char *keys = shell("sed -n 's/^\\([a-z_]*\\) = .*/\\1/p' etc/server.ini | sort -u");
    for (char *key = strtok(keys, "\n"); key != NULL; key = strtok(NULL, "\n"))
        cr_assert(text_matches(manual, text("^\\.It Ic %s( |$)", key)), "%s is not there", key);
    static const char *const others[] = {".It Ic proxy_protocol No = Li off\n", ".Ss module = redirect\n", ".It Ic cache_control.*\n",
                                         "as limits.body."};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert(strstr(manual, others[i]) != NULL, "%s", others[i]);
}

/* What a format of the access log takes is what its key says, letter by letter. */
Test(manual, letters_of_the_access_log_are_told)
{
    char *manual = page("tine.ini.5"), *ini = text("%s/letters.ini", test_dir());
    file_write(ini, "[app:a]\npath = /\nmodule = respond\n");
    for (char letter = 'A'; letter <= 'z'; letter++) {
        if (letter > 'Z' && letter < 'a')
            continue;
        bool taken = run_tine("-t", "-c", ini, "-o", text("log.access_format=x %%%c", letter)).code == 0;
        bool told = text_matches(manual, text("(^|[ ,])%%%c( |,|$)", letter));
        cr_expect_eq(taken, told, "%%%c is %staken and %stold", letter, taken ? "" : "not ", told ? "" : "not ");
        taken = run_tine("-t", "-c", ini, "-o", text("log.access_format=x %%{A}%c", letter)).code == 0;
        cr_expect_eq(taken, text_matches(manual, text("%%\\{Name\\}%c( |$)", letter)), "%%{A}%c", letter);
    }
}

Test(manual, every_option_and_command_has_its_place)
{
    char *manual = page("tine.8");
    struct run ran = run_tine("-h");
    for (char *line = strtok(ran.out, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char word[32];
        if (strncmp(line, "  ", 2) != 0 || line[2] == ' ')
            continue;
        if (sscanf(line, "  -%31[a-zA-Z] ", word) == 1)
            cr_assert(text_matches(manual, text("^\\.It Fl %s( |$)", word)), "-%s is not there", word);
        else if (sscanf(line, "  %31[a-z] ", word) == 1)
            cr_assert(text_matches(manual, text("^\\.It Cm %s( |$)", word)), "%s is not there", word);
    }
}
