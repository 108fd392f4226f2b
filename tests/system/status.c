/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server says of itself: `tine status` and the module `status`, as text and JSON, and who may see it.
 */
#include "client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(status, .timeout = 120);

#define STATUS "[app:status]\npath = /status\nmodule = status\n"

static json_t *parse(const char *json)
{
    json_error_t error;
    json_t *status = json_loads(json, 0, &error);
    cr_assert_not_null(status, "%s in:\n%s", error.text, json);
    return status;
}

/* By the control socket. */
static json_t *ask_master(const struct server *server)
{
    struct run ran = run_tine("status", "-c", server->ini, "--json");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return parse(ran.out);
}

static json_t *ask_worker(const struct server *server)
{
    struct response response = get(server, "/status?format=json");
    expect_response(&response, 200, NULL);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/json");
    cr_assert_str_eq(response_header(&response, "Cache-Control"), "no-store");
    json_t *status = parse(response.body);
    response_free(&response);
    return status;
}

static long long number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(json_is_integer(value), "no number '%s'", key);
    return (long long)json_integer_value(value);
}

static const char *string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    cr_assert_not_null(value, "no text '%s'", key);
    return value;
}

static json_t *worker_of(const json_t *status, pid_t pid)
{
    size_t index;
    json_t *worker;
    json_array_foreach(json_object_get(status, "workers"), index, worker)
        if (number(worker, "pid") == pid)
            return worker;
    harness_fail("no worker %d in %s", pid, json_dumps(status, 0));
}

static void expect_whole(const struct server *server, const json_t *status)
{
    static const char *const totals[] = {"requests", "given", "adopted", "stalled", "crashed", "timed_out", "kicked", "lost"};
    static const char *const numbers[] = {"slot", "generation", "age_ms", "requests", "held", "given", "adopted", "stalled"};
    pid_t workers[WORKERS_MAX];
    size_t count = server_workers(server, workers);
    cr_assert(text_matches(run_tine("-V").out, string(status, "version")));
    cr_assert_str_eq(string(status, "state"), "serving");
    cr_assert_eq(number(status, "pid"), server->pid);
    cr_assert_eq(number(status, "generation"), server->generation);
    cr_assert(text_matches(string(status, "started"), "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z$"));
    cr_assert(text_matches(string(status, "loaded"), "^20[0-9]{2}-.*Z$"));
    cr_assert_geq(number(status, "uptime_ms"), 0);
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        cr_assert_geq(number(json_object_get(status, "totals"), totals[i]), 0);
    cr_assert_eq(json_array_size(json_object_get(status, "workers")), count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            cr_assert_geq(number(worker_of(status, workers[i]), numbers[k]), 0, "%s", numbers[k]);
}

Test(status, master_and_workers_show_the_same)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS STATUS RESPOND("one"));
    server_await_workers(&server, 2, workers);
    json_t *by_master = ask_master(&server), *by_worker = ask_worker(&server);
    expect_whole(&server, by_master);
    expect_whole(&server, by_worker);
    cr_assert(json_is_null(json_object_get(by_master, "reload")));
    cr_assert(json_is_null(json_object_get(by_worker, "reload")));
    server_stop(&server);
}

Test(status, tells_the_last_verdict)
{
    struct server server;
    server_start(&server, ONE_WORKER STATUS);
    server_reload(&server, ONE_WORKER STATUS);
    await(number(ask_worker(&server), "generation") == 2);
    json_t *reload = json_object_get(ask_worker(&server), "reload");
    cr_assert(json_is_true(json_object_get(reload, "accepted")));
    cr_assert_str_eq(string(reload, "verdict"), "generation 2 serves");
    server_reload_refused(&server, "[server]\nworkers = lots\n");
    for (int by_worker = 0; by_worker < 2; by_worker++) {
        json_t *status = by_worker ? ask_worker(&server) : ask_master(&server);
        reload = json_object_get(status, "reload");
        cr_assert_eq(number(status, "generation"), 2);
        cr_assert(json_is_false(json_object_get(reload, "accepted")));
        cr_assert(text_matches(string(reload, "verdict"), "^reload refused: generation 2 serves on: .*server\\.ini:2: .*lots"));
        cr_assert(text_matches(string(reload, "at"), "Z$"));
    }
    server_stop(&server);
}

