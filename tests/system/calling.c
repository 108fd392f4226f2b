/* SPDX-License-Identifier: Apache-2.0
 *
 * `tine call` and `tine routes`: what needs no server.
 */
#include "client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(calling, .timeout = 120);

#define APPS                                                                                                               \
    "health = on\n"                                                                                                        \
    "[app:files]\npath = /files\nmodule = static\nroot = @DIR@\n"                                                          \
    "[app:input]\npath = /input\nmodule = @MODULES@/input.so\ndirectory = @DIR@\n"                                              \
    "[app:output]\npath = /output\nmodule = @MODULES@/output.so\n"                                                         \
    "[app:filters]\npath = /filters\nmodule = @MODULES@/filters.so\nlimits.body = 10\n"                                    \
    "[app:local]\npath = /local\nmodule = respond\nbody = local\ndeny = 127.0.0.1\n"                                       \
    "[app:there]\npath = /host\nhost = example.org\nmodule = respond\nbody = there\n" PROBE

/* Fields as they are given with -H, a body or NULL. */
static const struct {
    const char *method, *target, *field, *body;
} cases[] = {
    {"GET", "/hello", NULL, NULL},
    {"HEAD", "/hello", NULL, NULL},
    {"GET", "/nowhere", NULL, NULL},
    {"GET", "/nowhere", "Accept: text/html", NULL},
    {"PATCH", "/hello", NULL, NULL},
    {"OPTIONS", "/hello", NULL, NULL},
    {"OPTIONS", "*", NULL, NULL},
    {"TRACE", "/hello", NULL, NULL},
    {"GET", "http://localhost/hello", NULL, NULL},
    {"GET", "https://localhost/hello", NULL, NULL},
    {"CONNECT", "localhost:80", NULL, NULL},
    {"GET", "/hello there", NULL, NULL},
    {"GET", "/%00", NULL, NULL},
    {"G(T", "/hello", NULL, NULL},
    {"GET", "/hello", "Na me: x", NULL},
    {"GET", "/hello", "Connection: close", NULL},
    {"GET", "/path/a%2Fb/../c", NULL, NULL},
    {"GET", "/query?q=a%20b&q=c", NULL, NULL},
    {"GET", "/set", NULL, NULL},
    {"GET", "/twice", NULL, NULL},
    {"GET", "/redirect", NULL, NULL},
    {"GET", "/fresh", "If-None-Match: \"v1\"", NULL},
    {"GET", "/reset", NULL, NULL},
    {"GET", "/status/99", NULL, NULL},
    {"GET", "/stream/100000", NULL, NULL},
    {"POST", "/echo", NULL, "some text"},
    {"POST", "/echo", "Content-Length: 99999999999", "some text"},
    {"POST", "/echo", "Expect: 200-maybe", "some text"},
    {"POST", "/nowhere", NULL, "some text"},
    {"POST", "/input/stream/sum", NULL, "some text"},
    {"POST", "/input/stream/unread", NULL, "some text"},
    {"POST", "/input/json", "Content-Type: application/json", "{\"name\":1}"},
    {"POST", "/input/fd", NULL, "some text"},
    {"GET", "/output/page", NULL, NULL},
    {"GET", "/output/cookies", NULL, NULL},
    {"GET", "/output/events", NULL, NULL},
    {"GET", "/output/finish_what?what=file", NULL, NULL},
    {"GET", "/output/wrong", NULL, NULL},
    {"GET", "/filters/", NULL, NULL},
    {"GET", "/filters/nowhere", NULL, NULL},
    {"GET", "/filters/fail", NULL, NULL},
    {"GET", "/filters/stream", NULL, NULL},
    {"GET", "/filters/group/in/4/x", NULL, NULL},
    {"POST", "/filters/", NULL, "more than ten bytes"},
    {"GET", "/files/some.txt", NULL, NULL},
    {"GET", "/files/some.txt", "Range: bytes=2-3", NULL},
    {"GET", "/files/none.txt", NULL, NULL},
    {"GET", "/local", NULL, NULL},
    {"GET", "/host", NULL, NULL},
    {"GET", "/host", "Host: example.org", NULL},
    {"GET", "/-/live", NULL, NULL},
    {"GET", "/-/ready", NULL, NULL},
};

static void blank(char *at, size_t length)
{
    memset(at, '#', length);
}

