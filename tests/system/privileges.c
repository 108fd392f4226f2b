/* SPDX-License-Identifier: Apache-2.0
 *
 * Who runs it and with which means: user and group, descriptors, pidfile, daemon.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(privileges, .timeout = 120);

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("not root");
}

static void expect_ids(pid_t process, const char *uid, const char *gid)
{
    const char *uids = text("^Uid:\t%s\t%s\t%s\t%s$", uid, uid, uid, uid);
    const char *gids = text("^Gid:\t%s\t%s\t%s\t%s$", gid, gid, gid, gid);
    if (!wait_until(5000, text_matches(process_file(process, "status"), uids))) /* it may just have been forked */
        harness_fail("%s", process_file(process, "status"));
    cr_assert(text_matches(process_file(process, "status"), gids), "%s", process_file(process, "status"));
}

Test(privileges, workers_of_root_are_nobody_and_the_log_says_so)
{
    need_root();
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    expect_ids(workers[0], "65534", "65534");
    expect_ids(workers[1], "65534", "65534");
    char *status = process_file(workers[1], "status");
    cr_assert(text_matches(status, "^Groups:[ \t]*(65534)?[ \t]*$"), "groups of root are left: %s", status);
    cr_assert(text_matches(status, "^CapEff:\t0000000000000000$"), "%s", status);
    expect_ids(server.pid, "0", "0");
    cr_assert(server_log_has(&server, "nobody"));
    server_stop(&server);
}

/* Users are looked up by a process that ends then. */
Test(privileges, what_looks_up_users_stays_out_of_the_master)
{
    need_root();
    struct server server;
    server_start(&server, ONE_WORKER "user = daemon\n[listen:a]\naddress = unix:@DIR@/sock\nowner = daemon\n" PROBE);
    expect_get(&server, "/hello", 200, "hello");
    server_reload_refused(&server, ONE_WORKER "user = daemon\n[listen:a]\naddress = unix:@DIR@/sock\nowner = nobody_of_that_name\n" PROBE);
    server_log_await(&server, "owner: 'nobody_of_that_name': there is no such user", 1);
    server_reload_refused(&server, ONE_WORKER "user = daemon\n[listen:a]\naddress = unix:@DIR@/sock\ngroup = nobody_of_that_name\n" PROBE);
    server_log_await(&server, "there is no such group", 1);
    cr_assert(text_matches(process_file(server.pid, "maps"), "libjansson"));
    cr_assert(!text_matches(process_file(server.pid, "maps"), "libnss"), "%s", process_file(server.pid, "maps"));
    server_stop(&server);
}

static void expect_workers_are(const char *settings, const char *user, const char *group)
{
    need_root();
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, text(TWO_WORKERS "%s" PROBE, settings));
    server_await_workers(&server, 2, workers);
    expect_get(&server, "/hello", 200, "hello");
    expect_ids(workers[0], user, group);
    server_stop(&server);
}

Test(privileges, user_and_group_are_taken_from_the_file)
{
    expect_workers_are("user = daemon\ngroup = games\n", "1", "60");
}

Test(privileges, root_must_be_written_out)
{
    expect_workers_are("user = root\n", "0", "0");
}

Test(privileges, a_user_that_is_not_there_is_an_error)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "user = nobody_of_that_name\n" PROBE);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:4: \\[server\\] user: .*nobody_of_that_name"), "%s", ran.err);
}

/* What a module cannot open says nothing of who it is that cannot. */
Test(privileges, a_module_that_does_not_start_is_said_to_be_somebody_else)
{
    need_root();
    if (!file_exists(text("%s/../../notes.so", modules_path())))
        cr_skip_test("built without libsqlite3-dev");
    struct server server;
    server_prepare(&server, ONE_WORKER "[app:notes]\npath = /\nmodule = @MODULES@/../../notes.so\nfile = @DIR@/notes.db\n");
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(strstr(ran.err, "file: unable to open database file") != NULL, "%s", ran.err);
    cr_assert(strstr(ran.err, "workers are 'nobody' ([server] user)") != NULL, "%s", ran.err);
    ran = run_tine("-c", server.ini, "-o", "server.user=root", "-o", "app:notes.file=/no/such/folder/notes.db");
    cr_assert(ran.code == 1 && strstr(ran.err, "want of permission") == NULL, "%s", ran.err);
}

