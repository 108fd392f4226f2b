/* SPDX-License-Identifier: Apache-2.0
 *
 * What batteries keep in Redis, with one that is stopped, paused and started again, wants a password, speaks TLS, or refuses.
 */
#include "client.h"
#include "keep.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(redis, .timeout = 180);

#define PATIENT "10s" /* where no time is to run out, however busy the machine is */

static struct server server;
static struct redis redis;

/* PORT in 'store' stands for that of Redis. */
static void serve(const char *workers, const char *store, const char *more, const char *timeout)
{
    redis_require();
    server_prepare(&server, "");
    chmod(server.dir, 0777);
    redis = (struct redis){.dir = server.dir, .more = more};
    redis_start(&redis);
    char *url = strstr(store, "PORT") != NULL
                    ? text("%.*s%d%s", (int)(strstr(store, "PORT") - store), store, redis.port, strstr(store, "PORT") + 4)
                    : text("%s", store);
    server_configure(&server, text("[server]\nlisten = 127.0.0.1:0\nworkers = %s\nworkers_max = %s\n[log]\naccess = off\n"
                                   "[app:keep]\npath = /\nmodule = @MODULES@/keep.so\nstore = %s\nstore_timeout = %s\n",
                                   workers, workers, url, timeout));
    server_launch(&server);
}

static void finish(void)
{
    server_stop(&server);
    redis_kill(&redis);
}

Test(redis, values_are_set_added_deleted_and_expire)
{
    serve("4", "redis://127.0.0.1:PORT", "", PATIENT);
    keep_expect_values(&server);
    cr_expect(strstr(redis_say(&redis, "keys '*'"), "tine:keep:=a\n") != NULL);
    finish();
}

Test(redis, keys_and_values_have_any_length)
{
    serve("4", "redis://localhost:PORT/3", "", PATIENT);
    keep_expect_long_keys(&server);
    keep_expect_lengths(&server);
    cr_expect_str_eq(redis_say(&redis, "dbsize"), "0\n");
    cr_expect(strstr(redis_say(&redis, "-n 3 keys '*'"), "tine:keep:=long\n") != NULL);
    finish();
}

Test(redis, tokens_are_taken)
{
    serve("4", "unix:@DIR@/redis.sock", "", PATIENT);
    keep_expect_takes(&server);
    finish();
}

Test(redis, tokens_are_exact_over_eight_workers)
{
    const struct server *servers[] = {&server};
    serve("8", "redis://127.0.0.1:PORT", "", PATIENT);
    cr_expect_eq(keep_take_at_once(servers, 1, 64, 40, 1000), 1000);
    cr_expect(text_matches(redis_say(&redis, "info clients"), "^connected_clients:([1-9])[^0-9]"), "%s", redis_say(&redis, "info clients"));
    finish();
}

/* By each of the workers, after a moment of its own. */
static void await_back(int workers)
{
    for (int i = 0; i < 4 * workers; i++)
        await(get(&server, "/get?key=a").status == 200);
}

Test(redis, that_is_down_stops_no_start_is_told_once_and_comes_back)
{
    serve("2", "redis://127.0.0.1:PORT", "", PATIENT);
    redis_kill(&redis);
    for (int i = 0; i < 50; i++) {
        expect_get(&server, "/get?key=a", 503, NULL);
        cr_expect_eq(keep_ask(&server, "/take?key=a&interval=1&burst=1", ""), 503);
    }
    server_hup(&server);
    expect_get(&server, "/get?key=a", 503, NULL);
    char *log = server_log(&server);
    cr_expect_eq(text_count(log, text("[keep] store: Redis at 127.0.0.1:%d is down: cannot connect: Connection refused", redis.port)), 1,
                 "%s", log);
    redis_start(&redis);
    redis_say(&redis, "set tine:keep:=a here");
    await_back(2);
    server_log_await(&server, "is back", 1);
    cr_expect_eq(text_count(server_log(&server), "store: "), 2, "%s", server_log(&server));
    finish();
}

/* A connection that ends while nobody asks is made again, and nobody sees it. */
Test(redis, that_was_restarted_is_asked_again_at_once)
{
    serve("1", "redis://127.0.0.1:PORT", "", PATIENT);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
        cr_expect_eq(keep_ask(&server, "/take?key=b&interval=1000&burst=100", ""), 200);
        redis_kill(&redis);
        redis_start(&redis);
        cr_expect_eq(keep_ask(&server, "/take?key=b&interval=1000&burst=100", ""), 200);
        expect_get(&server, "/get?key=a", 404, NULL);
        redis_say(&redis, "client kill type normal");
        expect_get(&server, "/get?key=a", 404, NULL);
    }
    cr_expect_not(server_log_has(&server, "store: "));
    finish();
}

