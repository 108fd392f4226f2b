/* SPDX-License-Identifier: Apache-2.0
 *
 * tine run: from an editor's save to the first answer by the new code, built with sanitizers, as a client sees it that asks all the time.
 */
#include "measure.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 10, BOUND_MS = 1000 };

static void save(const struct server *server, int round)
{
    char *path = text("%s/app.c", server->dir), *whole = text("%s~", path);
    file_write(whole, text("#include <tine.h>\n"
                           "static int answer(tine_request *r)\n{\n    return tine_json_pack(r, 200, \"{s:i}\", \"round\", %d);\n}\n"
                           "TINE_MODULE(.routes = (const tine_route[]){TINE_GET(\"/\", answer), {0}})\n", round));
    if (rename(whole, path) != 0)
        harness_fail("cannot save %s", path);
}

static bool is_served(const struct server *server, int round)
{
    struct response response = get(server, "/");
    bool served = strcmp(response.body, text("{\"round\":%d}", round)) == 0;
    response_free(&response);
    return served;
}

static int64_t save_to_served_ms(const struct server *server, int round)
{
    int64_t start = now_ms();
    save(server, round);
    if (!wait_until(PATIENCE, is_served(server, round)))
        harness_fail("what was saved is not served: %s", server_log(server));
    return now_ms() - start;
}

static int compare(const void *a, const void *b)
{
    int64_t difference = *(const int64_t *)a - *(const int64_t *)b;
    return difference < 0 ? -1 : difference > 0;
}

bool measure_save(void)
{
    struct server server;
    int64_t times[ROUNDS];
    unsetenv("MAKEFLAGS");
    unsetenv("B");
    server_prepare(&server, "");
    save(&server, 0);
    remove(server.ini);
    const char *argv[] = {tine_path(), "run", "-o", "server.listen=127.0.0.1:0", server.dir, NULL};
    server.pid = process_start(argv, server.access, server.log);
    kill_at_exit(server.pid);
    strcpy(server.address, server_address(&server, 0));
    for (int i = 0; i < ROUNDS; i++)
        times[i] = save_to_served_ms(&server, i + 1);
    qsort(times, ROUNDS, sizeof *times, compare);
    server_signal(&server, SIGINT);
    process_wait(server.pid, PATIENCE);
    return report(times[ROUNDS / 2] < BOUND_MS,
                  "from saving to serving (tine run, sanitizers): %d ms, median of %d, %d to %d (bound: %d ms)", (int)times[ROUNDS / 2],
                  ROUNDS, (int)times[0], (int)times[ROUNDS - 1], BOUND_MS);
}
