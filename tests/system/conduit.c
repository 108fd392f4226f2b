/* SPDX-License-Identifier: Apache-2.0
 *
 * The example Conduit: what each operation promises, by the name that it has in the specification. All are run on SQLite and on
 * PostgreSQL, and all of their answers are held against the specification.
 */
#include "conduit_client.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(conduit, .timeout = 180);

static struct server server;

#define EXPECT(status, method, path, token, body) conduit_expect(&server, status, method, path, token, body)
#define REFUSED(status, reasons, method, path, token, body) conduit_refused(&server, status, reasons, method, path, token, body)

static void expect_text(const json_t *json, const char *path, const char *value)
{
    cr_assert_str_eq(conduit_text(json, path), value, "%s", path);
}

static void expect_number(const json_t *json, const char *path, int value)
{
    cr_assert_eq(conduit_number(json, path), value, "%s: %d", path, conduit_number(json, path));
}

/* Without a token, and with those that are none. */
static void expect_only_members(const char *method, const char *path, const char *body)
{
    EXPECT(401, method, path, NULL, body);
    EXPECT(401, method, path, "x.y.z", body);
}

static void CreateUser(void)
{
    json_t *json = EXPECT(201, "POST", "/users", NULL,
                          "{\"user\":{\"username\":\"l\xc3\xa9o\",\"email\":\"leo@example.org\",\"password\":\"difference\"}}");
    expect_text(json, "user.username", "l\xc3\xa9o");
    expect_text(json, "user.email", "leo@example.org");
    expect_text(json, "user.bio", "");
    EXPECT(200, "GET", "/user", conduit_text(json, "user.token"), NULL);
    REFUSED(422, "username has already been taken; email has already been taken", "POST", "/users", NULL,
            "{\"user\":{\"username\":\"l\xc3\xa9o\",\"email\":\"leo@example.org\",\"password\":\"x\"}}");
    REFUSED(422, "email has already been taken", "POST", "/users", NULL,
            "{\"user\":{\"username\":\"b\",\"email\":\"leo@example.org\",\"password\":\"x\"}}");
    REFUSED(422, "username can't be blank; email is not an address; password must be a text", "POST", "/users", NULL,
            "{\"user\":{\"username\":\"  \",\"email\":\"leo\",\"password\":7}}");
    REFUSED(422, "user must be an object", "POST", "/users", NULL, "{}");
    REFUSED(422, "the body is not JSON: line 1, column 1: invalid token near 'x'", "POST", "/users", NULL, "x");
}

static void Login(void)
{
    conduit_member(&server, "ada");
    json_t *json = EXPECT(200, "POST", "/users/login", NULL, "{\"user\":{\"email\":\"ada@example.org\",\"password\":\"difference\"}}");
    expect_text(json, "user.username", "ada");
    EXPECT(200, "GET", "/user", conduit_text(json, "user.token"), NULL);
    EXPECT(200, "POST", "/users/login", "of.a.past", "{\"user\":{\"email\":\"ada@example.org\",\"password\":\"difference\"}}");
    EXPECT(401, "POST", "/users/login", NULL, "{\"user\":{\"email\":\"ada@example.org\",\"password\":\"Difference\"}}");
    EXPECT(401, "POST", "/users/login", NULL, "{\"user\":{\"email\":\"eve@example.org\",\"password\":\"difference\"}}");
    REFUSED(422, "email can't be blank; password can't be blank", "POST", "/users/login", NULL, "{\"user\":{\"email\":\"\"}}");
}

static void GetCurrentUser(void)
{
    const char *token = conduit_member(&server, "ada");
    expect_text(EXPECT(200, "GET", "/user", token, NULL), "user.email", "ada@example.org");
    expect_only_members("GET", "/user", NULL);
}

