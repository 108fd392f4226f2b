/* SPDX-License-Identifier: Apache-2.0 */
#include "config_support.h"

#include "base/log.h"

#include <sys/stat.h>

TestSuite(config, .init = enter_folder, .fini = leave_folder);

static void expect_address(const struct config *config, size_t i, const char *expected)
{
    char text[ADDRESS_TEXT_MAX];

    cr_assert_lt(i, config->listen_count);
    address_format(&config->listens[i].address, text);
    cr_expect_str_eq(text, expected);
}

Test(config, has_defaults_where_nothing_is_set)
{
    struct config *config = load_text("[server]\n");

    cr_expect_eq(config->listen_count, 1);
    expect_address(config, 0, "127.0.0.1:8000");
    cr_expect_eq(config->listens[0].backlog, 1024);
    cr_expect_eq(config->listens[0].mode, 0660);
    cr_expect_geq(config->workers, 2);
    cr_expect_leq(config->workers, CONFIG_WORKERS_MAX);
    cr_expect_eq(config->connections, 0);
    cr_expect_str_eq(config->user, "");
    cr_expect_str_eq(config->pidfile, "");
    cr_expect_not(config->daemon);
    cr_expect_str_eq(config->temp, "/tmp");
    cr_expect_eq(config->timeouts.keepalive, 65000);
    cr_expect_eq(config->limits.headers, 32768);
    cr_expect_str_eq(config->log_access_format, "combined");
    cr_expect_eq(config->log_level, LOG_INFO);
    cr_expect_eq(config->app_count, 0);
    config_free(config);
}

Test(config, reads_every_kind_of_value)
{
    struct config *config = load_text("[server]\nlisten = *:80, unix:run/x.sock\nworkers = 8\nconnections = 100\ndaemon = yes\n"
                                      "pidfile = tine.pid\ntemp = spool\nuser = www-data\n"
                                      "[timeouts]\nkeepalive = 0\nrequest = 90s\n[limits]\nbody = 2g\nheader_count = 7\n"
                                      "[log]\naccess = off\nerror = logs/error.log\nlevel = warning\nslow = 500ms\n"
                                      "access_format = '%h \"%r\" %s ; %b'\n"
                                      "[listen:local]\naddress = 9000\nbacklog = 5\nmode = 0600\nowner = me\n");
    char path[64];

    cr_expect_eq(config->listen_count, 3);
    expect_address(config, 0, "*:80");
    snprintf(path, sizeof path, "unix:%s/run/x.sock", folder);
    expect_address(config, 1, path);
    expect_address(config, 2, "127.0.0.1:9000");
    cr_expect_str_eq(config->listens[0].name, "");
    cr_expect_str_eq(config->listens[2].name, "local");
    cr_expect_eq(config->listens[2].backlog, 5);
    cr_expect_eq(config->listens[2].mode, 0600);
    cr_expect_str_eq(config->listens[2].owner, "me");
    cr_expect_str_eq(config->listens[2].place.file, "server.ini");
    cr_expect_eq(config->listens[2].place.line, 21);
    cr_expect_eq(config->workers, 8);
    cr_expect_eq(config->connections, 100);
    cr_expect(config->daemon);
    snprintf(path, sizeof path, "%s/tine.pid", folder);
    cr_expect_str_eq(config->pidfile, path);
    snprintf(path, sizeof path, "%s/spool", folder);
    cr_expect_str_eq(config->temp, path);
    cr_expect_eq(config->timeouts.keepalive, 0);
    cr_expect_eq(config->timeouts.request, 90000);
    cr_expect_eq(config->limits.body, INT64_C(2) << 30);
    cr_expect_eq(config->limits.header_count, 7);
    cr_expect_str_eq(config->log_access, "off");
    snprintf(path, sizeof path, "%s/logs/error.log", folder);
    cr_expect_str_eq(config->log_error, path);
    cr_expect_eq(config->log_level, LOG_WARNING);
    cr_expect_eq(config->log_slow, 500);
    cr_expect_str_eq(config->log_access_format, "%h \"%r\" %s ; %b");
    config_free(config);
}

Test(config, opens_only_the_long_form_listeners_if_there_are_no_others)
{
    struct config *config = load_text("[listen:a]\naddress = 9000\n[listen:b]\naddress = 9001\n");

    cr_expect_eq(config->listen_count, 2);
    expect_address(config, 0, "127.0.0.1:9000");
    expect_address(config, 1, "127.0.0.1:9001");
    config_free(config);
}

