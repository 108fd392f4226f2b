/* SPDX-License-Identifier: Apache-2.0
 *
 * Behind proxies: what they say of their clients counts if they are trusted, and nobody else's word does.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(proxies, .timeout = 120);

/* 127.0.0.1, 127.0.1.x and Unix sockets are proxies, all else is not. */
#define TRUSTED "trusted = 127.0.0.1, 127.0.1.0/24, ::1, unix:\n"
#define BY_PROXY "[listen:proxied]\naddress = 127.0.0.1:0\nproxy_protocol = on\n"
#define V2_TCP4 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x12\x67\0\x50" /* 192.0.2.1 */

static char *answer_to(struct client *client, const void *bytes, size_t length)
{
    client_send_bytes(client, bytes, length);
    struct response response = client_read(client);
    char *said = text("%d %s", response.status, response.status == 200 ? response.body : "");
    response_free(&response);
    return said;
}

static char *get_from(const struct server *server, const char *source, const char *target, const char *fields)
{
    struct client client = client_connect_from(server->address, source);
    const char *bytes = request("GET", target, fields);
    char *said = answer_to(&client, bytes, strlen(bytes));
    client_close(&client);
    return said;
}

/* What /scheme says ("http 192.0.2.1") to a request with these fields. */
static char *found(const struct server *server, const char *source, const char *fields)
{
    return get_from(server, source, "/scheme", fields);
}

struct cases {
    const char *source, *fields, *found;
};

static void expect_found(const struct server *server, const struct cases *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *said = found(server, cases[i].source, cases[i].fields);
        cr_expect_str_eq(said, cases[i].found, "'%s' from %s is '%s', not '%s'", cases[i].fields, cases[i].source, said, cases[i].found);
    }
}

#define XFF(value) "X-Forwarded-For: " value "\r\n"
#define XFP(value) "X-Forwarded-Proto: " value "\r\n"
#define FORWARDED(value) "Forwarded: " value "\r\n"

Test(proxies, the_client_is_the_first_from_the_right_that_is_not_trusted)
{
    static const struct cases cases[] = {
        {"127.0.0.1", "", "200 http 127.0.0.1"},
        {"127.0.0.1", XFF("192.0.2.1"), "200 http 192.0.2.1"},
        {"127.0.0.1", XFF("2001:db8::1"), "200 http 2001:db8::1"},
        {"127.0.0.1", XFF("6.6.6.6, 192.0.2.1"), "200 http 192.0.2.1"},
        {"127.0.0.1", XFF("6.6.6.6") XFF("192.0.2.1, 127.0.1.9") XFF("127.0.1.8"), "200 http 192.0.2.1"},
        {"127.0.0.1", XFF("127.0.1.7, 127.0.1.8"), "200 http 127.0.1.7"},
        {"127.0.0.1", XFF("6.6.6.6, unknown, 127.0.1.8"), "200 http 127.0.1.8"},
        {"127.0.0.1", XFF("6.6.6.6, nonsense"), "200 http 127.0.0.1"},
        {"127.0.0.1", XFF("127.0.1.7, \", 192.0.2.1"), "200 http 192.0.2.1"},
        {"127.0.0.1", FORWARDED("for=192.0.2.1;proto=https"), "200 https 192.0.2.1"},
        {"127.0.0.1", FORWARDED("for=6.6.6.6;proto=https, for=\"[2001:db8::1]:99\";proto=http") FORWARDED("for=127.0.1.1;proto=https"),
         "200 http 2001:db8::1"},
        {"127.0.0.1", FORWARDED("for=6.6.6.6, for=_hidden;proto=https"), "200 https 127.0.0.1"},
        {"127.0.0.1", FORWARDED("proto=https"), "200 https 127.0.0.1"},
        {"127.0.0.1", XFP("https"), "200 https 127.0.0.1"},
        {"127.0.0.1", XFF("192.0.2.1") XFP("https"), "200 https 192.0.2.1"},
        {"127.0.0.1", XFF("192.0.2.1, 127.0.1.1") XFP("https"), "200 https 192.0.2.1"},
        {"127.0.0.1", XFF("192.0.2.1, 127.0.1.1") XFP("https, http"), "200 https 192.0.2.1"},
        {"127.0.0.1", XFF("6.6.6.6, 192.0.2.1, 127.0.1.1") XFP("https, http, https"), "200 http 192.0.2.1"},
        {"127.0.0.1", XFF("192.0.2.1") XFP("wss"), "200 http 192.0.2.1"},
        {"127.0.0.1", XFF("192.0.2.1") XFP("https") FORWARDED("for=192.0.2.1"), "200 https 192.0.2.1"},
    };
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    expect_found(&server, cases, sizeof cases / sizeof *cases);
    server_stop(&server);
}

