/* SPDX-License-Identifier: Apache-2.0
 *
 * make install and make uninstall, and building modules against what was installed: by the Makefile of `tine new`, CMake and Meson.
 */
#include "client.h"
#include "newcomer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(install, .timeout = 240);

static const char *prefix(void)
{
    return text("%s/prefix", test_dir());
}

static struct run make_ours(const char *target)
{
    char *build = text("%s", tine_path());
    *strrchr(build, '/') = 0;
    unsetenv("MAKEFLAGS");
    return run("make", "-s", target, text("B=%s", build), text("PREFIX=%s", prefix()));
}

static void install(void)
{
    if (!file_exists("etc/tine.mk.in"))
        cr_skip_test("not in the top folder");
    struct run ran = make_ours("install");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    setenv("PKG_CONFIG_PATH", text("%s/lib/pkgconfig", prefix()), 1);
}

static void expect_well(struct run ran)
{
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
}

Test(install, uninstall_leaves_nothing)
{
    install();
    cr_assert(file_exists(text("%s/bin/tine", prefix())));
    expect_well(make_ours("uninstall"));
    struct run ran = run("find", prefix(), "!", "-type", "d");
    cr_assert_str_empty(ran.out, "%s", ran.out);
}

Test(install, a_staging_folder_may_have_any_name)
{
    install();
    setenv("DESTDIR", text("%s/it's staged", test_dir()), 1);
    expect_well(make_ours("install"));
    cr_assert(file_exists(text("%s/it's staged%s/share/man/man3/tine_text.3", test_dir(), prefix())));
    expect_well(make_ours("uninstall"));
    struct run ran = run("find", text("%s/it's staged", test_dir()), "!", "-type", "d");
    cr_assert_str_empty(ran.out, "%s", ran.out);
    cr_assert(file_exists(text("%s/bin/tine", prefix())));
    ran = run("make", "-s", "install", "PREFIX=/no such");
    cr_assert(ran.code != 0 && strstr(ran.err, "PREFIX has a blank") != NULL, "%s", ran.err);
    ran = run("make", "-s", "-n", "install", "prefix=/nowhere"); /* as the Makefiles of autoconf have it */
    cr_assert(ran.code != 0 && strstr(ran.err, "PREFIX=/nowhere") != NULL, "%s", ran.err);
}

Test(install, every_function_has_its_manual_page)
{
    install();
    cr_assert_str_eq(file_read(text("%s/share/man/man3/tine_json.3", prefix()), NULL), ".so man3/tine.3\n");
    cr_assert_str_eq(file_read(text("%s/share/man/man3/tine_test_open.3", prefix()), NULL), ".so man3/tine_test.3\n");
    cr_assert(file_exists(text("%s/share/man/man3/tine_test.3", prefix())));
    cr_assert_str_eq(file_read(text("%s/share/man/man3/tine_session.3", prefix()), NULL), ".so man3/tine_batteries.3\n");
    cr_assert(file_exists(text("%s/share/man/man3/tine_batteries.3", prefix())));
}

/* Prints those that lead nowhere, and at the end how many there are. */
#define CHECK_LINKS "cd %s/share/doc/tine && grep -o ']([^)]*)' *.md | sed 's/.*](\\([^)#]*\\).*/\\1/; /^http/d; /^$/d' | " \
                    "{ n=0; while read -r link; do n=$((n+1)); [ -e \"$link\" ] || echo \"$link\"; done; [ $n -gt 20 ] || echo $n links; }"

Test(install, links_of_documents_lead_somewhere)
{
    install();
    struct run ran = run("sh", "-c", text(CHECK_LINKS, prefix()));
    cr_assert_str_empty(ran.out, "%s", ran.out);
    cr_assert_str_empty(ran.err, "%s", ran.err);
}

Test(install, examples_are_there_and_build)
{
    install();
    char *examples = text("%s/share/doc/tine/examples", prefix());
    cr_assert(file_exists(text("%s/builds/CMakeLists.txt", examples)));
    cr_assert_eq(text_count(file_read(text("%s/conduit/conduit.ini", examples), NULL), "../"), 0);
    expect_well(run("cc", "-shared", "-fPIC", text("-I%s/include", prefix()), "-o", text("%s/background.so", test_dir()),
                    text("%s/background.c", examples)));
}

Test(install, a_new_module_builds_against_it_alone)
{
    install();
    const char *folder = text("%s/api", test_dir());
    expect_well(run(text("%s/bin/tine", prefix()), "new", folder));
    cr_assert_eq(text_count(file_read(text("%s/Makefile", folder), NULL), modules_path()), 0);
    struct run ran = newcomer_make(folder, "test");
    expect_well(ran);
    cr_assert(strstr(ran.out, text("-I%s/include", prefix())) != NULL, "%s", ran.out);
}

Test(install, pkg_config_knows_it)
{
    install();
    struct run ran = run("pkg-config", "--cflags", "tine");
    expect_well(ran);
    cr_assert(strstr(ran.out, text("-I%s/include", prefix())) != NULL, "%s", ran.out);
    ran = run("pkg-config", "--modversion", "tine");
    cr_assert(strstr(run_tine("-V").out, text("tine %s", ran.out)) != NULL, "%s", ran.out);
}

Test(install, cmake_builds_and_tests_the_example)
{
    if (!program_exists("cmake") || is_sanitized())
        cr_skip_test("no cmake, or a sanitized build");
    install();
    const char *build = text("%s/cmake", test_dir());
    expect_well(run("cmake", "-S", "src/examples/builds", "-B", build));
    expect_well(run("cmake", "--build", build));
    expect_well(run("ctest", "--test-dir", build, "--output-on-failure"));
}

Test(install, meson_builds_and_tests_the_example)
{
    if (!program_exists("meson") || is_sanitized())
        cr_skip_test("no meson, or a sanitized build");
    install();
    const char *build = text("%s/meson", test_dir());
    expect_well(run("meson", "setup", build, "src/examples/builds"));
    expect_well(run("meson", "compile", "-C", build));
    expect_well(run("meson", "test", "-C", build));
}
