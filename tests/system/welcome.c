/* SPDX-License-Identifier: Apache-2.0
 *
 * The first minute of a user: etc/server.ini as it is shipped, the example module, curl. Run from the top
 * folder of the repository.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(welcome, .timeout = 120);

static struct server server;

/* The shipped file, but for the port and for the place of hello.so, which stands beside the binary under test. */
static void serve(void)
{
    if (!file_exists("etc/server.ini"))
        cr_skip_test("not in the top folder");
    const char *beside = text("app:hello.module=%s/../../hello.so", modules_path());
    server_prepare(&server, "");
    const char *argv[] = {tine_path(), "-c", "etc/server.ini", "-o", "server.listen=127.0.0.1:0", "-o", beside, NULL};
    server.pid = process_start(argv, server.access, server.log);
    kill_at_exit(server.pid);
    strcpy(server.address, server_address(&server, 0));
}

static struct run curl(const char *path)
{
    struct run ran = run("curl", "-sS", "-i", text("http://%s%s", server.address, path));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    return ran;
}

Test(welcome, the_shipped_file_serves_the_example)
{
    if (!nobody_can_reach_tine())
        cr_skip_test("nobody cannot read this folder");
    serve();
    struct run ran = curl("/request");
    cr_assert(text_matches(ran.out, "^HTTP/1\\.1 200 OK"), "%s", ran.out);
    ran = curl("/hello/ada");
    cr_assert(text_matches(ran.out, "^HTTP/1\\.1 200 OK") && text_matches(ran.out, "^Content-Type: application/json"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "^\\{.*ada.*\\}"), "%s", ran.out);
    server_stop(&server);
}

Test(welcome, the_shipped_file_serves_a_page)
{
    if (!nobody_can_reach_tine())
        cr_skip_test("nobody cannot read this folder");
    serve();
    struct run ran = curl("/");
    cr_assert(text_matches(ran.out, "^HTTP/1\\.1 200 OK") && text_matches(ran.out, "^Content-Type: text/html"), "%s", ran.out);
    cr_assert(strstr(ran.out, "tine") != NULL, "%s", ran.out);
    ran = curl("/no/such/page");
    cr_assert(text_matches(ran.out, "^HTTP/1\\.1 404 "), "%s", ran.out);
    server_stop(&server);
}

Test(welcome, the_shipped_file_is_valid)
{
    if (!file_exists("etc/server.ini"))
        cr_skip_test("not in the top folder");
    struct run ran = run_tine("-t", "-c", "etc/server.ini", "-o", text("app:hello.module=%s/../../hello.so", modules_path()));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert_str_empty(ran.err);
}
