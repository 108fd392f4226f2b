/* SPDX-License-Identifier: Apache-2.0
 *
 * What shells complete is what `tine -h` says.
 */
#include "harness.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(completions, .timeout = 120);

/* The words that bash offers for a line, sorted, one a line. */
static const char *offered(const char *line)
{
    struct run ran = run("bash", "-c", text(". etc/completions/tine.bash; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tine; "
                                            "printf '%%s\\n' \"${COMPREPLY[@]}\" | sort", line));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return ran.out;
}

/* Those of a usage: its options, and what else a pattern of sed takes from it. */
static const char *words_of_usage(const char *command, const char *pattern)
{
    struct run ran = run("sh", "-c", text("%s | sed -nE '%s' | sort -u", command, pattern));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_count(ran.out, "\n") > 1, "%s", ran.out);
    return ran.out;
}

Test(completions, bash_offers_what_the_usage_lists)
{
    if (!file_exists("etc/completions/tine.bash"))
        cr_skip_test("not in the top folder");
    cr_assert_str_eq(offered("tine ''"), words_of_usage(text("%s -h", tine_path()), "s/^  (-?[a-zA-Z]+) .*/\\1/p"));
    cr_assert_str_eq(offered("tine call ''"), words_of_usage(text("(echo '  -c x'; echo '  -o x'; %s call -h)", tine_path()),
                                                              "s/^  (-[-a-zA-Z]+) .*/\\1/p"));
    const char *const commands[] = {"reload", "upgrade", "status", "routes", "run"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        cr_assert_str_eq(offered(text("tine %s -", commands[i])),
                         words_of_usage(text("%s -h | sed -n 's/^ *tine %s //p' | tr -d '[]' | tr ' ' '\\n'", tine_path(), commands[i]),
                                        "s/^(-[-a-z]+).*/\\1/p"), "%s", commands[i]);
}

Test(completions, bash_offers_files)
{
    if (!file_exists("etc/completions/tine.bash"))
        cr_skip_test("not in the top folder");
    cr_assert(strstr(offered("tine -c etc/"), "etc/server.ini\n") != NULL);
    cr_assert(strstr(offered("tine run src/examples/h"), "src/examples/hello.c\n") != NULL);
}

Test(completions, zsh_and_fish_have_every_command)
{
    const char *all = offered("tine ''");
    char *zsh = file_read("etc/completions/_tine", NULL), *fish = file_read("etc/completions/tine.fish", NULL);
    for (char *word = strtok(text("%s", all), "\n"); word != NULL; word = strtok(NULL, "\n"))
        if (word[0] != '-') {
            cr_assert(strstr(zsh, text("'%s:", word)) != NULL && strstr(fish, text("-a %s -d", word)) != NULL, "%s", word);
        } else {
            cr_assert(strstr(zsh, text("'%s[", word)) != NULL || strstr(zsh, text("*%s[", word)) != NULL, "%s", word);
            cr_assert(strstr(fish, text(" -s %s ", word + 1)) != NULL, "%s", word);
        }
    if (program_exists("zsh"))
        cr_assert_eq(run("zsh", "-n", "etc/completions/_tine").code, 0);
    if (program_exists("fish"))
        cr_assert_eq(run("fish", "--no-execute", "etc/completions/tine.fish").code, 0);
}
