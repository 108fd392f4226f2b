/* SPDX-License-Identifier: Apache-2.0
 *
 * The address of the control socket.
 */
#include "config/control.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

Test(control_address, paths_are_cleaned)
{
    static const char *const cases[][2] = {
        {"/etc/server.ini", "/etc/server.ini"}, {"//etc///server.ini", "/etc/server.ini"}, {"/etc/./server.ini", "/etc/server.ini"},
        {"/etc/x/../server.ini", "/etc/server.ini"}, {"/../../server.ini", "/server.ini"}, {"/a/b/../../c", "/c"},
        {"/a/..b/c..", "/a/..b/c.."}, {"/a/.../b", "/a/.../b"}, {"/", "/"}, {"/..", "/"}, {"/a/", "/a"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char clean[64];
        control_clean_path(cases[i][0], clean);
        cr_expect_str_eq(clean, cases[i][1], "%s: %s", cases[i][0], clean);
    }
}

static socklen_t automatic(const char *file, uid_t uid, struct sockaddr_un *address)
{
    socklen_t length;

    cr_assert_eq(control_address("auto", file, uid, address, &length), 0);
    cr_assert_eq(address->sun_family, AF_UNIX);
    cr_assert_eq(address->sun_path[0], 0);
    cr_assert_leq(length, sizeof *address);
    return length;
}

static bool same(const char *file, uid_t uid, const char *other, uid_t other_uid)
{
    struct sockaddr_un a, b;
    socklen_t a_length = automatic(file, uid, &a), b_length = automatic(other, other_uid, &b);

    return a_length == b_length && memcmp(&a, &b, a_length) == 0;
}

Test(control_address, each_file_and_user_has_its_own)
{
    char one[400], other[400];

    cr_expect(same("/etc/server.ini", 0, "/etc/x/../server.ini", 0));
    cr_expect(!same("/etc/server.ini", 0, "/etc/server.ini", 1));
    cr_expect(!same("/etc/server.ini", 0, "/etc/server2.ini", 0));
    memset(one, 'a', sizeof one);
    one[0] = '/', one[sizeof one - 1] = 0;
    strcpy(other, one)[1] = 'b'; /* beyond what the name shows */
    cr_expect(same(one, 4294967295u, one, 4294967295u));
    cr_expect(!same(one, 4294967295u, other, 4294967295u));
}

Test(control_address, a_path_stands_as_it_is)
{
    struct sockaddr_un address;
    socklen_t length;
    char path[200];

    cr_assert_eq(control_address("/run/tine.sock", "/etc/server.ini", 0, &address, &length), 0);
    cr_expect_str_eq(address.sun_path, "/run/tine.sock");
    memset(path, 'a', sizeof path);
    path[0] = '/', path[107] = 0;
    cr_expect_eq(control_address(path, "/etc/server.ini", 0, &address, &length), 0);
    path[107] = 'a', path[108] = 0;
    cr_expect_eq(control_address(path, "/etc/server.ini", 0, &address, &length), -1);
}