static void UpdateCurrentUser(void)
{
    const char *token = conduit_member(&server, "ada");
    conduit_member(&server, "zoe");
    json_t *json = EXPECT(200, "PUT", "/user", token, "{\"user\":{\"bio\":\"I count\",\"image\":\"https://example.org/a.png\"}}");
    expect_text(json, "user.bio", "I count");
    json = EXPECT(200, "PUT", "/user", token,
                  "{\"user\":{\"username\":\"ada l\",\"email\":\"l@example.org\",\"password\":\"engine\",\"image\":null}}");
    expect_text(json, "user.username", "ada l");
    expect_text(json, "user.bio", "I count");
    expect_text(json, "user.image", "");
    EXPECT(200, "POST", "/users/login", NULL, "{\"user\":{\"email\":\"l@example.org\",\"password\":\"engine\"}}");
    EXPECT(401, "POST", "/users/login", NULL, "{\"user\":{\"email\":\"l@example.org\",\"password\":\"difference\"}}");
    REFUSED(422, "username has already been taken", "PUT", "/user", token, "{\"user\":{\"username\":\"zoe\"}}");
    REFUSED(422, "user must have a field to change", "PUT", "/user", token, "{\"user\":{}}");
    REFUSED(422, "email is not an address; bio must be a text", "PUT", "/user", token, "{\"user\":{\"email\":\"@\",\"bio\":[]}}");
    expect_only_members("PUT", "/user", "{\"user\":{\"bio\":\"x\"}}");
}

static void GetProfileByUsername(void)
{
    const char *token = conduit_member(&server, "ada");
    conduit_member(&server, "zoe");
    expect_text(EXPECT(200, "GET", "/profiles/zoe", NULL, NULL), "profile.username", "zoe");
    expect_number(EXPECT(200, "GET", "/profiles/zoe", token, NULL), "profile.following", 0);
    EXPECT(401, "GET", "/profiles/zoe", "x", NULL);
    REFUSED(404, "there is no such user", "GET", "/profiles/eve", NULL, NULL);
    REFUSED(404, "there is no such user", "GET", "/profiles/%ff", NULL, NULL);
}

static void FollowUserByUsername(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    for (int i = 0; i < 2; i++)
        expect_number(EXPECT(200, "POST", "/profiles/zoe/follow", token, NULL), "profile.following", 1);
    expect_number(EXPECT(200, "GET", "/profiles/zoe", token, NULL), "profile.following", 1);
    expect_number(EXPECT(200, "GET", "/profiles/ada", other, NULL), "profile.following", 0);
    REFUSED(404, "there is no such user", "POST", "/profiles/eve/follow", token, NULL);
    REFUSED(404, "there is no such user", "POST", "/profiles/%ff/follow", token, NULL);
    REFUSED(422, "nobody can follow themselves", "POST", "/profiles/ada/follow", token, NULL);
    expect_only_members("POST", "/profiles/zoe/follow", NULL);
}

static void UnfollowUserByUsername(void)
{
    const char *token = conduit_member(&server, "ada");
    conduit_member(&server, "zoe");
    EXPECT(200, "POST", "/profiles/zoe/follow", token, NULL);
    for (int i = 0; i < 2; i++)
        expect_number(EXPECT(200, "DELETE", "/profiles/zoe/follow", token, NULL), "profile.following", 0);
    expect_only_members("DELETE", "/profiles/zoe/follow", NULL);
}

static void CreateArticle(void)
{
    const char *token = conduit_member(&server, "ada");
    json_t *json = EXPECT(201, "POST", "/articles", token,
                          "{\"article\":{\"title\":\"What's new, Ada?\",\"description\":\"d\",\"body\":\"b\",\"tagList\":[\"two\",\"one\","
                          "\"two\"]}}");
    expect_text(json, "article.slug", "what-s-new-ada");
    expect_text(json, "article.tagList.0", "two");
    cr_assert_eq(json_array_size(conduit_at(json, "article.tagList")), 2);
    expect_text(json, "article.author.username", "ada");
    expect_number(json, "article.favorited", 0);
    expect_text(json, "article.updatedAt", conduit_text(json, "article.createdAt"));
    const char *again = conduit_article(&server, token, "what's NEW ada", "[]");
    cr_assert(text_matches(again, "^what-s-new-ada-[0-9a-f]{8}$"), "%s", again);
    cr_assert(text_matches(conduit_article(&server, token, "Feed", "[]"), "^feed-[0-9a-f]{8}$"));
    cr_assert(text_matches(conduit_article(&server, token, "!?", "[]"), "^article-[0-9a-f]{8}$"));
    conduit_article(&server, token, "L'\xc3\xa9t\xc3\xa9", "[]");
    expect_text(EXPECT(200, "GET", "/articles/l-%C3%A9t%C3%A9", NULL, NULL), "article.author.username", "ada");
    REFUSED(422, "title can't be blank; description can't be blank; body can't be blank; tagList must be texts of 1 to 64 bytes", "POST",
            "/articles", token, "{\"article\":{\"title\":\"\",\"tagList\":[1]}}");
    expect_only_members("POST", "/articles", "{\"article\":{\"title\":\"t\",\"description\":\"d\",\"body\":\"b\"}}");
}

