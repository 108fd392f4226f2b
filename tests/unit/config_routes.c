/* SPDX-License-Identifier: Apache-2.0
 *
 * [route:NAME]: what it may hold, and what requests go by then.
 */
#include "config_support.h"

#include "app/bounds.h"

TestSuite(config_routes, .init = enter_folder, .fini = leave_folder);

#define APP "[app:a]\nmodule = a\n"
#define REMEDY "; write the requests that are meant, as in POST /upload, GET /reports/{id}\n"

static const struct config_bounds *bounds_of(const struct config *config, const char *app, const char *method, const char *path)
{
    struct tine_app found = {.config = config};

    for (size_t i = 0; app && i < config->app_count; i++)
        if (strcmp(config->apps[i].name, app) == 0)
            found.section = &config->apps[i];
    return bounds_for(config, app ? &found : NULL, slice_from(method), slice_from(path));
}

Test(config_routes, have_the_apps_values_with_their_own_on_top)
{
    struct config *config = load_text("[route:up]\nonly = POST /a/up, /b/{x}\nlimits.body = 20m\nrequest = 2m\n"
                                      "[app:a]\nmodule = a\nlimits.body = 10m\nsend = 5s\n[app:b]\nmodule = b\n"
                                      "[timeouts]\nrequest = 1s\nqueue = 3s\n[limits]\nrate = 7\n[route:wide]\nonly = /\nqueue = 0\n");
    static const struct {
        const char *app, *method, *path;
        int64_t body, request, send, queue;
    } cases[] = {
        {"a", "POST", "/a/up", 20 << 20, 120000, 5000, 3000}, {"a", "POST", "/a/up/x", 20 << 20, 120000, 5000, 3000},
        {"b", "POST", "/a/up", 20 << 20, 120000, 30000, 3000}, {NULL, "GET", "/b/7", 20 << 20, 120000, 30000, 3000},
        {"a", "GET", "/a/up", 10 << 20, 1000, 5000, 0}, {"b", "GET", "/b", 1 << 20, 1000, 30000, 0},
        {NULL, "PUT", "/", 1 << 20, 1000, 30000, 0},
        {"a", "OPTIONS", "*", 10 << 20, 1000, 5000, 3000}, {NULL, "CONNECT", "", 1 << 20, 1000, 30000, 3000},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config_bounds *bounds = bounds_of(config, cases[i].app, cases[i].method, cases[i].path);
        bool right = bounds->limits.body == cases[i].body && bounds->timeouts.request == cases[i].request &&
                     bounds->timeouts.send == cases[i].send && bounds->timeouts.queue == cases[i].queue;

        cr_expect(right, "%s %s", cases[i].method, cases[i].path);
        cr_expect_eq(bounds->limits.rate, 7);
        cr_expect_eq(bounds->timeouts.keepalive, 65000, "what no route may have is there as well");
    }
    config_free(config);
}

/* The first counts wholly: nothing of another is added to it. */
Test(config_routes, of_several_the_first_of_the_file_counts)
{
    write_file("more.ini", "[route:b]\nonly = /x\nlimits.body = 2\n");
    struct config *config = load_text("[route:a]\nonly = GET /x\n[server]\ninclude = more.ini\n"
                                      "[route:c]\nonly = /x\nlimits.body = 3\nsend = 1s\n");

    cr_expect_eq(bounds_of(config, NULL, "GET", "/x")->limits.body, 1 << 20);
    cr_expect_eq(bounds_of(config, NULL, "HEAD", "/x")->limits.body, 1 << 20);
    cr_expect_eq(bounds_of(config, NULL, "PUT", "/x")->limits.body, 2);
    cr_expect_eq(bounds_of(config, NULL, "PUT", "/x")->timeouts.send, 30000);
    config_free(config);
}

Test(config_routes, without_them_an_app_has_its_own)
{
    struct config *config = load_text("[app:a]\nmodule = a\nlimits.body = 0\n[app:b]\nmodule = b\n");

    cr_expect_eq(bounds_of(config, "a", "GET", "/x")->limits.body, 0);
    cr_expect_eq(bounds_of(config, "b", "GET", "/x"), bounds_of(config, NULL, "GET", "/x"));
    cr_expect_eq(bounds_of(config, NULL, "GET", "/x")->limits.body, 1 << 20);
    config_free(config);
}

