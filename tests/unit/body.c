/* SPDX-License-Identifier: Apache-2.0 */
#include "app/body.h"
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static struct body body;

static void setup(void)
{
    log_open(-1, LOG_ERROR);
    body_init(&body);
}

static void teardown(void)
{
    body_reset(&body);
    buffer_release(&body.memory);
}

TestSuite(body, .init = setup, .fini = teardown);

Test(body, an_empty_one_is_an_empty_text)
{
    body_begin(&body, 100, 10, "/tmp");
    cr_expect_str_eq(body_bytes(&body), "");
}

Test(body, a_small_one_stays_in_memory)
{
    body_begin(&body, 100, 10, "/nowhere");
    cr_expect_eq(body_append(&body, "hello", 5), 0);
    cr_expect_eq(body_append(&body, "world", 5), 0);
    cr_expect_eq(body.fd, -1);
    cr_expect_str_eq(body_bytes(&body), "helloworld");
}

Test(body, a_large_one_is_spooled_whole_and_ends_with_nul_at_any_length)
{
    static char piece[4096];
    memset(piece, 'b', sizeof piece);
    for (size_t last = 4094; last <= 4096; last++) {
        body_begin(&body, 1 << 20, 100, "/tmp");
        cr_expect_eq(body_append(&body, "head", 4), 0);
        for (int i = 0; i < 3; i++)
            cr_expect_eq(body_append(&body, piece, i < 2 ? sizeof piece : last - 4), 0);
        cr_expect_geq(body.fd, 0);
        const char *bytes = body_bytes(&body);
        cr_assert_not_null(bytes);
        cr_expect_eq(strlen(bytes), body.length);
        cr_expect_eq(body.length, 8192 + last);
        cr_expect_eq(strncmp(bytes, "headbbb", 7), 0);
        cr_expect_eq(body_bytes(&body), bytes);
        body_reset(&body);
        cr_expect_eq(body.fd, -1);
    }
}

Test(body, beyond_the_limit_it_is_413)
{
    body_begin(&body, 8, 100, "/tmp");
    cr_expect_eq(body_append(&body, "12345678", 8), 0);
    cr_expect_eq(body_append(&body, "9", 1), 413);
    cr_expect_eq(body.length, 8);
}

Test(body, without_a_place_to_spool_it_is_500)
{
    body_begin(&body, 100, 2, "/nowhere");
    cr_expect_eq(body_append(&body, "1234", 4), 500);
}

/* The NUL would be a page of its own, which is not to be had. */
Test(body, one_that_fills_a_disk_in_memory_is_507_and_no_crash_of_who_reads_it_as_text)
{
    static char page[4096];
    char folder[] = "/tmp/tine-body-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("tmpfs", folder, "tmpfs", MS_NOSUID, "size=12288") == 0;
    memset(page, 'p', sizeof page);
    body_begin(&body, 1 << 20, 100, folder);
    for (int i = 0; mounted && i < 3; i++)
        cr_expect_eq(body_append(&body, page, sizeof page), 0);
    errno = 0;
    const char *bytes = mounted ? body_bytes(&body) : NULL;
    int status = body_status(errno);
    size_t length = bytes != NULL ? strlen(bytes) : 0;
    body_reset(&body);
    umount(folder);
    rmdir(folder);
    if (!mounted)
        cr_skip_test("may not mount");
    cr_expect(bytes == NULL && status == 507, "%zu, status %d", length, status);
}

Test(body, a_disk_that_stays_full_is_told_once)
{
    char text[4096];
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    log_open(ends[1], LOG_ERROR);
    for (int i = 0; i < 1000; i++) {
        body_begin(&body, 100, 4, "/nowhere");
        cr_expect_eq(body_append(&body, "hello", 5), 500);
        body_reset(&body);
    }
    log_open(-1, LOG_ERROR);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    cr_assert_gt(length, 0);
    text[length] = 0;
    cr_expect_not_null(strstr(text, "cannot spool a request body in '/nowhere': No such file or directory"));
    cr_expect_eq(strchr(text, '\n'), text + length - 1, "%s", text);
    close(ends[0]);
}