#define TITLE "'; DROP TABLE article; --"

static void GetArticle(void)
{
    const char *token = conduit_member(&server, "ada"), *slug = conduit_article(&server, token, TITLE, "[\"a\"]");
    json_t *json = EXPECT(200, "GET", text("/articles/%s", slug), NULL, NULL);
    expect_text(json, "article.title", TITLE);
    expect_text(json, "article.body", "text");
    EXPECT(200, "POST", text("/articles/%s/favorite", slug), token, NULL);
    expect_number(EXPECT(200, "GET", text("/articles/%s", slug), token, NULL), "article.favorited", 1);
    expect_number(EXPECT(200, "GET", text("/articles/%s", slug), "x.y", NULL), "article.favorited", 0);
    REFUSED(404, "there is no such article", "GET", "/articles/none", NULL, NULL);
    REFUSED(404, "there is no such article", "GET", "/articles/%ff", NULL, NULL);
    REFUSED(404, "there is no such article", "GET", "/articles/%27%20OR%201=1%20--", NULL, NULL);
}

static void UpdateArticle(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[\"a\"]");
    conduit_article(&server, token, "two", "[]");
    pause_shortly(); /* times are of milliseconds: some have passed */
    json_t *json = EXPECT(200, "PUT", "/articles/one", token, "{\"article\":{\"body\":\"new\"}}");
    expect_text(json, "article.slug", "one");
    expect_text(json, "article.body", "new");
    expect_text(json, "article.description", "about one");
    json = EXPECT(200, "PUT", "/articles/one", token, "{\"article\":{\"title\":\"Three!\"}}");
    expect_text(json, "article.slug", "three");
    expect_text(json, "article.tagList.0", "a");
    cr_assert_str_neq(conduit_text(json, "article.updatedAt"), conduit_text(json, "article.createdAt"));
    EXPECT(404, "GET", "/articles/one", NULL, NULL);
    json = EXPECT(200, "PUT", "/articles/three", token, "{\"article\":{\"title\":\"Two\"}}");
    cr_assert(text_matches(conduit_text(json, "article.slug"), "^two-[0-9a-f]{8}$"));
    REFUSED(403, "it is somebody else's article", "PUT", "/articles/two", other, "{\"article\":{\"body\":\"mine\"}}");
    REFUSED(404, "there is no such article", "PUT", "/articles/none", token, "{\"article\":{\"body\":\"new\"}}");
    REFUSED(422, "article must have a field to change", "PUT", "/articles/two", token, "{\"article\":{\"tagList\":[\"b\"]}}");
    REFUSED(422, "article must be an object", "PUT", "/articles/two", token, "[]");
    REFUSED(422, "title can't be blank; body must be a text", "PUT", "/articles/two", token, "{\"article\":{\"title\":null,\"body\":1}}");
    expect_only_members("PUT", "/articles/two", "{\"article\":{\"body\":\"new\"}}");
}

static void DeleteArticle(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[\"a\"]");
    EXPECT(200, "POST", "/articles/one/comments", other, "{\"comment\":{\"body\":\"c\"}}");
    EXPECT(200, "POST", "/articles/one/favorite", other, NULL);
    REFUSED(403, "it is somebody else's article", "DELETE", "/articles/one", other, NULL);
    expect_only_members("DELETE", "/articles/one", NULL);
    EXPECT(204, "DELETE", "/articles/one", token, NULL);
    EXPECT(404, "DELETE", "/articles/one", token, NULL);
    expect_number(EXPECT(200, "GET", "/articles", NULL, NULL), "articlesCount", 0);
    cr_assert_eq(json_array_size(conduit_at(EXPECT(200, "GET", "/tags", NULL, NULL), "tags")), 0);
}

