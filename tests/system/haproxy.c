/* SPDX-License-Identifier: Apache-2.0
 *
 * Two tines behind HAProxy, as etc/haproxy.cfg has it, with one Redis: what is kept holds over both, and neither that one is killed nor that it
 * is drained or upgraded under load loses a request, by the clients' count and by HAProxy's own.
 */
#include "client.h"
#include "keep.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(haproxy, .timeout = 240);

enum { CLIENTS = 8, FIELDS_MAX = 128 };

static struct server one, two, front; /* front: only where HAProxy listens */
static struct redis redis;
static pid_t haproxy;
static char *haproxy_socket;

/* ---- what HAProxy says ---- */

static char *haproxy_statistics(void)
{
    struct client client = client_connect_to(text("unix:%s", haproxy_socket));
    client_send(&client, "show stat\n");
    while (client_receive(&client, PATIENCE) > 0)
        continue;
    char *all = text("%.*s", (int)client.length, client.data);
    client_close(&client);
    return all;
}

/* The field of a line of CSV, the first being 0. */
static char *field_at(const char *line, int at)
{
    while (at-- > 0)
        line += strcspn(line, ",\n") + 1;
    return text("%.*s", (int)strcspn(line, ",\n"), line);
}

/* Of "PROXY,SERVER,...", by the name that stands at the top. */
static char *haproxy_field(const char *which, const char *name)
{
    const char *all = haproxy_statistics(), *line = strstr(all, text("\n%s,", which));
    if (line == NULL)
        harness_fail("HAProxy knows no %s:\n%s", which, all);
    for (int at = 0; at < FIELDS_MAX; at++)
        if (strcmp(field_at(all, at), name) == 0)
            return field_at(line + 1, at);
    harness_fail("HAProxy has no field %s:\n%s", name, all);
}

static long haproxy_count(const char *which, const char *name)
{
    return atol(haproxy_field(which, name));
}

static bool is_up(const char *which)
{
    return strcmp(haproxy_field(which, "status"), "UP") == 0;
}

static bool is_down(const char *which)
{
    return strncmp(haproxy_field(which, "status"), "DOWN", 4) == 0;
}

/* ---- two machines ---- */

static void configure(struct server *server, const char *listen)
{
    server_configure(server, text("[server]\nlisten = %s\nworkers = 4\nworkers_max = 4\nhealth = on\nshutdown_delay = 3s\ntrusted = 127.0.0.1\n"
                                  "[log]\naccess = off\n[app:keep]\npath = /\nmodule = @MODULES@/keep.so\nstore = redis://127.0.0.1:%d\n"
                                  "store_timeout = 10s\n", listen, redis.port));
}

/* On a port that it keeps when it is started again. */
static void launch_machine(struct server *server)
{
    server_prepare(server, "");
    configure(server, "127.0.0.1:0");
    server_launch(server);
    configure(server, server->address);
    setenv(server == &one ? "TINE_ONE" : "TINE_TWO", server->address, 1);
}

/* HAProxy wants to know its port before: another is tried where that was taken meanwhile. */
static void launch_haproxy(void)
{
    const char *log = text("%s/haproxy.log", redis.dir), *argv[] = {"haproxy", "-db", "-f", "etc/haproxy.cfg", NULL};
    haproxy_socket = text("%s/haproxy.sock", redis.dir);
    setenv("HAPROXY_SOCKET", haproxy_socket, 1);
    for (int i = 0; i < 5; i++) {
        snprintf(front.address, sizeof front.address, "127.0.0.1:%d", port_find_free());
        setenv("HAPROXY_BIND", front.address, 1);
        haproxy = process_start(argv, log, log);
        kill_at_exit(haproxy);
        await(!process_alive(haproxy) || file_exists(haproxy_socket));
        if (process_wait(haproxy, 0) < 0) {
            await(is_up("tines,one") && is_up("tines,two"));
            return;
        }
    }
    harness_fail("HAProxy does not start: %s", file_read(log, NULL));
}

static void launch_all(void)
{
    redis_require();
    if (!program_exists("haproxy"))
        cr_skip_test("haproxy is not there: scripts/setup test installs it");
    char *dir = text("%s/shared", test_dir());
    mkdir(dir, 0777);
    redis = (struct redis){.dir = dir, .more = ""};
    redis_start(&redis);
    launch_machine(&one);
    launch_machine(&two);
    launch_haproxy();
}

/* HAProxy's own count, whatever the clients say: no answer of its own, and of as many requests that came as many were answered. (A server's eresp
 * and the backend's count an answer that did not come even if the other machine gave it then.) */
static void expect_nothing_lost(void)
{
    static const char *const counted[] = {"hrsp_5xx", "hrsp_4xx", "hrsp_other", "ereq", "econ", "cli_abrt", "srv_abrt"};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        cr_expect_eq(haproxy_count("clients,FRONTEND", counted[i]), 0, "%s\n%s", counted[i], haproxy_statistics());
        cr_expect_eq(haproxy_count("tines,BACKEND", counted[i]), 0, "%s\n%s", counted[i], haproxy_statistics());
    }
    cr_expect_eq(haproxy_count("clients,FRONTEND", "req_tot"), haproxy_count("clients,FRONTEND", "hrsp_2xx"), "%s", haproxy_statistics());
}