/* RFC 9112, 3.2.2: a server must take absolute-form, https too where it is spoken with the proxy's client. */
Test(proxies, absolute_form_with_https_is_for_who_speaks_it)
{
    static const struct cases cases[] = {
        {"127.0.0.1", XFP("https"), "200 https 127.0.0.1"},
        {"127.0.0.1", XFP("http"), "421 "},
        {"127.0.0.1", "", "421 "},
        {"127.0.0.2", XFP("https"), "421 "}, /* no proxy of ours */
    };
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said = get_from(&server, cases[i].source, "https://tine.test/scheme", cases[i].fields);
        cr_expect_str_eq(said, cases[i].found, "'%s' from %s is '%s', not '%s'", cases[i].fields, cases[i].source, said, cases[i].found);
    }
    server_stop(&server);
}

Test(proxies, nobody_else_is_believed)
{
    static const struct cases cases[] = {
        {"127.0.0.2", XFF("192.0.2.1") XFP("https"), "200 http 127.0.0.2"},
        {"127.0.2.1", FORWARDED("for=192.0.2.1;proto=https"), "200 http 127.0.2.1"},
        {"127.0.0.2", FORWARDED("for=\"") XFF("1.2.3.4"), "200 http 127.0.0.2"},
    };
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    expect_found(&server, cases, sizeof cases / sizeof *cases);
    server_reload(&server, ONE_WORKER PROBE);
    await(strcmp(found(&server, "127.0.0.1", XFF("192.0.2.1")), "200 http 127.0.0.1") == 0);
    server_stop(&server);
}

/* A proxy that sets the one field may let pass the other as its client wrote it. */
Test(proxies, what_contradicts_itself_or_cannot_be_read_is_400)
{
    static const struct cases cases[] = {
        {"127.0.0.1", XFF("192.0.2.1") FORWARDED("for=6.6.6.6"), "400 "},
        {"127.0.0.1", XFF("192.0.2.1") FORWARDED("for=unknown"), "400 "},
        {"127.0.0.1", XFP("http") FORWARDED("proto=https"), "400 "},
        {"127.0.0.1", FORWARDED("for=\", for=192.0.2.1"), "400 "},
        {"127.0.0.1", FORWARDED("for=[::1]"), "400 "},
    };
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    expect_found(&server, cases, sizeof cases / sizeof *cases);
    server_stop(&server);
}

/* Each request has a client of its own: proxies keep connections. */
Test(proxies, requests_of_one_connection_have_their_own_clients)
{
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    struct client client = client_connect(&server);
    client_send(&client, text("%s%s%s", request("GET", "/scheme", XFF("192.0.2.1") XFP("https")),
                              request("GET", "/scheme", XFF("192.0.2.2")), request("GET", "/scheme", "")));
    const char *const wanted[] = {"https 192.0.2.1", "http 192.0.2.2", "http 127.0.0.1"};
    for (int i = 0; i < 3; i++) {
        struct response response = client_read(&client);
        expect_response(&response, 200, wanted[i]);
    }
    server_stop(&server);
}

Test(proxies, the_client_that_was_found_is_in_the_log_and_let_in_or_not)
{
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED "[app:x]\npath = /\nmodule = respond\nallow = 192.0.2.0/24\n");
    cr_assert_str_eq(found(&server, "127.0.0.1", XFF("192.0.2.77")), "200 ");
    cr_assert_str_eq(found(&server, "127.0.0.1", XFF("198.51.100.1")), "403 ");
    cr_assert_str_eq(found(&server, "127.0.0.1", ""), "403 ");
    cr_assert_str_eq(found(&server, "127.0.0.2", XFF("192.0.2.77")), "403 ");
    server_access_await(&server, "192.0.2.77 - - [");
    server_access_await(&server, "198.51.100.1 - - [");
    server_access_await(&server, "127.0.0.2 - - [");
    server_stop(&server);
}

/* ---- the PROXY protocol ---- */