static void GetArticles(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    for (int i = 1; i <= 25; i++)
        conduit_article(&server, i % 5 == 0 ? other : token, text("t%d", i), i % 2 == 0 ? "[\"even\"]" : "[\"odd\",\"x y\"]");
    EXPECT(200, "POST", "/articles/t10/favorite", token, NULL);
    json_t *json = EXPECT(200, "GET", "/articles", NULL, NULL);
    cr_assert_eq(json_array_size(conduit_at(json, "articles")), 20);
    expect_number(json, "articlesCount", 25);
    expect_text(json, "articles.0.slug", "t25");
    cr_assert_null(conduit_at(json, "articles.0.body"));
    static const struct {
        const char *query, *first;
        int count, total;
    } lists[] = {
        {"offset=20", "t5", 5, 25}, {"limit=3&offset=1", "t24", 3, 25}, {"limit=1000", "t25", 25, 25},
        {"offset=9223372036854775807", "(none)", 0, 25},
        {"tag=even", "t24", 12, 12}, {"tag=x%20y&limit=1", "t25", 1, 13}, {"author=zoe", "t25", 5, 5}, {"author=zoe&tag=even", "t20", 2, 2},
        {"favorited=ada", "t10", 1, 1}, {"favorited=ada&author=ada", "(none)", 0, 0}, {"tag=even&author=zoe&favorited=ada", "t10", 1, 1},
        {"tag=%27%20OR%20%27%27=%27", "(none)", 0, 0}, {"author=", "t25", 20, 25},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json = EXPECT(200, "GET", text("/articles?%s", lists[i].query), NULL, NULL);
        cr_assert_eq(json_array_size(conduit_at(json, "articles")), (size_t)lists[i].count, "%s", lists[i].query);
        expect_number(json, "articlesCount", lists[i].total);
        expect_text(json, "articles.0.slug", lists[i].first);
    }
    json = EXPECT(200, "GET", "/articles?favorited=ada", token, NULL);
    expect_number(json, "articles.0.favorited", 1);
    expect_number(json, "articles.0.favoritesCount", 1);
    REFUSED(422, "query parameter 'limit' must be an integer from 1 to 9223372036854775807", "GET", "/articles?limit=0", NULL, NULL);
    REFUSED(422, "query parameter 'offset' must be an integer from 0 to 9223372036854775807", "GET", "/articles?offset=-1", NULL, NULL);
    REFUSED(422, "tag is not text in UTF-8", "GET", "/articles?tag=%ff", NULL, NULL);
    EXPECT(401, "GET", "/articles", "x", NULL);
}

static void GetArticlesFeed(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe"), *third = conduit_member(&server, "eve");
    conduit_article(&server, other, "one", "[]");
    conduit_article(&server, third, "two", "[]");
    conduit_article(&server, other, "three", "[]");
    expect_number(EXPECT(200, "GET", "/articles/feed", token, NULL), "articlesCount", 0);
    EXPECT(200, "POST", "/profiles/zoe/follow", token, NULL);
    json_t *json = EXPECT(200, "GET", "/articles/feed", token, NULL);
    expect_number(json, "articlesCount", 2);
    expect_text(json, "articles.0.slug", "three");
    expect_number(json, "articles.0.author.following", 1);
    json = EXPECT(200, "GET", "/articles/feed?limit=1&offset=1", token, NULL);
    expect_text(json, "articles.0.slug", "one");
    expect_number(json, "articlesCount", 2);
    REFUSED(422, "query parameter 'limit' must be an integer from 1 to 9223372036854775807", "GET", "/articles/feed?limit=x", token, NULL);
    expect_only_members("GET", "/articles/feed", NULL);
}

static void CreateArticleFavorite(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[]");
    for (int i = 0; i < 2; i++) {
        json_t *json = EXPECT(200, "POST", "/articles/one/favorite", token, NULL);
        expect_number(json, "article.favorited", 1);
        expect_number(json, "article.favoritesCount", 1);
    }
    expect_number(EXPECT(200, "POST", "/articles/one/favorite", other, NULL), "article.favoritesCount", 2);
    REFUSED(404, "there is no such article", "POST", "/articles/none/favorite", token, NULL);
    expect_only_members("POST", "/articles/one/favorite", NULL);
}