/* A whole answer without what differs from one to the next: its date, and the id that one gets whose own was not read. */
static char *comparable(char *answer)
{
    char *date = strstr(answer, "Date: "), *id = strstr(answer, "X-Request-Id: ");
    cr_assert(date != NULL && id != NULL, "%s", answer);
    blank(date + 6, strcspn(date + 6, "\r"));
    char *made = text("%.*s", (int)strcspn(id + 14, "\r"), id + 14);
    for (char *at = answer; (at = strstr(at, made)) != NULL;)
        blank(at, strlen(made));
    return answer;
}

static bool names(const char *field, const char *name)
{
    return field != NULL && strncmp(field, name, strlen(name)) == 0 && field[strlen(name)] == ':';
}

/* The bytes that `tine call` makes of the case. */
static struct response answer_of_server(const struct server *server, size_t i)
{
    const char *body = cases[i].body, *field = cases[i].field;
    char *bytes = text("%s %s HTTP/1.1\r\n%s%sX-Request-Id: same\r\n%s%sUser-Agent: tine\r\n%s%s\r\n%s", cases[i].method, cases[i].target,
                       names(field, "Host") ? "" : "Host: localhost\r\n",
                       body == NULL || names(field, "Content-Length") ? "" : text("Content-Length: %zu\r\n", strlen(body)),
                       field != NULL ? field : "", field != NULL ? "\r\n" : "", names(field, "Accept") ? "" : "Accept: */*\r\n",
                       body == NULL || names(field, "Content-Type") ? "" : "Content-Type: application/x-www-form-urlencoded\r\n",
                       body != NULL ? body : "");
    struct client client = client_connect(server);
    client_send(&client, bytes);
    struct response response = strcmp(cases[i].method, "HEAD") == 0 ? client_read_head(&client) : client_read(&client);
    client_close(&client);
    return response;
}

static struct run called(const char *ini, size_t i)
{
    const char *argv[16] = {tine_path(), "call", "-c", ini, "-H", "X-Request-Id: same", cases[i].method, cases[i].target};
    size_t count = 8;
    if (cases[i].field != NULL) {
        argv[count++] = "-H";
        argv[count++] = cases[i].field;
    }
    if (cases[i].body != NULL) {
        argv[count++] = "-d";
        argv[count++] = cases[i].body;
    }
    return run_program(argv);
}

Test(calling, answers_are_those_of_the_server)
{
    struct server server;
    server_prepare(&server, ONE_WORKER APPS);
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}}; /* the tag of one just written is weak for some time */
    file_write(text("%s/some.txt", server.dir), "some text\n");
    cr_assert_eq(utimensat(AT_FDCWD, text("%s/some.txt", server.dir), old, 0), 0);
    server_launch(&server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct response response = answer_of_server(&server, i);
        struct run ran = called(server.ini, i);
        cr_assert_eq(ran.code, 0, "%s %s: %d, %s", cases[i].method, cases[i].target, ran.code, ran.err);
        cr_expect_str_eq(comparable(ran.out), comparable(text("%s%s", response.head, response.body != NULL ? response.body : "")));
    }
    server_stop(&server);
}

static const char *ini(const char *content)
{
    static struct server server;
    server_prepare(&server, content);
    return server.ini;
}

Test(calling, bodies_come_from_arguments_files_and_standard_input)
{
    const char *file = ini(PROBE), *folder = test_dir(), *path = text("%s/body", folder);
    file_write(path, "from a file\n");
    cr_assert_str_eq(run_tine("call", "-c", file, "--body", "/echo", "-d", "a=1", "-d", "b=2").out, "a=1&b=2");
    cr_assert_str_eq(run_tine("call", "-c", file, "--body", "PUT", "/echo", "-d", text("@%s", path)).out, "from a file\n");
    cr_assert_str_eq(run("sh", "-c", text("printf piped | '%s' call -c '%s' --body -d @- /echo", tine_path(), file)).out, "piped");
    cr_assert_str_eq(run_tine("call", "-c", file, "--body", "--host", "a.example", "/header/Host").out, "a.example");
    cr_assert_str_eq(run_tine("call", "-c", file, "--body", "--json", "{}", "-H", "Host: b", "PUT", "/echo").out, "{}");
    struct run ran = run_tine("call", "-c", file, "-d", "@/no/such/file", "/echo");
    cr_assert_eq(ran.code, 1);
    cr_assert_str_eq(ran.err, "tine call: cannot read '/no/such/file': No such file or directory\n");
}

