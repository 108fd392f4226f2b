/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of lines "name:value" that say who may come in: right ones, wrong ones, and those that change under the reader.
 */
#include "modules/loaded/common/roster.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/roster-XXXXXX", path[64];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/users", dir);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(roster, .init = setup, .fini = teardown, .timeout = 60);

static const char *check(const char *name, const char *value)
{
    (void)name;
    return strcmp(value, "wrong") == 0 ? "it is wrong" : NULL;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w"); /* in its place, as htpasswd does */
    cr_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void expect(const struct roster *roster, const char *name, const char *value)
{
    const struct roster_entry *entry = roster_find(roster, name);
    cr_expect(value == NULL ? entry == NULL : entry != NULL && strcmp(entry->value, value) == 0, "%s: %s", name,
              entry != NULL ? entry->value : "(none)");
}

Test(roster, finds_whom_the_file_has)
{
    struct roster roster;
    char reason[ROSTER_REASON_MAX];
    write_file("# comment\n\nbob:2\r\nada:1:and:more\n\r\nccc:\n#ddd:4\neve:5");
    cr_assert_eq(roster_open(&roster, path, check, reason), 0, "%s", reason);
    cr_expect_eq(roster.count, 4);
    expect(&roster, "ada", "1:and:more");
    expect(&roster, "bob", "2");
    expect(&roster, "ccc", "");
    expect(&roster, "eve", "5");
    static const char *const others[] = {"", "ad", "adaa", "Ada", "#ddd", "ddd", "ada:1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect(&roster, others[i], NULL);
    roster_close(&roster);
    write_file("");
    cr_assert_eq(roster_open(&roster, path, check, reason), 0, "%s", reason);
    expect(&roster, "ada", NULL);
    roster_close(&roster);
}

Test(roster, a_wrong_file_is_told_with_its_line)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"ada", "users:1: it is not 'name:value'"},   {"ada:1\n:2\n", "users:2: it is not 'name:value'"},
        {"\n#\nada:wrong\n", "users:3: it is wrong"}, {"ada:1\nbob:2\nada:3\n", "users: 'ada' is there twice"},
        {" \n", "users:1: it is not 'name:value'"},
    };
    struct roster roster;
    char reason[ROSTER_REASON_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(cases[i].text);
        cr_expect_eq(roster_open(&roster, path, check, reason), -1);
        cr_expect(strstr(reason, cases[i].reason) != NULL, "%s: %s", cases[i].text, reason);
    }
    unlink(path);
    cr_expect(roster_open(&roster, path, check, reason) == -1 && strstr(reason, "No such file") != NULL, "%s", reason);
    cr_expect(roster_open(&roster, dir, check, reason) == -1 && strstr(reason, "is no file") != NULL, "%s", reason);
}

Test(roster, has_bounds)
{
    struct roster roster;
    char reason[ROSTER_REASON_MAX];
    for (int more = 0; more < 2; more++) {
        FILE *file = fopen(path, "w");
        for (int i = 0; i < ROSTER_MAX + more; i++)
            fprintf(file, "user%d:x\n", i);
        fclose(file);
        cr_expect_eq(roster_open(&roster, path, check, reason), -more, "%s", reason);
        if (more == 0) {
            expect(&roster, "user0", "x");
            expect(&roster, "user19999", "x");
            roster_close(&roster);
        }
    }
    cr_expect(strstr(reason, "users:20001: there are more than 20000") != NULL, "%s", reason);
    cr_assert_eq(truncate(path, ROSTER_FILE_MAX + 1), 0);
    cr_expect(roster_open(&roster, path, check, reason) == -1 && strstr(reason, "larger than 4 MB") != NULL, "%s", reason);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Until it has been read again; how long that took. */
static int64_t await_refresh(struct roster *roster)
{
    int64_t start = now_ms();
    while (!roster_refresh(roster)) {
        cr_assert(now_ms() - start < 20000);
        usleep(10000);
    }
    return now_ms() - start;
}

/* For 'ms', which is longer than until it is looked at again. */
static void expect_no_change(struct roster *roster, int64_t ms)
{
    for (int64_t start = now_ms(); now_ms() - start < ms; usleep(10000)) {
        cr_assert(!roster_refresh(roster));
        expect(roster, "ada", "1");
    }
}

Test(roster, that_changes_is_read_again_and_a_wrong_one_is_not)
{
    struct roster roster;
    char reason[ROSTER_REASON_MAX];
    write_file("ada:0\n");
    cr_assert_eq(roster_open(&roster, path, check, reason), 0);
    write_file("ada:1\n");
    await_refresh(&roster);
    expect(&roster, "ada", "1");
    write_file("ada:1\nbob"); /* cut off while it was written */
    expect_no_change(&roster, 1500);
    unlink(path);
    expect_no_change(&roster, 1500);
    write_file("ada:2\n");
    await_refresh(&roster);
    expect(&roster, "ada", "2");
    roster_close(&roster);
}

/* htpasswd truncates it before it writes it anew: in between nobody is shut out. */
Test(roster, that_is_empty_for_a_moment_is_not_read)
{
    struct roster roster;
    char reason[ROSTER_REASON_MAX];
    write_file("ada:1\n");
    cr_assert_eq(roster_open(&roster, path, check, reason), 0);
    write_file("");
    expect_no_change(&roster, 1500);
    cr_expect_lt(await_refresh(&roster), 5000, "it stays empty, and so it counts");
    cr_expect_eq(roster.count, 0);
    write_file("bob:2\n");
    await_refresh(&roster);
    expect(&roster, "bob", "2");
    roster_close(&roster);
}
