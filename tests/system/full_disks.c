/* SPDX-License-Identifier: Apache-2.0
 *
 * No room: a disk of logs or of request bodies that is full, files that may grow no more. Who needed it is told; nobody else notices.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(full_disks, .timeout = 120);

enum { KEPT = 20 };

Test(full_disks, requests_are_answered_though_the_access_log_is_on_a_full_disk)
{
    struct server server;
    struct client clients[KEPT];
    server_start(&server, TWO_WORKERS "[log]\naccess = /dev/full\n" PROBE);
    keep_all(&server, clients, KEPT);
    for (int64_t end = now_ms() + 1000; now_ms() < end;) /* what is written at every turn would show by then */
        expect_all_kept(clients, KEPT);
    server_log_await(&server, "lines lost: No space left on device", 1);
    cr_assert_leq(text_count(server_log(&server), "No space left on device"), 4, "%s", server_log(&server));
    server_stop(&server);
}

/* 200 KB, which is spooled, counted or as one chunk; the answer may come before all of it is sent. */
static int post_large(const struct server *server, bool chunked)
{
    enum { SIZE = 200000 };
    const char *fields = chunked ? "Transfer-Encoding: chunked\r\n" : text("Content-Length: %d\r\n", SIZE);
    struct client client = client_connect(server);
    char *bytes = malloc(SIZE);
    memset(bytes, 'x', SIZE);
    client_send(&client, text("%s%s", request("POST", "/sum", fields), chunked ? text("%x\r\n", SIZE) : ""));
    client_try_send(&client, bytes, SIZE);
    if (chunked)
        client_try_send(&client, "\r\n0\r\n\r\n", 7);
    struct response response = client_read(&client);
    cr_assert_not_null(strstr(response.body, response.status == 507 ? "no room to keep the body" : "200000 "), "%d %s", response.status,
                       response.body);
    free(bytes);
    client_close(&client);
    response_free(&response);
    return response.status;
}

/* Each worker says so once a minute. Bodies that fit into memory are served all the while. */
static void expect_full(struct server *server, struct client *clients)
{
    for (int i = 0; i < 30; i++) {
        cr_assert_eq(post_large(server, i % 2 != 0), 507);
        struct response small = ask(server, request("POST", "/echo", "Content-Length: 5\r\nConnection: close\r\n\r\nabcde"));
        expect_response(&small, 200, "abcde");
    }
    expect_all_kept(clients, KEPT);
    size_t told = text_count(server_log(server), "cannot write a request body in");
    cr_assert(told >= 1 && told <= 2, "%s", server_log(server));
}

Test(full_disks, a_body_that_finds_no_room_is_answered_507_and_nobody_else_is_touched)
{
    struct server server;
    struct client clients[KEPT];
    shim_start(&server, TWO_WORKERS PROBE);
    keep_all(&server, clients, KEPT);
    cr_assert_eq(post_large(&server, false), 200);
    fault_begin(&server, "write", ENOSPC);
    expect_full(&server, clients);
    cr_assert_geq(fault_count(&server, "write"), 30);
    fault_end(&server, "write");
    cr_assert_eq(post_large(&server, false), 200);
    expect_all_kept(clients, KEPT);
    server_stop(&server);
}

/* A disk of one megabyte, in a mount namespace of our own. */
static bool mount_small(const char *path)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdir(path, 0777) == 0 &&
           mount("tmpfs", path, "tmpfs", MS_NOSUID, "size=1m,mode=1777") == 0;
}

static void fill(const char *path)
{
    static char bytes[4096];
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    setbuf(file, NULL);
    while (fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes)
        continue;
    fclose(file);
}

Test(full_disks, a_full_disk_for_bodies_is_survived_until_there_is_room_again)
{
    struct server server;
    struct client clients[KEPT];
    const char *ini = TWO_WORKERS "temp = @DIR@/disk\n" PROBE;
    server_prepare(&server, ini);
    if (!mount_small(text("%s/disk", server.dir)))
        cr_skip_test("may not mount; the same is tested with a call that fails");
    server_launch(&server);
    keep_all(&server, clients, KEPT);
    cr_assert_eq(post_large(&server, false), 200);
    fill(text("%s/disk/filler", server.dir));
    expect_full(&server, clients);
    unlink(text("%s/disk/filler", server.dir));
    cr_assert_eq(post_large(&server, false), 200);
    expect_all_kept(clients, KEPT);
    server_stop(&server);
    umount(text("%s/disk", server.dir));
}

/* A limit on the size of files would kill whoever writes beyond it. */
Test(full_disks, a_file_that_may_grow_no_more_costs_nobody_a_connection)
{
    struct server server;
    struct client clients[KEPT];
    server_prepare(&server, TWO_WORKERS "[limits]\nbody = 100m\n" PROBE);
    const char *argv[] = {"prlimit", "--fsize=16777216", tine_path(), "-c", server.ini, NULL};
    if (!program_exists("prlimit"))
        cr_skip_test("there is no prlimit");
    server_launch_by(&server, argv);
    keep_all(&server, clients, KEPT);
    struct client large = client_connect(&server);
    char *bytes = calloc(1, 1 << 20);
    client_send(&large, request("POST", "/sum", text("Content-Length: %d\r\n", 20 << 20)));
    for (int i = 0; i < 20 && client_try_send(&large, bytes, 1 << 20); i++)
        continue;
    struct response response = client_read(&large);
    cr_expect_eq(response.status, 507, "%d %s", response.status, response.body);
    free(bytes);
    expect_all_kept(clients, KEPT);
    cr_expect_not(server_log_has(&server, "killed by"), "%s", server_log(&server));
    server_stop(&server);
}
