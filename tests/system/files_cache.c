/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of files: that changes show, that the rules hold for what is kept too, and that it is bounded.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(files_cache, .timeout = 120);

static struct server server;

static void put(const char *name, const char *content)
{
    file_write(text("%s/www/%s", server.dir, name), content);
}

static void serve(const char *settings)
{
    server_prepare(&server, text(ONE_WORKER "workers_max = 1\n[app:www]\npath = /\nmodule = static\nroot = www\n%s", settings));
    run("mkdir", text("%s/www", server.dir));
    file_write(text("%s/secret.txt", server.dir), "secret");
    server_launch(&server);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define CacheTest(name) Test(files_cache, name, .fini = stop)

static bool is_served(const char *path, const char *content)
{
    struct response response = get(&server, path);
    return response.status == 200 && strcmp(response.body, content) == 0;
}

static char *filled(char byte, size_t length)
{
    char *bytes = memset(malloc(length + 1), byte, length);
    bytes[length] = 0;
    return bytes;
}

static void change_and_expect(size_t length)
{
    char *old = filled('a', length), *new = filled('b', length), *longer = filled('c', length + 1);
    put("file.txt", old);
    await(is_served("/file.txt", old));
    put("file.txt", new); /* in place, of the same length, perhaps within the same tick of the clock */
    await(is_served("/file.txt", new));
    put("other.txt", longer);
    rename(text("%s/www/other.txt", server.dir), text("%s/www/file.txt", server.dir));
    await(is_served("/file.txt", longer));
    cr_assert_eq(truncate(text("%s/www/file.txt", server.dir), 3), 0);
    await(is_served("/file.txt", "ccc"));
    remove(text("%s/www/file.txt", server.dir));
    await(get(&server, "/file.txt").status == 404);
    put("file.txt", "again");
    expect_get(&server, "/file.txt", 200, "again"); /* what was not there is not remembered */
    free(old);
    free(new);
    free(longer);
}

CacheTest(changes_show)
{
    serve("");
    change_and_expect(10);
    change_and_expect(100000);
}

/* By a mapping that has been written to before, as a stand-in for a second write within one tick of the clock. */
CacheTest(a_change_that_shows_in_no_time_is_found_while_the_file_is_young)
{
    serve("");
    put("file.txt", "aaaa");
    const char *path = text("%s/www/file.txt", server.dir);
    int fd = open(path, O_RDWR);
    char *bytes = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(bytes, MAP_FAILED);
    bytes[0] = 'b';
    run("touch", "-d", "now + 1 hour", path); /* young for as long as the test may take */
    expect_get(&server, "/file.txt", 200, "baaa");
    bytes[0] = 'c';
    await(is_served("/file.txt", "caaa"));
    munmap(bytes, 4);
    close(fd);
}

CacheTest(a_change_that_hides_its_time_shows)
{
    serve("");
    for (int i = 0; i < 3; i++) { /* of the same length, too */
        put("file.txt", text("version %d", i));
        run("touch", "-d", "1994-11-06 08:49:37 UTC", text("%s/www/file.txt", server.dir));
        await(is_served("/file.txt", text("version %d", i)));
    }
}

CacheTest(changes_show_at_once_without_it)
{
    serve("cache = 0\n");
    for (int i = 0; i < 20; i++) {
        put("file.txt", text("%d", i));
        expect_get(&server, "/file.txt", 200, text("%d", i));
    }
}

CacheTest(a_kept_file_that_is_forbidden_later_is_not_served_for_long)
{
    serve("");
    put("file.txt", "content");
    expect_get(&server, "/file.txt", 200, "content");
    remove(text("%s/www/file.txt", server.dir));
    cr_assert_eq(symlink("../secret.txt", text("%s/www/file.txt", server.dir)), 0);
    await(get(&server, "/file.txt").status == 404);
    if (getuid() != 0 || !nobody_can_reach_tine())
        return;
    put("private.txt", "private"); /* workers are nobody */
    expect_get(&server, "/private.txt", 200, "private");
    chmod(text("%s/www/private.txt", server.dir), 0);
    await(get(&server, "/private.txt").status == 403);
}

static pid_t the_worker(void)
{
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 1, workers);
    return workers[0];
}