Test(config, makes_apps_in_order_with_their_settings)
{
    struct config *config = load_text("[app:a]\npath = /api/\nhost = Example.COM\nmodule = mods/a.so\ndsn = 'x ; y'\nroot = www\n"
                                      "[app:b]\nmodule = static\n[app:c]\nmodule = ./c\nhost = [::1]\n");
    char path[64];

    cr_assert_eq(config->app_count, 3);
    const struct config_app *a = &config->apps[0], *b = &config->apps[1], *c = &config->apps[2];
    cr_expect_str_eq(a->name, "a");
    cr_expect_str_eq(a->path, "/api");
    cr_expect_str_eq(a->host, "example.com");
    snprintf(path, sizeof path, "%s/mods/a.so", folder);
    cr_expect_str_eq(a->module, path);
    cr_expect_eq(a->place.line, 1);
    cr_assert_eq(a->setting_count, 2);
    cr_expect_str_eq(a->settings[0].key, "dsn");
    cr_expect_str_eq(a->settings[0].value, "x ; y");
    cr_expect_str_eq(a->settings[0].directory, folder);
    cr_expect_eq(a->settings[0].place.line, 5);
    cr_expect_str_eq(a->settings[1].key, "root");
    cr_expect_str_eq(b->path, "/");
    cr_expect_str_eq(b->host, "*");
    cr_expect_str_eq(b->module, "static");
    snprintf(path, sizeof path, "%s/./c", folder);
    cr_expect_str_eq(c->module, path);
    cr_expect_str_eq(c->host, "[::1]");
    config_free(config);
}

Test(config, gives_apps_the_servers_timeouts_with_their_own_on_top)
{
    struct config *config = load_text("[app:a]\nmodule = a\nlimits.body = 10m\nsend = 5s\n[app:b]\nmodule = b\nbody_memory = 1k\n"
                                      "timeouts.body = 7s\n[timeouts]\nsend = 1m\nrequest = 2m\n");

    cr_assert_eq(config->app_count, 2);
    cr_expect_eq(config->apps[0].limits.body, 10 << 20);
    cr_expect_eq(config->apps[0].timeouts.send, 5000);
    cr_expect_eq(config->apps[0].timeouts.request, 120000);
    cr_expect_eq(config->apps[1].limits.body, 1 << 20);
    cr_expect_eq(config->apps[1].limits.body_memory, 1024);
    cr_expect_eq(config->apps[1].timeouts.body, 7000);
    cr_expect_eq(config->apps[1].timeouts.send, 60000);
    cr_expect_eq(config->timeouts.body, 30000);
    config_free(config);
}

Test(config, leaves_a_bare_body_to_the_module_with_a_hint)
{
    struct config *config = load_text("[app:a]\nmodule = respond\nbody = hello\ntype = text/html\n");

    cr_assert_eq(config->app_count, 1);
    cr_assert_eq(config->apps[0].setting_count, 2);
    cr_expect_str_eq(config->apps[0].settings[0].value, "hello");
    cr_expect_str_eq(config->apps[0].settings[0].hint, "write limits.body or timeouts.body");
    cr_expect_null(config->apps[0].settings[1].hint);
    cr_expect_eq(config->apps[0].limits.body, 1 << 20);
    config_free(config);
}

Test(config, keeps_its_paths_when_loaded_from_another_folder)
{
    char path[64];

    cr_assert_eq(mkdir("etc", 0755), 0);
    write_file("etc/server.ini", "[server]\npidfile = x.pid\n");
    struct config *config = load_right("etc/server.ini");
    snprintf(path, sizeof path, "%s/etc/server.ini", folder);
    cr_expect_str_eq(config->file, path);
    snprintf(path, sizeof path, "%s/etc", folder);
    cr_expect_str_eq(config->directory, path);
    snprintf(path, sizeof path, "%s/etc/x.pid", folder);
    cr_expect_str_eq(config->pidfile, path);
    config_free(config);
}

Test(config, lets_the_command_line_replace_values)
{
    static const char *const overrides[] = {
        "server.workers=3", "server.workers=4", "server.listen=127.0.0.1:0, [::1]:0", "app:a.path=/a=b", "app:a.limits.body=5k",
        "app:a.send=9s", "app:a.dsn=$x ; 'y'", "app:new.module=static", "timeouts.request=bad time",
    };
    struct errors errors;

    errors_init(&errors);
    write_file("server.ini", "[server]\nworkers = many\nlisten = nowhere\n[app:a]\npath = /x\nmodule = a\ntimeouts.send = 1s\ndsn = z\n");
    struct config *config = config_load("server.ini", overrides, 8, &errors);
    char *told = join_errors(&errors);
    cr_assert_eq(errors.count, 0, "%s", told);
    free(told);
    cr_expect_eq(config->workers, 4);
    cr_expect_eq(config->listen_count, 2);
    expect_address(config, 1, "[::1]:0");
    cr_assert_eq(config->app_count, 2);
    cr_expect_str_eq(config->apps[0].path, "/a=b");
    cr_expect_eq(config->apps[0].limits.body, 5120);
    cr_expect_eq(config->apps[0].timeouts.send, 9000);
    cr_assert_eq(config->apps[0].setting_count, 1);
    cr_expect_str_eq(config->apps[0].settings[0].value, "$x ; 'y'");
    cr_expect_str_eq(config->apps[1].name, "new");
    config_free(config);
    errors_release(&errors);
}

