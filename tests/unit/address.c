/* SPDX-License-Identifier: Apache-2.0 */
#include "config/address.h"

#include <criterion/criterion.h>
#include <string.h>

Test(address, reads_each_form_and_writes_it_again)
{
    static const struct {
        const char *text, *written;
        int family;
        bool both_families;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", AF_INET, false},
        {"0.0.0.0:65535", "0.0.0.0:65535", AF_INET, false},
        {"localhost:8000", "127.0.0.1:8000", AF_INET, false},
        {"8000", "127.0.0.1:8000", AF_INET, false},
        {"0", "127.0.0.1:0", AF_INET, false},
        {"*:80", "*:80", AF_INET6, true},
        {"[::]:80", "[::]:80", AF_INET6, false},
        {"[::1]:80", "[::1]:80", AF_INET6, false},
        {"[0:0:0:0:0:0:0:1]:80", "[::1]:80", AF_INET6, false},
        {"[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]:80", AF_INET6, false},
        {"unix:/run/x.sock", "unix:/run/x.sock", AF_UNIX, false},
        {"unix:x.sock", "unix:/etc/tine/x.sock", AF_UNIX, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address, again;
        char text[ADDRESS_TEXT_MAX];
        const char *wrong = address_parse(&address, cases[i].text, "/etc/tine");

        cr_assert_null(wrong, "'%s' %s", cases[i].text, wrong);
        cr_expect_eq(address.socket.any.sa_family, cases[i].family, "%s", cases[i].text);
        cr_expect_eq(address.both_families, cases[i].both_families, "%s", cases[i].text);
        address_format(&address, text);
        cr_expect_str_eq(text, cases[i].written);
        cr_assert_null(address_parse(&again, text, "/"));
        cr_expect(address_equals(&address, &again), "%s", text);
    }
}

Test(address, says_what_is_wrong)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"", "is empty"},
        {"127.0.0.1", "has no port"},
        {"127.0.0.1:", "has no port"},
        {"localhost", "has no port"},
        {"*", "has no port"},
        {"*:", "has no port"},
        {":80", "has no address (write '*' for all of this machine)"},
        {"127.0.0.1:65536", "has a port that is not a number from 0 to 65535"},
        {"127.0.0.1:-0", "has a port that is not a number from 0 to 65535"},
        {"127.0.0.1:http", "has a port that is not a number from 0 to 65535"},
        {"65536", "has a port that is not a number from 0 to 65535"},
        {"127.0.0.1:80x", "has a port that is not a number from 0 to 65535"},
        {"127.1:80", "is not an IP address with a port (names are not looked up)"},
        {"256.0.0.1:80", "is not an IP address with a port (names are not looked up)"},
        {"example.com:80", "is not an IP address with a port (names are not looked up)"},
        {"a-name-that-is-longer-than-any-address:80", "is not an IP address with a port (names are not looked up)"},
        {"::1:80", "has more than one ':' (an IPv6 address is written in brackets: [::1]:80)"},
        {"[::1]", "has no port"},
        {"[::1]:", "has no port"},
        {"[::1]80", "has something other than a port behind the ']'"},
        {"[::1:80", "has a '[' without a ']'"},
        {"[::g]:80", "is not an IPv6 address"},
        {"[]:80", "is not an IPv6 address"},
        {"[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]:80", "is not an IPv6 address"},
        {"unix:", "has no path behind 'unix:'"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;
        const char *wrong = address_parse(&address, cases[i].text, "/");

        cr_assert_not_null(wrong, "'%s' was taken", cases[i].text);
        cr_expect_str_eq(wrong, cases[i].wrong, "'%s' %s", cases[i].text, wrong);
    }
}

Test(address, takes_a_unix_path_of_107_bytes_and_no_more)
{
    char text[5 + 109] = "unix:/", written[ADDRESS_TEXT_MAX];
    struct address address;

    memset(text + 6, 'x', 106);
    text[5 + 107] = '\0';
    cr_assert_null(address_parse(&address, text, "/"));
    address_format(&address, written);
    cr_expect_str_eq(written, text);
    text[5 + 107] = 'x';
    text[5 + 108] = '\0';
    cr_expect_str_eq(address_parse(&address, text, "/"), "is too long: the whole path of a Unix socket has at most 107 bytes");
}

Test(address, differs_by_family_host_port_and_path)
{
    static const char *const texts[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::]:80", "[::]:81", "[::1]:80",
                                        "*:80", "*:81", "unix:/a", "unix:/b"};
    enum { COUNT = sizeof texts / sizeof *texts };
    struct address addresses[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        cr_assert_null(address_parse(&addresses[i], texts[i], "/"));
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++)
            cr_expect_eq(address_equals(&addresses[i], &addresses[j]), i == j, "%s %s", texts[i], texts[j]);
}

Test(address, is_of_the_loopback_or_not)
{
    static const struct { const char *text; bool is_loopback; } cases[] = {
        {"127.0.0.1:80", true}, {"8000", true}, {"localhost:80", true}, {"127.255.255.255:80", true}, {"[::1]:80", true},
        {"126.255.255.255:80", false}, {"128.0.0.0:80", false}, {"0.0.0.0:80", false}, {"*:80", false}, {"[::]:80", false},
        {"[::2]:80", false}, {"[::ffff:10.0.0.1]:80", false}, {"unix:/a", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;

        cr_assert_null(address_parse(&address, cases[i].text, "/"));
        cr_expect_eq(address_is_loopback(&address), cases[i].is_loopback, "%s", cases[i].text);
    }
}
