/* SPDX-License-Identifier: Apache-2.0
 *
 * [app:NAME] allow and deny: who may come to an app. All of 127.0.0.0/8 is this machine, so one test can be many clients.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(access, .timeout = 120);

static int status_from(const struct server *server, const char *source, const char *path)
{
    struct client client = client_connect_from(server->address, source);
    client_send(&client, request("GET", path, "Connection: close\r\n"));
    struct response response = client_read(&client);
    client_close(&client);
    return response.status;
}

Test(access, is_everybodys_unless_said_otherwise)
{
    struct server server;
    server_start(&server, ONE_WORKER RESPOND("all"));
    cr_assert_eq(status_from(&server, "127.0.0.1", "/"), 200);
    cr_assert_eq(status_from(&server, "127.9.9.9", "/"), 200);
    server_stop(&server);
}

Test(access, allow_lets_in_who_is_named_and_deny_keeps_out_whatever_allow_says)
{
    static const struct {
        const char *source, *path;
        int status;
    } cases[] = {
        {"127.0.0.1", "/open", 200}, {"127.0.2.1", "/open", 200}, {"127.0.0.1", "/allow", 200}, {"127.0.1.77", "/allow", 200},
        {"127.0.2.1", "/allow", 403}, {"127.0.0.2", "/allow", 403}, {"127.0.0.1", "/deny", 403}, {"127.0.0.2", "/deny", 200},
        {"127.0.1.1", "/both", 200}, {"127.0.1.3", "/both", 403}, {"127.0.0.1", "/both", 403},
    };
    struct server server;
    server_start(&server, ONE_WORKER "[app:open]\npath = /open\nmodule = respond\n"
                                     "[app:allow]\npath = /allow\nmodule = respond\nallow = 127.0.0.1, 127.0.1.0/24\n"
                                     "[app:deny]\npath = /deny\nmodule = respond\ndeny = 127.0.0.1\n"
                                     "[app:both]\npath = /both\nmodule = respond\nallow = 127.0.1.0/24\ndeny = 127.0.1.2/31\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = status_from(&server, cases[i].source, cases[i].path);
        cr_expect_eq(status, cases[i].status, "%s from %s: %d", cases[i].path, cases[i].source, status);
    }
    server_stop(&server);
}

/* A stranger may not learn which methods or uploads an app takes, and the connection is as good as before. */
Test(access, a_stranger_gets_a_problem_whatever_it_asks_for)
{
    struct server server;
    server_start(&server, ONE_WORKER "[app:x]\npath = /\nmodule = @MODULES@/probe.so\nallow = 127.0.0.2\n");
    struct client client = client_connect(&server);
    const char *const asked[] = {request("GET", "/hello", ""), request("DELETE", "/hello", ""),
                                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"};
    for (int i = 0; i < 3; i++) {
        client_send(&client, asked[i]);
        struct response response = client_read(&client);
        expect_response(&response, 403, NULL);
        cr_assert_not_null(strstr(response.body, "may not come here"), "%s", response.body);
        cr_assert_null(response_header(&response, "Allow"));
    }
    server_stop(&server);
}

Test(access, of_unix_sockets_is_named_unix)
{
    struct server server;
    server_start(&server, "[server]\nlisten = 127.0.0.1:0, unix:@DIR@/sock\nworkers = 1\n"
                          "[app:local]\npath = /local\nmodule = respond\nallow = unix:\n"
                          "[app:net]\npath = /net\nmodule = respond\nallow = 0.0.0.0/0, ::/0\n");
    struct server local = server;
    snprintf(local.address, sizeof local.address, "unix:%s/sock", server.dir);
    expect_get(&server, "/local", 403, NULL);
    expect_get(&local, "/local", 200, NULL);
    expect_get(&server, "/net", 200, NULL);
    expect_get(&local, "/net", 403, NULL);
    server_stop(&server);
}

Test(access, networks_that_are_none_are_refused_with_their_place)
{
    struct server server;
    server_prepare(&server, ONE_WORKER "[app:x]\npath = /\nmodule = respond\nallow = 10.0.0.0/8, elsewhere\ndeny = 10.1.2.3/8\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:7: \\[app:x\\] allow: 'elsewhere' is not an address or network"), "%s", ran.err);
    cr_assert(text_matches(ran.err, "server\\.ini:8: \\[app:x\\] deny: '10.1.2.3/8' has bits set behind"), "%s", ran.err);
}