/* Requests are not held up for longer than the time that there is, and most not at all. */
Test(redis, that_is_paused_holds_up_few_requests_and_comes_back)
{
    enum { REQUESTS = 100, TIMEOUT = 50 };
    serve("1", "redis://127.0.0.1:PORT", "", "50ms");
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    kill(redis.pid, SIGSTOP);
    int64_t begun = now_ms();
    int waited = 0;
    for (int i = 0; i < REQUESTS; i++) {
        int64_t before = now_ms();
        expect_get(&server, "/get?key=a", 503, NULL);
        waited += now_ms() - before >= TIMEOUT;
    }
    cr_expect(waited >= 1 && waited < REQUESTS / 4, "%d of them waited, in %d ms", waited, (int)(now_ms() - begun));
    cr_expect_eq(text_count(server_log(&server), "is down: it does not answer in time"), 1);
    kill(redis.pid, SIGCONT);
    await_back(1);
    expect_get(&server, "/get?key=a", 200, "one");
    server_log_await(&server, "is back", 1);
    finish();
}

/* An answer that comes late is not taken for that of the next command. */
Test(redis, that_answers_late_answers_nothing_else)
{
    serve("1", "redis://127.0.0.1:PORT", "", "50ms");
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    cr_expect_eq(keep_ask(&server, "/set?key=b", "two"), 200);
    for (int i = 0; i < 5; i++) {
        kill(redis.pid, SIGSTOP);
        expect_get(&server, "/get?key=a", 503, NULL);
        kill(redis.pid, SIGCONT);
        await(get(&server, "/get?key=b").status == 200);
        expect_get(&server, "/get?key=b", 200, "two");
        expect_get(&server, "/get?key=a", 200, "one");
    }
    finish();
}

Test(redis, wants_its_password)
{
    serve("1", "redis://:s%40cret@127.0.0.1:PORT", "--requirepass s@cret", PATIENT);
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    expect_get(&server, "/get?key=a", 200, "one");
    server_configure(&server, text(ONE_WORKER "[app:keep]\npath = /\nmodule = @MODULES@/keep.so\n"
                                              "store = redis://:wrong-one@127.0.0.1:%d\n", redis.port));
    server_hup(&server);
    await(get(&server, "/get?key=a").status == 503); /* a worker from before may have one more */
    server_log_await(&server, "is down: AUTH: WRONGPASS", 1);
    cr_expect_not(server_log_has(&server, "wrong-one"));
    cr_expect_not(server_log_has(&server, "cret"));
    cr_expect_null(strstr(run_tine("-c", server.ini, "-T").out, "wrong-one"));
    finish();
}

/* One that may do little: what it may not is refused, and told; the rest does. */
Test(redis, tells_what_its_user_may_not_do)
{
    serve("1", "redis://ada:pw@127.0.0.1:PORT", "--user ada on '>pw' '~tine:*' +get +set -ping", PATIENT);
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(keep_ask(&server, "/take?key=t&interval=1000&burst=1", ""), 503);
        expect_get(&server, "/get?key=a", 200, "one");
    }
    server_log_await(&server, "refuses EVALSHA: NOPERM", 1);
    cr_expect_eq(text_count(server_log(&server), "store: "), 1, "%s", server_log(&server));
    finish();
}

/* The rights that src/man/batteries.md asks for. */
Test(redis, needs_no_more_rights_than_the_manual_gives)
{
    static const char before[] = "ACL SETUSER tine on >PASSWORD ";
    char *page = file_read("src/man/batteries.md", NULL), *rights = strstr(page, before);
    cr_assert_not_null(rights);
    rights += strlen(before);
    serve("1", "redis://tine:pw@127.0.0.1:PORT/2", text("--user tine on '>pw' %.*s", (int)strcspn(rights, "\n"), rights), PATIENT);
    keep_expect_values(&server);
    keep_expect_takes(&server);
    cr_expect_not(server_log_has(&server, "store: "));
    finish();
}

Test(redis, that_is_full_refuses_to_set_and_still_answers)
{
    serve("1", "redis://127.0.0.1:PORT", "", PATIENT);
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    redis_say(&redis, "config set maxmemory 1");
    cr_expect_eq(keep_ask(&server, "/set?key=b", "two"), 503);
    expect_get(&server, "/get?key=a", 200, "one");
    server_log_await(&server, "refuses SET: OOM", 1);
    redis_say(&redis, "config set maxmemory 0");
    cr_expect_eq(keep_ask(&server, "/set?key=b", "two"), 200);
    finish();
}

