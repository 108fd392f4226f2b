/* SPDX-License-Identifier: Apache-2.0
 *
 * Conduit and its database: many workers at once, and a database that goes away, is busy, or cannot be had.
 */
#include "conduit_client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(conduit_database, .timeout = 180);

static struct server server;

#define EIGHT "workers = 8\nworkers_max = 8\n"
enum { CLIENTS = 24 };

/* The same title from many at once: each article gets a slug of its own, whoever's worker is first. */
static void expect_slugs_of_their_own(enum conduit_kind kind)
{
    struct client clients[CLIENTS];
    conduit_serve(&server, kind, EIGHT);
    const char *token = conduit_member(&server, "ada");
    char *bytes = conduit_request("POST", "/articles", token,
                                  "{\"article\":{\"title\":\"Same\",\"description\":\"d\",\"body\":\"b\",\"tagList\":[\"a\",\"b\"]}}");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(&server);
        client_send(&clients[i], bytes);
    }
    for (int i = 0; i < CLIENTS; i++) {
        struct response response = client_read(&clients[i]);
        cr_expect_eq(response.status, 201, "%s", response.body);
        client_close(&clients[i]);
    }
    json_t *json = conduit_expect(&server, 200, "GET", "/articles?limit=100", NULL, NULL);
    cr_assert_eq(conduit_number(json, "articlesCount"), CLIENTS);
    cr_assert_eq(conduit_number(conduit_expect(&server, 200, "GET", "/articles?tag=b", NULL, NULL), "articlesCount"), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(conduit_text(json, text("articles.%d.slug", i)), conduit_text(json, text("articles.%d.slug", j)));
    cr_assert_not(server_log_has(&server, " error "), "%s", server_log(&server));
    if (kind == ON_POSTGRES)
        database_expect_connections(8); /* one for each worker */
    server_stop(&server);
}

Test(conduit_database, slugs_are_unique_whoever_comes_at_once)
{
    expect_slugs_of_their_own(ON_SQLITE);
}

Test(conduit_database, slugs_are_unique_on_postgresql_whoever_comes_at_once)
{
    expect_slugs_of_their_own(ON_POSTGRES);
    cr_assert(text_matches(database_sql("SELECT count(*) FROM migration").out, "^ +1$"));
    database_stop();
}