/* The first of its generation could: so it is another reason, as a database that takes no more connections. */
Test(privileges, a_later_worker_that_does_not_start_is_no_matter_of_whom)
{
    need_root();
    struct server server;
    server_start(&server, TWO_WORKERS PROBE);
    file_write(text("%s/lock", server.dir), "");
    server_reload(&server, TWO_WORKERS PROBE "[app:s]\npath = /s\nmodule = @MODULES@/settings.so\nmust = x\nlock = @DIR@/lock\n");
    server_log_await(&server, "another has it", 2);
    cr_assert_not(server_log_has(&server, "want of permission"));
    server_stop(&server);
}

Test(privileges, a_folder_of_files_that_is_not_there_is_no_matter_of_whom)
{
    need_root();
    struct server server;
    server_prepare(&server, ONE_WORKER "[app:site]\nmodule = static\nroot = @DIR@/missing\n");
    struct run ran = run_tine("-c", server.ini);
    cr_assert(ran.code == 1 && strstr(ran.err, "No such file or directory") != NULL, "%s", ran.err);
    cr_assert_null(strstr(ran.err, "want of permission"), "%s", ran.err);
    cr_assert_eq(run("mkdir", "-m", "0700", text("%s/missing", server.dir)).code, 0);
    ran = run_tine("-c", server.ini);
    cr_assert(ran.code == 1 && strstr(ran.err, "Permission denied (every folder on the way needs x)\n") != NULL, "%s", ran.err);
    cr_assert_not_null(strstr(ran.err, "want of permission: workers are 'nobody'"), "%s", ran.err);
}

/* What root may do in any case tells nothing of its workers. */
Test(privileges, a_folder_that_workers_cannot_enter_or_write_bodies_to_is_told)
{
    need_root();
    struct server server;
    server_prepare(&server, ONE_WORKER "temp = @DIR@/root\n" PROBE);
    cr_assert_eq(run("mkdir", "-m", "0700", text("%s/root", server.dir)).code, 0);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err,
                           "server\\.ini:4: \\[server\\] temp: workers, who are 'nobody' \\(.*\\), cannot enter '.*/root': Permission"),
              "%s", ran.err);
    cr_assert_null(strstr(ran.err, "module:"), "%s", ran.err);
    cr_assert_eq(chmod(text("%s/root", server.dir), 0755), 0);
    server_launch(&server);
    server_log_await(&server, "temp: workers, who are 'nobody', cannot write", 1);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* Starts tine as root without capabilities but those listed (as ",+setuid"): of a container, say. */
static struct run run_bounded(struct server *server, const char *user, const char *capabilities)
{
    need_root();
    server_prepare(server, text(ONE_WORKER "%s" PROBE, user));
    const char *bounding = text("--bounding-set=-all%s", capabilities);
    if (!program_exists("setpriv") || run("setpriv", "--inh-caps=-all", bounding, "true").code != 0)
        cr_skip_test("no setpriv");
    return run("setpriv", "--inh-caps=-all", bounding, tine_path(), "-c", server->ini, "-t");
}

static void expect_unstarted(const struct server *server, const char *capabilities, const char *reason)
{
    struct run ran = run("setpriv", "--inh-caps=-all", text("--bounding-set=-all%s", capabilities), tine_path(), "-c", server->ini);
    cr_expect_eq(ran.code, 1);
    cr_expect(text_matches(ran.err, text("server.ini(:[0-9]+)?: \\[server\\] user: .*'nobody'.*%s", reason)), "%s", ran.err);
}

Test(privileges, root_that_cannot_become_another_says_where_and_what_to_do)
{
    struct server server;
    cr_expect_eq(run_bounded(&server, "", "").code, 0);
    expect_unstarted(&server, "", "CAP_SETUID or CAP_SETGID is missing.*'user = root' does without");
}

/* Neither a reload nor a stop would ever end, and no handler would be held to its time. */
Test(privileges, root_that_may_not_signal_its_workers_does_not_start)
{
    struct server server;
    run_bounded(&server, "", "");
    expect_unstarted(&server, ",+setuid,+setgid", "cannot be signalled.*CAP_KILL is missing");
    expect_unstarted(&server, ",+setuid,+setgid", "'user = root' does without");
}

