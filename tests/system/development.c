/* SPDX-License-Identifier: Apache-2.0
 *
 * tine run: a folder, an editor that saves, and what a client sees of it.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDLER(body) \
    "#include <tine.h>\n#include <stdlib.h>\n" \
    "static int answer(tine_request *r)\n{\n    " body "\n}\n" \
    "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}})\n"
#define SAYS(text) HANDLER("return tine_text(r, 200, \"" text "\");")

static struct server server; /* pid is that of tine run */

/* As in a shell of the user's own: what sanitizers were told for our tests they were not told for his code. */
static void prepare(void)
{
    const char *const ours[] = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B", "T", "NAME", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unsetenv(ours[i]);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("TMPDIR", test_dir(), 1);
    server_prepare(&server, "");
    cr_assert_eq(remove(server.ini), 0);
}

static void stop(void)
{
    if (server.pid <= 0)
        return;
    server_signal(&server, SIGINT);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
    struct run ran = run("sh", "-c", text("ls -d %s/tine-run-* %s/tine-modules-* 2>/dev/null", test_dir(), test_dir()));
    cr_assert_str_empty(ran.out, "left behind: %s", ran.out);
}

TestSuite(development, .timeout = 120, .init = prepare, .fini = stop);

/* As editors do it: a new file in the place of the old one. */
static void save(const char *name, const char *content)
{
    char *whole = text("%s/%s", server.dir, name);
    file_write(text("%s~", whole), content);
    cr_assert_eq(rename(text("%s~", whole), whole), 0);
}

static void start_on(const char *place, const char *option)
{
    const char *argv[] = {tine_path(), "run", "-o", "server.listen=127.0.0.1:0", place, option, NULL};
    server.pid = process_start(argv, server.access, server.log);
    kill_at_exit(server.pid);
}

static void find_address(size_t index)
{
    strcpy(server.address, server_address(&server, index));
}

static void start(void)
{
    start_on(server.dir, "--no-sanitize");
    find_address(0);
}

static bool answers_at(const char *path, int status, const char *part)
{
    struct response response = get(&server, path);
    bool as_expected = response.status == status && strstr(response.body, part) != NULL;
    response_free(&response);
    return as_expected;
}

static bool answers(int status, const char *part)
{
    return answers_at("/", status, part);
}

static struct response ask_for_page(const char *path)
{
    return ask(&server, request("GET", path, "Accept: text/html\r\nConnection: close\r\n"));
}

Test(development, what_is_saved_is_served)
{
    save("app.c", SAYS("one"));
    start();
    await(answers(200, "one"));
    save("app.c", SAYS("two"));
    await(answers(200, "two"));
    file_write(text("%s/app.c", server.dir), SAYS("three")); /* in place */
    await(answers(200, "three"));
}