static void DeleteArticleFavorite(void)
{
    const char *token = conduit_member(&server, "ada");
    conduit_article(&server, token, "one", "[]");
    EXPECT(200, "POST", "/articles/one/favorite", token, NULL);
    for (int i = 0; i < 2; i++) {
        json_t *json = EXPECT(200, "DELETE", "/articles/one/favorite", token, NULL);
        expect_number(json, "article.favorited", 0);
        expect_number(json, "article.favoritesCount", 0);
    }
    REFUSED(404, "there is no such article", "DELETE", "/articles/none/favorite", token, NULL);
    expect_only_members("DELETE", "/articles/one/favorite", NULL);
}

static void CreateArticleComment(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[]");
    json_t *json = EXPECT(200, "POST", "/articles/one/comments", other, "{\"comment\":{\"body\":\"well said\"}}");
    expect_text(json, "comment.body", "well said");
    expect_text(json, "comment.author.username", "zoe");
    REFUSED(422, "body can't be blank", "POST", "/articles/one/comments", other, "{\"comment\":{}}");
    REFUSED(404, "there is no such article", "POST", "/articles/none/comments", other, "{\"comment\":{\"body\":\"x\"}}");
    expect_only_members("POST", "/articles/one/comments", "{\"comment\":{\"body\":\"x\"}}");
}

static void GetArticleComments(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[]");
    conduit_article(&server, token, "two", "[]");
    EXPECT(200, "POST", "/articles/one/comments", token, "{\"comment\":{\"body\":\"first\"}}");
    EXPECT(200, "POST", "/articles/one/comments", other, "{\"comment\":{\"body\":\"second\"}}");
    EXPECT(200, "POST", "/profiles/zoe/follow", token, NULL);
    json_t *json = EXPECT(200, "GET", "/articles/one/comments", token, NULL);
    cr_assert_eq(json_array_size(conduit_at(json, "comments")), 2);
    expect_text(json, "comments.0.body", "second");
    expect_number(json, "comments.0.author.following", 1);
    expect_number(EXPECT(200, "GET", "/articles/one/comments", NULL, NULL), "comments.0.author.following", 0);
    cr_assert_eq(json_array_size(conduit_at(EXPECT(200, "GET", "/articles/two/comments", NULL, NULL), "comments")), 0);
    EXPECT(401, "GET", "/articles/one/comments", "x", NULL);
    REFUSED(404, "there is no such article", "GET", "/articles/none/comments", NULL, NULL);
}

static void DeleteArticleComment(void)
{
    const char *token = conduit_member(&server, "ada"), *other = conduit_member(&server, "zoe");
    conduit_article(&server, token, "one", "[]");
    conduit_article(&server, token, "two", "[]");
    int id = conduit_number(EXPECT(200, "POST", "/articles/one/comments", token, "{\"comment\":{\"body\":\"first\"}}"), "comment.id");
    REFUSED(403, "it is somebody else's comment", "DELETE", text("/articles/one/comments/%d", id), other, NULL);
    REFUSED(404, "there is no such comment", "DELETE", text("/articles/two/comments/%d", id), token, NULL);
    REFUSED(404, "there is no such comment", "DELETE", "/articles/one/comments/99999999999999999999", token, NULL);
    REFUSED(404, "there is no such comment", "DELETE", "/articles/one/comments/first", token, NULL);
    expect_only_members("DELETE", text("/articles/one/comments/%d", id), NULL);
    EXPECT(204, "DELETE", text("/articles/one/comments/%d", id), token, NULL);
    EXPECT(404, "DELETE", text("/articles/one/comments/%d", id), token, NULL);
}

static void GetTags(void)
{
    const char *token = conduit_member(&server, "ada");
    cr_assert_eq(json_array_size(conduit_at(EXPECT(200, "GET", "/tags", NULL, NULL), "tags")), 0);
    conduit_article(&server, token, "one", "[\"rare\",\"often\"]");
    conduit_article(&server, token, "two", "[\"often\",\"\xc3\xa9t\xc3\xa9\"]");
    json_t *json = EXPECT(200, "GET", "/tags", NULL, NULL);
    cr_assert_eq(json_array_size(conduit_at(json, "tags")), 3);
    expect_text(json, "tags.0", "often");
}

static void serve(void)
{
    conduit_serve(&server, ON_SQLITE, NULL);
}

static void stop(void)
{
    if (server.pid > 0)
        server_stop(&server);
}