Test(privileges, root_without_capabilities_serves_as_who_it_is)
{
    struct server server;
    run_bounded(&server, "user = root\n", "");
    const char *argv[] = {"setpriv", "--inh-caps=-all", "--bounding-set=-all", tine_path(), "-c", server.ini, NULL};
    server_launch_by(&server, argv);
    expect_get(&server, "/hello", 200, "hello");
    server_hup(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* tine started with these limits, through a shell: they must not be this process' own. */
#define LIMITED(soft, hard, server) \
    {"sh", "-c", text("ulimit -Sn %s && ulimit -Hn %s && exec %s -c %s", soft, hard, tine_path(), (server)->ini), NULL}

static void start_limited(struct server *server, const char *soft, const char *hard)
{
    server_prepare(server, TWO_WORKERS PROBE TROUBLE);
    const char *argv[] = LIMITED(soft, hard, server);
    server_launch_by(server, argv);
}

Test(privileges, the_descriptor_limit_is_raised_to_the_hard_one)
{
    struct server server;
    start_limited(&server, "256", "4096");
    expect_get(&server, "/hello", 200, "hello");
    char *limits = process_file(server.pid, "limits");
    cr_assert(text_matches(limits, "^Max open files +4096 +4096 "), "%s", limits);
    server_stop(&server);
}

Test(privileges, a_low_descriptor_limit_is_warned_of)
{
    struct server server;
    start_limited(&server, "128", "128");
    char *log = server_log(&server);
    cr_assert(text_matches(log, " warning .*(RLIMIT_NOFILE|descriptors|open files)"), "%s", log);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}

/* All are busy, and more would help. */
Test(privileges, no_more_workers_come_than_the_master_has_descriptors_for)
{
    enum { BUSY = 40, MOST = 15 };
    struct server server;
    struct client busy[BUSY];
    pid_t workers[WORKERS_MAX];
    start_limited(&server, "64", "64");
    for (int i = 0; i < BUSY; i++) {
        busy[i] = client_connect(&server);
        client_send(&busy[i], request("GET", "/trouble/gate/all", "Connection: close\r\n"));
    }
    server_await_workers(&server, MOST, workers);
    for (int i = 2; i <= MOST; i++) { /* and by hand */
        server_signal(&server, SIGTTIN);
        usleep(10000);
    }
    server_signal(&server, SIGTTIN);
    await(server_log_has(&server, "15 workers: for more the limit of open files is too low"));
    cr_assert_eq(server_workers(&server, workers), MOST);
    server_open_gate(&server, "all");
    for (int i = 0; i < BUSY; i++)
        cr_assert_eq(client_read(&busy[i]).status, 200);
    cr_assert_not(server_log_has(&server, "cannot start a worker"));
    server_hup(&server);
    server_log_await(&server, "generation 2 serves", 1);
    server_stop(&server);
}

Test(privileges, more_workers_than_the_master_has_descriptors_for_are_refused)
{
    struct server server;
    server_prepare(&server, "[server]\nlisten = 127.0.0.1:0\nworkers = 16\n" PROBE);
    const char *argv[] = LIMITED("64", "64", &server);
    struct run ran = run_program(argv);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:3: \\[server\\] workers: 16 takes 66 open files in the master, the limit is 64 \\(raise"),
              "%s", ran.err);
}

Test(privileges, full_descriptor_tables_are_survived)
{
    struct server server;
    struct client clients[400];
    pid_t before[WORKERS_MAX], now[WORKERS_MAX];
    start_limited(&server, "100", "100");
    server_await_workers(&server, 2, before);
    for (int i = 0; i < 400; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], "GET /hello HT");
    }
    for (int i = 0; i < 400; i++)
        client_close(&clients[i]);
    for (int i = 0; i < 20; i++)
        expect_get(&server, "/hello", 200, "hello");
    server_await_workers(&server, 2, now);
    cr_assert_arr_eq(before, now, 2 * sizeof *now);
    server_stop(&server);
}

Test(privileges, the_pidfile_is_made_and_removed)
{
    struct server server;
    server_start(&server, TWO_WORKERS "pidfile = @DIR@/tine.pid\n" PROBE);
    const char *path = text("%s/tine.pid", server.dir);
    await(strcmp(file_read(path, NULL), text("%d\n", server.pid)) == 0);
    server_hup(&server);
    cr_assert_str_eq(file_read(path, NULL), text("%d\n", server.pid));
    server_stop(&server);
    cr_assert_not(file_exists(path), "it is left behind");
}

Test(privileges, a_pidfile_moved_by_a_reload_is_made_anew_and_the_old_one_removed)
{
    struct server server;
    server_start(&server, TWO_WORKERS "pidfile = @DIR@/old.pid\n" PROBE);
    const char *old_path = text("%s/old.pid", server.dir), *path = text("%s/new.pid", server.dir);
    await(file_exists(old_path));
    server_reload(&server, TWO_WORKERS "pidfile = @DIR@/new.pid\n" PROBE);
    await(strcmp(file_read(path, NULL), text("%d\n", server.pid)) == 0);
    await(!file_exists(old_path));
    server_stop(&server);
    cr_assert_not(file_exists(path), "it is left behind");
}