Test(status, shows_the_request_a_worker_is_in)
{
    struct server server;
    pid_t worker[WORKERS_MAX];
    server_start(&server, ONE_WORKER TROUBLE STATUS);
    server_await_workers(&server, 1, worker);
    struct client client = client_connect(&server);
    client_send(&client, request("GET", "/trouble/gate/a?x=1", ""));
    server_log_await(&server, "gate a entered", 1);
    await(number(json_object_get(worker_of(ask_master(&server), worker[0]), "request"), "running_ms") >= 50);
    json_t *shown = worker_of(ask_master(&server), worker[0]);
    cr_assert_str_eq(string(shown, "state"), "handler");
    cr_assert_str_eq(string(json_object_get(shown, "request"), "line"), "GET /trouble/gate/a?x=1");
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, " handler .* GET /trouble/gate/a\\?x=1 \\([0-9]+\\.[0-9]{3} s\\)"));
    server_open_gate(&server, "a");
    struct response response = client_read(&client);
    expect_response(&response, 200, NULL);
    await(number(worker_of(ask_master(&server), worker[0]), "held") == 1);
    await(strcmp(string(worker_of(ask_master(&server), worker[0]), "state"), "waiting") == 0);
    cr_assert(json_is_null(json_object_get(worker_of(ask_master(&server), worker[0]), "request")));
    client_close(&client);
    await(number(worker_of(ask_master(&server), worker[0]), "held") == 0);
    server_stop(&server);
}

static long long total(const struct server *server, const char *key)
{
    return number(json_object_get(ask_master(server), "totals"), key);
}

Test(status, requests_of_workers_that_are_gone_still_count)
{
    struct server server;
    pid_t before[WORKERS_MAX];
    server_start(&server, TWO_WORKERS RESPOND("one"));
    server_await_workers(&server, 2, before);
    for (int i = 0; i < 10; i++)
        expect_get(&server, "/", 200, "one");
    cr_assert_eq(total(&server, "requests"), 10);
    server_hup(&server);
    server_await_replaced(&server, before, 2);
    cr_assert_eq(total(&server, "requests"), 10);
    expect_get(&server, "/", 200, "one");
    cr_assert_eq(total(&server, "requests"), 11);
    server_stop(&server);
}

#define LIMITED TWO_WORKERS "crash_limit = 2\n"

static json_t *await_broken(const struct server *server)
{
    json_t *status = NULL;
    await((status = ask_master(server)) != NULL && number(status, "broken_count") == 1);
    return json_array_get(json_object_get(status, "broken"), 0);
}

