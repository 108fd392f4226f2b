/* SPDX-License-Identifier: Apache-2.0
 *
 * Conduit, the API of RealWorld, on tine: what there is to ask for, its settings, and what each worker begins and ends with.
 *
 *     build/tine -c src/examples/conduit/conduit.ini
 *     curl --json '{"user": {"username": "ada", "email": "ada@example.org", "password": "difference"}}' localhost:8000/api/users
 */
#include "conduit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const tine_option settings[] = {
    {"file", TINE_PATH, "conduit.sqlite", "the SQLite database; made if it is not there"},
    {"postgres", TINE_SECRET, "", "PostgreSQL instead, as libpq has it: host=... dbname=..., or postgresql://..."},
    {"secret", TINE_SECRET, "", "what tokens are signed with, 32 to 128 bytes; empty: one that is made once, and kept in the database"},
    {"token_lifetime", TINE_TIME, "30d", "how long a token is good for"},
    {"password_cost", TINE_INTEGER, "5", "of yescrypt, 1 to 11: each step doubles the time that a password takes"},
    {0},
};

struct conduit *conduit_of(tine_request *r)
{
    return tine_data(tine_request_app(r));
}

static int check(tine_app *app)
{
    size_t length = strlen(tine_setting(app, "secret"));
    int64_t cost = tine_setting_number(app, "password_cost");
    if (length != 0 && (length < 32 || length > 128))
        return tine_reject(app, "secret", "has %zu bytes, must have 32 to 128: openssl rand -hex 32 makes one", length);
    if (cost < 1 || cost > 11)
        return tine_reject(app, "password_cost", "must be 1 to 11");
    if (tine_setting_number(app, "token_lifetime") < 1000)
        return tine_reject(app, "token_lifetime", "must be a second or more");
    return 0;
}

/* All workers ask the database for it, and so all have that of the first. */
static enum outcome keep_secret(struct conduit *conduit)
{
    unsigned char bytes[32];
    char text[65];
    struct rows *rows = NULL;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    enum outcome outcome =
        database_run(conduit->database, NULL, NULL, "INSERT INTO kept VALUES('secret', $1) ON CONFLICT DO NOTHING", VALUES(TEXT(text)));
    if (outcome == DONE)
        outcome = database_run(conduit->database, NULL, &rows, "SELECT value FROM kept WHERE name = 'secret'", NO_VALUES);
    if (outcome == DONE)
        snprintf(conduit->secret, sizeof conduit->secret, "%s", rows_text(rows, 0, 0));
    rows_free(rows);
    return outcome;
}

static void stop(tine_app *app)
{
    struct conduit *conduit = tine_data(app);
    database_close(conduit->database);
    free(conduit);
}

static int start(tine_app *app)
{
    const char *postgres = tine_setting(app, "postgres"), *secret = tine_setting(app, "secret");
    struct conduit *conduit = calloc(1, sizeof *conduit);
    if (conduit == NULL)
        abort();
    tine_set_data(app, conduit);
    snprintf(conduit->secret, sizeof conduit->secret, "%s", secret);
    conduit->token_lifetime = tine_setting_number(app, "token_lifetime") / 1000;
    conduit->password_cost = (int)tine_setting_number(app, "password_cost");
    conduit->database = database_open(tine_setting(app, "file"), postgres);
    if (database_error(conduit->database)[0] == 0 && database_migrate(conduit->database) == DONE &&
        (secret[0] != 0 || keep_secret(conduit) == DONE))
        return 0;
    tine_reject(app, postgres[0] != 0 ? "postgres" : "file", "%s", database_error(conduit->database));
    stop(app);
    return -1;
}

static int health(tine_app *app)
{
    struct conduit *conduit = tine_data(app);
    if (database_run(conduit->database, NULL, NULL, "SELECT 1", NO_VALUES) == DONE)
        return 0;
    return tine_reject(app, NULL, "%s", database_error(conduit->database));
}

#define READER .filters = TINE_FILTERS(&reader)
#define MEMBER .filters = TINE_FILTERS(&member)

TINE_MODULE(.settings = settings, .load = check, .worker_init = start, .worker_exit = stop, .health = health,
            .routes = (const tine_route[]){
                TINE_POST("/users", create_user),
                TINE_POST("/users/login", login),
                TINE_GET("/user", get_current_user, MEMBER),
                TINE_PUT("/user", update_current_user, MEMBER),
                TINE_GET("/profiles/{username}", get_profile, READER),
                TINE_POST("/profiles/{username}/follow", follow_user, MEMBER),
                TINE_DELETE("/profiles/{username}/follow", unfollow_user, MEMBER),
                TINE_GET("/articles", get_articles, READER),
                TINE_POST("/articles", create_article, MEMBER),
                TINE_GET("/articles/feed", get_articles_feed, MEMBER),
                TINE_GET("/articles/{slug}", get_article),
                TINE_PUT("/articles/{slug}", update_article, MEMBER),
                TINE_DELETE("/articles/{slug}", delete_article, MEMBER),
                TINE_POST("/articles/{slug}/favorite", create_favorite, MEMBER),
                TINE_DELETE("/articles/{slug}/favorite", delete_favorite, MEMBER),
                TINE_GET("/articles/{slug}/comments", get_comments, READER),
                TINE_POST("/articles/{slug}/comments", create_comment, MEMBER),
                TINE_DELETE("/articles/{slug}/comments/{id}", delete_comment, MEMBER),
                TINE_GET("/tags", get_tags),
                {0},
            })
