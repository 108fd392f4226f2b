/* SPDX-License-Identifier: Apache-2.0
 *
 * The filters basic_auth and bearer: who comes in, by what, and who does not; files that change; what an unknown name costs.
 */
#include "client.h"
#include "shim.h"

#include <criterion/criterion.h>
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(authorization, .timeout = 120);

#define APP "[app:main]\npath = /\nmodule = @MODULES@/battery.so\n"
#define ALONE ONE_WORKER "workers_max = 1\n" /* each worker reads files for itself */
#define BASIC(settings) ALONE "filters = login\n[filter:login]\nmodule = basic_auth\nfile = @DIR@/users\n" settings APP
#define BEARER(settings) ALONE "filters = login\n[filter:login]\nmodule = bearer\n" settings APP
#define WHO "/attribute/user"

static struct server server;

static void stop(void)
{
    server_stop(&server);
}

static const char *users_path(const struct server *of)
{
    return text("%s/users", of->dir);
}

static const char *hashed(const char *password, const char *prefix, unsigned long cost)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    cr_assert(crypt_gensalt_rn(prefix, cost, NULL, 0, setting, sizeof setting) != NULL);
    return text("%s", crypt(password, setting));
}

static const char *base64(const char *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(bytes), at = 0;
    char *made = calloc(1, length * 2 + 5);
    for (size_t i = 0; i < length; i += 3) {
        unsigned a = (unsigned char)bytes[i], b = i + 1 < length ? (unsigned char)bytes[i + 1] : 0,
                 c = i + 2 < length ? (unsigned char)bytes[i + 2] : 0;
        made[at++] = digits[a >> 2];
        made[at++] = digits[(a & 3) << 4 | b >> 4];
        made[at++] = i + 1 < length ? digits[(b & 15) << 2 | c >> 6] : '=';
        made[at++] = i + 2 < length ? digits[c & 63] : '=';
    }
    return made;
}

static int status_of(const char *authorization)
{
    struct response response = get_with(&server, WHO, text("Authorization: %s\r\n", authorization));
    int status = response.status;
    response_free(&response);
    return status;
}

static const char *sha256(const char *token)
{
    const char *path = text("%s/token", test_dir());
    file_write(path, token);
    struct run ran = run("sha256sum", path);
    cr_assert(ran.code == 0 && strlen(ran.out) > 64);
    return text("%.64s", ran.out);
}

static int login(const char *credentials)
{
    return status_of(text("Basic %s", base64(credentials)));
}

static void start_basic(const char *ini)
{
    server_prepare(&server, ini);
    file_write(users_path(&server), text("# who may come in\n\nada:%s\nbob:%s\r\ncyd:%s\n", hashed("count: ess", "$2y$", 4),
                                         hashed("builder", "$6$", 1000), hashed("wide", "$y$", 1)));
    server_launch(&server);
}

Test(authorization, a_name_and_its_password_come_in, .fini = stop)
{
    start_basic(BASIC(""));
    struct response response = get_with(&server, WHO, text("authorization: basic   %s\r\n", base64("ada:count: ess")));
    expect_response(&response, 200, "ada");
    cr_assert_eq(login("bob:builder"), 200);
    cr_assert_eq(login("cyd:wide"), 200);
    cr_assert_eq(login("ada:count: ess"), 200); /* remembered by now */
    cr_assert_eq(login("ada:count: esS"), 401);
    cr_assert_eq(login("ada:builder"), 401);
    cr_assert_eq(login("bob:builder "), 401);
}