/* make would say that nothing changed: it goes by times. */
Test(development, a_file_older_than_the_one_it_replaces_is_served)
{
    save("app.c", SAYS("one"));
    start();
    await(answers(200, "one"));
    file_write(text("%s/backup", server.dir), SAYS("two"));
    const struct timespec long_ago[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    cr_assert_eq(utimensat(AT_FDCWD, text("%s/backup", server.dir), long_ago, 0), 0);
    cr_assert_eq(rename(text("%s/backup", server.dir), text("%s/app.c", server.dir)), 0);
    await(answers(200, "two"));
}

/* A compiler that has read its file, which the test is told, and takes its time. */
static void use_slow_compiler(void)
{
    const char *path = text("%s/slow-cc", server.dir);
    file_write(path,
               text("#!/bin/sh\ncase \" $* \" in *' -c '*)\n    cc \"$@\" || exit 1\n    sh -c 'echo $$ >>%s/slow-pids; exec sleep %s'\n"
                    "    while [ \"$1\" != -o ]; do shift; done; touch \"$2\";;\n*) exec cc \"$@\";;\nesac\n",
                    server.dir, "${SLOW:-1}"));
    cr_assert_eq(chmod(path, 0755), 0);
    setenv("CC", path, 1);
}

static size_t compiled(void)
{
    const char *path = text("%s/slow-pids", server.dir);
    return file_exists(path) ? text_count(file_read(path, NULL), "\n") : 0;
}

Test(development, what_is_saved_while_it_is_compiled_is_served)
{
    use_slow_compiler();
    save("app.c", SAYS("one"));
    start();
    save("app.c", SAYS("two"));
    await(compiled() == 2);
    save("app.c", SAYS("three"));
    await(answers(200, "three"));
}

Test(development, a_compiler_ends_with_it)
{
    use_slow_compiler();
    setenv("SLOW", "300", 1);
    save("app.c", SAYS("one"));
    start_on(server.dir, "--no-sanitize");
    await(compiled() == 1);
    pid_t compiler = (pid_t)atoi(file_read(text("%s/slow-pids", server.dir), NULL));
    server_signal(&server, SIGTERM);
    cr_assert_eq(process_wait(server.pid, PATIENCE), 0);
    server.pid = 0;
    await(kill(compiler, 0) < 0);
}

Test(development, headers_in_folders_and_the_makefile_are_followed)
{
    cr_assert_eq(run_tine("new", text("%s/it's a test", server.dir)).code, 2);
    cr_assert_eq(mkdir(text("%s/it's a test", server.dir), 0755), 0);
    cr_assert_eq(run_tine("new", text("%s/it's a test/made", server.dir)).code, 0);
    cr_assert_eq(mkdir(text("%s/it's a test/made/more", server.dir), 0755), 0);
    save("it's a test/made/more/word.h", "#define WORD \"one\"\n");
    save("it's a test/made/made.c", "#include \"more/word.h\"\n#ifndef END\n#define END \"\"\n#endif\n" SAYS("\" WORD END \""));
    start_on(text("%s/it's a test/made", server.dir), "--no-sanitize");
    find_address(0);
    await(answers(200, "one"));
    save("it's a test/made/more/word.h", "#define WORD \"two\"\n");
    await(answers(200, "two"));
    char *makefile = file_read(text("%s/it's a test/made/Makefile", server.dir), NULL);
    save("it's a test/made/Makefile", text("CPPFLAGS += -DEND='\" and all\"'\n%s", makefile));
    await(answers(200, "two and all"));
}

/* Nobody could neither come to a folder below /root nor keep a database in one of root's. */
Test(development, workers_of_root_are_root)
{
    save("app.c", HANDLER("extern unsigned geteuid(void); return tine_text(r, 200, \"user %u.\", geteuid());"));
    start();
    await(answers(200, text("user %u.", geteuid())));
    if (geteuid() != 0)
        return;
    save("app.ini", text("[server]\nlisten = %s\nuser = nobody\n[app:app]\npath = /\nmodule = build/1.so\n", server.address));
    stop();
    file_write(server.log, "");
    start();
    await(answers(200, "user 65534."));
}

Test(development, code_that_does_not_compile_is_answered_with_what_the_compiler_says)
{
    save("app.c", SAYS("good"));
    start();
    await(answers(200, "good"));
    save("app.c", HANDLER("return tine_text(r, 200, \"<b>\""));
    await(answers(500, "app.c:5:"));
    cr_assert(answers(500, "error: ") && !answers(500, "make:"));
    struct response page = ask_for_page("/any");
    expect_response(&page, 500, NULL);
    expect_field(&page, "Content-Type", "text/html; charset=utf-8");
    cr_assert(strstr(page.body, "&lt;b&gt;") != NULL && strstr(page.body, "location.reload()") != NULL, "%s", page.body);
    cr_assert(server_log_has(&server, "app.c:5:"));
    save("app.c", SAYS("better"));
    await(answers(200, "better"));
}

Test(development, code_that_never_compiled_is_answered_too)
{
    save("app.c", HANDLER("tine_text(r, 200, \"forgotten\");"));
    start();
    await(answers(500, "no return statement in function returning non-void"));
    save("app.c", SAYS("good"));
    find_address(1);
    await(answers(200, "good"));
}

static void expect_refused(const char *code, const char *part)
{
    save("app.c", code);
    await(answers(500, part));
}

Test(development, modules_that_cannot_be_served_say_why)
{
    save("app.c", SAYS("good"));
    start();
    await(answers(200, "good"));
    expect_refused("#include <tine.h>\nTINE_MODULE()\n", "[app:"); /* no routes */
    cr_assert(answers(500, "it has no routes"));
    expect_refused("#include <tine.h>\nint nothing;\n", "it has no TINE_MODULE(...)");
    expect_refused("#include <tine.h>\nint gone(void);\nstatic int answer(tine_request *r) { return tine_text(r, 200, \"%d\", gone()); }\n"
                   "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}})\n", "undefined symbol: gone (of a library");
    expect_refused("#include <tine.h>\nstatic int answer(void) { return 0; }\n"
                   "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}})\n", "incompatible pointer type");
    expect_refused("#include <tine.h>\nstatic int start(tine_app *app) { return tine_reject(app, NULL, \"no database\"); }\n"
                   "static int answer(tine_request *r) { return tine_text(r, 200, \"\"); }\n"
                   "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}}, .worker_init = start)\n", "no database");
    save("app.c", SAYS("again"));
    await(answers(200, "again"));
}

Test(development, pages_learn_when_to_load_themselves_again)
{
    save("app.c", HANDLER("tine_set_header(r, \"ETag\", \"\\\"1\\\"\"); return tine_html(r, 200, \"<h1>%s</h1>\", tine_query(r, \"q\") != "
                          "NULL ? \"a&b\" : \"\");"));
    start();
    await(answers(200, "<h1>"));
    struct response page = ask_for_page("/?q=1"), version = get(&server, "/-/run");
    expect_response(&page, 200, NULL);
    expect_field(&page, "ETag", NULL);
    cr_assert(strncmp(page.body, "<h1>a&amp;b</h1><script>", 24) == 0, "%s", page.body);
    expect_response(&version, 200, NULL);
    cr_assert(strstr(page.body, text("'%s'", version.body)) != NULL, "%s is not in %s", version.body, page.body);
    save("app.c", HANDLER("return tine_json_pack(r, 200, \"{s:s}\", \"a\", \"</html>\");"));
    await(answers(200, "{\"a\":\"</html>\"}"));
    await(!answers_at("/-/run", 200, version.body)); /* workers are replaced one by one */
    cr_assert_eq(text_count(file_read(server.access, NULL), "/-/run"), 0, "pages that ask are logged");
}

Test(development, a_sanitizer_reports_and_the_server_serves_on)
{
    save("app.c", HANDLER("if (tine_query(r, \"crash\") != NULL) { volatile char *text = malloc(4); text[4] = 1; free((void *)text); } "
                          "return tine_text(r, 200, \"fine\");"));
    start_on(server.dir, NULL);
    find_address(0);
    await(answers(200, "fine"));
    for (int i = 0; i < 7; i++) /* more often than a server that is not in development would take */
        expect_get(&server, "/?crash=1", 500, NULL);
    await(server_log_has(&server, "AddressSanitizer: heap-buffer-overflow") && server_log_has(&server, "app.c:5"));
    cr_assert(answers(200, "fine"));
}

/* Where sanitizers put their own function before one of a library, that library has to be there before them. */
Test(development, a_login_can_be_tried)
{
    const char *makefile = text("%s/made/Makefile", server.dir);
    cr_assert_eq(run_tine("new", text("%s/made", server.dir)).code, 0);
    file_write(makefile, text("LDLIBS = -lcrypt\n%s", file_read(makefile, NULL)));
    save("made/made.c", "#include <crypt.h>\n" HANDLER("return tine_text(r, 200, \"%s\", crypt(\"secret\", \"$6$salt$\"));"));
    start_on(text("%s/made", server.dir), NULL);
    find_address(0);
    struct response response = get(&server, "/");
    expect_response(&response, 200, NULL);
    cr_assert(strstr(response.body, "$6$salt$") != NULL, "%s", response.body);
}

Test(development, what_is_undefined_is_no_answer)
{
    if (is_sanitized())
        cr_skip_test("the server's own runtime takes the report, and ends the worker in its way");
    save("app.c",
         HANDLER("volatile int most = 0x7fffffff; most += tine_query(r, \"more\") != NULL; return tine_text(r, 200, \"%d\", most);"));
    start_on(server.dir, NULL);
    find_address(0);
    await(answers(200, "2147483647"));
    expect_get(&server, "/?more=1", 500, NULL);
    await(server_log_has(&server, "signed integer overflow"));
    cr_assert(answers(200, "2147483647"));
}

Test(development, the_ini_file_is_followed)
{
    save("app.c", SAYS("served"));
    save("app.ini", "[server]\nlisten = 127.0.0.1:1\nworkers = 1\n[app:it]\npath = /\nmodule = ./app.so\n");
    start_on(text("%s/app.c", server.dir), "--no-sanitize");
    find_address(0);
    await(answers(200, "served"));
    save("app.ini", "[server]\nlisten = 127.0.0.1:1\nworkrs = 1\n[app:it]\npath = /\nmodule = ./app.so\n");
    await(answers(500, "app.ini:3: [server] workrs: unknown key (did you mean 'workers'?)"));
    save("app.ini", "[server]\nlisten = 127.0.0.1:1\nworkers = 1\n[app:it]\npath = /\nmodule = ./other.so\n");
    await(answers(500, "which is what is built here"));
    save("app.ini", "[server]\nlisten = 127.0.0.1:1\nworkers = 1\n[app:it]\npath = /there\nmodule = ./app.so\n");
    await(answers_at("/there", 200, "served"));
    await(answers(404, ""));
    save("app.ini", "[server]\nlisten = 127.0.0.1:1\nworkers = 1\n[app:that]\npath = /\nmodule = ./app.so\n");
    find_address(1); /* another app: what is told by -o has changed, and with it the server */
    await(answers(200, "served"));
}

Test(development, a_folder_with_a_makefile_is_built_by_it)
{
    struct run ran = run_tine("new", text("%s/made", server.dir));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    start_on(text("%s/made", server.dir), NULL);
    find_address(0);
    expect_get(&server, "/hello/you", 200, "{\"hello\":\"you\"}");
    cr_assert(file_exists(text("%s/made/build/run/made.so", server.dir)) && !file_exists(text("%s/made/build/made.so", server.dir)));
    save("made/more.c", "#include <tine.h>\nint more(tine_request *r)\n{\n    return tine_text(r, 200, \"more\");\n}\n");
    save("made/made.c", "#include <tine.h>\ntine_handler more;\nTINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", more), {0}})\n");
    await(answers(200, "more"));
}