/* Eight that start on an empty database at the same time: one makes the tables, and none fails. */
static void expect_tables_made_once(enum conduit_kind kind)
{
    int answers = 0;
    conduit_serve(&server, kind, NULL);
    server_stop(&server);
    if (kind == ON_POSTGRES)
        cr_assert_eq(database_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").code, 0);
    else
        cr_assert_eq(unlink(text("%s/conduit.sqlite", server.dir)), 0);
    struct run ran = run("sh", "-c", text("for i in 1 2 3 4 5 6 7 8; do %s call -c %s /api/tags & done; wait", tine_path(), server.ini));
    for (const char *at = ran.out; (at = strstr(at, "{\"tags\":[]}")) != NULL; at++)
        answers++;
    cr_assert_eq(answers, 8, "%s%s", ran.out, ran.err);
}

Test(conduit_database, tables_are_made_once_whoever_starts_at_once)
{
    expect_tables_made_once(ON_SQLITE);
}

Test(conduit_database, tables_are_made_once_on_postgresql_whoever_starts_at_once)
{
    expect_tables_made_once(ON_POSTGRES);
    cr_assert(text_matches(database_sql("SELECT count(*) FROM migration").out, "^ +1$"));
    database_stop();
}

/* The key of tokens is made once, and stays with the database. */
Test(conduit_database, tokens_outlive_reloads_and_restarts)
{
    conduit_serve(&server, ON_SQLITE, EIGHT);
    const char *token = conduit_member(&server, "ada");
    server_hup(&server);
    for (int i = 0; i < 16; i++)
        conduit_expect(&server, 200, "GET", "/user", token, NULL);
    server_stop(&server);
    server_launch(&server);
    for (int i = 0; i < 16; i++)
        conduit_expect(&server, 200, "GET", "/user", token, NULL);
    server_stop(&server);
}

/* A connection that was ended while it was idle costs nothing, and nothing is written twice on the new one. */
Test(conduit_database, a_lost_connection_comes_back)
{
    conduit_serve(&server, ON_POSTGRES, NULL);
    const char *token = conduit_member(&server, "ada");
    for (int i = 1; i <= 5; i++) {
        database_end_connections();
        conduit_article(&server, token, text("t%d", i), "[\"a\"]");
        database_end_connections();
        cr_assert_eq(conduit_number(conduit_expect(&server, 200, "GET", "/articles?tag=a", NULL, NULL), "articlesCount"), i);
    }
    server_stop(&server);
    database_expect_connections(0);
    database_stop();
}

Test(conduit_database, a_server_that_is_away_is_503_until_it_is_back)
{
    conduit_serve(&server, ON_POSTGRES, "workers = 2\nworkers_max = 2\nhealth = on\n");
    const char *token = conduit_member(&server, "ada"), *reason = "the database cannot be asked now: try again";
    expect_get(&server, "/-/ready", 200, NULL);
    database_stop();
    for (int i = 0; i < 6; i++) {
        conduit_refused(&server, 503, reason, "GET", "/tags", NULL, NULL);
        conduit_refused(&server, 503, reason, "POST", "/articles", token,
                        "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"b\"}}");
    }
    expect_get(&server, "/-/ready", 503, NULL);
    server_log_await(&server, "error ", 12);
    cr_assert(server_log_has(&server, "the database: "));
    server_signal(&server, SIGHUP);
    server_log_await(&server, "[app:conduit] postgres: connection to server on socket", 1);
    database_launch();
    await(conduit_call(&server, "GET", "/tags", NULL, NULL).status == 200);
    await(get(&server, "/-/ready").status == 200);
    await(conduit_call(&server, "POST", "/articles", token, "{\"article\":{\"title\":\"t\",\"description\":\"d\","
                                                            "\"body\":\"b\"}}").status == 201);
    server_stop(&server);
    database_stop();
}

enum { WRITERS = 4, ARTICLES_MAX = 5000, RESTARTS = 3, CUTS = 30 };

/* What became of article nIxJ: written by the process of writer I, who never asks twice. */
static struct journal {
    volatile bool stop;
    volatile int written[WRITERS], refused[WRITERS];
    volatile int status[WRITERS][ARTICLES_MAX];
} *journal;

static pid_t start_writer(int i, const char *token)
{
    pid_t writer = fork();
    for (int j = 0; writer == 0 && !journal->stop && j < ARTICLES_MAX; j++) {
        const char *body = text("{\"article\":{\"title\":\"n%dx%d\",\"description\":\"d\",\"body\":\"b\",\"tagList\":[\"a\"]}}", i, j);
        struct response response = ask(&server, conduit_request("POST", "/articles", token, body));
        journal->status[i][j] = response.status;
        journal->written[i] += response.status == 201;
        journal->refused[i] += response.status == 503;
        response_free(&response);
        usleep(2000);
    }
    if (writer == 0)
        _exit(0);
    kill_at_exit(writer);
    return writer;
}

static bool all_have_grown(const volatile int *counts, const int *before)
{
    for (int i = 0; i < WRITERS; i++)
        if (counts[i] < before[i] + 5)
            return false;
    return true;
}

static void await_growth(const volatile int *counts)
{
    int before[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        before[i] = counts[i];
    await(all_have_grown(counts, before));
}

/* Those that were answered 201 once; those that were answered 503 once at most: a COMMIT may have been lost on its way back. */
static void expect_each_once(void)
{
    static unsigned char found[WRITERS][ARTICLES_MAX];
    int i, j;
    struct run listed = database_sql("SELECT title FROM article");
    cr_assert_eq(listed.code, 0, "%s", listed.err);
    for (const char *at = listed.out; (at = strstr(at, " n")) != NULL; at++)
        if (sscanf(at, " n%dx%d", &i, &j) == 2)
            found[i][j]++;
    for (i = 0; i < WRITERS; i++)
        for (j = 0; j < ARTICLES_MAX && journal->status[i][j] != 0; j++) {
            cr_expect(journal->status[i][j] == 201 || journal->status[i][j] == 503, "n%dx%d: %d", i, j, journal->status[i][j]);
            cr_expect(found[i][j] == 1 || (found[i][j] == 0 && journal->status[i][j] == 503), "n%dx%d: %d, %d times", i, j,
                      journal->status[i][j], found[i][j]);
        }
    const char *halves = "SELECT count(*) FROM article WHERE id NOT IN (SELECT article FROM article_tag)";
    cr_assert(text_matches(database_sql(halves).out, "^ +0$"));
}

/* Connections end at any statement of a transaction, first with the server there at once, then with it gone. */
Test(conduit_database, a_server_that_is_restarted_under_load_loses_and_doubles_nothing)
{
    pid_t writers[WRITERS];
    conduit_serve(&server, ON_POSTGRES, "workers = 4\nworkers_max = 4\n");
    const char *token = conduit_member(&server, "ada");
    journal = mmap(NULL, sizeof *journal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(journal, MAP_FAILED);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = start_writer(i, token);
    for (int n = 0; n < RESTARTS; n++) {
        await_growth(journal->written);
        for (int i = 0; i < CUTS; i++)
            database_cut_connections();
        database_stop();
        await_growth(journal->refused);
        database_launch();
    }
    await_growth(journal->written);
    journal->stop = true;
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(process_wait(writers[i], PATIENCE), 0);
    expect_each_once();
    server_stop(&server);
    database_stop();
}

/* Somebody else writes, and does not come to an end. */
Test(conduit_database, a_file_that_is_locked_is_read_and_503_for_writers)
{
    conduit_serve(&server, ON_SQLITE, NULL);
    const char *token = conduit_member(&server, "ada"), *file = text("%s/conduit.sqlite", server.dir),
               *mark = text("%s/locked", server.dir);
    if (run("python3", "-c", "import sqlite3").code != 0)
        cr_skip_test("python3 is not there: scripts/setup test installs it");
    const char *argv[] = {"python3", "-c",
                          "import sqlite3, sys, time\n"
                          "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                          "db.execute('BEGIN IMMEDIATE')\n"
                          "open(sys.argv[2], 'w').close()\n"
                          "time.sleep(600)\n", file, mark, NULL};
    pid_t writer = process_start(argv, "/dev/null", "/dev/null");
    kill_at_exit(writer);
    await(file_exists(mark));
    conduit_expect(&server, 200, "GET", "/articles", NULL, NULL);
    conduit_refused(&server, 503, "the database cannot be asked now: try again", "POST", "/articles", token,
                    "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"b\"}}");
    server_log_await(&server, "the database: database is locked", 1);
    kill(writer, SIGKILL);
    process_wait(writer, PATIENCE);
    conduit_article(&server, token, "t", "[]");
    server_stop(&server);
}

/* Others delete the article in a transaction of theirs: the comment has found it, waits for them, and then it is gone. */
static void expect_comment_refused(const char *token)
{
    conduit_refused(&server, 404, "it is not there any more", "POST", "/articles/one/comments", token, "{\"comment\":{\"body\":\"c\"}}");
    conduit_refused(&server, 404, "there is no such article", "POST", "/articles/one/comments", token, "{\"comment\":{\"body\":\"c\"}}");
}

Test(conduit_database, a_comment_on_an_article_that_is_deleted_meanwhile_is_404)
{
    conduit_serve(&server, ON_SQLITE, NULL);
    const char *token = conduit_member(&server, "ada"), *file = text("%s/conduit.sqlite", server.dir),
               *mark = text("%s/deleted", server.dir);
    if (run("python3", "-c", "import sqlite3").code != 0)
        cr_skip_test("python3 is not there: scripts/setup test installs it");
    conduit_article(&server, token, "one", "[]");
    const char *argv[] = {"python3", "-c",
                          "import sqlite3, sys, time\n"
                          "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                          "db.executescript('PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; DELETE FROM article')\n"
                          "open(sys.argv[2], 'w').close()\n"
                          "time.sleep(1)\n"
                          "db.execute('COMMIT')\n", file, mark, NULL};
    kill_at_exit(process_start(argv, "/dev/null", "/dev/null"));
    await(file_exists(mark));
    expect_comment_refused(token);
    server_stop(&server);
}

Test(conduit_database, a_comment_on_an_article_that_is_deleted_meanwhile_is_404_on_postgresql)
{
    conduit_serve(&server, ON_POSTGRES, NULL);
    const char *token = conduit_member(&server, "ada");
    conduit_article(&server, token, "one", "[]");
    pid_t other = fork();
    if (other == 0)
        _exit(database_sql("DELETE FROM article; SELECT pg_sleep(1)").code); /* one transaction */
    kill_at_exit(other);
    await(text_matches(database_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").out, "^ +1$"));
    expect_comment_refused(token);
    server_stop(&server);
    database_stop();
}

Test(conduit_database, that_cannot_be_opened_refuses_the_start_with_the_reason)
{
    conduit_serve(&server, ON_SQLITE, NULL);
    server_stop(&server);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\n"
                              "file = @DIR@/none/c.sqlite\n");
    struct run ran = run_tine("-c", server.ini);
    cr_assert_neq(ran.code, 0);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:conduit\\] file: unable to open database file"), "%s", ran.err);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\n"
                              "file = @DIR@/server.ini\n");
    ran = run_tine("-c", server.ini);
    cr_assert_neq(ran.code, 0);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:conduit\\] file: file is not a database"), "%s", ran.err);
}
