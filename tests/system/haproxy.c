/* SPDX-License-Identifier: Apache-2.0
 *
 * Two tines behind HAProxy, on etc/haproxy.cfg: neither that one is killed nor that it is drained or upgraded under load loses a request,
 * by the clients' count and by HAProxy's own; nor a session or a limit.
 */
#include "client.h"
#include "haproxy_proxy.h"
#include "machines.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(haproxy, .timeout = 240);

enum { CLIENTS = 8 };

static struct server *const machines[] = {&one, &two};
static const char *const names[] = {"tines,one", "tines,two"};

/* ---- the load ---- */

static struct load {
    _Atomic bool over, easy;
    _Atomic long answered, taken;
} *load;

static pid_t clients[CLIENTS];

/* One request and the answer to it. Nothing is ever asked again: what is not as it should be ends the client. */
static void exchange(struct client *client, const char *bytes, const char *body, int failure)
{
    client_send(client, bytes);
    struct response response = client_read(client);
    if (response.status != 200 || strcmp(response.body, body) != 0) {
        fprintf(stderr, "%s%s%s is not %s\n", bytes, response.head, response.body, body);
        _exit(failure);
    }
    response_free(&response);
    load->answered++;
}

/* Reads its session, over and over. If it also posts, it writes there what the next answer must have, from whichever machine that comes,
 * and takes a token of a limit. */
static void ask_on(int number, const char *cookie, bool also_posts)
{
    struct client client = client_connect(&front);
    const char *kept = text("{\"user\":\"%d\"}", number);
    for (long written = 0; !load->over;) {
        for (int i = 0; i < 4 && load->easy; i++)
            pause_shortly();
        exchange(&client, text("GET /session HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n", cookie), kept, 1);
        if (!also_posts)
            continue;
        kept = text("{\"user\":\"%d\",\"n\":\"%ld\"}", number, ++written);
        const char *path = text("/session?n=%ld", written);
        exchange(&client, text("POST %s HTTP/1.1\r\nHost: a\r\nCookie: %s\r\nContent-Length: 0\r\n\r\n", path, cookie), kept, 2);
        exchange(&client, "POST /counted/answer HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST plain", 3);
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

/* Sessions are begun at one machine and at the other. Half of the clients post, if that is to be. */
static void load_start(bool posts)
{
    load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < CLIENTS; i++) {
        const char *cookie = in_session(machines[i / 2 % 2], "POST", text("/login?user=%d", i), NULL, text("{\"user\":\"%d\"}", i));
        if ((clients[i] = process_fork()) == 0)
            ask_on(i, cookie, posts && i % 2 == 0);
    }
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
    if (load->taken == 0)
        return;
    struct response response = get(&front, "/counted/answer");
    const char *limit = response_header(&response, "RateLimit");
    long left = -1;
    cr_assert(limit != NULL && sscanf(limit, "\"load\";r=%ld", &left) == 1, "%s", response.head);
    cr_expect_eq(left, COUNTED - load->taken - 1, "%ld are left, %ld were taken", left, load->taken);
}

static void launch_again(int i)
{
    load_await(200);
    server_launch(machines[i]);
    await(haproxy_is_up(names[i]));
    load_await(200);
}

/* ---- the tests ---- */

/* All of it at once, connections and what they were about. What may be asked twice is, by HAProxy, of the other; so the load only reads. */
Test(haproxy, a_machine_that_is_killed_costs_no_request)
{
    machines_launch();
    load_start(false);
    for (int i = 0; i < 4; i++) {
        kill(-machines[i % 2]->pid, SIGKILL);
        process_wait(machines[i % 2]->pid, PATIENCE);
        load_await(200);
        await(haproxy_is_down(names[i % 2]));
        launch_again(i % 2);
    }
    load_end();
    expect_nothing_lost();
    long tried_again = haproxy_count("tines,BACKEND", "wretr") + haproxy_count("tines,BACKEND", "wredis");
    cr_expect_geq(tried_again, haproxy_count("tines,BACKEND", "eresp"), "%s", haproxy_statistics());
    machines_end();
}

Test(haproxy, machines_that_are_drained_in_turn_cost_no_request)
{
    machines_launch();
    load_start(true);
    for (int i = 0; i < 2; i++) {
        load->easy = true; /* the delay takes seconds, and other tests want the processor as well */
        server_signal(machines[i], SIGTERM);
        await(haproxy_is_down(names[i]));
        cr_expect(process_alive(machines[i]->pid), "it was gone before HAProxy knew");
        cr_assert_eq(server_wait(machines[i]), 0);
        load->easy = false;
        launch_again(i);
    }
    load_end();
    expect_nothing_lost();
    expect_nothing_asked_again();
    machines_end();
}

Test(haproxy, machines_that_are_upgraded_in_turn_cost_no_request)
{
    machines_launch();
    load_start(true);
    for (int round = 0; round < 3; round++) {
        server_upgrade(&one);
        load_await(100);
        server_hup(&two);
        load_await(100);
        server_upgrade(&two);
        load_await(100);
    }
    cr_expect(haproxy_is_up("tines,one") && haproxy_is_up("tines,two"));
    cr_expect_eq(haproxy_count("tines,one", "chkdown") + haproxy_count("tines,two", "chkdown"), 0);
    load_end();
    expect_nothing_lost();
    expect_nothing_asked_again();
    machines_end();
}
