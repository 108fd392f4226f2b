/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading modules: what cannot be loaded is refused at the start with the reason and its line, and what is
 * loaded may be replaced on disk under a running server.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(modules, .timeout = 120);

#define MODULE(name) ONE_WORKER "[app:m]\npath = /m\nmodule = " name "\n"

static void expect_refused(const char *ini, const char *reason)
{
    struct server server;
    server_prepare(&server, ini);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.err);
    cr_assert(text_matches(ran.err, reason), "no /%s/ in:\n%s", reason, ran.err);
}

/* At the start, by -t and by a reload: the whole line, but for what is before the file's name. */
static void expect_same_everywhere(const char *name, const char *wrong)
{
    struct server server;
    const char *line = text("server\\.ini:5: \\[app:m\\] module: cannot load '[^']*/%s': %s$", name, wrong);
    expect_refused(text(ONE_WORKER "[app:m]\nmodule = @DIR@/%s\n", name), line);
    server_start(&server, ONE_WORKER RESPOND("fine"));
    server_configure(&server, text(ONE_WORKER "[app:m]\nmodule = @DIR@/%s\n", name));
    struct run tested = run_tine("-t", "-c", server.ini), reloaded = run_tine("reload", "-c", server.ini);
    cr_assert(tested.code == 1 && text_matches(tested.err, line), "%d %s", tested.code, tested.err);
    cr_assert(reloaded.code == 1 && text_matches(reloaded.err, line), "%d %s", reloaded.code, reloaded.err);
    server_stop(&server);
}

Test(modules, a_missing_file_is_refused)
{
    expect_same_everywhere("never_was.so", "there is no such file: was it built \\(make\\)\\?");
}

Test(modules, a_built_in_that_is_not_there_is_refused)
{
    expect_refused(MODULE("respnod"), "server\\.ini:6: \\[app:m\\] module: .*respnod.*respond");
}

Test(modules, a_file_that_is_no_shared_object_is_refused)
{
    expect_same_everywhere("server.ini", "it is not a shared object \\(no ELF head\\)");
    expect_same_everywhere("", "it is not a file");
    expect_refused(MODULE("@DIR@/server.ini"), "server\\.ini:6: \\[app:m\\] module: .*server\\.ini");
    expect_refused(MODULE("@DIR@"), "server\\.ini:6: \\[app:m\\] module: ");
}

Test(modules, a_truncated_shared_object_is_refused)
{
    struct server server;
    size_t length;
    server_prepare(&server, MODULE("@DIR@/torn.so"));
    char *bytes = file_read(text("%s/probe.so", modules_path()), &length);
    file_write_bytes(text("%s/torn.so", server.dir), bytes, length / 2);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1, "exit code %d: %s", ran.code, ran.err);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:m\\] module: .*torn\\.so"), "%s", ran.err);
}

Test(modules, a_missing_symbol_is_refused)
{
    expect_refused(MODULE("@MODULES@/no_symbol.so"), "server\\.ini:6: \\[app:m\\] module: .*TINE_MODULE|tine_module_exported");
}

Test(modules, an_undefined_symbol_is_refused)
{
    expect_refused(MODULE("@MODULES@/undefined_symbol.so"), "server\\.ini:6: \\[app:m\\] module: .*undefined symbol: "
                   "tine_that_never_was \\(this tine is older than the tine\\.h that it was built with\\)$");
}

/* Each one that comes with tine, whether it was built or not. */
Test(modules, a_name_that_is_misspelt_is_suggested)
{
    expect_refused(MODULE("sttaic"), "there is no module 'sttaic' \\(did you mean 'static'\\?\\): ");
    struct run ran = run("sh", "-c", "ls src/modules/loaded | sed -n 's/\\.cc*$//p'");
    size_t count = 0;
    for (char *name = strtok(ran.out, "\n"); name != NULL; name = strtok(NULL, "\n"), count++)
        expect_refused(text(MODULE("%ss"), name), text("there is no module '%ss' \\(did you mean '%s'\\?\\): ", name, name));
    cr_expect_gt(count, 5);
    expect_refused(MODULE("nothing_like_it"), "there is no module 'nothing_like_it': ");
}

