/* SPDX-License-Identifier: Apache-2.0
 *
 * The example that asks PostgreSQL, with a server of that made for the test: its files, socket and user are the test's own, and it listens on
 * no address. It refuses to run as root, so it then is nobody's, as workers are.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(postgres, .timeout = 120);

static struct database {
    char *programs; /* the folder of initdb and postgres; NULL: they are not there */
    char *files;    /* and the socket */
    pid_t pid;
} database;

static struct server server;

/* Debian keeps those of each version in a folder of their own; elsewhere they are where commands are. */
static char *find_programs(void)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0)
        return text("%s", dirname(found.gl_pathv[found.gl_pathc - 1]));
    struct run ran = run("sh", "-c", "dirname \"$(readlink -f \"$(command -v initdb)\")\"");
    char *folder = text("%.*s", (int)strcspn(ran.out, "\n"), ran.out);
    return folder[0] == '/' ? folder : NULL;
}

/* The shell command as whom the database belongs to. */
static char *as_owner(const char *command)
{
    return text("%s sh -c '%s'", geteuid() == 0 ? "exec setpriv --reuid=nobody --regid=nogroup --clear-groups" : "exec", command);
}

static struct run sql(const char *statement)
{
    return run("sh", "-c", text("%s/psql -X -h %s -U ada -d postgres -c \"%s\"", database.programs, database.files, statement));
}

static void database_launch(void)
{
    const char *log = text("%s/database.log", server.dir);
    const char *command = as_owner(text("exec %s/postgres -D %s -k %s -c listen_addresses= -c fsync=off", database.programs, database.files,
                                        database.files));
    const char *argv[] = {"sh", "-c", command, NULL};
    database.pid = process_start(argv, log, log);
    kill_at_exit(database.pid);
    if (!wait_until(PATIENCE, sql("SELECT 1").code == 0))
        harness_fail("PostgreSQL does not answer: %s\n%s", sql("SELECT 1").err, file_read(log, NULL));
}

static void database_stop(void)
{
    kill(database.pid, SIGINT); /* fast: it ends the connections */
    cr_assert_eq(process_wait(database.pid, PATIENCE), 0);
}

static void serve(void)
{
    server_prepare(&server, "");
    database.programs = find_programs();
    if (database.programs == NULL || !file_exists(text("%s/../../postgres.so", modules_path())))
        cr_skip_test("PostgreSQL or libpq is not there: scripts/setup test installs them");
    chmod(server.dir, 0777);
    database.files = text("%s/data", server.dir);
    struct run made = run("sh", "-c", as_owner(text("%s/initdb -D %s -U ada -A trust -E UTF8 --no-locale --no-sync", database.programs, database.files)));
    cr_assert_eq(made.code, 0, "%s%s", made.out, made.err);
    database_launch();
    struct run filled = sql("CREATE TABLE person(id int PRIMARY KEY, name text); INSERT INTO person VALUES(1, 'ada'), (2, 'l\xc3\xa9o')");
    cr_assert_eq(filled.code, 0, "%s", filled.err);
    server_configure(&server, text("[server]\nlisten = 127.0.0.1:0\nworkers = 2\nworkers_max = 2\n[app:people]\npath = /\nmodule = @MODULES@/../../postgres.so\n"
                                   "database = host=%s user=ada dbname=postgres\n", database.files));
    server_launch(&server);
}


static void expect_connections(int count)
{
    const char *statement = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    cr_assert(wait_until(PATIENCE, text_matches(sql(statement).out, text("^ +%d$", count))), "%s", sql(statement).out);
}

Test(postgres, is_asked_on_one_connection_for_each_worker)
{
    serve();
    expect_connections(2);
    for (int i = 0; i < 8; i++)
        expect_get(&server, "/people/1", 200, "{\"id\":1,\"name\":\"ada\"}");
    expect_get(&server, "/people/2", 200, "{\"id\":2,\"name\":\"l\xc3\xa9o\"}");
    expect_get(&server, "/people/3", 404, NULL);
    expect_get(&server, "/people/0", 400, NULL);
    expect_get(&server, "/people/1%27--", 400, NULL);
    expect_connections(2);
    server_stop(&server);
    expect_connections(0);
    database_stop();
}

/* Whether the connection was ended while it was idle, or the whole database went away and came again. */
Test(postgres, is_connected_to_again_when_the_connection_is_lost)
{
    serve();
    cr_assert_eq(sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()").code, 0);
    for (int i = 0; i < 8; i++)
        expect_get(&server, "/people/1", 200, "{\"id\":1,\"name\":\"ada\"}");
    expect_connections(2);
    database_stop();
    for (int i = 0; i < 4; i++)
        expect_get(&server, "/people/1", 503, NULL);
    server_log_await(&server, "no answer from the database: ", 4);
    database_launch();
    for (int i = 0; i < 8; i++)
        expect_get(&server, "/people/1", 200, "{\"id\":1,\"name\":\"ada\"}");
    server_stop(&server);
    database_stop();
}

Test(postgres, that_cannot_be_reached_refuses_a_reload_with_the_reason)
{
    serve();
    database_stop();
    server_signal(&server, SIGHUP);
    server_log_await(&server, "[app:people] database: connection to server on socket", 1);
    server_stop(&server);
}
