/* SPDX-License-Identifier: Apache-2.0
 *
 * etc/nginx.conf in front of tine: nginx takes it, connections are kept, and clients are who they are.
 */
#include "client.h"
#include "redis_server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

TestSuite(nginx, .timeout = 120);

static struct server server, front;
static pid_t nginx;

static bool is_listening(void)
{
    return run("curl", "-s", "-o", "/dev/null", text("http://%s/", front.address)).code == 0;
}

/* The example with addresses of the test; it must say what is replaced. */
static char *example(void)
{
    char *page = file_read("etc/nginx.conf", NULL);
    cr_assert(text_count(page, "server 127.0.0.1:8000;") == 1 && text_count(page, "    listen 80;") == 1);
    file_write(text("%s/site.conf", server.dir), page);
    struct run ran = run("sed", "-i", text("s/127.0.0.1:8000/%s/; s/listen 80;/listen %s;/", server.address, front.address),
                         text("%s/site.conf", server.dir));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    char *conf = text("%s/nginx.conf", server.dir);
    file_write(conf, text("daemon off;\npid %1$s/pid;\nerror_log %1$s/nginx.log;\nevents {}\nhttp {\naccess_log off;\n"
                          "client_body_temp_path %1$s/body;\nproxy_temp_path %1$s/proxy;\nfastcgi_temp_path %1$s/fastcgi;\n"
                          "uwsgi_temp_path %1$s/uwsgi;\nscgi_temp_path %1$s/scgi;\ninclude %1$s/site.conf;\n}\n", server.dir));
    return conf;
}

static void start(void)
{
    if (!program_exists("nginx"))
        cr_skip_test("nginx is not there");
    server_start(&server, ONE_WORKER "trusted = 127.0.0.1\nhealth = on\n[app:x]\npath = /\nmodule = @MODULES@/probe.so\n");
    snprintf(front.address, sizeof front.address, "127.0.0.1:%d", port_reserve());
    const char *conf = example(), *log = text("%s/nginx.out", server.dir), *argv[] = {"nginx", "-c", conf, NULL};
    struct run ran = run("nginx", "-t", "-c", conf);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    nginx = process_start(argv, log, log);
    kill_at_exit(nginx);
    await(!process_alive(nginx) || is_listening());
    cr_assert(process_alive(nginx), "%s", file_read(log, NULL));
}

static void stop(void)
{
    if (nginx <= 0)
        return;
    kill(nginx, SIGQUIT);
    process_wait(nginx, PATIENCE);
    server_stop(&server);
}

static struct response ask_from(const char *source, const char *bytes)
{
    struct client client = client_connect_from(front.address, source);
    client_send(&client, bytes);
    struct response response = client_read(&client);
    client_close(&client);
    return response;
}

Test(nginx, the_example_is_taken_and_tells_who_the_client_is, .fini = stop)
{
    start();
    struct response response = ask_from("127.9.9.9", request("GET", "/scheme", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"
                                                                               "Forwarded: for=6.6.6.6;proto=https\r\n"));
    expect_response(&response, 200, "http 127.9.9.9");
    response = ask_from("127.9.9.9", request("GET", "/-/ready", ""));
    expect_response(&response, 404, NULL);
    expect_get(&server, "/-/ready", 200, NULL);
}

Test(nginx, its_connections_are_kept, .fini = stop)
{
    start();
    for (int i = 0; i < 5; i++) {
        struct response response = ask_from("127.0.0.1", request("GET", "/hello", "Connection: close\r\n"));
        expect_response(&response, 200, NULL);
    }
    struct run ran = run_tine("status", "--json", "-c", server.ini);
    cr_assert(text_matches(ran.out, "\"held\": ?1[,}]"), "%s%s", ran.out, ran.err);
}
