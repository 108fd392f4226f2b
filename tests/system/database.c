/* SPDX-License-Identifier: Apache-2.0
 *
 * See database.h.
 */
#include "database.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct database {
    char *programs; /* the folder of initdb and postgres; NULL: they are not there */
    char *files;    /* and the socket */
    pid_t pid;
} database;

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

struct run database_sql(const char *statement)
{
    return run("sh", "-c", text("%s/psql -X -h %s -U ada -d postgres -c \"%s\"", database.programs, database.files, statement));
}

void database_launch(void)
{
    const char *log = text("%s.log", database.files);
    const char *command = as_owner(text("exec %s/postgres -D %s -k %s -c listen_addresses= -c fsync=off", database.programs, database.files,
                                        database.files));
    const char *argv[] = {"sh", "-c", command, NULL};
    database.pid = process_start(argv, log, log);
    kill_at_exit(database.pid);
    if (!wait_until(PATIENCE, database_sql("SELECT 1").code == 0))
        harness_fail("PostgreSQL does not answer: %s\n%s", database_sql("SELECT 1").err, file_read(log, NULL));
}

void database_stop(void)
{
    kill(database.pid, SIGINT); /* fast: it ends the connections */
    cr_assert_eq(process_wait(database.pid, PATIENCE), 0);
}

bool database_make(const struct server *server)
{
    database.programs = find_programs();
    if (database.programs == NULL)
        return false;
    chmod(server->dir, 0777);
    database.files = text("%s/data", server->dir);
    struct run made =
        run("sh", "-c", as_owner(text("%s/initdb -D %s -U ada -A trust -E UTF8 --no-locale --no-sync", database.programs, database.files)));
    cr_assert_eq(made.code, 0, "%s%s", made.out, made.err);
    database_launch();
    return true;
}

const char *database_conninfo(void)
{
    return text("host=%s user=ada dbname=postgres", database.files);
}

static char *count_connections(void)
{
    return database_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()").out;
}

bool database_has_connections(int count)
{
    return text_matches(count_connections(), text("^ +%d$", count));
}

void database_cut_connections(void)
{
    cr_assert_eq(database_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                              " AND pid <> pg_backend_pid()").code, 0);
}

/* Whoever connects meanwhile, as a worker that has only just started, is ended as well. */
void database_end_connections(void)
{
    await((database_cut_connections(), database_has_connections(0)));
}

void database_expect_connections(int count)
{
    cr_assert(wait_until(PATIENCE, database_has_connections(count)), "%s", count_connections());
}
