/* SPDX-License-Identifier: Apache-2.0
 *
 * See machines.h. Of the limits no token comes in while a test runs: a year has too few of them.
 */
#include "machines.h"

#include "client.h"
#include "haproxy_proxy.h"
#include "redis_server.h"
#include "required.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define FILTERS                                                                                 \
    "[filter:session]\nmodule = session\nkeys = 0123456789abcdef0123456789abcdef\n%1$s"         \
    "[filter:calm]\nmodule = rate_limit\nlimit = 1000\nper = 366d\nby = header:X-Key\n%1$s"     \
    "[filter:load]\nmodule = rate_limit\nlimit = 100000\nper = 366d\n%1$s"                      \
    "[filter:cache]\nmodule = cache\ntell = on\n%1$s"

#define APP(name, path, module, filters) "[app:" name "]\npath = " path "\nmodule = @MODULES@/" module ".so\nfilters = " filters "\n"
#define APPS                                                                                    \
    APP("main", "/", "battery", "session")                                                      \
    APP("limited", "/limited", "answers", "calm")                                               \
    APP("counted", "/counted", "answers", "load")                                               \
    APP("kept", "/kept", "answers", "cache")

struct server one, two, front;
static struct redis redis;

static void configure(struct server *server, const char *listen)
{
    const char *store = text("store = redis://127.0.0.1:%d\nstore_timeout = 10s\n", redis.port);
    server_configure(server, text("[server]\nlisten = %s\nworkers = 4\nworkers_max = 4\nhealth = on\nshutdown_delay = 6s\n"
                                  "trusted = 127.0.0.1\n[log]\naccess = off\n%s" APPS, listen, text(FILTERS, store)));
}

/* On a port that it keeps when it is started again. */
static void launch_machine(struct server *server)
{
    server_prepare(server, "");
    configure(server, text("127.0.0.1:%d", port_reserve()));
    server_launch(server);
}

static void require_batteries(void)
{
    static const char *const names[] = {"session", "rate_limit", "cache"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        require_module(names[i]);
}

void machines_launch(void)
{
    redis_require();
    haproxy_require();
    require_batteries();
    char *dir = text("%s/shared", test_dir());
    mkdir(dir, 0777);
    redis = (struct redis){.dir = dir, .more = ""};
    redis_start(&redis);
    launch_machine(&one);
    launch_machine(&two);
    haproxy_start(&front, &one, &two, dir);
}

void machines_end(void)
{
    static struct server *const machines[] = {&one, &two};
    for (size_t i = 0; i < 2; i++) {
        server_signal(machines[i], SIGTERM);
        server_log_await(machines[i], "stopping in ", 1);
        server_stop(machines[i]); /* a second TERM: nothing is in progress */
    }
    haproxy_stop();
    redis_kill(&redis);
}

const char *in_session(const struct server *at, const char *method, const char *path, const char *cookie, const char *body)
{
    struct response response = ask(at, request(method, path, cookie != NULL ? text("Cookie: %s\r\n", cookie) : ""));
    expect_response(&response, 200, body);
    const char *set = response_header(&response, "Set-Cookie");
    return set != NULL ? text("%.*s", (int)strcspn(set, ";"), set) : cookie;
}

/* ---- what HAProxy says ---- */

static void expect_none(const char *which, const char *field)
{
    cr_expect_eq(haproxy_count(which, field), 0, "%s of %s:\n%s", field, which, haproxy_statistics());
}

/* No answer was one of its own (hrsp_5xx: 502, 503, 504), or an error of anybody's; no request was malformed (ereq), found no server
 * (econ), or was given up by either side (cli_abrt, srv_abrt). Not in this: eresp, which counts an answer that a machine did not give
 * even if the other gave it then; wretr and wredis, how often a request was tried again, at the same machine and at the other. */
void expect_nothing_lost(void)
{
    static const char *const counted[] = {"hrsp_5xx", "hrsp_4xx", "hrsp_other", "ereq", "econ", "cli_abrt", "srv_abrt"};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        expect_none("clients,FRONTEND", counted[i]);
        expect_none("tines,BACKEND", counted[i]);
    }
    cr_expect_eq(haproxy_count("clients,FRONTEND", "req_tot"), haproxy_count("clients,FRONTEND", "hrsp_2xx"), "%s", haproxy_statistics());
}

void expect_nothing_asked_again(void)
{
    static const char *const counted[] = {"eresp", "econ", "wretr", "wredis"};
    static const char *const servers[] = {"tines,one", "tines,two", "tines,BACKEND"};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        for (size_t k = 0; k < sizeof servers / sizeof *servers; k++)
            expect_none(servers[k], counted[i]);
}

void expect_both_asked(long least)
{
    cr_expect_gt(haproxy_count("tines,one", "stot"), least);
    cr_expect_gt(haproxy_count("tines,two", "stot"), least);
}