Test(config, names_the_override_that_is_wrong)
{
    static const struct {
        const char *override, *told;
    } cases[] = {
        {"server.workers=many", "-o server.workers: [server] workers: 'many' is not a whole number from 1 to 512, or 'auto'\n"},
        {"server.wrokers=1", "-o server.wrokers: [server] wrokers: unknown key (did you mean 'workers'?)\n"},
        {"serve.workers=1", "-o serve.workers: [serve]: unknown section (did you mean [server]?)\n"},
        {"workers=1", "-o workers=1: a setting is given as section.key=value\n"},
        {"server.workers", "-o server.workers: a setting is given as section.key=value\n"},
        {".workers=1", "-o .workers=1: a setting is given as section.key=value\n"},
        {"server.=1", "-o server.=1: a setting is given as section.key=value\n"},
        {"a=b.c", "-o a=b.c: a setting is given as section.key=value\n"},
        {"", "-o : a setting is given as section.key=value\n"},
        {"server.user=a\nb", "-o: control byte 0x0a in the setting\n"},
        {"server.include=x.ini", "-o server.include: [server] include: can only be given in a file\n"},
        {"app:x.path=/", "-o app:x.path: [app:x] module: is missing\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_errors("", &cases[i].override, 1, cases[i].told);
}

Test(config, prints_what_reads_back_the_same)
{
    static const char *const texts[] = {
        "[server]\n",
        "[listen:a]\naddress = unix:a.sock\nmode = 0600\nowner = o\n",
        ("[server]\nlisten = 9000, *:9001\nworkers = 3\nuser = \" u\"\n[listen:b]\naddress = 9002\n[log]\nslow = 1500ms\nerror = off\n"
        "access_format = \"%h it's $$5 \\\"x\\\" ; \\\\\"\n[timeouts]\nsend = 90s\n"),
        "[app:a]\nmodule = m.so\nlimits.body = 3k\ntimeouts.send = 1d\nk = ' ; $x'\nj =\n[app:b]\npath = /b\nhost = b.example\n"
        "module = static\n",
        "[app:a]\nmodule = a\ns = \"';\"\n[limits]\nbody = 5\n",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config *config = load_text(texts[i]);
        char *printed = print_text(config);
        struct config *again = load_text(printed);
        char *printed_again = print_text(again);

        cr_expect_str_eq(printed_again, printed);
        cr_expect_eq(again->workers, config->workers);
        cr_expect_eq(again->listen_count, config->listen_count);
        cr_expect_eq(again->app_count, config->app_count);
        config_free(config);
        config_free(again);
        free(printed);
        free(printed_again);
    }
}

Test(config, prints_defaults_and_quotes_where_needed)
{
    struct config *config = load_text("[server]\nworkers = 3\n[app:a]\nmodule = static\nlimits.body = 2m\nk = '$x ;'\n");
    char *printed = print_text(config);
    char expected[4096];

    snprintf(expected, sizeof expected,
             "; the effective configuration of %s/server.ini\n\n"
             "[server]\nlisten = 127.0.0.1:8000\nworkers = 3\nconnections = auto\nuser =\ngroup =\npidfile =\ndaemon = off\ntemp = /tmp\n"
             "workers_max = 64\nmax_requests = 0\nmax_requests_jitter = 10%%\nmax_lifetime = 0\nmax_memory = 0\ncrash_limit = 0\n"
             "batch = on\nhealth = off\nshutdown_delay = 0\ncontrol = auto\ntrusted =\nfilters =\nshared = 1m\n\n"
             "[timeouts]\nheader = 10s\nbody = 30s\nsend = 30s\nkeepalive = 65s\nrequest = 30s\nqueue = 0\nstall_after = 50ms\n"
             "idle_worker = 1m\ngraceful = 25s\nstart = 30s\n\n"
             "[limits]\nrequest_line = 8k\nheader_field = 8k\nheaders = 32k\nheader_count = 100\nbody = 1m\nbody_memory = 64k\n"
             "keepalive_requests = 0\nper_address = 0\nrate = 240\nstreams = 16\n\n"
             "[log]\naccess = -\naccess_format = combined\nerror = -\nlevel = info\nslow = off\n\n"
             "[app:a]\npath = /\nhost = *\nallow =\ndeny =\nfilters =\nmodule = static\nlimits.body = 2m\nk = '$x ;'\n", folder);
    cr_expect_str_eq(printed, expected);
    free(printed);
    config_free(config);
}
