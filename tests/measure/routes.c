/* SPDX-License-Identifier: Apache-2.0
 *
 * What a thousand routes cost that ten do not: CPU time of the worker for each request, pipelined, so that there is little else in it.
 * Both are asked in turn within one run, and the best round of each counts.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20, REQUESTS = 2000, AT_ONCE = 50, BOUND_PERCENT = 150 };

/* All the routes in a scattered order, AT_ONCE requests at a time. */
static double ask_all(struct client *client, pid_t worker, const char *path, int routes)
{
    long long before = cpu_ns(worker);
    for (int i = 0; i < REQUESTS; i += AT_ONCE) {
        char *requests = malloc(AT_ONCE * 100), *end = requests;
        for (int k = i; k < i + AT_ONCE; k++)
            end += sprintf(end, "GET %s/r%03d/%d/x HTTP/1.1\r\nHost: a\r\n\r\n", path, k * 7 % routes, k);
        client_send_bytes(client, requests, (size_t)(end - requests));
        free(requests);
        for (int k = i; k < i + AT_ONCE; k++) {
            struct response response = client_read(client);
            if (response.status != 200 || atoi(response.body) != k)
                harness_fail("%s, request %d: %s%s", path, k, response.head, response.body);
            response_free(&response);
        }
    }
    return (double)(cpu_ns(worker) - before) / REQUESTS;
}

bool measure_routes(void)
{
    struct server server;
    pid_t workers[WORKERS_MAX];
    double ten = 1e9, thousand = 1e9;
    server_start(&server, ONE_WORKER "workers_max = 1\n[log]\naccess = off\n"
                                     "[app:a]\npath = /api\nmodule = @MODULES@/routes_ten.so\n[app:b]\npath = /all\n"
                                     "module = @MODULES@/routes_thousand.so\n");
    server_await_workers(&server, 1, workers);
    struct client client = client_connect(&server);
    for (int i = 0; i < ROUNDS; i++) {
        double one = ask_all(&client, workers[0], "/api", 10), other = ask_all(&client, workers[0], "/all", 1000);
        ten = one < ten ? one : ten;
        thousand = other < thousand ? other : thousand;
    }
    client_close(&client);
    server_stop(&server);
    return report(thousand * 100 <= ten * BOUND_PERCENT,
                  "CPU of a pipelined request among 1,000 routes: %.2f us, among 10: %.2f us, %.2f times that (bound: %.1f)",
                  thousand / 1000, ten / 1000, thousand / ten, BOUND_PERCENT / 100.0);
}
