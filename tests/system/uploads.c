/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that come in parts, as handlers keep them: under names that can do no harm, and not on a disk that is full.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(uploads, .timeout = 120);

static struct server server;

static struct response upload(const char *path, const char *file, const char *content)
{
    const char *body = text("--B\r\nContent-Disposition: form-data; name=f; filename=\"%s\"\r\n\r\n%s\r\n--B--\r\n", file, content);
    const char *fields = text("Content-Type: multipart/form-data; boundary=B\r\nContent-Length: %zu\r\n", strlen(body));
    return ask(&server, text("%s%s", request("POST", path, fields), body));
}

Test(uploads, are_kept_in_their_folder_whatever_the_client_calls_them)
{
    static const char *const names[][2] = {{"../../up.txt", "up.txt"}, {"/etc/passwd", "passwd"}, {"C:\\\\dir\\\\win.txt", "win.txt"},
                                           {".hidden", "_hidden"}, {"..", "_."}, {"a/..", "_."}, {"", "file"}, {"a b.txt", "a b.txt"},
                                           {"caf\xc3\xa9.txt", "caf\xc3\xa9.txt"}, {"%2e%2e%2fx", "%2e%2e%2fx"}};
    server_prepare(&server, "");
    chmod(server.dir, 0777);
    const char *folder = text("%s/kept", server.dir);
    cr_assert_eq(mkdir(folder, 0777), 0);
    chmod(folder, 0777);
    server_configure(&server, text(ONE_WORKER "[app:input]\npath = /\nmodule = @MODULES@/input.so\ndirectory = %s\n", folder));
    server_launch(&server);
    char *before = run("ls", "-a", server.dir).out;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct response response = upload("/save", names[i][0], "content");
        cr_assert_eq(response.status, 201, "%s: %d %s", names[i][0], response.status, response.body);
        cr_expect_str_eq(response.body, names[i][1]);
        cr_expect_str_eq(file_read(text("%s/%s", folder, response.body), NULL), "content");
        cr_assert_eq(unlink(text("%s/%s", folder, response.body)), 0);
    }
    file_write(text("%s/safe.txt", folder), "content");
    expect_get(&server, "/kept/safe.txt", 200, "content");
    expect_get(&server, "/kept/..%2f..%2fkept%2fsafe.txt", 200, "content");
    expect_get(&server, "/kept/..%2fserver.ini", 404, NULL);
    expect_get(&server, "/kept/..%2f", 404, NULL);
    cr_expect_str_eq(run("ls", "-a", server.dir).out, before);
    server_stop(&server);
}

/* A disk of 512 KB, in a mount namespace of our own. */
static bool mount_small(const char *path)
{
    return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0777) == 0 && mount("tmpfs", path, "tmpfs", MS_NOSUID, "size=512k,nr_inodes=64,mode=1777") == 0;
}

static void expect_refused(const char *path, const char *file, const char *content, int status, const char *told)
{
    struct response response = upload(path, file, content);
    expect_response(&response, status, NULL);
    cr_expect_not_null(strstr(response.body, status == 507 ? "there is no room for the file" : "the file could not be kept"), "%s",
                       response.body);
    server_log_await(&server, told, 1);
    response_free(&response);
}

Test(uploads, that_find_no_room_are_507_and_leave_nothing)
{
    server_prepare(&server, "");
    const char *disk = text("%s/disk", server.dir);
    if (!mount_small(disk))
        cr_skip_test("may not mount a disk that is small");
    server_configure(&server, ONE_WORKER "temp = @DIR@/disk\n[limits]\nbody = 4m\nbody_memory = 4m\n"
                              "[app:input]\npath = /\nmodule = @MODULES@/input.so\ndirectory = @DIR@/disk\n");
    server_launch(&server);
    char *large = malloc(1000001);
    memset(large, 'x', 1000000);
    large[1000000] = 0;
    expect_refused("/save", "large", large, 507, text("cannot write '%s/large' for an uploaded file: No space left on device", disk));
    cr_expect_not(file_exists(text("%s/large", disk)), "half of it stays");
    expect_refused("/spool", "large", large, 507, text("cannot write '%s' for an uploaded file: No space left on device", disk));
    cr_assert_eq(mkdir(text("%s/many", disk), 0777), 0);
    run("sh", "-c", text("for i in $(seq 70); do : >%s/many/$i; done 2>/dev/null", disk));
    expect_refused("/save", "small", "y", 507, text("cannot make '%s/small' for an uploaded file: No space left on device", disk));
    expect_refused("/spool", "small", "y", 507, text("cannot make a file in '%s' for an uploaded file: No space left on device", disk));
    run("rm", "-r", text("%s/many", disk));
    struct response response = upload("/save", "small", "y");
    expect_response(&response, 201, "small");
    response = upload("/spool", "small", "yes");
    expect_response(&response, 200, "3 yes");
    free(large);
    server_stop(&server);
    umount(disk);
}

Test(uploads, that_may_not_be_written_are_500_and_told)
{
    server_prepare(&server, ONE_WORKER "[app:input]\npath = /\nmodule = @MODULES@/input.so\ndirectory = @DIR@/none\n");
    server_launch(&server);
    expect_refused("/save", "a", "x", 500, text("cannot make '%s/none/a' for an uploaded file: No such file or directory", server.dir));
    server_stop(&server);
}
