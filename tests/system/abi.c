/* SPDX-License-Identifier: Apache-2.0
 *
 * What modules may rely on: other languages, and binaries of another age.
 */
#include "client.h"

#include <criterion/criterion.h>

TestSuite(abi, .timeout = 120);

#define MODULE(name) ONE_WORKER "[app:m]\npath = /\nmodule = @MODULES@/" name ".so\n"

Test(abi, a_module_in_cplusplus_serves)
{
    struct server server;
    if (!file_exists(text("%s/cplusplus.so", modules_path())))
        cr_skip_test("there is no C++ compiler");
    server_start(&server, MODULE("cplusplus"));
    struct response response = get(&server, "/hello/ann");
    expect_response(&response, 200, "{\"hello\":\"ann from C++\"}");
    expect_field(&response, "X-Mark", "C++");
    expect_field(&response, "X-Of", "m");
    expect_field(&response, "Set-Cookie", "name=ann; Path=/hello; Max-Age=60; SameSite=Lax; HttpOnly");
    response = get(&server, "/group");
    expect_response(&response, 200, "from memory");
    expect_field(&response, "ETag", "\"1\"");
    expect_field(&response, "X-Of", "m");
    response = ask(&server, request("POST", "/group/upload", "Content-Length: 0\r\n"));
    expect_response(&response, 200, "from memory");
    server_stop(&server);
}

Test(abi, a_module_of_plain_symbols_serves)
{
    struct server server;
    if (!file_exists(text("%s/plain_cplusplus.so", modules_path())))
        cr_skip_test("there is no C++ compiler");
    server_start(&server, MODULE("plain_cplusplus"));
    expect_get(&server, "/hello/ann", 200, "hello ann from plain symbols, well met");
    server_stop(&server);
}

Test(abi, a_module_of_the_first_layout_serves)
{
    struct server server;
    server_start(&server, MODULE("frozen_abi") "room = 2k\n");
    expect_get(&server, "/show/ann", 200, "ann: good day, 2048, 0, started after loaded");
    struct response response = get(&server, "/content");
    expect_response(&response, 200, "frozen");
    expect_field(&response, "ETag", "\"1\"");
    server_stop(&server);
}

static void expect_newer(const char *ini, const char *thing)
{
    struct server server;
    server_prepare(&server, ini);
    struct run ran = run_tine("-c", server.ini);
    const char *told = text("server\\.ini:6: \\[app:m\\] module: .*newer tine .its %s struct has [0-9]+ bytes, this one's [0-9]+", thing);
    cr_assert(ran.code == 1 && text_matches(ran.err, told), "%d: %s", ran.code, ran.err);
}

Test(abi, a_newer_module_is_refused_with_both_numbers)
{
    expect_newer(MODULE("newer"), "module");
}

Test(abi, newer_routes_are_refused_with_both_numbers)
{
    expect_newer(MODULE("newer_routes"), "route");
}

/* Which shows only when they are called. */
Test(abi, newer_structs_of_calls_are_refused_with_both_numbers)
{
    struct server server;
    server_start(&server, MODULE("newer_calls"));
    struct response response = get(&server, "/cookie");
    expect_response(&response, 200, "-1");
    expect_field(&response, "Set-Cookie", NULL);
    expect_get(&server, "/content", 500, NULL);
    char *log = server_log(&server);
    cr_assert(text_matches(log, "handler m\\.cookie of module .*/newer_calls\\.so sets cookie 'a', refused: its options have [0-9]+ bytes, "
                                "and this tine knows [0-9]+"), "%s", log);
    cr_assert(text_matches(log, "handler m\\.content of module .*/newer_calls\\.so gives .* a struct of [0-9]+ bytes, and this tine "
                                "knows [0-9]+"), "%s", log);
    server_stop(&server);
}