static char *found_behind(const struct server *server, const void *header, size_t length, const char *fields)
{
    struct client client = client_connect(server);
    client_send_bytes(&client, header, length);
    const char *bytes = request("GET", "/scheme", fields);
    char *said = answer_to(&client, bytes, strlen(bytes));
    client_close(&client);
    return said;
}

Test(proxies, a_proxy_header_tells_the_client)
{
    struct server server;
    server_start(&server, "[server]\nworkers = 1\n" TRUSTED BY_PROXY PROBE);
    static const struct {
        const char *header;
        size_t length;
        const char *fields, *found;
    } cases[] = {
#define HEADER(literal) literal, sizeof(literal) - 1
        {HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "", "200 http 192.0.2.1"},
        {HEADER("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), "", "200 http 2001:db8::1"},
        {HEADER("PROXY UNKNOWN\r\n"), "", "200 http 127.0.0.1"},
        {HEADER(V2_TCP4), "", "200 http 192.0.2.1"},
        {HEADER("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), "", "200 http 127.0.0.1"},
        {HEADER("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\2\1\xc0\0\2\2\x12\x67\0\x50\x20\0\5\1\0\0\0\0"), "", "200 https 192.0.2.1"},
        /* The client of the one proxy may be another proxy; if it is none it is not believed. */
        {HEADER("PROXY TCP4 127.0.1.5 192.0.2.2 1 2\r\n"), XFF("192.0.2.9"), "200 http 192.0.2.9"},
        {HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), XFF("192.0.2.9"), "200 http 192.0.2.1"},
        {HEADER("PROXY UNKNOWN\r\n"), XFF("192.0.2.9"), "200 http 192.0.2.9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *said = found_behind(&server, cases[i].header, cases[i].length, cases[i].fields);
        cr_expect_str_eq(said, cases[i].found, "%.30s: %s", cases[i].header, said);
    }
    server_stop(&server);
}

/* All on one connection, each byte by itself. */
Test(proxies, a_proxy_header_may_come_in_drops_and_is_said_once)
{
    static const char *const headers[] = {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", V2_TCP4};
    const size_t lengths[] = {strlen(headers[0]), sizeof V2_TCP4 - 1};
    struct server server;
    server_start(&server, "[server]\nworkers = 2\n" TRUSTED BY_PROXY PROBE);
    for (int i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        setsockopt(client.fd, 6, 1, &(int){1}, sizeof(int)); /* TCP_NODELAY */
        for (size_t k = 0; k < lengths[i]; k++) {
            client_send_bytes(&client, headers[i] + k, 1);
            usleep(1000); /* so that they are not read together */
        }
        for (int k = 0; k < 3; k++) {
            const char *bytes = request("GET", "/client", "");
            cr_assert_str_eq(answer_to(&client, bytes, strlen(bytes)), "200 192.0.2.1");
        }
        client_send_bytes(&client, headers[i], lengths[i]); /* not again */
        struct response response = client_read(&client);
        expect_response(&response, 400, NULL);
        client_expect_close(&client);
        client_close(&client);
    }
    server_stop(&server);
}

Test(proxies, without_a_proxy_header_nothing_is_served)
{
    struct server server;
    server_start(&server, "[server]\nworkers = 1\n" TRUSTED BY_PROXY PROBE);
    const char *const instead[] = {request("GET", "/hello", ""), "PROXY TCP4 1.2.3.4\r\n", "\r\n\r\nGET", "\x16\3\1"};
    for (int i = 0; i < 4; i++) {
        struct client client = client_connect(&server);
        bool clean;
        client_send(&client, instead[i]);
        cr_assert(client_drain(&client, PATIENCE, &clean));
        client_close(&client);
    }
    server_log_await(&server, "closed a connection of 127.0.0.1: it does not begin with a PROXY header", 1);
    server_stop(&server);
    cr_assert_eq(*file_read(server.access, NULL), 0, "%s", file_read(server.access, NULL));
}

Test(proxies, a_proxy_header_of_a_stranger_is_not_even_read)
{
    struct server server;
    server_start(&server, "[server]\nworkers = 1\n" TRUSTED BY_PROXY PROBE);
    struct client client = client_connect_from(server.address, "127.0.0.2");
    bool clean;
    client_try_send(&client, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 36);
    client_try_send(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 32);
    cr_assert(client_drain(&client, PATIENCE, &clean));
    cr_assert_eq(client.length, 0);
    server_log_await(&server, "closed a connection of 127.0.0.2: its listener takes PROXY headers, and [server] trusted does not name it",
                     1);
    server_stop(&server);
}

Test(proxies, a_proxy_header_where_none_is_expected_is_400)
{
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED PROBE);
    cr_assert_str_eq(found_behind(&server, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 36, ""), "400 ");
    cr_assert_str_eq(found_behind(&server, V2_TCP4, sizeof V2_TCP4 - 1, ""), "400 ");
    server_stop(&server);
}

Test(proxies, a_proxy_header_that_does_not_end_is_given_the_time_of_a_head)
{
    const char *const beginnings[] = {"", "PROXY TCP4 192.0.2.1"};
    struct server server;
    server_start(&server, "[server]\nworkers = 1\n" TRUSTED BY_PROXY "[timeouts]\nheader = 1s\n" PROBE);
    for (int i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        int64_t start = now_ms();
        bool clean;
        client_send(&client, beginnings[i]);
        cr_assert(client_drain(&client, PATIENCE, &clean));
        cr_assert_geq(now_ms() - start, 900);
        cr_assert_eq(client.length, 0, "%s", client.data);
        client_close(&client);
    }
    struct client client = client_connect(&server); /* the head has a time of its own, and a status to end with */
    client_send(&client, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n");
    struct response response = client_read(&client);
    expect_response(&response, 408, NULL);
    server_stop(&server);
}

Test(proxies, health_is_asked_through_proxies_too)
{
    struct server server;
    server_start(&server, "[server]\nworkers = 1\nhealth = on\n" TRUSTED BY_PROXY RESPOND("app"));
    const char *const checks[] = {"PROXY UNKNOWN\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"};
    for (int i = 0; i < 2; i++) {
        struct client client = client_connect(&server);
        client_send(&client, text("%sGET /-/live HTTP/1.0\r\n\r\n", checks[i]));
        struct response response = client_read(&client);
        expect_response(&response, 200, "live\n");
        client_close(&client);
    }
    server_stop(&server);
}

Test(proxies, by_unix_sockets_and_beside_plain_listeners)
{
    struct server server;
    server_start(&server, ONE_WORKER TRUSTED
                          "[listen:proxied]\naddress = unix:@DIR@/sock\nproxy_protocol = on\n" PROBE);
    struct client local = client_connect_to(text("unix:%s/sock", server.dir));
    const char *bytes = text("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n%s", request("GET", "/scheme", ""));
    cr_assert_str_eq(answer_to(&local, bytes, strlen(bytes)), "200 http 192.0.2.1");
    cr_assert_str_eq(found(&server, "127.0.0.1", XFF("192.0.2.7")), "200 http 192.0.2.7");
    server_stop(&server);
}

/* A reload hands connections over: in the midst of a PROXY header, and afterwards. */
Test(proxies, clients_stay_known_when_their_connection_is_handed_over)
{
    static const char secure[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\2\1\xc0\0\2\2\x12\x67\0\x50\x20\0\5\1\0\0\0\0";
    struct server server;
    server_start(&server, "[server]\nworkers = 1\n" TRUSTED BY_PROXY PROBE);
    struct client half = client_connect(&server), kept = client_connect(&server);
    client_send(&half, "PROXY TCP4 192.0.");
    client_send_bytes(&kept, secure, sizeof secure - 1);
    const char *bytes = request("GET", "/scheme", ""), *which = request("GET", "/pid", "");
    cr_assert_str_eq(answer_to(&kept, bytes, strlen(bytes)), "200 https 192.0.2.1");
    const char *before = answer_to(&kept, which, strlen(which));
    server_hup(&server);
    await(strcmp(answer_to(&kept, which, strlen(which)), before) != 0);
    cr_assert_str_eq(answer_to(&kept, bytes, strlen(bytes)), "200 https 192.0.2.1");
    const char *rest = text("2.1 192.0.2.2 1 2\r\n%s", which);
    cr_assert_str_neq(answer_to(&half, rest, strlen(rest)), before);
    cr_assert_str_eq(answer_to(&half, bytes, strlen(bytes)), "200 http 192.0.2.1");
    server_stop(&server);
}

Test(proxies, proxy_protocol_without_anybody_trusted_is_refused)
{
    struct server server;
    server_prepare(&server, "[server]\nworkers = 1\n" BY_PROXY PROBE);
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:5: \\[listen:proxied\\] proxy_protocol: nobody's PROXY header would count"), "%s",
              ran.err);
}
