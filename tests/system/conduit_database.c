/* SPDX-License-Identifier: Apache-2.0
 *
 * Conduit and its database: many workers at once, and a database that goes away, is busy, or cannot be had.
 */
#include "conduit_client.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
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
        conduit_refused(&server, 503, reason, "POST", "/articles", token, "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"b\"}}");
    }
    expect_get(&server, "/-/ready", 503, NULL);
    server_log_await(&server, "error ", 12);
    cr_assert(server_log_has(&server, "the database: "));
    server_signal(&server, SIGHUP);
    server_log_await(&server, "[app:conduit] postgres: connection to server on socket", 1);
    database_launch();
    await(conduit_call(&server, "GET", "/tags", NULL, NULL).status == 200);
    await(get(&server, "/-/ready").status == 200);
    await(conduit_call(&server, "POST", "/articles", token, "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"b\"}}").status == 201);
    server_stop(&server);
    database_stop();
}

/* Somebody else writes, and does not come to an end. */
Test(conduit_database, a_file_that_is_locked_is_read_and_503_for_writers)
{
    conduit_serve(&server, ON_SQLITE, NULL);
    const char *token = conduit_member(&server, "ada"), *file = text("%s/conduit.sqlite", server.dir), *mark = text("%s/locked", server.dir);
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

Test(conduit_database, that_cannot_be_opened_refuses_the_start_with_the_reason)
{
    conduit_serve(&server, ON_SQLITE, NULL);
    server_stop(&server);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\nfile = @DIR@/none/c.sqlite\n");
    struct run ran = run_tine("-c", server.ini);
    cr_assert_neq(ran.code, 0);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:conduit\\] file: unable to open database file"), "%s", ran.err);
    server_configure(&server, "[server]\nlisten = 127.0.0.1:0\n[app:conduit]\npath = /api\nmodule = @MODULES@/../../conduit.so\nfile = @DIR@/server.ini\n");
    ran = run_tine("-c", server.ini);
    cr_assert_neq(ran.code, 0);
    cr_assert(text_matches(ran.err, "server\\.ini:6: \\[app:conduit\\] file: file is not a database"), "%s", ran.err);
}