/* ---- others than Redis ---- */

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 16) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Takes the greeting for what it is, and answers whatever comes then with this, all at once or a byte each 5 ms. */
static void answer_with(int listener, const char *answer, bool slowly)
{
    for (;;) {
        char received[4096];
        int fd = accept(listener, NULL, NULL);
        if (read(fd, received, sizeof received) > 0 && write(fd, "+PONG\r\n", 7) == 7 && read(fd, received, sizeof received) > 0)
            for (size_t i = 0, piece = slowly ? 1 : strlen(answer); answer[i] != 0; i += piece) {
                if (send(fd, answer + i, piece, MSG_NOSIGNAL) < 0)
                    break;
                if (slowly)
                    pause_shortly();
            }
        close(fd);
    }
}

static const struct {
    const char *answer;
    bool slowly;
    const char *told;
} strange[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", false, "is down: Protocol error"},
    {"$99999999999999999999\r\n", false, "is down: "},
    {"$-7\r\n", false, "is down: "},
    {"*-7\r\n", false, "is down: "},
    {"*2147483647\r\n", false, "is down: "},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", false, "is down: "},
    {"$1000\r\nshort", false, "is down: it closed the connection"},
    {"$3\r\nlonger\r\n", false, "is down: its answer makes no sense"},
    {"$1000\r\n"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     true, "is down: it does not answer in time"},
    {"-LOADING Redis is loading\r\n", false, "is down: LOADING Redis is loading"},
    {"-READONLY You can't write against a read only replica.\r\n", false, "is down: READONLY"},
    {"-NOSCRIPT no\r\n", false, "refuses EVAL: NOSCRIPT no"},
    {"-MOVED 3999 127.0.0.1:6381\r\n", false, "refuses EVALSHA: MOVED 3999"},
    {"+OK\r\n", false, "is down: its answer makes no sense"},
    {":1\r\n", false, "is down: its answer makes no sense"},
    {"*1\r\n:1\r\n", false, NULL},
    {"*2\r\n$1\r\na\r\n$-1\r\n", false, NULL},
};

/* Whatever says that it is Redis: the worker takes no harm, and is not held up. */
Test(redis, strange_answers_harm_no_worker)
{
    redis_require();
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        int port, listener = listen_anywhere(&port);
        pid_t workers[WORKERS_MAX], child = process_fork();
        if (child == 0)
            answer_with(listener, strange[i].answer, strange[i].slowly);
        close(listener);
        server_start(&server,
                     text(ONE_WORKER "workers_max = 1\n[app:keep]\npath = /\nmodule = @MODULES@/keep.so\n"
                                     "store = redis://127.0.0.1:%d\nstore_timeout = 200ms\n",
                                     port));
        server_await_workers(&server, 1, workers);
        int status = keep_ask(&server, "/take?key=a&interval=1&burst=1", "");
        cr_expect(status == 503, "%s: %d", strange[i].answer, status);
        if (strange[i].told != NULL)
            cr_expect(server_log_has(&server, strange[i].told), "%s: %s", strange[i].answer, server_log(&server));
        for (int k = 0; k < 4; k++) {
            keep_ask(&server, "/get?key=a", "");
            keep_ask(&server, "/set?key=a", "x");
            keep_ask(&server, "/delete?key=a", "");
        }
        cr_expect(process_alive(workers[0]), "%s", strange[i].answer);
        server_stop(&server);
        kill(child, SIGKILL);
        process_wait(child, PATIENCE);
    }
}

/* ---- TLS ---- */

/* A certificate of its own for 127.0.0.1 and localhost. */
static void make_certificate(const char *name, const char *names)
{
    if (!program_exists("openssl"))
        cr_skip_test("openssl is not there");
    struct run made = run("sh", "-c",
                          text("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=redis "
                               "-addext subjectAltName=%s -keyout %s.key -out %s.pem && chmod 644 %s.*",
                               server.dir, names, name, name, name));
    cr_assert_eq(made.code, 0, "%s", made.err);
}