Test(modules, another_abi_is_refused_with_both_numbers)
{
    expect_refused(MODULE("@MODULES@/other_abi.so"), "server\\.ini:6: \\[app:m\\] module: .*(4711.*1|1.*4711)");
}

Test(modules, an_unknown_setting_is_refused)
{
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\ngreting = hi\n", "server\\.ini:8: \\[app:m\\] greting: .*greeting");
}

Test(modules, a_setting_of_the_wrong_kind_is_refused)
{
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\ncount = few\n", "server\\.ini:8: \\[app:m\\] count: .*few");
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\nloud = maybe\n", "server\\.ini:8: \\[app:m\\] loud: .*maybe");
}

Test(modules, a_setting_that_must_be_given_is_asked_for)
{
    expect_refused(MODULE("@MODULES@/settings.so"), "server\\.ini:[0-9]+: \\[app:m\\] must: ");
}

Test(modules, a_setting_whose_variable_is_missing_is_told_once)
{
    struct server server;
    server_prepare(&server, MODULE("@MODULES@/settings.so") "must = ${NO_SUCH_VARIABLE}\ngreting = hi\n");
    const char *const told = "^[^\n]*server\\.ini:7: \\[app:m\\] must: the environment has no variable NO_SUCH_VARIABLE [^\n]*\n"
                             "[^\n]*server\\.ini:8: \\[app:m\\] greting: [^\n]*\n$";
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert(ran.code == 1 && text_matches(ran.err, told) && text_count(ran.err, "\n") == 2, "%s", ran.err);
    ran = run_tine("routes", "-c", server.ini);
    cr_assert(ran.code == 1 && text_matches(ran.err, told) && text_count(ran.err, "\n") == 2, "%s", ran.err);
    ran = run_tine("-T", "-c", server.ini);
    cr_assert(ran.code == 1 && text_count(ran.err, "\n") == 2, "%s", ran.err);
}

Test(modules, a_load_that_rejects_is_refused_with_its_reason)
{
    expect_refused(MODULE("@MODULES@/settings.so") "must = bad load\n", "server\\.ini:7: \\[app:m\\] must: .*load does not like it\n");
}

Test(modules, a_worker_init_that_rejects_is_refused_with_its_reason)
{
    expect_refused(MODULE("@MODULES@/settings.so") "must = bad init\n", "server\\.ini:7: \\[app:m\\] must: .*worker_init does not like it");
}

Test(modules, a_worker_init_that_crashes_is_refused)
{
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\ncrash_if = /\n",
                   "settings\\.so' crashed in its worker_init\\(\\) \\(SIGABRT\\)$");
}

Test(modules, routes_without_an_end_are_refused_with_a_hint)
{
    struct server server;
    expect_refused(MODULE("@MODULES@/endless.so"),
                   "endless\\.so' crashed while its routes were read \\(SIGSEGV\\); does its list of routes end with \\{0\\}\\?");
    server_prepare(&server, MODULE("@MODULES@/endless.so"));
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert(text_matches(ran.err, "crashed while its routes were read \\(SIGSEGV\\); does its list of routes"), "%s", ran.err);
}

Test(modules, patterns_as_they_are_written_elsewhere_are_told)
{
    static const char *const expected[] = {
        "its route GET /d/:id (tests/modules/habits.c:15): ':id' is a literal here; write {id}",
        "its route GET /d/:id(\\d+) (tests/modules/habits.c:15): ':id(\\d+)' is a literal here; write {id}",
        "its route GET /e/* (tests/modules/habits.c:15): '*' is a literal here; write {rest:path}",
        "its route GET /f/*rest (tests/modules/habits.c:15): '*rest' is a literal here; write {rest:path}",
        "its route GET /g/:group/in/:name/x (tests/modules/habits.c:12): ':group' is a literal here; write {group}",
    };
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 3\n[app:m]\nmodule = @MODULES@/habits.so\n");
    expect_get(&server, "/d/:id", 200, "/d/:id");
    struct run tested = run_tine("-t", "-c", server.ini);
    server_stop(&server);
    char *log = server_log(&server);
    cr_assert_eq(tested.code, 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_expect_eq(text_count(log, expected[i]), 1, "%s: %s", expected[i], log);
        cr_expect_eq(text_count(tested.err, expected[i]), 1, "%s: %s", expected[i], tested.err);
    }
    cr_expect_eq(text_count(log, "is a literal here"), 5, "%s", log);
    cr_expect(text_matches(log, " warning .*server\\.ini:5: \\[app:m\\] module: its route GET /d/:id \\("), "%s", log);
    cr_expect(text_matches(tested.err, "^.*server\\.ini:5: \\[app:m\\] module: its route GET /d/:id \\("), "%s", tested.err);
}