/* As whoever owns the folder may put them there: to open one waits for who is at its other end. */
Test(privileges, pipes_where_pidfiles_are_written_hold_up_nobody)
{
    struct server server;
    server_start(&server, TWO_WORKERS "pidfile = @DIR@/old.pid\n" PROBE);
    const char *path = text("%s/new.pid", server.dir);
    cr_assert_eq(mkfifo(text("%s.%d", path, server.pid), 0600), 0);
    server_reload(&server, TWO_WORKERS "pidfile = @DIR@/new.pid\n" PROBE);
    await(strcmp(file_read(path, NULL), text("%d\n", server.pid)) == 0);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    server_stop(&server);
    cr_assert(file_exists(path));
}

Test(privileges, a_stale_pidfile_does_not_hinder_the_start)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "pidfile = @DIR@/tine.pid\n" PROBE);
    const char *path = text("%s/tine.pid", server.dir);
    file_write(path, "4194303999\n");
    server_launch(&server);
    await(strcmp(file_read(path, NULL), text("%d\n", server.pid)) == 0);
    server_stop(&server);
}

Test(privileges, a_daemon_serves_and_its_starter_returns_once_it_does)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "daemon = on\npidfile = @DIR@/tine.pid\n[log]\nerror = @DIR@/log\naccess = @DIR@/access\n" PROBE);
    struct run ran = run_tine("-c", server.ini);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    server.pid = atoi(file_read(text("%s/tine.pid", server.dir), NULL)); /* there, or the starter returned too early */
    cr_assert_gt(server.pid, 1);
    kill_at_exit(server.pid);
    strcpy(server.address, server_address(&server, 0));
    expect_get(&server, "/hello", 200, "hello");
    server_access_await(&server, "/hello");
    server_signal(&server, SIGTERM);
    await(!process_alive(server.pid));
    cr_assert_not(file_exists(text("%s/tine.pid", server.dir)));
}

/* As ssh, $(...) and playbooks do, which read until the end. */
Test(privileges, a_daemon_lets_go_of_the_output_of_its_starter)
{
    struct server server;
    server_prepare(&server, TWO_WORKERS "daemon = on\npidfile = @DIR@/tine.pid\n[log]\nerror = @DIR@/log\naccess = @DIR@/access\n" PROBE);
    struct run ran = run("sh", "-c", text("said=$(%s -c %s 2>&1); echo \"it said: $said\"", tine_path(), server.ini));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_expect_str_eq(ran.out, "it said: \n");
    server.pid = atoi(file_read(text("%s/tine.pid", server.dir), NULL));
    kill_at_exit(server.pid);
    strcpy(server.address, server_address(&server, 0));
    server_signal(&server, SIGHUP);
    server_log_await(&server, "generation 2 serves", 1);
    expect_get(&server, "/hello", 200, "hello");
    server_signal(&server, SIGTERM);
    await(!process_alive(server.pid));
}

Test(privileges, a_daemon_that_cannot_start_says_so_to_its_starter)
{
    struct server first, second;
    server_start(&first, TWO_WORKERS PROBE);
    server_prepare(&second, text("[server]\nlisten = %s\ndaemon = on\n[log]\nerror = @DIR@/log\naccess = off\n" PROBE, first.address));
    struct run ran = run_tine("-c", second.ini);
    cr_assert_eq(ran.code, 1);
    char *said = text("%s%s", ran.err, file_read(second.log, NULL));
    cr_assert(text_matches(said, "in use"), "%s", said);
    server_stop(&first);
}

/* In a namespace of this test: a pipe in place of a file, so that whoever opens it waits. */
static bool is_mounted_apart(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* The master waits for it, and workers for the master: one that ends is not replaced meanwhile. */
Test(privileges, a_reload_does_not_wait_for_names_for_long)
{
    need_root();
    struct server server;
    pid_t workers[WORKERS_MAX];
    if (!is_mounted_apart())
        cr_skip_test("cannot mount");
    server_start(&server, TWO_WORKERS PROBE);
    server_await_workers(&server, 2, workers);
    const char *pipe = text("%s/passwd", server.dir);
    cr_assert(mkfifo(pipe, 0644) == 0 && mount(pipe, "/etc/passwd", NULL, MS_BIND, NULL) == 0);
    int64_t begun = now_ms();
    server_signal(&server, SIGHUP);
    server_log_await(&server, "[server] user: cannot look up 'nobody': what nsswitch.conf names has not answered in 5 s", 1);
    cr_assert_geq(now_ms() - begun, 4900);
    expect_get(&server, "/hello", 200, "hello");
    cr_assert_eq(umount2("/etc/passwd", MNT_DETACH), 0);
    server_hup(&server);
    expect_get(&server, "/hello", 200, "hello");
    server_stop(&server);
}
