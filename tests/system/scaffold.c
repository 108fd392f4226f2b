/* SPDX-License-Identifier: Apache-2.0
 *
 * tine new, as a newcomer goes about it: make, make test and serving work in the folder at once.
 */
#include "client.h"
#include "newcomer.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(scaffold, .timeout = 120);

static void expect_made(const char *name)
{
    struct run ran = run_tine("new", text("%s/%s", test_dir(), name));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(strstr(ran.out, text("cd %s/%s\n", test_dir(), name)) != NULL && strstr(ran.out, "make test") != NULL, "%s", ran.out);
}

static void expect_refused(const char *name, int code, const char *why)
{
    struct run ran = run_tine("new", name);
    cr_assert_eq(ran.code, code, "%s: exit code %d", name, ran.code);
    cr_assert(strstr(ran.err, why) != NULL, "%s: %s", name, ran.err);
    cr_assert_str_empty(ran.out);
}

Test(scaffold, builds_tests_and_serves_at_once)
{
    struct server server;
    expect_made("hello");
    const char *folder = text("%s/hello", test_dir());
    struct run ran = newcomer_make(folder, NULL);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_assert_str_empty(ran.err, "a warning: %s", ran.err);
    cr_assert(strstr(ran.out, "-c -o build/hello.o hello.c\n") != NULL, "%s", ran.out);
    ran = newcomer_make(folder, "test");
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    cr_assert(strstr(ran.err, "Passing: 3 | Failing: 0") != NULL, "%s", ran.err);
    server_prepare(&server, "");
    const char *argv[] = {tine_path(), "-c", text("%s/hello.ini", folder), "-o", "server.listen=127.0.0.1:0", NULL};
    server_launch_by(&server, argv);
    expect_get(&server, "/hello/you", 200, "{\"hello\":\"you\"}");
    server_stop(&server);
}

/* Handlers end by `return tine_json_pack(...)`: as a jump it would leave no frame of theirs, and nothing for addr2line. */
Test(scaffold, a_crash_in_what_a_handler_returns_is_traced_to_its_line)
{
    struct server server;
    expect_made("hello");
    const char *folder = text("%s/hello", test_dir());
    file_write(text("%s/hello.c", folder), "#include <tine.h>\n"
                                           "static int hello(tine_request *r)\n"
                                           "{\n"
                                           "    return tine_json_pack(r, 200, \"{s:s}\", \"year\", 7);\n"
                                           "}\n"
                                           "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", hello), {0}})\n");
    struct run ran = newcomer_make(folder, NULL);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    server_prepare(&server, "");
    const char *argv[] = {tine_path(), "-c", text("%s/hello.ini", folder), "-o", "server.listen=127.0.0.1:0", NULL};
    server_launch_by(&server, argv);
    cr_assert_eq(get(&server, "/").status, 500);
    await(text_matches(server_log(&server), "for file and line: addr2line -fe [^ ]*hello\\.so 0x"));
    server_stop_after_crashes(&server);
}

/* A library that was forgotten is linked as soon as the Makefile names it. */
Test(scaffold, builds_again_what_the_makefile_says_otherwise)
{
    expect_made("grown");
    const char *folder = text("%s/grown", test_dir());
    cr_assert_eq(newcomer_make(folder, NULL).code, 0);
    cr_assert_eq(text_count(newcomer_make(folder, "module").out, " -c "), 0);
    cr_assert_eq(run("touch", "-d", "1 minute", text("%s/Makefile", folder)).code, 0);
    cr_assert_eq(text_count(newcomer_make(folder, "module").out, " -c "), 1);
}

static size_t compiled_with(const char *folder, const char *setting)
{
    struct run ran = run("make", "-C", folder, "module", setting);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
    return text_count(ran.out, " -c ");
}

/* A module that is still sanitized is one that no server loads, and only make knows why. */
Test(scaffold, builds_again_what_was_built_with_other_flags)
{
    expect_made("turned");
    const char *folder = text("%s/turned", test_dir());
    cr_assert_eq(newcomer_make(folder, NULL).code, 0);
    cr_assert_eq(compiled_with(folder, "SANITIZE=undefined"), 1);
    cr_assert_eq(compiled_with(folder, "SANITIZE=undefined"), 0);
    cr_assert_eq(compiled_with(folder, "NAME=turned"), 1);
    cr_assert_eq(compiled_with(folder, "CPPFLAGS=-DA='\"it is (so), #1\"'"), 1);
    cr_assert_eq(compiled_with(folder, "CPPFLAGS=-DA='\"it is (so), #1\"'"), 0);
    cr_assert_eq(newcomer_make(folder, NULL).code, 0);
    struct run ran = newcomer_make(folder, NULL);
    cr_assert(ran.code == 0 && strstr(ran.out, "gcc") == NULL && strstr(ran.out, "cc ") == NULL, "%s", ran.out);
}

/* What a file that is gone has left in the module is not there on another machine. */
Test(scaffold, builds_again_without_a_file_that_is_gone)
{
    expect_made("lessened");
    const char *folder = text("%s/lessened", test_dir());
    file_write(text("%s/more.c", folder), "int more(void);\nint more(void)\n{\n    return 1;\n}\n");
    cr_assert_eq(newcomer_make(folder, NULL).code, 0);
    unlink(text("%s/more.c", folder));
    struct run ran = newcomer_make(folder, NULL);
    cr_assert(ran.code == 0 && strstr(ran.out, " -shared ") != NULL && strstr(ran.out, "more") == NULL, "%s", ran.out);
    cr_assert_null(strstr(file_read(text("%s/compile_commands.json", folder), NULL), "more.c"));
    ran = newcomer_make(folder, NULL);
    cr_assert(ran.code == 0 && strstr(ran.out, " -shared ") == NULL, "%s", ran.out);
}