Test(config_routes, say_what_is_wrong_in_them)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"[route:a]\nlimits.body = 1\n", "server.ini:1: [route:a] only: is missing" REMEDY},
        {"[route:a]\nonly =\n", "server.ini:2: [route:a] only: names no request" REMEDY},
        {"[route:a]\nonly = ' , '\n", "server.ini:2: [route:a] only: names no request" REMEDY},
        {"[route:a]\nonly = upload\n", "server.ini:2: [route:a] only: 'upload' does not begin with '/'; write /upload\n"},
        {"[route:a]\nonly = /, post /x\n", "server.ini:2: [route:a] only: 'post /x': methods are in capitals; write POST /x\n"},
        {"[route:a]\nonly = /\nonly = /\n", "server.ini:3: [route:a] only: already set at server.ini:2\n"},
        {"[route:a]\nonly = ${NO_SUCH}\n", "server.ini:2: [route:a] only: the environment has no variable NO_SUCH "
                                           "(${NO_SUCH:-default} would do without)\n"},
        {"[route:a]\nonly = /\nbody = 1\n", "server.ini:3: [route:a] body: unknown key (write limits.body or timeouts.body)\n"},
        {"[route:a]\nonly = /\nstreams = 1\n",
         "server.ini:3: [route:a] limits.streams: is counted for an app as a whole; set it in the [app:NAME]\n"},
        {"[route:a]\nonly = /\nlimits.header_count = 1\n",
         "server.ini:3: [route:a] limits.header_count: cannot be set for one route, only in [limits]\n"},
        {"[route:a]\nonly = /\ntimeouts.keepalive = 1\n",
         "server.ini:3: [route:a] timeouts.keepalive: cannot be set for one route, only in [timeouts]\n"},
        {"[route:a]\nonly = /\nheader_count = 1\n", "server.ini:3: [route:a] header_count: unknown key (it belongs to [limits])\n"},
        {"[route:a]\nonly = /\nlimits.bdy = 1\n", "server.ini:3: [route:a] limits.bdy: unknown key (did you mean 'limits.body'?)\n"},
        {"[route:a]\nonly = /\nlimits.stream = 1\n", "server.ini:3: [route:a] limits.stream: unknown key\n"},
        {"[route:a]\nony = /\n", "server.ini:1: [route:a] only: is missing" REMEDY
                                  "server.ini:2: [route:a] ony: unknown key (did you mean 'only'?)\n"},
        {"[route:a]\nonly = /\nexcept = /x\n", "server.ini:3: [route:a] except: unknown key (it belongs to [filter:NAME])\n"},
        {"[route:a]\nonly = /\npath = /x\n", "server.ini:3: [route:a] path: unknown key (it belongs to [app:NAME])\n"},
        {"[route:a]\nonly = /\ndsn = x\n", "server.ini:3: [route:a] dsn: unknown key\n"},
        {"[route:a]\nonly = /\nlimits.body = many\n",
         "server.ini:3: [route:a] limits.body: 'many' is not a size from 0 to 1024g (10, 8k, 1m, 2g)\n"},
        {"[route:a]\nonly = /\nrequest = 0\n",
         "server.ini:3: [route:a] timeouts.request: '0' is not a time from 1ms to 30d (50ms, 10s, 5m, 1h, 1d)\n"},
        {"[route:a]\nonly = /\nsend = 1\ntimeouts.send = 1\n", "server.ini:4: [route:a] timeouts.send: already set at server.ini:3\n"},
        {"[route:a]\nonly = /\n[route:a]\n", "server.ini:3: [route:a]: this section already begins at server.ini:1\n"},
        {"[route]\nonly = /\n", "server.ini:1: [route]: a name is missing: [route:NAME]\n"},
        {"[route:a b]\nonly = /\n", "server.ini:1: [route:a b]: a name holds letters, digits, '-' and '_' only\n"},
        {"[routes:a]\nonly = /\n", "server.ini:1: [routes:a]: unknown section (did you mean [route:NAME]?)\n"},
        {"[route:a]\nonly = /\n[filter:a]\nmodule = a\n" APP, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_errors(cases[i].text, NULL, 0, cases[i].told);
}

Test(config_routes, are_a_hundred_at_most)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (int i = 0; i < CONFIG_ROUTES_MAX; i++)
        fprintf(out, "[route:r%d]\nonly = /%d\nlimits.body = %d\n", i, i, i);
    fflush(out);
    struct config *config = load_text(text);
    cr_expect_eq(bounds_of(config, NULL, "GET", "/99/x")->limits.body, 99);
    config_free(config);
    fprintf(out, "[route:more]\nonly = /\n");
    fclose(out);
    expect_errors(text, NULL, 0, "server.ini:301: [route:more]: more than 100 routes; one may name several in 'only', with commas\n");
    free(text);
}

Test(config_routes, are_changed_and_made_on_the_command_line)
{
    static const char *const overrides[] = {"route:a.limits.body=5m", "route:a.body_memory=9", "route:b.only=/b", "route:b.send=1s"};
    static const char *const wrong[] = {"route:a.limits.body=x", "route:b.send=1s"};
    struct errors errors;

    errors_init(&errors);
    write_file("server.ini", "[route:a]\nonly = /a\nlimits.body = 1\n");
    struct config *config = config_load("server.ini", overrides, 4, &errors);
    cr_assert_eq(errors.count, 0);
    cr_expect_eq(bounds_of(config, NULL, "GET", "/a")->limits.body, 5 << 20);
    cr_expect_eq(bounds_of(config, NULL, "GET", "/a")->limits.body_memory, 9);
    cr_expect_eq(bounds_of(config, NULL, "GET", "/b")->timeouts.send, 1000);
    config_free(config);
    errors_release(&errors);
    expect_errors(NULL, wrong, 2, "-o route:a.limits.body: [route:a] limits.body: 'x' is not a size from 0 to 1024g (10, 8k, 1m, 2g)\n"
                                  "-o route:b.send: [route:b] only: is missing" REMEDY);
}

/* What they say, be it what the server says, and no more: it counts for every app. */
Test(config_routes, are_printed_so_that_they_read_back_the_same)
{
    setenv("UP", "POST /up, /{id}/up", 1);
    struct config *config = load_text("[route:b]\nonly = ${UP}\nlimits.body = 1m\nrequest = 2m\n"
                                      "[route:a]\nonly = /\n" APP "limits.body = 2m\n");
    char *printed = print_text(config);
    const char *routes = strstr(printed, "\n[route:b]");

    cr_expect_str_eq(routes ? routes : "", "\n[route:b]\nonly = POST /up, /{id}/up\ntimeouts.request = 2m\nlimits.body = 1m\n"
                                           "\n[route:a]\nonly = /\n");
    config_free(config);
    config = load_text(printed);
    char *again = print_text(config);
    cr_expect_str_eq(strchr(again, '\n'), strchr(printed, '\n'));
    config_free(config);
    free(printed);
    free(again);
}