/* With a certificate for 'names', asked as 'host', by a server that trusts 'ca'. */
static void serve_tls(const char *names, const char *host, const char *ca)
{
    redis_require();
    server_prepare(&server, "");
    chmod(server.dir, 0777);
    make_certificate("redis", names);
    make_certificate("other", names);
    redis = (struct redis){.dir = server.dir, .tls = true,
                           .more = text("--tls-auth-clients no --tls-cert-file %s/redis.pem --tls-key-file %s/redis.key "
                                        "--requirepass secret", server.dir, server.dir)};
    redis_start(&redis);
    server_configure(&server,
                     text(ONE_WORKER "workers_max = 1\n[app:keep]\npath = /\nmodule = @MODULES@/keep.so\n"
                                     "store = rediss://:secret@%s:%d\nstore_timeout = 5s\n%s%s\n",
                                     host, redis.port, ca[0] != 0 ? "store_ca = " : "", ca));
    server_launch(&server);
}

Test(redis, is_asked_by_tls)
{
    serve_tls("IP:127.0.0.1,DNS:localhost", "127.0.0.1", "redis.pem");
    cr_expect_eq(keep_ask(&server, "/set?key=a", "one"), 200);
    keep_expect_lengths(&server);
    keep_expect_takes(&server);
    redis_kill(&redis);
    redis_start(&redis);
    expect_get(&server, "/get?key=a", 404, NULL);
    cr_expect_not(server_log_has(&server, "store: "));
    finish();
}

static const struct {
    const char *names, *host, *ca, *told;
} untrusted[] = {
    {"IP:127.0.0.1", "127.0.0.1", "other.pem", "is down: its certificate is not to be trusted: "},
    {"IP:127.0.0.1", "127.0.0.1", "", "is down: its certificate is not to be trusted: self-signed certificate"},
    {"IP:127.0.0.2,DNS:localhost", "127.0.0.1", "redis.pem", "is down: its certificate is not to be trusted: IP address mismatch"},
    {"IP:127.0.0.1,DNS:redis", "localhost", "redis.pem", "is down: its certificate is not to be trusted: hostname mismatch"},
};

Test(redis, is_trusted_only_with_its_certificate_for_its_host)
{
    for (size_t i = 0; i < sizeof untrusted / sizeof *untrusted; i++) {
        serve_tls(untrusted[i].names, untrusted[i].host, untrusted[i].ca);
        expect_get(&server, "/get?key=a", 503, NULL);
        server_log_await(&server, untrusted[i].told, 1);
        finish();
    }
}

/* ---- settings ---- */

static const struct {
    const char *store, *told;
} wrong[] = {
    {"store = http://host", "store: it is none; write redis://[user:password@]host[:port][/db], rediss://..., unix:/path or memory"},
    {"store = redis://", "store: there is no host in it"},
    {"store = redis://:6379", "store: there is no host in it"},
    {"store = redis://host:0", "store: a port is a number from 1 to 65535"},
    {"store = redis://host:65536", "store: a port is a number from 1 to 65535"},
    {"store = redis://host:12x", "store: a port is a number from 1 to 65535"},
    {"store = redis://fe80::1", "store: a port is a number from 1 to 65535; an IPv6 address stands in [ ]"},
    {"store = redis://[::1", "store: there is no ']' behind the address"},
    {"store = redis://[::1]x", "store: a port is a number"},
    {"store = redis://host/x", "store: the database behind the '/' is a number"},
    {"store = redis://host/-1", "store: the database behind the '/' is a number"},
    {"store = redis://host/1/2", "nothing follows the database"},
    {"store = redis://user@host", "store: a user has a password"},
    {"store = redis://user:@host", "store: there is no password before the '@'"},
    {"store = redis://:p@q@host", "in a password is written as %xx"},
    {"store = redis://:p/q@host", "store: the database behind the '/' is a number"},
    {"store = redis://:p%2@host", "store: user and password have up to 255 bytes each, and %xx for those that are special"},
    {"store = redis://:p%00@host", "store: user and password have up to 255 bytes each, and %xx for those that are special"},
    {"store_timeout = 0", "store_timeout: must be longer than 0"},
    {"store = redis://host\nstore_ca = x", "store_ca: is for TLS, and the store is not rediss://"},
};

Test(redis, settings_that_are_wrong_are_refused_without_the_password)
{
    redis_require();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server_prepare(&server,
                       text("[server]\nlisten = 127.0.0.1:0\n[app:keep]\npath = /\nmodule = @MODULES@/keep.so\n%s\n", wrong[i].store));
        struct run tested = run_tine("-c", server.ini, "-t");
        cr_expect(tested.code != 0 && strstr(tested.err, wrong[i].told) != NULL, "%s: %d %s", wrong[i].store, tested.code, tested.err);
        cr_expect(strstr(tested.err, text("[app:keep] %s", i >= 18 ? "store_" : "store:")) != NULL, "%s", tested.err);
    }
}