Test(calling, large_bodies_are_spooled_and_leave_nothing)
{
    const char *folder = test_dir(), *path = text("%s/large", folder);
    char *bytes = calloc(1, 3000001);
    memset(bytes, 'x', 3000000);
    file_write(path, bytes);
    cr_assert_eq(mkdir(text("%s/temp", folder), 0700), 0);
    const char *file = ini(text("[server]\ntemp = %s/temp\n[limits]\nbody = 4m\n" PROBE, folder));
    cr_assert(text_matches(run_tine("call", "-c", file, "--body", "/sum", "-d", text("@%s", path)).out, "^3000000 "));
    cr_assert_eq(rmdir(text("%s/temp", folder)), 0, "something is left");
}

Test(calling, the_log_and_the_exit_status)
{
    const char *file = ini("[log]\nerror = /dev/full\n" PROBE);
    struct run ran = run_tine("call", "-c", file, "--body", "/log");
    cr_assert_eq(ran.code, 0);
    cr_assert(text_matches(ran.err, "warning [0-9]+ the probe says 42 .request "), "%s", ran.err);
    cr_assert_eq(run_tine("call", "-c", file, "/nowhere").code, 0);
    cr_assert_eq(run_tine("call", "-c", file, "/nowhere", "--fail").code, 22);
    cr_assert_eq(run_tine("call", "-c", file, "/hello", "--fail").code, 0);
    ran = run_tine("call", "-c", file, "/broken_stream/200000");
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "^tine call: the answer broke off$"), "%s", ran.err);
}

Test(calling, an_answer_that_cannot_be_printed_is_a_failure)
{
    const char *file = ini(PROBE), *const to[] = {">/dev/full", ">&-"};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        struct run ran = run("sh", "-c", text("exec \"$0\" call -c \"$1\" /hello %s", to[i]), tine_path(), file);
        cr_assert_eq(ran.code, 1, "%s: %d", to[i], ran.code);
    }
}

Test(calling, wrong_usage_exits_2)
{
    const char *file = ini(PROBE);
    static const char *const wrong[][4] = {{"/hello"}, {"-c", "@", "GET"}, {"-c", "@"}, {"-c", "@", "-Q", "/"}, {"-c", "@", "-o", "x"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *argv[8] = {tine_path(), "call"};
        for (size_t k = 0; k < 4; k++)
            argv[k + 2] = wrong[i][k] != NULL && strcmp(wrong[i][k], "@") == 0 ? file : wrong[i][k];
        struct run ran = run_program(argv);
        cr_assert_eq(ran.code, 2, "%zu: %d", i, ran.code);
        cr_assert(text_matches(ran.err, "^tine call: .* \\(see tine call -h\\)$") && text_count(ran.err, "\n") == 1, "%s", ran.err);
        cr_assert_str_empty(ran.out);
    }
    cr_assert_eq(run_tine("call", "-h").code, 0);
    cr_assert_eq(run_tine("call", "-c", file, "--help").code, 0);
    struct run ran = run_tine("call", "-c", file, "http://localhost/");
    cr_assert(strstr(ran.err, "TARGET begins with '/', unlike 'http://localhost/'") != NULL, "%s", ran.err);
}

Test(calling, a_wrong_configuration_is_told)
{
    struct run ran = run_tine("call", "-c", ini("[server]\nwrokers = 2\n[app:m]\nmodule = ./none.so\n"), "/");
    cr_assert_eq(ran.code, 1);
    cr_assert(text_matches(ran.err, "server\\.ini:2: \\[server\\] wrokers: unknown key"), "%s", ran.err);
    cr_assert(text_matches(ran.err, "server\\.ini:4: \\[app:m\\] module: cannot load"), "%s", ran.err);
}

Test(calling, a_crash_ends_the_command)
{
    setenv("ASAN_OPTIONS", "log_path=stderr", 1); /* not among the reports that fail a run */
    struct run ran = run_tine("call", "-c", ini("[app:t]\nmodule = @MODULES@/trouble.so\ndirectory = @DIR@\n"), "/crash/segv");
    cr_assert_neq(ran.code, 0); /* 139, but for sanitizers, which have their own */
    cr_assert_str_empty(ran.out);
}

/* What is lost or used uninitialised shows there as 9; what is still reachable at the end is the loader's and of lists that stay. */
Test(calling, a_handler_that_exits_has_not_answered)
{
    const char *file = ini("[app:t]\nmodule = @MODULES@/trouble.so\ndirectory = @DIR@\n");
    struct run ran = run_tine("call", "-c", file, "/crash/exit");
    cr_assert_eq(ran.code, 1);
    cr_assert(strstr(ran.err, "the module called exit()") != NULL, "%s", ran.err);
    ran = run_tine("call", "-c", file, "/child/exit");
    cr_assert(ran.code == 0 && strstr(ran.err, "exit()") == NULL, "%s", ran.err);
}

Test(calling, valgrind_finds_nothing)
{
    static const char *const targets[][2] = {{"GET", "/hello"}, {"GET", "/nowhere"}, {"GET", "/-/ready"}, {"GET", "/files/"},
                                             {"POST", "/input/parts"}, {"GET", "/output/finish_what?what=file"},
                                             {"GET", "/filters/group/in/4/x"}};
    if (!program_exists("valgrind"))
        cr_skip_test("there is no valgrind");
    if (strstr(tine_path(), "asan") != NULL)
        cr_skip_test("sanitizers do not go together with it");
    const char *file = ini("[server]\n" APPS);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct run ran = run("valgrind", "-q", "--leak-check=full", "--error-exitcode=9", tine_path(), "call", "-c", file, "-d",
                             "some data", targets[i][0], targets[i][1]);
        cr_assert_eq(ran.code, 0, "%s: %d\n%s", targets[i][1], ran.code, ran.err);
    }
    /* What load() made is not freed where no worker_exit() comes. */
    struct run ran = run("valgrind", "-q", "--leak-check=full", "--error-exitcode=9", tine_path(), "routes", "-c", file);
    cr_assert_eq(ran.code, 0, "%s", ran.err);
}

