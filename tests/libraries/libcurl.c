/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that asks another server, by libcurl: by name, which a thread of the library resolves, and without CURLOPT_NOSIGNAL, which
 * most forget.
 */
#include <tine.h>

#include <curl/curl.h>
#include <stdlib.h>

enum { RECONNECT_EVERY = 16 };

static struct {
    CURL *curl;
    char answer[100];
    size_t length;
} state;

static size_t take(char *bytes, size_t size, size_t count, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < size * count && state.length < sizeof state.answer - 1; i++)
        state.answer[state.length++] = bytes[i];
    return size * count;
}

static void connect_anew(void)
{
    curl_easy_cleanup(state.curl);
    state.curl = curl_easy_init();
}

static int ask(tine_request *r)
{
    const char *number = tine_param(r, "number");
    char error[CURL_ERROR_SIZE] = "";
    if (state.curl == NULL || atoi(number) % RECONNECT_EVERY == 0)
        connect_anew();
    state.length = 0;
    curl_easy_setopt(state.curl, CURLOPT_URL,
                     tine_printf(r, "http://localhost:%s/%s", tine_setting(tine_request_app(r), "port"), number));
    curl_easy_setopt(state.curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(state.curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(state.curl, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(state.curl, CURLOPT_PROXY, "");
    CURLcode code = curl_easy_perform(state.curl);
    state.answer[state.length] = 0;
    return code == CURLE_OK ? tine_text(r, 200, "%s", state.answer)
                            : tine_problem(r, 500, "libcurl: %s (%s)", curl_easy_strerror(code), error);
}

static int worker_init(tine_app *app)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : tine_reject(app, NULL, "libcurl does not start");
}

static void worker_exit(tine_app *app)
{
    (void)app;
    curl_easy_cleanup(state.curl);
    curl_global_cleanup();
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/{number:int}", ask), {0}},
            .settings = (const tine_option[]){{"port", TINE_INTEGER, NULL, "of the other server"}, {0}},
            .worker_init = worker_init, .worker_exit = worker_exit)