Test(authorization, whatever_else_is_challenged, .fini = stop)
{
    start_basic(BASIC("realm = the place\n"));
    struct response response = get(&server, WHO);
    expect_response(&response, 401, NULL);
    expect_field(&response, "WWW-Authenticate", "Basic realm=\"the place\", charset=\"UTF-8\"");
    expect_field(&response, "Cache-Control", "no-store");
    static const char *const others[] = {"", "Basic", "Basic ", "Basic !!!!", "Basic YWRh", "Basic OmNvdW50", "Basic YWRhOmNvdW50OiBlc3M",
                                         "Bearer YWRhOmNvdW50OiBlc3M=", "Basic YWRhOmNvdW50OiBlc3M=, Basic x", "BasicYWRhOmNvdW50OiBlc3M=",
                                         "Basic ====", "Basic YWRhAA==", "Basic YWRhOmNvdW50OiBlc3M=AAAA"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert_eq(status_of(others[i]), 401, "%s", others[i]);
    cr_assert_eq(login("nobody:count: ess"), 401);
    cr_assert_eq(login("ada:"), 401);
    cr_assert_eq(login(":"), 401);
    cr_assert_eq(login("ada:*0"), 401);
    char *longest = calloc(1, 3000);
    memset(mempcpy(longest, "ada:", 4), 'x', 2900);
    cr_assert_eq(login(longest), 401);
    longest[1000] = 0;
    cr_assert_eq(login(longest), 401);
    cr_assert_eq(login("ada:count: ess"), 200);
}

Test(authorization, may_be_left_to_the_handler, .fini = stop)
{
    start_basic(BASIC("optional = on\n"));
    expect_get(&server, WHO, 200, "(none)");
    cr_assert_eq(status_of("Bearer x"), 200);
    cr_assert_eq(login("ada:wrong"), 401);
}

/* It is looked at once a second at most, so both sides are waited for. */
Test(authorization, a_changed_file_counts_at_once_and_a_wrong_one_never, .fini = stop)
{
    start_basic(BASIC(""));
    cr_assert_eq(login("ada:count: ess"), 200);
    file_write(users_path(&server), text("ada:%s\n", hashed("changed", "$2y$", 4)));
    await(login("ada:changed") == 200);
    cr_assert_eq(login("ada:count: ess"), 401, "what was remembered outlived the file");
    cr_assert_eq(login("bob:builder"), 401);
    file_write(users_path(&server), "ada:plain\n");
    await(login("ada:changed") == 200 && server_log_has(&server, "users:1: the password is not written by"));
    cr_assert_eq(login("ada:plain"), 401);
    unlink(users_path(&server));
    await(login("ada:changed") == 200 && server_log_has(&server, "No such file or directory; what was read before still counts"));
    file_write(users_path(&server), text("eve:%s\n", hashed("new", "$5$", 1000)));
    await(login("eve:new") == 200);
    cr_assert_eq(login("ada:changed"), 401);
}

/* Nanoseconds of CPU that the only worker has had. */
static unsigned long long spent(void)
{
    pid_t workers[WORKERS_MAX];
    server_await_workers(&server, 1, workers);
    return strtoull(process_file(workers[0], "schedstat"), NULL, 10);
}

static unsigned long long cost(const char *credentials, int status)
{
    unsigned long long before = spent();
    for (int i = 0; i < 4; i++)
        cr_assert_eq(login(credentials), status);
    return spent() - before;
}

Test(authorization, an_unknown_name_costs_what_a_wrong_password_does, .fini = stop)
{
    server_prepare(&server, BASIC(""));
    file_write(users_path(&server), text("ada:%s\n", hashed("right", "$2y$", 9)));
    server_launch(&server);
    unsigned long long wrong = cost("ada:wrong", 401), unknown = cost("eve:wrong", 401), same = cost("eve:right", 401),
                       first = cost("ada:right", 200);
    cr_assert(unknown > wrong / 2 && unknown < wrong * 2, "%llu ns for an unknown name, %llu for a wrong password", unknown, wrong);
    cr_assert(same > wrong / 2 && same < wrong * 2, "%llu ns for an unknown name with a password, %llu for a wrong password", same, wrong);
    /* One of the first four is hashed, which can take twice the time beside others; of the wrong ones all are. */
    cr_assert(first < wrong / 4 * 3, "%llu ns for one that is remembered from the first on, %llu for a wrong password", first, wrong);
    /* The file was written just now, so it is read once more, and nothing is remembered of before. */
    await(cost("ada:right", 200) * 10 < wrong);
}

/* How often CRYPTO_memcmp() was called for it. */
static size_t comparisons(const char *authorization, int status)
{
    fault_begin(&server, "CRYPTO_memcmp", 1);
    cr_assert_eq(status_of(authorization), status);
    size_t count = fault_count(&server, "CRYPTO_memcmp");
    fault_end(&server, "CRYPTO_memcmp");
    return count;
}

/* Of a password's hash, of what is remembered, and of every token there is, whichever it was. */
Test(authorization, secrets_are_compared_in_a_time_that_says_nothing, .fini = stop)
{
    const char *users = text("%s/users", test_dir());
    file_write(users, text("ada:%s\n", hashed("right", "$2y$", 4)));
    chmod(test_dir(), 0755);
    shim_start(&server, text(ALONE "filters = login\n[filter:login]\nmodule = basic_auth\nfile = %s\n" APP, users));
    cr_expect_eq(comparisons(text("Basic %s", base64("ada:right")), 200), 1);
    cr_expect_eq(comparisons(text("Basic %s", base64("ada:right")), 200), 1);
    cr_expect_eq(comparisons(text("Basic %s", base64("ada:wrong")), 401), 1);
    cr_expect_eq(comparisons(text("Basic %s", base64("eve:wrong")), 401), 1);
    server_stop(&server);
    shim_start(&server, text(BEARER("token.ada = %s\ntoken.bob = %s, %s\n"), sha256("a"), sha256("b"), sha256("c")));
    static const char *const tokens[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(comparisons(text("Bearer %s", tokens[i]), i < 3 ? 200 : 401), 3);
}

Test(authorization, nothing_is_remembered_when_told, .fini = stop)
{
    server_prepare(&server, BASIC("cache = 0\n"));
    file_write(users_path(&server), text("ada:%s\n", hashed("right", "$2y$", 8)));
    server_launch(&server);
    unsigned long long first = cost("ada:right", 200), second = cost("ada:right", 200);
    cr_assert(second > first / 2, "%llu, then %llu ns", first, second);
}

static void expect_refused(const char *ini, const char *users, const char *reason)
{
    struct server refused;
    server_prepare(&refused, ini);
    if (users != NULL)
        file_write(users_path(&refused), users);
    expect_bad_ini(&refused, reason);
}

Test(authorization, a_file_of_users_that_is_wrong_is_refused_with_its_line)
{
#define FILE_REFUSED "server\\.ini:8: \\[filter:login\\] file: .*/users"
    expect_refused(BASIC(""), NULL, FILE_REFUSED ".*No such file");
    expect_refused(BASIC(""), "ada\n", FILE_REFUSED ":1: it is not 'name:value'");
    expect_refused(BASIC(""), ":x\n", FILE_REFUSED ":1: it is not 'name:value'");
    expect_refused(BASIC(""), "\n# none\nada:$apr1$abcdefgh$abcdefghijklmnopqrstuv\n", FILE_REFUSED ":3: .*htpasswd -B");
    expect_refused(BASIC(""), "ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", FILE_REFUSED ":1: .*not written by bcrypt");
    expect_refused(BASIC(""), "ada:$1$abcdefgh$abcdefghijklmnopqrstuv\n", FILE_REFUSED ":1: .*not written by bcrypt");
    expect_refused(BASIC(""), "ada:$2y$10$abcdefghijklmnopqrstuu\n", FILE_REFUSED ":1: .*cut off");
    expect_refused(BASIC(""), text("ada:%s\nada:%s\n", hashed("a", "$5$", 1000), hashed("b", "$5$", 1000)),
                   FILE_REFUSED ": 'ada' is there twice");
    expect_refused(BASIC("cache = 100000\n"), "", "server\\.ini:9: \\[filter:login\\] cache: must be 0 to 65536");
    expect_refused(BASIC("realm = 'a\"b'\n"), "", "server\\.ini:9: \\[filter:login\\] realm: ");
}

static void expect_user(const char *authorization, const char *user)
{
    struct response response = get_with(&server, WHO, text("Authorization: %s\r\n", authorization));
    expect_response(&response, user != NULL ? 200 : 401, user);
    if (user == NULL)
        expect_field(&response, "Cache-Control", "no-store");
    response_free(&response);
}

Test(authorization, a_token_comes_in_by_its_hash, .fini = stop)
{
    server_start(&server, text(BEARER("token.ada = %s\ntoken.bob = %s\nrealm = here\n"), sha256("ada's"), sha256("bob's")));
    expect_user("Bearer ada's", "ada");
    expect_user("bearer  bob's", "bob");
    static const char *const others[] = {"Bearer", "Bearer ", "Bearer ada", "Bearer ada'S", "Bearer ada's, Bearer bob's", "Bearer ada'ss",
                                         "Basic ada's", "Bearerada's"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_user(others[i], NULL);
    expect_user(text("Bearer %s", sha256("ada's")), NULL); /* what lies in the file is no token */
    struct response response = get(&server, WHO "?access_token=ada's");
    expect_response(&response, 401, NULL);
    expect_field(&response, "WWW-Authenticate", "Bearer realm=\"here\"");
    response = get_with(&server, WHO, "Authorization: Bearer x\r\n");
    expect_field(&response, "WWW-Authenticate", "Bearer realm=\"here\", error=\"invalid_token\"");
}

Test(authorization, tokens_of_a_file_come_and_go, .fini = stop)
{
    server_prepare(&server, text(BEARER("token.ada = %s\nfile = users\n"), sha256("ada's")));
    file_write(users_path(&server), text("eve:%s\n", sha256("file's")));
    server_launch(&server);
    expect_user("Bearer ada's", "ada");
    expect_user("Bearer file's", "eve");
    file_write(users_path(&server), text("fay:%s\ngus:%s\n", sha256("other"), sha256("third")));
    await(status_of("Bearer third") == 200);
    expect_user("Bearer file's", NULL);
    expect_user("Bearer other", "fay");
    expect_user("Bearer ada's", "ada");
}

/* A name has two tokens while the new one takes the place of the old one, in settings and in the file. */
Test(authorization, a_token_is_changed_while_both_are_good, .fini = stop)
{
    server_prepare(&server, text(BEARER("token.ada = %s,%s\nfile = users\n"), sha256("old"), sha256("new")));
    file_write(users_path(&server), text("eve:%s , %s\nfay:%s\n", sha256("e-old"), sha256("e-new"), sha256("f")));
    server_launch(&server);
    static const char *const good[][2] = {{"old", "ada"}, {"new", "ada"}, {"e-old", "eve"}, {"e-new", "eve"}, {"f", "fay"}};
    for (size_t i = 0; i < 5; i++)
        expect_user(text("Bearer %s", good[i][0]), good[i][1]);
    file_write(users_path(&server), text("eve:%s\nfay:%s\n", sha256("e-new"), sha256("f")));
    await(status_of("Bearer e-old") == 401);
    expect_user("Bearer e-new", "eve");
    expect_user("Bearer f", "fay");
}

Test(authorization, wrong_tokens_are_refused_with_their_line)
{
    expect_refused(BEARER(""), NULL, "\\[filter:login\\].*nobody could come in");
    expect_refused(BEARER("token.ada = secret\n"), NULL, "server\\.ini:8: \\[filter:login\\] token.ada: it is no SHA-256");
    expect_refused(text(BEARER("token.ada = %s0\n"), sha256("a")), NULL, "server\\.ini:8: \\[filter:login\\] token.ada: it is no SHA-256");
    expect_refused(text(BEARER("token.ada = %s,\n"), sha256("a")), NULL, "server\\.ini:8: \\[filter:login\\] token.ada: it is no SHA-256");
    expect_refused(text(BEARER("token.ada = %s %s\n"), sha256("a"), sha256("b")), NULL,
                   "server\\.ini:8: \\[filter:login\\] token.ada: it is no SHA-256");
    const char *one = sha256("a");
    expect_refused(text(BEARER("token.ada = %s,%s,%s,%s,%s\n"), one, one, one, one, one), NULL, "token.ada: .*up to 4 of them");
    expect_refused(BEARER("file = users\n"), "a:b\n",
                   "server\\.ini:8: \\[filter:login\\] file: .*users:1: what stands behind the name is no SHA-256");
    expect_refused(BEARER("file = users\n"), NULL, "server\\.ini:8: \\[filter:login\\] file: .*No such file");
}
