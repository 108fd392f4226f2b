/* SPDX-License-Identifier: Apache-2.0
 *
 * What two machines know of together: a session, a limit, and what is cached are the same at both, whichever HAProxy asks.
 */
#include "client.h"
#include "machines.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(shared_store, .timeout = 240);

/* ---- sessions ---- */

static void expect_everywhere(const char *cookie, const char *body)
{
    const struct server *const places[] = {&one, &two, &front, &front};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        in_session(places[i], "GET", "/session", cookie, body);
}

/* Begun at one, read and changed at the other, renewed here, ended there: whoever is asked, and however old the cookie that is shown. */
Test(shared_store, a_session_is_one_at_both_machines)
{
    machines_launch();
    const char *first = in_session(&one, "POST", "/login?user=ada", NULL, "{\"user\":\"ada\"}");
    for (int i = 0; i < 16; i++)
        in_session(&front, "GET", "/session", first, "{\"user\":\"ada\"}");
    expect_everywhere(first, "{\"user\":\"ada\"}");
    const char *changed = in_session(&two, "POST", "/session?cart=3", first, "{\"user\":\"ada\",\"cart\":\"3\"}");
    expect_everywhere(first, "{\"user\":\"ada\",\"cart\":\"3\"}");
    const char *renewed = in_session(&front, "POST", "/login?user=bob", changed, "{\"user\":\"bob\",\"cart\":\"3\"}");
    expect_everywhere(renewed, "{\"user\":\"bob\",\"cart\":\"3\"}");
    expect_everywhere(first, "{}");
    cr_expect_str_eq(in_session(&one, "POST", "/logout", renewed, "ended"), "session=");
    expect_everywhere(renewed, "{}");
    expect_everywhere(changed, "{}");
    expect_both_asked(8);
    expect_nothing_lost();
    machines_end();
}

/* ---- limits ---- */

static struct tally {
    _Atomic int allowed, refused, other;
} *tally;

static void ask_limited(const struct server *at, int requests, const char *fields)
{
    struct client client = client_connect(at);
    for (int i = 0; i < requests; i++) {
        client_send(&client, text("GET /limited/answer HTTP/1.1\r\nHost: a\r\n%s\r\n", fields));
        struct response response = client_read(&client);
        (*(response.status == 200 ? &tally->allowed : response.status == 429 ? &tally->refused : &tally->other))++;
        response_free(&response);
    }
    client_close(&client);
    _exit(0);
}

/* So many clients at once, each of the next of these servers. */
static void expect_allowed(const struct server *const *servers, int count, const char *fields, int allowed)
{
    enum { MANY = 32, REQUESTS = 40 };
    pid_t children[MANY];
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < MANY; i++)
        if ((children[i] = process_fork()) == 0)
            ask_limited(servers[i % count], REQUESTS, fields);
    for (int i = 0; i < MANY; i++)
        cr_expect_eq(process_wait(children[i], 2 * PATIENCE), 0);
    cr_expect_eq(tally->allowed, allowed, "'%s': %d were let through, not %d", fields, tally->allowed, allowed);
    cr_expect_eq(tally->refused, MANY * REQUESTS - allowed);
    cr_expect_eq(tally->other, 0);
    munmap(tally, sizeof *tally);
}

/* By address, which HAProxy tells and not the client; and by a field, with the machines asked beside HAProxy, too. */
Test(shared_store, a_limit_is_one_at_both_machines)
{
    const struct server *through[] = {&front}, *both[] = {&one, &two}, *all[] = {&one, &front, &two};
    machines_launch();
    expect_allowed(through, 1, "", LIMITED);
    expect_allowed(through, 1, "X-Forwarded-For: 10.1.1.1\r\n", 0);
    expect_allowed(through, 1, "Forwarded: for=10.1.1.2\r\n", 0);
    expect_allowed(both, 2, "X-Key: both\r\n", LIMITED);
    expect_allowed(all, 3, "X-Key: both\r\n", 0);
    expect_allowed(all, 3, "X-Key: all\r\n", LIMITED);
    expect_both_asked(100);
    machines_end();
}

/* ---- what is cached ---- */

#define CACHED "/kept/answer?field=Cache-Control:max-age=60"

static void expect_cached(const struct server *at, bool hit)
{
    struct response response = get(at, CACHED);
    expect_response(&response, 200, "GET plain");
    expect_field(&response, "X-Cache", hit ? "hit" : "miss");
}

Test(shared_store, what_one_machine_has_cached_both_have)
{
    machines_launch();
    expect_cached(&one, false);
    expect_cached(&two, true);
    for (int i = 0; i < 8; i++)
        expect_cached(&front, true);
    struct response response = ask(&two, request("POST", CACHED, "Content-Length: 0\r\n"));
    expect_response(&response, 200, "POST plain");
    expect_cached(&one, false);
    expect_cached(&two, true);
    expect_both_asked(2);
    expect_nothing_lost();
    machines_end();
}