static void end_all(void)
{
    kill(haproxy, SIGTERM);
    process_wait(haproxy, PATIENCE);
    redis_kill(&redis);
}

/* ---- the load ---- */

static struct load {
    _Atomic bool over;
    _Atomic long answered, taken;
} *load;

static pid_t clients[CLIENTS];

/* Reads what was kept, over and over; half of the clients also take tokens, by POST, if that is to be. Nothing is ever asked again. */
static void ask_on(bool also_posts)
{
    struct client client = client_connect(&front);
    while (!load->over) {
        client_send(&client, request("GET", "/get?key=session", ""));
        struct response response = client_read(&client);
        if (response.status != 200 || strcmp(response.body, "ada") != 0)
            _exit(1);
        response_free(&response);
        load->answered++;
        if (!also_posts)
            continue;
        client_send(&client, "POST /take?key=load&interval=2000000000&burst=100000 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        response = client_read(&client);
        if (response.status != 200 || strncmp(response.body, "0 ", 2) != 0)
            _exit(2);
        response_free(&response);
        load->answered++;
        load->taken++;
    }
    client_close(&client);
    _exit(0);
}

static void load_await(long more)
{
    long before = load->answered;
    await(load->answered >= before + more);
}

static void load_start(bool posts)
{
    cr_assert_eq(keep_ask(&front, "/set?key=session", "ada"), 200);
    load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < CLIENTS; i++)
        if ((clients[i] = process_fork()) == 0)
            ask_on(posts && i % 2 == 0);
    load_await(200);
}

/* The tokens are counted by Redis, too: each that was asked for was taken, once. */
static void load_end(void)
{
    load_await(200);
    load->over = true;
    for (int i = 0; i < CLIENTS; i++) {
        int code = process_wait(clients[i], PATIENCE);
        cr_expect_eq(code, 0, "client %d: %d", i, code);
    }
    if (load->taken > 0) {
        long long wait, left;
        struct response response = ask(&front, keep_post("/take?key=load&interval=2000000000&burst=100000", "", 0));
        cr_assert_eq(sscanf(response.body, "%lld %lld", &wait, &left), 2, "%s", response.body);
        cr_expect_eq(left, 100000 - load->taken - 1, "%lld are left, %ld were taken", left, load->taken);
    }
}

/* ---- the tests ---- */

Test(haproxy, what_is_kept_holds_over_both)
{
    launch_all();
    const struct server *through[] = {&front}, *both[] = {&one, &two};
    cr_assert_eq(keep_ask(&one, "/set?key=session", "ada"), 200);
    for (int i = 0; i < 16; i++)
        expect_get(&front, "/get?key=session", 200, "ada");
    expect_get(&two, "/get?key=session", 200, "ada");
    cr_expect_eq(keep_ask(&two, "/add?key=session", "bob"), 404);
    cr_expect_eq(keep_take_at_once(through, 1, 32, 40, 1000), 1000);
    cr_expect_eq(keep_ask(&two, "/delete?key=many", ""), 200);
    cr_expect_eq(keep_take_at_once(both, 2, 32, 40, 1000), 1000);
    cr_expect_gt(haproxy_count("tines,one", "stot"), 100);
    cr_expect_gt(haproxy_count("tines,two", "stot"), 100);
    expect_nothing_lost();
    server_stop(&one);
    server_stop(&two);
    end_all();
}

/* All of it at once, connections and what they were about. What may be asked twice is, by HAProxy, of the other; so the load only reads. */
Test(haproxy, a_machine_that_is_killed_costs_no_request)
{
    launch_all();
    load_start(false);
    for (int round = 0; round < 2; round++) {
        kill(-one.pid, SIGKILL);
        process_wait(one.pid, PATIENCE);
        load_await(200);
        await(is_down("tines,one"));
        load_await(200);
        server_launch(&one);
        await(is_up("tines,one"));
        load_await(200);
    }
    load_end();
    expect_nothing_lost();
    server_stop(&two);
    server_stop(&one);
    end_all();
}

Test(haproxy, machines_that_are_drained_in_turn_cost_no_request)
{
    struct server *const machines[] = {&one, &two};
    static const char *const names[] = {"tines,one", "tines,two"};
    launch_all();
    load_start(true);
    for (int i = 0; i < 2; i++) {
        server_signal(machines[i], SIGTERM);
        await(is_down(names[i]));
        cr_expect(process_alive(machines[i]->pid), "it was gone before HAProxy knew");
        cr_assert_eq(server_wait(machines[i]), 0);
        load_await(200);
        server_launch(machines[i]);
        await(is_up(names[i]));
        load_await(200);
    }
    load_end();
    expect_nothing_lost();
    server_stop(&one);
    server_stop(&two);
    end_all();
}

Test(haproxy, machines_that_are_upgraded_in_turn_cost_no_request)
{
    launch_all();
    load_start(true);
    for (int round = 0; round < 3; round++) {
        server_upgrade(&one);
        load_await(100);
        server_hup(&two);
        load_await(100);
        server_upgrade(&two);
        load_await(100);
    }
    cr_expect(is_up("tines,one") && is_up("tines,two"));
    cr_expect_eq(haproxy_count("tines,one", "chkdown") + haproxy_count("tines,two", "chkdown"), 0);
    load_end();
    expect_nothing_lost();
    server_stop(&one);
    server_stop(&two);
    end_all();
}
