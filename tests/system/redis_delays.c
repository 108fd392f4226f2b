/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a request waits for a store that does not come: its name, its connection and its answer have their times, all together at most
 * twice `store_timeout`.
 */
#include "client.h"
#include "keep.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(redis_delays, .timeout = 120);

static struct server server;
static struct redis redis;

static void launch(const char *host, int port, const char *timeout)
{
    server_prepare(&server, text("[server]\nlisten = 127.0.0.1:0\nworkers = 1\nworkers_max = 1\n[log]\naccess = off\n[app:keep]\npath = /\n"
                                 "module = @MODULES@/keep.so\nstore = redis://%s:%d\nstore_timeout = %s\n", host, port, timeout));
    server_launch(&server);
}

/* GET, which is to be 503; how many ms that took. */
static int64_t time_refusal(void)
{
    int64_t before = now_ms();
    expect_get(&server, "/get?key=a", 503, NULL);
    return now_ms() - before;
}

/* ---- names ---- */

/* In a namespace of this test hosts are looked up in one file, which is a pipe: whoever opens it waits until somebody writes. */
static bool mount_slow_hosts(const char *dir)
{
    const char *hosts = text("%s/hosts", dir), *order = text("%s/nsswitch.conf", dir);
    file_write(order, "passwd: files\ngroup: files\nshadow: files\nhosts: files\n");
    return geteuid() == 0 && mkfifo(hosts, 0666) == 0 && chmod(hosts, 0666) == 0 && chmod(order, 0644) == 0 && unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) == 0 &&
           mount(order, "/etc/nsswitch.conf", NULL, MS_BIND, NULL) == 0;
}

/* Another file from now on, with the name in it; who waits at the pipe is told that there is nothing. */
static void find_names(void)
{
    const char *hosts = text("%s/found", redis.dir);
    file_write(hosts, "127.0.0.1 redis.test\n");
    cr_assert(chmod(hosts, 0644) == 0 && mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) == 0);
    int pipe = open(text("%s/hosts", redis.dir), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    cr_assert_geq(pipe, 0, "nobody looks for it");
    close(pipe);
}

static void start_all(const char *timeout)
{
    const char *dir = text("%s/names", test_dir());
    redis_require();
    mkdir(dir, 0755);
    redis = (struct redis){.dir = dir, .more = ""};
    redis_start(&redis);
    if (!mount_slow_hosts(dir))
        cr_skip_test("cannot mount a file of hosts");
    launch("redis.test", redis.port, timeout);
}

static size_t threads_of(pid_t process)
{
    long threads = 0;
    const char *status = process_file(process, "status"), *line = strstr(status, "Threads:");
    cr_assert(line != NULL && sscanf(line, "Threads: %ld", &threads) == 1, "%s", status);
    return (size_t)threads;
}

/* It is looked up on, once, and used when it is known. */
Test(redis_delays, a_name_that_is_slow_to_find_holds_up_no_request_for_long)
{
    enum { TIMEOUT = 300, REQUESTS = 30, LATE = 3000 };
    pid_t workers[WORKERS_MAX];
    start_all("300ms");
    server_await_workers(&server, 1, workers);
    int64_t first = time_refusal(), begin = now_ms();
    cr_expect(first >= TIMEOUT - 1 && first < TIMEOUT + LATE, "%d ms", (int)first);
    int waited = 0;
    for (int i = 0; i < REQUESTS || now_ms() - begin < 2000; i++, pause_shortly()) {
        int64_t took = time_refusal();
        waited += took >= TIMEOUT;
        cr_expect_lt(took, TIMEOUT + LATE);
        cr_expect_leq(threads_of(workers[0]), 2, "%zu threads", threads_of(workers[0]));
    }
    cr_expect(waited >= 1 && waited < REQUESTS / 3, "%d waited", waited);
    server_log_await(&server, text("Redis at redis.test:%d is down: cannot look up its name: there is no answer in time", redis.port), 1);
    find_names();
    await(keep_ask(&server, "/set?key=a", "one") == 200);
    expect_get(&server, "/get?key=a", 200, "one");
    redis_kill(&redis);
    redis_start(&redis);
    await(get(&server, "/get?key=a").status == 404);
    server_stop(&server);
    redis_kill(&redis);
}

/* A worker that is looking for one ends as any other does. */
Test(redis_delays, a_name_that_is_never_found_keeps_no_worker_from_ending)
{
    start_all("50ms");
    time_refusal();
    server_hup(&server);
    time_refusal();
    server_stop(&server);
    redis_kill(&redis);
}

/* ---- connections ---- */

static bool read_some(int fd)
{
    char received[4096];
    return read(fd, received, sizeof received) > 0;
}

/* Says this to the next command. */
static bool reply(int fd, const char *answer)
{
    return read_some(fd) && send(fd, answer, strlen(answer), MSG_NOSIGNAL) == (ssize_t)strlen(answer);
}

/* Greets, the later ones slowly; the first gets one answer; to what is asked then it says nothing, and hangs up after a while. */
static void tire(int listener, useconds_t slowness)
{
    for (int i = 0;; i++) {
        int fd = accept(listener, NULL, NULL);
        if (i > 0)
            usleep(slowness);
        if (reply(fd, "+PONG\r\n") && (i > 0 || reply(fd, "$-1\r\n")))
            while (read_some(fd)) {
                usleep(slowness);
                shutdown(fd, SHUT_WR);
            }
        close(fd);
    }
}

Test(redis_delays, one_that_takes_its_time_at_each_step_has_twice_the_timeout_in_all)
{
    enum { TIMEOUT = 4000, LATE = 2800 }; /* a third step would end later */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    redis_require();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 16) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    pid_t peer = process_fork();
    if (peer == 0)
        tire(listener, TIMEOUT * 900);
    launch("127.0.0.1", ntohs(address.sin_port), "4s");
    expect_get(&server, "/get?key=a", 404, NULL);
    int64_t took = time_refusal();
    cr_expect(took >= TIMEOUT - 1 && took < 2 * TIMEOUT + LATE, "%d ms", (int)took);
    server_stop(&server);
    kill(peer, SIGKILL);
    process_wait(peer, PATIENCE);
}
