/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_server.h. The command line comes by a shell, so that `more` may have several words.
 */
#include "redis_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void redis_require(void)
{
    if (!program_exists("redis-server") || !program_exists("redis-cli") || !file_exists(text("%s/keep.so", modules_path())))
        cr_skip_test("redis-server, hiredis or OpenSSL is not there: scripts/setup test installs them");
}

const char *redis_say(const struct redis *redis, const char *words)
{
    return run("sh", "-c", text("redis-cli -s %s/redis.sock %s 2>&1", redis->dir, words)).out;
}

void redis_start(struct redis *redis)
{
    if (redis->port == 0)
        redis->port = port_reserve();
    const char *log = text("%s/redis.log", redis->dir);
    const char *argv[] = {"sh", "-c", text("exec redis-server --bind 127.0.0.1 %s %d --unixsocket %s/redis.sock --unixsocketperm "
                                           "777 --dir %s "
                                           "--save '' --appendonly no %s", redis->tls ? "--port 0 --tls-port" : "--port", redis->port,
                                           redis->dir, redis->dir, redis->more), NULL};
    redis->pid = process_start(argv, log, log);
    kill_at_exit(redis->pid);
    await(!process_alive(redis->pid) || strstr(redis_say(redis, "ping"), "PONG") != NULL ||
          strstr(redis_say(redis, "ping"), "NOAUTH") != NULL);
    if (!process_alive(redis->pid))
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