/* ---- routes ---- */

Test(calling, routes_are_listed_as_a_table)
{
    struct run ran = run_tine("routes", "-c", ini("[server]\nhealth = on\nfilters = outer\n[filter:outer]\nmodule = @MODULES@/filters.so\n"
                                                  "[app:frozen]\npath = /a\nmodule = @MODULES@/frozen_abi.so\n"
                                                  "[app:there]\nhost = example.org\nmodule = respond\nbody = x\n"
                                                  "[app:one]\nmodule = @MODULES@/version_a.so\n"
                                                  "[app:many]\npath = /many\nmodule = @MODULES@/filters.so\n"));
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    static const char *const rows[] = {
        "^METHOD +PATH +HANDLER +WHERE +FILTERS$",
        "^GET +/-/live +live +built in +-$",
        "^\\* +example\\.org/\\{path:path\\} +there\\.respond +respond, built in +outer\\.own$",
        "^GET +/a/show/\\{name\\} +frozen\\.show +- +outer\\.own$",
        ("^GET +/many/group/in/\\{id\\}/x +many\\.plain +tests/modules/filters\\.c:[0-9]+ +"
         "outer\\.own, many\\.own, many\\.group, many\\.inner$"),
        "^GET +/many +many\\.plain +tests/modules/filters\\.c:[0-9]+ +outer\\.own, many\\.own$",
    };
    expect_matches(ran.out, rows, sizeof rows / sizeof rows[0]);
}

Test(calling, routes_are_listed_as_json)
{
    struct run ran = run_tine("routes", "--json", "-c", ini("[app:m]\npath = /m\nhost = a.example\nmodule = @MODULES@/plain_cplusplus.so\n"
                                                            "[app:r]\nmodule = redirect\nto = /\n"));
    if (!file_exists(text("%s/plain_cplusplus.so", modules_path())))
        cr_skip_test("there is no C++ compiler");
    cr_assert_eq(ran.code, 0, "%s", ran.err);
    cr_assert(text_matches(ran.out, "\"method\": \"GET\",$"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "\"host\": \"a\\.example\",$"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "\"path\": \"/m/hello/\\{name\\}\",$"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "\"handler\": \"hello\",$"), "%s", ran.out);
    cr_assert(text_matches(ran.out, "\"module\": \"redirect\",$"), "%s", ran.out);
}

Test(calling, routes_of_a_wrong_configuration_are_none)
{
    struct run ran = run_tine("routes", "-c", ini("[app:m]\nmodule = ./none.so\n"));
    cr_assert_eq(ran.code, 1);
    cr_assert_str_empty(ran.out);
    cr_assert(text_matches(ran.err, "server\\.ini:2: \\[app:m\\] module: cannot load"), "%s", ran.err);
    cr_assert_eq(run_tine("routes").code, 2);
}
