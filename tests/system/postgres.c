/* SPDX-License-Identifier: Apache-2.0
 *
 * The example that asks PostgreSQL, with a server of that made for the test.
 */
#include "client.h"
#include "database.h"

#include <criterion/criterion.h>
#include <signal.h>

TestSuite(postgres, .timeout = 120);

static struct server server;

static void serve(void)
{
    server_prepare(&server, "");
    if (!file_exists(text("%s/../../postgres.so", modules_path())) || !database_make(&server))
        cr_skip_test("PostgreSQL or libpq is not there: scripts/setup test installs them");
    struct run filled =
        database_sql("CREATE TABLE person(id int PRIMARY KEY, name text); INSERT INTO person VALUES(1, 'ada'), (2, 'l\xc3\xa9o')");
    cr_assert_eq(filled.code, 0, "%s", filled.err);
    server_configure(&server, text(TWO_WORKERS "workers_max = 2\n[app:people]\npath = /\n"
                                               "module = @MODULES@/../../postgres.so\n"
                                               "database = %s\n", database_conninfo()));
    server_launch(&server);
}

Test(postgres, is_asked_on_one_connection_for_each_worker)
{
    serve();
    database_expect_connections(2);
    for (int i = 0; i < 8; i++)
        expect_get(&server, "/people/1", 200, "{\"id\":1,\"name\":\"ada\"}");
    expect_get(&server, "/people/2", 200, "{\"id\":2,\"name\":\"l\xc3\xa9o\"}");
    expect_get(&server, "/people/3", 404, NULL);
    expect_get(&server, "/people/0", 400, NULL);
    expect_get(&server, "/people/1%27--", 400, NULL);
    database_expect_connections(2);
    server_stop(&server);
    database_expect_connections(0);
    database_stop();
}

static bool have_both_connections(void)
{
    expect_get(&server, "/people/1", 200, "{\"id\":1,\"name\":\"ada\"}");
    return database_has_connections(2);
}

/* Whether the connection was ended while it was idle, or the whole database went away and came again. */
Test(postgres, is_connected_to_again_when_the_connection_is_lost)
{
    serve();
    database_expect_connections(2);
    cr_assert_eq(database_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()").code, 0);
    await(have_both_connections());
    database_stop();
    for (int i = 0; i < 4; i++)
        expect_get(&server, "/people/1", 503, NULL);
    server_log_await(&server, "no answer from the database: ", 4);
    database_launch();
    await(have_both_connections());
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