static void expect_exit(const char *place, int code, const char *why)
{
    struct run ran = run_tine("run", "-o", "server.listen=127.0.0.1:0", place);
    cr_assert_eq(ran.code, code, "%d: %s", ran.code, ran.err);
    cr_assert(strstr(ran.err, why) != NULL, "%s", ran.err);
}

Test(development, what_cannot_be_run_is_refused)
{
    expect_exit(server.dir, 1, "there is no .c file in");
    expect_exit("/no/such/file.c", 1, "cannot find '/no/such/file.c'");
    file_write(server.log, "");
    expect_exit(server.log, 1, "is neither a folder nor a .c file");
    expect_exit("--wrong", 2, "usage: tine run");
    save("one.c", SAYS("one"));
    save("one.ini", "[server]\nlissen = 1\n");
    expect_exit(text("%s/one.c", server.dir), 1, "one.ini:2: [server] lissen: unknown key (did you mean 'listen'?)");
    save("a blank.c", SAYS("one"));
    expect_exit(text("%s/a blank.c", server.dir), 1, "make cannot build 'a blank.c'");
    expect_exit(server.dir, 1, "a .c file has a blank in its name, which make cannot build: rename it");
    cr_assert_eq(remove(text("%s/a blank.c", server.dir)), 0);
    save("two.ini", "");
    expect_exit(server.dir, 1, "there are 2 .ini files in");
}

Test(development, a_port_that_is_taken_is_told_with_who_has_it)
{
    struct server other;
    server_start(&other, ONE_WORKER RESPOND("other"));
    save("app.c", SAYS("one"));
    struct run ran = run_tine("run", "-o", text("server.listen=%s", other.address), "--no-sanitize", server.dir);
    cr_assert_eq(ran.code, 1);
    cr_assert(strstr(ran.err, text("port %d is taken by process %d (tine): end that, or take another:", address_port(other.address),
                                   (int)other.pid)) != NULL,
              "%s", ran.err);
    server_stop(&other);
}

Test(development, a_missing_compiler_is_told)
{
    setenv("CC", "no-such-compiler", 1);
    save("app.c", SAYS("one"));
    start();
    await(answers(500, "there is no compiler 'no-such-compiler': install one"));
}