#define OPERATIONS(do)                                                                                                             \
    do(CreateUser) do(Login) do(GetCurrentUser) do(UpdateCurrentUser) do(GetProfileByUsername) do(FollowUserByUsername)           \
    do(UnfollowUserByUsername) do(CreateArticle) do(GetArticle) do(UpdateArticle) do(DeleteArticle) do(GetArticles)               \
    do(GetArticlesFeed) do(CreateArticleFavorite) do(DeleteArticleFavorite) do(CreateArticleComment) do(GetArticleComments)       \
    do(DeleteArticleComment) do(GetTags)

#define TEST(operation) Test(conduit, operation, .init = serve, .fini = stop) { operation(); }
OPERATIONS(TEST)

static void (*const operations[])(void) = {
#define LIST(operation) operation,
    OPERATIONS(LIST)
};

static void check_contract(void)
{
    struct run ran = run("python3", "tests/conduit/contract.py", "tests/conduit/openapi.yml", conduit_exchanges());
    if (ran.code == 77)
        cr_skip_test("%s", ran.err);
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
}

/* Each begins with a server whose database is new. */
Test(conduit, every_answer_is_as_the_specification_has_it)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        serve();
        operations[i]();
        server_stop(&server);
    }
    check_contract();
}

/* Here all are asked of one server, whose tables are emptied in between. */
Test(conduit, every_answer_on_postgresql_is_as_the_specification_has_it)
{
    conduit_serve(&server, ON_POSTGRES, NULL);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        cr_assert_eq(database_sql("TRUNCATE account RESTART IDENTITY CASCADE").code, 0);
        operations[i]();
    }
    server_stop(&server);
    database_stop();
    check_contract();
}

Test(conduit, its_own_configuration_is_good)
{
    if (!file_exists("build/conduit.so"))
        cr_skip_test("Conduit was not built, or not in build");
    struct run ran = run_tine("-t", "-c", "src/examples/conduit/conduit.ini");
    cr_assert_eq(ran.code, 0, "%s%s", ran.out, ran.err);
}

/* The file as it is shipped, but for the port, the database's place and that of conduit.so, which stands beside the binary under test. */
static void serve_as_shipped(void)
{
    const char *module = text("%s/../../conduit.so", modules_path());
    server_prepare(&server, "");
    if (!file_exists(module) || !file_exists("src/examples/conduit/conduit.ini"))
        cr_skip_test("Conduit was not built for want of a library, or this is not the top folder");
    chmod(server.dir, 0777); /* workers may be nobody, and make the file */
    const char *argv[] = {tine_path(), "-c", "src/examples/conduit/conduit.ini", "-o", "server.listen=127.0.0.1:0", "-o",
                          text("app:conduit.module=%s", module), "-o", text("app:conduit.file=%s/conduit.sqlite", server.dir), NULL};
    server_launch_by(&server, argv);
}

static struct response ask_as_page(const char *method, const char *path, const char *fields)
{
    return ask(&server, request(method, path, text("Origin: https://app.example\r\n%s", fields)));
}

/* A preflight by each method; then every kind of answer, so that a page is told what is wrong. */
Test(conduit, pages_of_other_origins_may_ask_as_shipped, .init = serve_as_shipped, .fini = stop)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const char *fields =
            text("Access-Control-Request-Method: %s\r\nAccess-Control-Request-Headers: authorization,content-type\r\n", methods[i]);
        struct response response = ask_as_page("OPTIONS", "/api/user", fields);
        expect_response(&response, 204, "");
        expect_field(&response, "Access-Control-Allow-Origin", "*");
        expect_field(&response, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
        expect_field(&response, "Access-Control-Allow-Headers", "Authorization, Content-Type");
        expect_field(&response, "Access-Control-Max-Age", "7200");
    }
    static const struct {
        int status;
        const char *method, *path, *fields;
    } answers[] = {
        {200, "GET", "/api/tags", ""}, {401, "GET", "/api/user", ""}, {401, "GET", "/api/articles", "Authorization: Token x\r\n"},
        {404, "GET", "/api/articles/none", ""}, {404, "GET", "/api/nothing", ""}, {405, "PUT", "/api/tags", ""},
        {422, "POST", "/api/users/login", ""}, {413, "POST", "/api/users", "Content-Length: 99999999\r\n"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct response response = ask_as_page(answers[i].method, answers[i].path, answers[i].fields);
        expect_response(&response, answers[i].status, NULL);
        expect_field(&response, "Access-Control-Allow-Origin", "*");
    }
}
