/* SPDX-License-Identifier: Apache-2.0 */
#include "config_support.h"

#include <sys/stat.h>

TestSuite(config_include, .init = enter_folder, .fini = leave_folder);

Test(config_include, reads_files_in_place_sorted_and_from_their_own_folder)
{
    char path[64];

    cr_assert_eq(mkdir("conf.d", 0755), 0);
    write_file("conf.d/20.ini", "[app:b]\nmodule = b.so\n");
    write_file("conf.d/10.ini", "[app:a]\nmodule = a\nroot = www\n");
    write_file("conf.d/30.txt", "not read\n");
    write_file("conf.d/.hidden.ini", "not read\n");
    write_file("more.ini", "[app:c]\nmodule = c\n");
    struct config *config =
        load_text("[server]\ninclude = conf.d/*.ini\ninclude = more.ini\ninclude =\nworkers = 5\n[app:d]\nmodule = d\n");

    cr_expect_eq(config->workers, 5);
    cr_assert_eq(config->app_count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(config->apps[i].name[0], "abcd"[i]);
    cr_expect_str_eq(config->apps[0].place.file, "conf.d/10.ini");
    cr_expect_eq(config->apps[0].place.line, 1);
    snprintf(path, sizeof path, "%s/conf.d", folder);
    cr_expect_str_eq(config->apps[0].settings[0].directory, path);
    snprintf(path, sizeof path, "%s/conf.d/b.so", folder);
    cr_expect_str_eq(config->apps[1].module, path);
    config_free(config);
}

Test(config_include, tells_mistakes_with_the_included_files_name)
{
    cr_assert_eq(mkdir("conf.d", 0755), 0);
    write_file("conf.d/a.ini", "k = 1\n[server]\nworkers = x\n");
    write_file("conf.d/b.ini", "[server]\nuser = y\n");
    expect_errors("[server]\nuser = x\ninclude = conf.d/[ab].ini\n", NULL, 0,
                  "conf.d/a.ini:1: 'k' stands before any [section]\n"
                  "conf.d/a.ini:3: [server] workers: 'x' is not a whole number from 1 to 512, or 'auto'\n"
                  "conf.d/b.ini:2: [server] user: already set at server.ini:2\n");
}

/* A terminal would obey them. */
Test(config_include, escapes_control_bytes_of_names)
{
    mkdir("conf.d", 0755);
    write_file("conf.d/a\x1b[31m\n\x7f\xc3\xa4.ini", "[server]\nwrokers = 1\n");
    expect_errors("[server]\ninclude = conf.d/*.ini\n", NULL, 0,
                  "conf.d/a\\x1b[31m\\x0a\\x7f\xc3\xa4.ini:2: [server] wrokers: unknown key (did you mean 'workers'?)\n");
}

Test(config_include, shows_paths_as_the_command_line_has_them)
{
    struct errors errors;

    errors_init(&errors);
    cr_assert_eq(mkdir("etc", 0755), 0);
    cr_assert_eq(mkdir("etc/conf.d", 0755), 0);
    write_file("etc/server.ini", "[server]\ninclude = conf.d/*\n");
    write_file("etc/conf.d/a.ini", "[server]\ninclude = b.inc\n");
    write_file("etc/conf.d/b.inc", "noise\n");
    config_free(config_load("etc/server.ini", NULL, 0, &errors));
    cr_assert_eq(errors.kept, 2);
    cr_expect_str_eq(errors.messages[0],
                     "etc/conf.d/b.inc:1: 'noise' is not a [section], a key = value or a comment");
    errors_release(&errors);
}

Test(config_include, lets_a_pattern_match_nothing_but_not_a_plain_file_be_missing)
{
    cr_assert_eq(mkdir("folder.ini", 0755), 0);
    expect_errors("[server]\ninclude = none.d/*.ini\ninclude = *.none\n", NULL, 0, "");
    expect_errors("[server]\ninclude = none.ini\n", NULL, 0,
                  "server.ini:2: [server] include: cannot read 'none.ini': No such file or directory\n");
    expect_errors("[server]\ninclude = fold*\n", NULL, 0,
                  "server.ini:2: [server] include: cannot read 'folder.ini': it is a directory\n");
    expect_errors("[server]\ninclude = $x\n", NULL, 0,
                  "server.ini:2: [server] include: a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable\n");
}

Test(config_include, refuses_a_circle)
{
    write_file("a.ini", "[server]\ninclude = b.ini\n");
    write_file("b.ini", "[server]\ninclude = server.ini\n");
    expect_errors("[server]\ninclude = server.ini\n", NULL, 0,
                  "server.ini:2: [server] include: cannot read 'server.ini': it would include itself\n");
    expect_errors("[server]\ninclude = a.ini\n", NULL, 0,
                  "b.ini:2: [server] include: cannot read 'server.ini': it would include itself\n");
}

Test(config_include, nests_four_deep)
{
    write_file("1.ini", "[server]\ninclude = 2.ini\n");
    write_file("2.ini", "[server]\ninclude = 3.ini\n");
    write_file("3.ini", "[server]\ninclude = 4.ini\n");
    write_file("4.ini", "[server]\nworkers = 9\n");
    struct config *config = load_text("[server]\ninclude = 1.ini\n");
    cr_expect_eq(config->workers, 9);
    config_free(config);

    write_file("4.ini", "[server]\ninclude = 5.ini\n");
    write_file("5.ini", "");
    expect_errors(NULL, NULL, 0, "4.ini:2: [server] include: cannot read '5.ini': files are nested more than 4 deep\n");
}

Test(config_include, takes_a_hundred_files_and_tells_the_next_once)
{
    char name[32];

    cr_assert_eq(mkdir("many", 0755), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "many/%03d.ini", i);
        write_file(name, "");
    }
    expect_errors("[server]\ninclude = many/*\n", NULL, 0, "");
    write_file("many/100.ini", "");
    write_file("many/101.ini", "");
    expect_errors(NULL, NULL, 0, "server.ini:2: [server] include: more than 100 files are included\n");
}

Test(config_include, takes_the_folders_name_as_it_is)
{
    cr_assert_eq(mkdir("a[b]*?\\", 0755), 0);
    cr_assert_eq(chdir("a[b]*?\\"), 0);
    write_file("x.ini", "[server]\nworkers = 7\n");
    struct config *config = load_text("[server]\ninclude = x*.ini\n");
    cr_expect_eq(config->workers, 7);
    config_free(config);
}
