/* SPDX-License-Identifier: Apache-2.0
 *
 * bearer: lets in who brings a token that is known here (RFC 6750, in the field Authorization alone: a query gets into logs). Runs in a
 * worker.
 * Needs: libcrypto
 *
 *     [filter:tokens]
 *     module = bearer
 *     token.ada = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * Only SHA-256 of a token is ever written down; of one that is random (`openssl rand -hex 32`) that says nothing. It is compared with
 * every one that there is, each to its last byte, whether an earlier one was right or not.
 */
#include "common/authorization.h"
#include "common/roster.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_MAX = 1000, EACH_MAX = 4 /* of one name: the old one, the new one, and some who were forgotten */ };

struct token {
    const char *user;
    unsigned char hash[SHA256_DIGEST_LENGTH];
};

struct bearer {
    struct roster file;
    bool has_file;
    size_t own_count, count; /* those of settings come first */
    struct token *tokens;    /* room for all, those of the file too */
};

static int digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static bool parse_hash(const char *text, unsigned char hash[SHA256_DIGEST_LENGTH])
{
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        int high = digit(text[2 * i]), low = high >= 0 ? digit(text[2 * i + 1]) : -1;

        if (low < 0)
            return false;
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* The tokens of one name, with commas between them, for there are two while one takes the other's place. How many; 0: they are not as they
 * should be. */
static size_t parse_tokens(const char *user, const char *value, struct token tokens[EACH_MAX])
{
    for (size_t count = 0; count < EACH_MAX; value++) {
        value += strspn(value, " \t");
        tokens[count].user = user;
        if (!parse_hash(value, tokens[count++].hash))
            return 0;
        value += 2 * SHA256_DIGEST_LENGTH;
        value += strspn(value, " \t");
        if (*value != ',')
            return *value == '\0' ? count : 0;
    }
    return 0;
}

#define NOT_A_HASH "is no SHA-256 in 64 hex digits, as `sha256sum` writes it, nor up to 4 of them with commas between"

static const char *check_token(const char *name, const char *value)
{
    struct token tokens[EACH_MAX];

    return parse_tokens(name, value, tokens) > 0 ? NULL : "what stands behind the name " NOT_A_HASH;
}

/* All tokens anew, of the settings and of the file. The user's name lives as long as the settings, or until the next refresh. */
static bool gather(struct bearer *bearer)
{
    struct token *tokens = realloc(bearer->tokens, (bearer->own_count + (bearer->file.count + 1) * EACH_MAX) * sizeof *tokens);

    if (tokens == NULL)
        return false;
    bearer->tokens = tokens;
    bearer->count = bearer->own_count;
    for (size_t i = 0; i < bearer->file.count; i++)
        bearer->count += parse_tokens(bearer->file.entries[i].name, bearer->file.entries[i].value, &tokens[bearer->count]);
    return true;
}

static int reject_own(tine_app *app, const char *user)
{
    char setting[256];

    snprintf(setting, sizeof setting, "token.%s", user);
    return tine_reject(app, setting, "it " NOT_A_HASH);
}

static int take_own(tine_app *app, struct bearer *bearer)
{
    const char *user, *value;

    bearer->tokens = calloc(OWN_MAX + EACH_MAX, sizeof *bearer->tokens);
    if (bearer->tokens == NULL)
        return tine_reject(app, NULL, "out of memory");
    for (size_t i = 0; tine_setting_each(app, "token.*", i, &user, &value, NULL) == 0; i++) {
        size_t count = parse_tokens(user, value, &bearer->tokens[bearer->own_count]);

        if (count == 0)
            return reject_own(app, user);
        bearer->own_count += count;
        if (bearer->own_count > OWN_MAX)
            return tine_reject(app, NULL, "has more than %d tokens: put them into a file", OWN_MAX);
    }
    return 0;
}

static int load(tine_app *app)
{
    struct bearer *bearer = calloc(1, sizeof *bearer);
    char reason[ROSTER_REASON_MAX];

    if (bearer == NULL)
        return tine_reject(app, NULL, "out of memory");
    tine_set_data(app, bearer);
    if (authorization_check(app) != 0 || take_own(app, bearer) != 0)
        return -1;
    bearer->has_file = *tine_setting(app, "file") != '\0';
    if (!bearer->has_file && bearer->own_count == 0)
        return tine_reject(app, NULL, "nobody could come in: it has neither file nor token.NAME");
    if (bearer->has_file && roster_open(&bearer->file, tine_setting(app, "file"), check_token, reason) != 0)
        return tine_reject(app, "file", "%s", reason);
    return gather(bearer) ? 0 : tine_reject(app, NULL, "out of memory");
}

static void worker_exit(tine_app *app)
{
    struct bearer *bearer = tine_data(app);

    if (bearer->has_file)
        roster_close(&bearer->file);
    free(bearer->tokens);
    free(bearer);
    tine_set_data(app, NULL);
}

/* Whose token it is; NULL: nobody's. */
static const char *find(const struct bearer *bearer, const char *text)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const char *user = NULL;

    SHA256((const unsigned char *)text, strlen(text), hash);
    for (size_t i = 0; i < bearer->count; i++)
        user = CRYPTO_memcmp(hash, bearer->tokens[i].hash, sizeof hash) == 0 ? bearer->tokens[i].user : user;
    return user;
}

static int before(tine_request *r, tine_app *self)
{
    struct bearer *bearer = tine_data(self);
    const char *text = authorization_credentials(r, "Bearer"), *user;

    if (text == NULL && tine_setting_number(self, "optional"))
        return 0;
    if (text == NULL)
        return authorization_challenge(r, self, "Bearer", "", "a token is needed");
    if (bearer->has_file && roster_refresh(&bearer->file) && !gather(bearer))
        return 503;
    user = find(bearer, text);
    if (user == NULL)
        return authorization_challenge(r, self, "Bearer", ", error=\"invalid_token\"", "the token is not known here");
    return tine_set_attribute(r, "user", tine_printf(r, "%s", user)) == 0 ? 0 : 500;
}

static const tine_filter bearer_filter = TINE_FILTER("bearer", .before = before, .early = before);

TINE_MODULE(.filters = TINE_FILTERS(&bearer_filter),
            .settings =
                (const tine_option[]){
                    {"token.*", TINE_SECRET, NULL, "token.NAME = SHA-256 of NAME's token, in hex"},
                    {"file", TINE_PATH, "", "more of them, as lines NAME:SHA-256; read again when it changes"},
                    AUTHORIZATION_SETTINGS,
                    {0},
                },
            .load = load, .worker_exit = worker_exit)
