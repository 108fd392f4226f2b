/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_server.h. The command line comes by a shell, so that `more` may have several words.
 */
#include "redis_server.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void redis_require(void)
{
    if (!program_exists("redis-server") || !program_exists("redis-cli") || !file_exists(text("%s/keep.so", modules_path())))
        cr_skip_test("redis-server, hiredis or OpenSSL is not there: scripts/setup test installs them");
}

int port_find_free(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

const char *redis_say(const struct redis *redis, const char *words)
{
    return run("sh", "-c", text("redis-cli -s %s/redis.sock %s 2>&1", redis->dir, words)).out;
}

/* Another may take the port between the test's look and Redis': then it ends at once, and another port is tried. */
static bool launch(struct redis *redis)
{
    const char *log = text("%s/redis.log", redis->dir);
    const char *argv[] = {"sh", "-c", text("exec redis-server --bind 127.0.0.1 %s %d --unixsocket %s/redis.sock --unixsocketperm 777 --dir %s "
                                           "--save '' --appendonly no %s", redis->tls ? "--port 0 --tls-port" : "--port", redis->port,
                                           redis->dir, redis->dir, redis->more), NULL};
    redis->pid = process_start(argv, log, log);
    kill_at_exit(redis->pid);
    await(!process_alive(redis->pid) || strstr(redis_say(redis, "ping"), "PONG") != NULL || strstr(redis_say(redis, "ping"), "NOAUTH") != NULL);
    if (process_alive(redis->pid))
        return true;
    process_wait(redis->pid, PATIENCE);
    return false;
}

void redis_start(struct redis *redis)
{
    bool is_new = redis->port == 0;
    for (int i = 0; i < 5; i++) {
        if (is_new)
            redis->port = port_find_free();
        if (launch(redis))
            return;
    }
    harness_fail("Redis does not start:\n%s", file_read(text("%s/redis.log", redis->dir), NULL));
}

void redis_kill(struct redis *redis)
{
    if (redis->pid == 0)
        return;
    kill(redis->pid, SIGKILL);
    process_wait(redis->pid, PATIENCE);
    redis->pid = 0; /* which is another process' soon */
}
