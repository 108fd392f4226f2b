/* SPDX-License-Identifier: Apache-2.0
 *
 * Every mistake a file may have, and the words it is told in.
 */
#include "config_support.h"

#include <sys/stat.h>

TestSuite(config_errors, .init = enter_folder, .fini = leave_folder);

struct error_case {
    const char *text, *told;
};

static void expect_all(const struct error_case *cases)
{
    for (; cases->text; cases++)
        expect_errors(cases->text, NULL, 0, cases->told);
}

Test(config_errors, names_unknown_sections_and_keys_and_suggests)
{
    static const struct error_case cases[] = {
        {"[serve]\nx=y\n", "server.ini:1: [serve]: unknown section (did you mean [server]?)\n"},
        {"[ap:x]\nx=y\n", "server.ini:1: [ap:x]: unknown section\n"},
        {"[apps:x]\nx=y\n", "server.ini:1: [apps:x]: unknown section (did you mean [app:NAME]?)\n"},
        {"[nothing]\n", "server.ini:1: [nothing]: unknown section\n"},
        {"[server]\nworker = 2\n", "server.ini:2: [server] worker: unknown key (did you mean 'workers'?)\n"},
        {"[server]\nbody = 2\n", "server.ini:2: [server] body: unknown key (it belongs to [timeouts])\n"},
        {"[server]\nnothing = 2\n", "server.ini:2: [server] nothing: unknown key\n"},
        {"[listen:a]\nssl_certificate = a.pem\n", "server.ini:1: [listen:a] address: is missing\n"
                                                   "server.ini:2: [listen:a] ssl_certificate: unknown key (tine speaks no TLS: a proxy "
                                                   "before it does, as in etc/nginx.conf)\n"},
        {"[server]\nper_address = 2\n", "server.ini:2: [server] per_address: unknown key (it belongs to [limits])\n"},
        {"[listen:a]\naddress = 1\nbacklogs = 2\n", "server.ini:3: [listen:a] backlogs: unknown key (did you mean 'backlog'?)\n"},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, wants_names_where_there_may_be_several_and_only_there)
{
    static const struct error_case cases[] = {
        {"[app]\nmodule = x\n", "server.ini:1: [app]: a name is missing: [app:NAME]\n"},
        {"[listen:]\naddress = 1\n", "server.ini:1: [listen:]: a name is missing: [listen:NAME]\n"},
        {"[server:x]\nworkers = many\n", "server.ini:1: [server:x]: this section takes no name: [server]\n"},
        {"[app:a.b]\nmodule = x\n", "server.ini:1: [app:a.b]: a name holds letters, digits, '-' and '_' only\n"},
        {"[app: a]\nmodule = x\n", "server.ini:1: [app: a]: a name holds letters, digits, '-' and '_' only\n"},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, names_the_first_place_of_what_stands_twice)
{
    static const struct error_case cases[] = {
        {"[server]\nworkers = 2\nworkers = 2\n", "server.ini:3: [server] workers: already set at server.ini:2\n"},
        {"[server]\nworkers = 2\n[log]\n[server]\nworkers = 3\nworkers = x\n",
         "server.ini:5: [server] workers: already set at server.ini:2\nserver.ini:6: [server] workers: already set at server.ini:2\n"},
        {"[app:a]\nmodule = x\n[app:a]\n", "server.ini:3: [app:a]: this section already begins at server.ini:1\n"},
        {"[listen:a]\naddress = 1\n[listen:a]\n", "server.ini:3: [listen:a]: this section already begins at server.ini:1\n"},
        {"[app:a]\nmodule = x\nsend = 1\ntimeouts.send = 1\n", "server.ini:4: [app:a] timeouts.send: already set at server.ini:3\n"},
        {"[app:a]\nmodule = x\nk = 1\nk = 1\n", "server.ini:4: [app:a] k: already set at server.ini:3\n"},
        {"[server]\nlisten = 1\n[server]\n", ""},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, says_what_a_value_should_be)
{
    static const struct error_case cases[] = {
        {"[server]\nworkers = many\n", "server.ini:2: [server] workers: 'many' is not a whole number from 1 to 512, or 'auto'\n"},
        {"[server]\nworkers = 0\n", "server.ini:2: [server] workers: '0' is not a whole number from 1 to 512, or 'auto'\n"},
        {"[server]\nworkers = 513\n", "server.ini:2: [server] workers: '513' is not a whole number from 1 to 512, or 'auto'\n"},
        {"[server]\nworkers =\n", "server.ini:2: [server] workers: '' is not a whole number from 1 to 512, or 'auto'\n"},
        {"[server]\nconnections = 1000001\n",
         "server.ini:2: [server] connections: '1000001' is not a whole number from 1 to 1000000, or 'auto'\n"},
        {"[server]\ndaemon = maybe\n", "server.ini:2: [server] daemon: 'maybe' is not on or off\n"},
        {"[server]\nworkers = 2 # two\n",
         "server.ini:2: [server] workers: '# two': a comment behind a value begins with ';' (quote a value that has a '#')\n"},
        {"[server]\nworkers = 2; two\n", "server.ini:2: [server] workers: '2; two' is not a whole number from 1 to 512, or 'auto' "
                                         "(a comment begins with ';' behind a blank)\n"},
        {"[server]\ntemp =\n", "server.ini:2: [server] temp: must not be empty\n"},
        {"[timeouts]\nheader = 0\n",
         "server.ini:2: [timeouts] header: '0' is not a time from 1ms to 30d (50ms, 10s, 5m, 1h, 1d)\n"},
        {"[timeouts]\nrequest = 31d\n",
         "server.ini:2: [timeouts] request: '31d' is not a time from 1ms to 30d (50ms, 10s, 5m, 1h, 1d)\n"},
        {"[limits]\nbody = 1t\n", "server.ini:2: [limits] body: '1t' is not a size from 0 to 1024g (10, 8k, 1m, 2g)\n"},
        {"[limits]\nheaders = 2m\n", "server.ini:2: [limits] headers: '2m' is not a size from 64 to 1m (10, 8k, 1m, 2g)\n"},
        {"[limits]\nrequest_line = 63\n", "server.ini:2: [limits] request_line: '63' is not a size from 64 to 64k (10, 8k, 1m, 2g)\n"},
        {"[log]\nlevel = inof\n",
         "server.ini:2: [log] level: 'inof' is not debug, info, warning or error (did you mean 'info'?)\n"},
        {"[log]\naccess_format = combind\n",
         "server.ini:2: [log] access_format: 'combind' is not common, combined, json or a format string (did you mean 'combined'?)\n"},
        {"[log]\naccess =\n", "server.ini:2: [log] access: must not be empty\n"},
        {"[log]\nslow = fast\n",
         "server.ini:2: [log] slow: 'fast' is not a time from 0 to 30d (50ms, 10s, 5m, 1h, 1d), or 'off'\n"},
        {"[listen:a]\naddress = 1\nmode = 999\n", "server.ini:3: [listen:a] mode: '999' is not permissions in octal (0660)\n"},
        {"[listen:a]\naddress = 1\nbacklog = 0\n",
         "server.ini:3: [listen:a] backlog: '0' is not a whole number from 1 to 65535\n"},
        {"[server]\nuser = \"x\n", "server.ini:2: [server] user: the closing '\"' is missing\n"},
        {"[server]\nuser = $x\n",
         "server.ini:2: [server] user: a single '$' has no meaning: write '$$' for a dollar, ${NAME} for a variable\n"},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, checks_listeners)
{
    static const struct error_case cases[] = {
        {"[server]\nlisten = 127.0.0.1\n", "server.ini:2: [server] listen: '127.0.0.1' has no port\n"},
        {"[server]\nlisten = 80, here:80, 99999\n",
         "server.ini:2: [server] listen: 'here:80' is not an IP address with a port (names are not looked up)\n"
         "server.ini:2: [server] listen: '99999' has a port that is not a number from 0 to 65535\n"},
        {"[server]\nlisten =\n", "server.ini:2: [server] listen: names no address, and there is no [listen:NAME]\n"},
        {"[server]\nlisten = ,\n[listen:a]\naddress = 80\n", ""},
        {"[listen:a]\nbacklog = 5\n", "server.ini:1: [listen:a] address: is missing\n"},
        {"[listen:a]\naddress = x\n",
         "server.ini:2: [listen:a] address: 'x' is not an IP address with a port (names are not looked up)\n"},
        {"[server]\nlisten = 80, localhost:80\n",
         "server.ini:2: [server] listen: '127.0.0.1:80' is opened already, as '127.0.0.1:80' at server.ini:2\n"},
        {"[server]\nlisten = *:80\n[listen:a]\naddress = [::]:80\n",
         "server.ini:3: [listen:a] address: '[::]:80' is opened already, as '*:80' at server.ini:2\n"},
        {"[server]\nlisten = 0.0.0.0:80, *:80\n",
         "server.ini:2: [server] listen: '*:80' is opened already, as '0.0.0.0:80' at server.ini:2\n"},
        {"[server]\nlisten = unix:/a, unix:/a\n",
         "server.ini:2: [server] listen: 'unix:/a' is opened already, as 'unix:/a' at server.ini:2\n"},
        {"[server]\nlisten = 0, 0, *:0, [::]:0\n", ""},
        {"[server]\nlisten = 127.0.0.1:80, [::1]:80, 127.0.0.1:81\n", ""},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, checks_apps)
{
#define MOUNT "a path from '/' on, without empty, '.' and '..' segments, '?' and '#'\n"
    static const struct error_case cases[] = {
        {"[app:a]\npath = /\n", "server.ini:1: [app:a] module: is missing\n"},
        {"[app:a]\nmodule =\n", "server.ini:2: [app:a] module: must not be empty\n"},
        {"[app:a]\nmodule = 'x\n", "server.ini:2: [app:a] module: the closing \"'\" is missing\n"},
        {"[app:a]\nmodule = x\npath = a\n", "server.ini:3: [app:a] path: 'a' is not " MOUNT},
        {"[app:a]\nmodule = x\npath =\n", "server.ini:3: [app:a] path: '' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = //\n", "server.ini:3: [app:a] path: '//' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = /a//b\n", "server.ini:3: [app:a] path: '/a//b' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = /a/../b\n", "server.ini:3: [app:a] path: '/a/../b' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = /a/.\n", "server.ini:3: [app:a] path: '/a/.' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = /a?b\n", "server.ini:3: [app:a] path: '/a?b' is not " MOUNT},
        {"[app:a]\nmodule = x\npath = /.../.a/..b/a.\n", ""},
        {"[app:a]\nmodule = x\nhost = a:80\n", "server.ini:3: [app:a] host: 'a:80' is not a host name without a port, or '*'\n"},
        {"[app:a]\nmodule = x\nhost = a..b\n", "server.ini:3: [app:a] host: 'a..b' is not a host name without a port, or '*'\n"},
        {"[app:a]\nmodule = x\nhost =\n", "server.ini:3: [app:a] host: '' is not a host name without a port, or '*'\n"},
        {"[app:a]\nmodule = x\nhost = [\n", "server.ini:3: [app:a] host: '[' is not a host name without a port, or '*'\n"},
        {"[app:a]\nmodule = x\nhost = *.b\n", "server.ini:3: [app:a] host: '*.b' is not a host name without a port, or '*'\n"},
        {"[app:a]\nmodule = x\nlimits.headers = 1k\n",
         "server.ini:3: [app:a] limits.headers: cannot be set for one app, only in [limits]\n"},
        {"[app:a]\nmodule = x\nlimits.bdy = 1k\n", "server.ini:3: [app:a] limits.bdy: unknown key (did you mean 'limits.body'?)\n"},
        {"[app:a]\nmodule = x\ntimeouts. = 1k\n", "server.ini:3: [app:a] timeouts.: unknown key\n"},
        {"[app:a]\nmodule = x\nlimits.body = x\n",
         "server.ini:3: [app:a] limits.body: 'x' is not a size from 0 to 1024g (10, 8k, 1m, 2g)\n"},
        {"[app:a]\nmodule = x\n[app:b]\nmodule = x\n", ""},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, checks_that_one_field_fits_into_all)
{
    static const struct error_case cases[] = {
        {"[limits]\nheaders = 4k\n", "server.ini:2: [limits] headers: is less than header_field, which one field may have\n"},
        {"[limits]\nheader_field = 33k\n",
         "server.ini:2: [limits] header_field: is more than headers, which all fields may have together\n"},
        {"[limits]\nheader_field = 64k\nheaders = 1M8\n",
         "server.ini:3: [limits] headers: '1M8' is not a size from 64 to 1m (10, 8k, 1m, 2g)\n"},
        {"[limits]\nheader_field = 64\nheaders = 64\nbody_memory = 1g\n", ""},
        {0},
    };

    expect_all(cases);
}

Test(config_errors, tells_all_in_one_run)
{
    expect_errors("x = 1\n[server]\nworkers = x\nnoise\n[log]\nlevle = info\n[app:a]\nhost = a b\n[app:b\n", NULL, 0,
                  "server.ini:1: 'x' stands before any [section]\n"
                  "server.ini:3: [server] workers: 'x' is not a whole number from 1 to 512, or 'auto'\n"
                  "server.ini:4: 'noise' is not a [section], a key = value or a comment\n"
                  "server.ini:6: [log] levle: unknown key (did you mean 'level'?)\n"
                  "server.ini:7: [app:a] module: is missing\n"
                  "server.ini:8: [app:a] host: 'a b' is not a host name without a port, or '*'\n"
                  "server.ini:9: the heading has no ']'\n");
}

Test(config_errors, leaves_out_what_cannot_be_used)
{
    struct errors errors;

    errors_init(&errors);
    write_file("server.ini", "[app:a]\npath = /\n[app:b]\nmodule = x\n[listen:a]\naddress = bad\n[listen:b]\naddress = 80\n");
    struct config *config = config_load("server.ini", NULL, 0, &errors);
    cr_assert_not_null(config);
    cr_expect_eq(errors.count, 2);
    cr_assert_eq(config->app_count, 1);
    cr_expect_str_eq(config->apps[0].name, "b");
    cr_assert_eq(config->listen_count, 1);
    cr_expect_str_eq(config->listens[0].name, "b");
    config_free(config);
    errors_release(&errors);
}

static void expect_unreadable(const char *path, const char *expected)
{
    struct errors errors;

    errors_init(&errors);
    cr_expect_null(config_load(path, NULL, 0, &errors), "%s", path);
    cr_expect_eq(errors.count, 1);
    if (errors.kept)
        cr_expect_str_eq(errors.messages[0], expected);
    errors_release(&errors);
}

Test(config_errors, tells_a_file_that_is_none, .timeout = 10)
{
    cr_assert_eq(mkdir("folder.ini", 0755), 0);
    cr_assert_eq(mkfifo("fifo.ini", 0644), 0);
    write_file("large.ini", "");
    cr_assert_eq(truncate("large.ini", 1024 * 1024 + 1), 0);
    cr_assert_eq(symlink("loop.ini", "loop.ini"), 0);

    expect_unreadable("missing.ini", "cannot read 'missing.ini': No such file or directory");
    expect_unreadable("", "cannot read '': it is a directory");
    expect_unreadable("folder.ini", "cannot read 'folder.ini': it is a directory");
    expect_unreadable("fifo.ini", "cannot read 'fifo.ini': it is not a regular file");
    expect_unreadable("/dev/zero", "cannot read '/dev/zero': it is not a regular file");
    expect_unreadable("large.ini", "cannot read 'large.ini': it is larger than 1 MiB");
    expect_unreadable("loop.ini", "cannot read 'loop.ini': Too many levels of symbolic links");
    if (geteuid() != 0) {
        write_file("secret.ini", "");
        cr_assert_eq(chmod("secret.ini", 0), 0);
        expect_unreadable("secret.ini", "cannot read 'secret.ini': Permission denied");
    }
}

/* A reload would take it for a server that serves nothing. */
Test(config_errors, tells_a_file_that_was_cut_off_at_its_beginning)
{
    static const char *const nothing[] = {"", "\n\n", "; server.ini\n", "\xEF\xBB\xBF"};

    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        expect_errors(nothing[i], NULL, 0, "'server.ini' is empty, there is no [section] in it: was it cut off?\n");
    expect_errors("[server]\n", NULL, 0, "");
    expect_errors("", (const char *const[]){"server.workers=2"}, 1, "");
}

Test(config_errors, takes_a_file_of_a_mebibyte)
{
    struct errors errors;
    char *text = malloc(1024 * 1024);

    memset(text, '\n', 1024 * 1024);
    memcpy(text, "[log]", 5);
    write_bytes("server.ini", text, 1024 * 1024);
    free(text);
    errors_init(&errors);
    struct config *config = config_load("server.ini", NULL, 0, &errors);
    cr_expect_not_null(config);
    cr_expect_eq(errors.count, 0);
    config_free(config);
    errors_release(&errors);
}

Test(config_errors, keeps_200_messages_and_counts_the_others)
{
    struct errors errors;

    errors_init(&errors);
    for (int i = 0; i < ERRORS_MAX + 50; i++)
        errors_add(&errors, "message %d", i);
    cr_expect_eq(errors.count, ERRORS_MAX + 50);
    cr_expect_eq(errors.kept, ERRORS_MAX);
    cr_expect_str_eq(errors.messages[ERRORS_MAX - 1], "message 199");
    errors_release(&errors);
    cr_expect_eq(errors.count, 0);
}