/* Where sanitizers put their own function before one of a library, that library has to be there before them. */
Test(scaffold, a_login_can_be_tested_with_sanitizers)
{
    expect_made("login");
    const char *folder = text("%s/login", test_dir());
    file_write(text("%s/login.c", folder),
               "#include <crypt.h>\n#include <tine.h>\n"
               "static int answer(tine_request *r)\n{\n    return tine_text(r, 200, \"%s\", crypt(\"secret\", \"$6$salt$\"));\n}\n"
               "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}})\n");
    file_write(text("%s/test.c", folder),
               "#include <criterion/criterion.h>\n#include <tine_test.h>\n"
               "Test(login, hashes)\n{\n    tine_test *app = tine_test_open(MODULE, NULL);\n"
               "    cr_assert_eq(tine_answer_status(tine_test_get(app, \"/\")), 200);\n}\n");
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    newcomer_make(folder, "clean");
    struct run ran = run("make", "-C", folder, "SANITIZE=address,undefined", "LDLIBS=-lcrypt", "test");
    cr_assert(ran.code == 0 && strstr(ran.err, "Passing: 1 | Failing: 0") != NULL, "%s%s", ran.out, ran.err);
}

Test(scaffold, tests_are_linked_with_the_libraries_of_the_module)
{
    expect_made("packed");
    const char *folder = text("%s/packed", test_dir());
    file_write(text("%s/test.c", folder),
               "#include <criterion/criterion.h>\n#include <zlib.h>\n"
               "Test(packed, sums)\n{\n    cr_assert_eq(crc32(0, (const Bytef *)\"a\", 1), 0xe8b7be43);\n}\n");
    newcomer_make(folder, "clean");
    struct run ran = run("make", "-C", folder, "PACKAGES=zlib", "test");
    cr_assert(ran.code == 0 && strstr(ran.err, "Passing: 1 | Failing: 0") != NULL, "%s%s", ran.out, ran.err);
}

Test(scaffold, tells_editors_how_each_file_is_compiled)
{
    expect_made("edited");
    const char *folder = text("%s/edited", test_dir());
    struct run ran = newcomer_make(folder, "compile_commands.json");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    json_t *commands = json_load_file(text("%s/compile_commands.json", folder), 0, NULL);
    cr_assert_eq(json_array_size(commands), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *command = json_array_get(commands, i);
        cr_assert_str_eq(json_string_value(json_object_get(command, "directory")), folder);
        ran = run("sh", "-c", text("cd %s && %s -o /dev/null", folder, json_string_value(json_object_get(command, "command"))));
        cr_assert_eq(ran.code, 0, "%s", ran.err);
    }
}

Test(scaffold, refuses_a_name_that_is_none)
{
    expect_refused("my-api", 2, "a name has letters, digits and '_'");
    expect_refused("9lives", 2, "does not begin with a digit");
    expect_refused("", 2, "a name has");
    expect_refused("some/", 2, "a name has");
    expect_refused("test_me", 2, "files of tests");
    cr_assert_eq(run_tine("new").code, 2);
    cr_assert_eq(run_tine("new", "one", "two").code, 2);
}

Test(scaffold, leaves_alone_what_is_there)
{
    const char *folder = text("%s/mine", test_dir());
    cr_assert_eq(mkdir(folder, 0755), 0);
    file_write(text("%s/mine.c", folder), "precious");
    expect_refused(folder, 1, "not an empty folder");
    cr_assert_str_eq(file_read(text("%s/mine.c", folder), NULL), "precious");
    cr_assert_not(file_exists(text("%s/Makefile", folder)));
    expect_refused(text("%s/no/such/place", test_dir()), 1, "cannot make the folder");
    cr_assert_eq(mkdir(text("%s/empty", test_dir()), 0755), 0);
    expect_made("empty");
}

Test(scaffold, says_what_is_missing)
{
    expect_made("poor");
    const char *folder = text("%s/poor", test_dir());
    struct run ran = newcomer_make(folder, "CC=no-such-compiler");
    cr_assert(ran.code != 0 && strstr(ran.err, "there is no compiler 'no-such-compiler': install one") != NULL, "%s", ran.err);
    ran = newcomer_make(folder, "CPPFLAGS=-nostdinc");
    cr_assert(ran.code != 0 && strstr(ran.err, "apt-get install libjansson-dev") != NULL, "%s", ran.err);
    ran = newcomer_make(folder, "TINE_MK=/no/such");
    cr_assert(ran.code != 0 && strstr(ran.err, "tine is not installed where pkg-config finds it") != NULL, "%s", ran.err);
    ran = run("make", "-s", "-C", folder, "SOURCES=no file.c", "CC=no-such-compiler"); /* would ask itself what is missing for ever */
    cr_assert(ran.code != 0 && strstr(ran.err, "make[3]") == NULL, "%s", ran.err);
    cr_assert_eq(remove(text("%s/poor.c", folder)), 0);
    ran = newcomer_make(folder, NULL);
    cr_assert(ran.code != 0 && strstr(ran.err, "there is no .c file in") != NULL, "%s", ran.err);
}