Test(modules, a_module_copied_over_a_running_server_is_served_after_hup)
{
    struct server server;
    const char *cp = "cp %s/%s.so %s/app.so";
    server_prepare(&server, ONE_WORKER "[app:m]\npath = /\nmodule = app.so\n");
    run("sh", "-c", text(cp, modules_path(), "version_a", server.dir));
    server_launch(&server);
    for (int round = 0; round < 4; round++) {
        const char *old = round % 2 == 0 ? "a" : "b", *new = round % 2 == 0 ? "b" : "a";
        expect_get(&server, "/", 200, old);
        run("sh", "-c", text(cp, modules_path(), text("version_%s", new), server.dir)); /* in place: same inode */
        for (int i = 0; i < 5; i++)
            expect_get(&server, "/", 200, old);
        server_hup(&server);
        await(strcmp(get(&server, "/").body, new) == 0);
    }
    server_stop(&server);
}

Test(modules, a_worker_replaced_before_hup_runs_the_code_of_its_generation)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_prepare(&server, ONE_WORKER "[app:m]\npath = /\nmodule = app.so\n");
    run("cp", text("%s/version_a.so", modules_path()), text("%s/app.so", server.dir));
    server_launch(&server);
    server_await_workers(&server, 1, workers);
    run("cp", text("%s/version_b.so", modules_path()), text("%s/app.so", server.dir));
    kill(workers[0], SIGKILL);
    await(!process_alive(workers[0]));
    expect_get(&server, "/", 200, "a");
    unlink(text("%s/app.so", server.dir));
    server_await_workers(&server, 1, workers);
    kill(workers[0], SIGKILL);
    await(!process_alive(workers[0]));
    expect_get(&server, "/", 200, "a");
    server_stop(&server);
}

Test(modules, one_module_mounted_twice_is_two_apps)
{
    struct server server;
    server_start(&server, ONE_WORKER "[app:one]\npath = /1\nmodule = @MODULES@/settings.so\nmust = first\n"
                                     "[app:two]\npath = /2\nmodule = @MODULES@/settings.so\nmust = second\n");
    cr_assert(strstr(get(&server, "/1/").body, "|first|one|/1|") != NULL);
    cr_assert(strstr(get(&server, "/2/").body, "|second|two|/2|") != NULL);
    server_stop(&server);
}

Test(modules, a_name_with_an_asterisk_stands_for_many_settings)
{
    struct server server;
    server_start(&server, MODULE("@MODULES@/settings.so") "must = x\nword.b = two\nword.text/x+y = three\nfolder.f = sub\nwait.w = 2s\n"
                                                          "word.a = one\n");
    expect_get(&server, "/m/list", 200,
               text("word.* b=two (0)\nword.* text/x+y=three (0)\nword.* a=one (0)\nfolder.* f=%s/sub (0)\nwait.* w=2s (2000)\n",
                    server.dir));
    server_stop(&server);
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\nwrod.a = b\n", "server\\.ini:8: \\[app:m\\] wrod.a: .*no such setting");
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\nword. = b\n", "server\\.ini:8: \\[app:m\\] word\\.: .*no such setting");
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\nword.* = b\nword.* = c\n",
                   "server\\.ini:9: \\[app:m\\] word\\.\\*: already set");
    expect_refused(MODULE("@MODULES@/settings.so") "must = x\nwait.a = soon\n", "server\\.ini:8: \\[app:m\\] wait.a: 'soon' is not a time");
}