Test(status, shows_broken_routes_until_they_serve_or_a_reload)
{
    struct server server;
    server_start(&server, LIMITED PROBE TROUBLE STATUS);
    cr_assert_eq(json_array_size(json_object_get(ask_worker(&server), "broken")), 0);
    cr_assert_null(strstr(run_tine("status", "-c", server.ini).out, "broken"));
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    cr_assert_eq(number(ask_master(&server), "broken_count"), 0);
    cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    json_t *route = await_broken(&server);
    cr_assert_str_eq(string(route, "app"), "trouble");
    cr_assert(text_matches(string(route, "module"), "/trouble\\.so$"));
    cr_assert_str_eq(string(route, "handler"), "crash");
    cr_assert_str_eq(string(route, "method"), "GET");
    cr_assert_str_eq(string(route, "path"), "/trouble/crash/{how}");
    cr_assert(text_matches(string(route, "since"), "^20[0-9]{2}-.*Z$"));
    cr_assert_eq(number(route, "crashes"), 2);
    cr_assert_leq(number(route, "retry_ms"), 10000);
    json_t *shown = json_array_get(json_object_get(ask_worker(&server), "broken"), 0);
    cr_assert_str_eq(string(shown, "path"), "/trouble/crash/{how}");
    const char *line = "^  GET /trouble/crash/\\{how\\} \\(trouble\\.crash of /.*/trouble\\.so\\): since 20.*Z, 2 crashes, tried ";
    cr_assert(text_matches(run_tine("status", "-c", server.ini).out, line), "%s", run_tine("status", "-c", server.ini).out);
    await(get(&server, "/trouble/crash/nothing").status == 404); /* it was let try */
    cr_assert_eq(number(ask_master(&server), "broken_count"), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(get(&server, "/trouble/crash/null").status, 500);
    await_broken(&server);
    server_hup(&server);
    cr_assert_eq(number(ask_master(&server), "broken_count"), 0);
    server_stop_after_crashes(&server);
}

Test(status, is_text_unless_json_is_asked_for)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    server_start(&server, TWO_WORKERS STATUS);
    server_log_await(&server, "generation 1 serves", 1); /* the first worker answers before that */
    server_await_workers(&server, 2, workers);
    struct response response = get(&server, "/status");
    expect_response(&response, 200, NULL);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "text/plain; charset=utf-8");
    cr_assert(text_matches(response.body, text("^tine .*, pid %d: serving, started 20.*, up ", server.pid)), "%s", response.body);
    cr_assert(text_matches(response.body, "^generation 1, loaded 20"), "%s", response.body);
    cr_assert(text_matches(response.body, "^never reloaded$"));
    cr_assert(text_matches(response.body, "^requests [0-9]+, given 0, "));
    response = ask(&server, request("GET", "/status", "Accept: text/html, application/json;q=0.9\r\nConnection: close\r\n"));
    json_t *status = parse(response.body);
    expect_whole(&server, status);
    server_stop(&server);
}

Test(status, an_allow_that_is_no_network_is_refused)
{
    struct server server;
    server_prepare(&server, ONE_WORKER STATUS "allow = 10.0.0.0/8, elsewhere\n");
    struct run ran = run_tine("-t", "-c", server.ini);
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:7: \\[app:status\\] allow: 'elsewhere' is not an address"), "%s", ran.err);
}

/* An address of this machine that is not loopback: who connects to it comes from it. */
static const char *own_address(void)
{
    static char address[INET_ADDRSTRLEN];
    struct ifaddrs *all, *one;
    address[0] = 0;
    if (getifaddrs(&all) != 0)
        return address;
    for (one = all; one != NULL && address[0] == 0; one = one->ifa_next)
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & (IFF_LOOPBACK | IFF_UP)) == IFF_UP)
            inet_ntop(AF_INET, &((struct sockaddr_in *)one->ifa_addr)->sin_addr, address, sizeof address);
    freeifaddrs(all);
    return address;
}

static int status_from(const char *address)
{
    struct client client = client_connect_to(address);
    client_send(&client, request("GET", "/status", "Connection: close\r\n"));
    struct response response = client_read(&client);
    client_close(&client);
    return response.status;
}

Test(status, answers_this_machine_alone_unless_allowed)
{
    struct server server;
    const char *own = own_address();
    if (*own == 0)
        cr_skip_test("no address but loopback");
    server_start(&server, text("[server]\nlisten = 127.0.0.1:0, [::1]:0, unix:@DIR@/sock, %s:0\nworkers = 2\n" STATUS, own));
    cr_assert_eq(status_from(text("%s", server_address(&server, 0))), 200);
    cr_assert_eq(status_from(text("%s", server_address(&server, 1))), 200);
    cr_assert_eq(status_from(text("unix:%s/sock", server.dir)), 200);
    const char *outside = text("%s", server_address(&server, 3));
    cr_assert_eq(status_from(outside), 403);
    server_reload(&server,
                  text("[server]\nlisten = 127.0.0.1:0, [::1]:0, unix:@DIR@/sock, %s:0\nworkers = 2\n" STATUS "allow = %s/32\n", own, own));
    await(status_from(outside) == 200);
    await(status_from(text("%s", server_address(&server, 0))) == 403); /* it is not named now */
    server_stop(&server);
}