static size_t open_files(const char *below)
{
    DIR *folder = opendir(text("/proc/%d/fd", (int)the_worker()));
    size_t count = 0;
    char target[512];
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        count += length > 0 && memmem(target, (size_t)length, below, strlen(below)) != NULL;
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

static long resident_kb(void)
{
    return atol(strstr(process_file(the_worker(), "status"), "VmRSS:") + 6);
}

CacheTest(descriptors_and_memory_are_bounded)
{
    serve("cache = 1m\n");
    char *small = filled('s', 60000), *large = filled('l', 70000);
    for (int i = 0; i < 200; i++) {
        put(text("small%d.txt", i), small);
        put(text("large%d.txt", i), large);
    }
    expect_get(&server, "/small0.txt", 200, NULL);
    long before = resident_kb();
    struct client client = client_connect(&server);
    for (int i = 0; i < 800; i++) { /* each twice: opened, and found; the small ones first, which make each other go */
        bool is_small = i < 400;
        client_send(&client, request("GET", text("/%s%d.txt", is_small ? "small" : "large", i % 400 / 2), ""));
        struct response response = client_read(&client);
        cr_assert_str_eq(response.body, is_small ? small : large);
        response_free(&response);
    }
    client_close(&client);
    cr_assert_eq(open_files("/www/small"), 0, "%zu", open_files("/www/small"));
    cr_assert_gt(open_files("/www/large"), 0);
    cr_assert_leq(open_files("/www/large"), 64, "%zu", open_files("/www/large"));
    if (getenv("ASAN_OPTIONS") == NULL) /* which keeps what was freed */
        cr_assert_lt(resident_kb() - before, 6000, "%ld KB more", resident_kb() - before); /* all of them are 12 MB */
    free(small);
    free(large);
}

/* A slow client has it lent while it loses its place. */
CacheTest(a_file_is_kept_while_it_is_sent)
{
    enum { SLOW_REQUESTS = 200 }; /* 12 MB: more than the kernel takes */
    serve("cache = 256k\n");
    const char *bytes = filled('k', 60000);
    put("slow.txt", bytes);
    put("slow.bin", filled('m', 9000000));
    struct client client[2];
    for (int i = 0; i < 2; i++) {
        client[i] = client_connect(&server);
        setsockopt(client[i].fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int));
    }
    for (int i = 0; i < SLOW_REQUESTS; i++)
        client_send(&client[0], request("GET", "/slow.txt", ""));
    client_send(&client[1], request("GET", "/slow.bin", ""));
    for (int i = 0; i < 80; i++) {
        put(text("%d.txt", i), bytes);
        put(text("%d.bin", i), filled('n', 70000));
        expect_get(&server, text("/%d.txt", i), 200, bytes);
        expect_get(&server, text("/%d.bin", i), 200, NULL);
    }
    remove(text("%s/www/slow.bin", server.dir));
    for (int i = 0; i < SLOW_REQUESTS; i++) {
        struct response response = client_read(&client[0]);
        expect_response(&response, 200, bytes);
        response_free(&response);
    }
    struct response response = client_read(&client[1]);
    expect_response(&response, 200, NULL);
    cr_assert_eq(response.length, 9000000);
    cr_assert_eq(strspn(response.body, "m"), 9000000);
    await(open_files("slow.bin") == 0);
    client_close(&client[0]);
    client_close(&client[1]);
}

CacheTest(many_clients_get_the_same_bytes_while_the_file_changes)
{
    serve("");
    enum { CLIENTS = 8, ROUNDS = 300, LENGTH = 50000 };
    struct client clients[CLIENTS];
    put("file.txt", filled('a', LENGTH));
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_connect(&server);
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 50 == 49) { /* a new file each time: what is read is one of them, whole */
            put("next.txt", filled((char)('a' + round / 50 + 1), LENGTH));
            rename(text("%s/www/next.txt", server.dir), text("%s/www/file.txt", server.dir));
        }
        for (int i = 0; i < CLIENTS; i++)
            client_send(&clients[i], request("GET", "/file.txt", ""));
        for (int i = 0; i < CLIENTS; i++) {
            struct response response = client_read(&clients[i]);
            expect_response(&response, 200, NULL);
            cr_assert_eq(response.length, LENGTH);
            cr_assert_eq(strspn(response.body, (char[]){response.body[0], 0}), LENGTH, "two versions in one answer");
            response_free(&response);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
}
