/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of Conduit have in common: its state in a worker, who asks, statements of the database that end in a status, and errors
 * as the specification has them. All of it runs in workers, one request at a time.
 */
#ifndef CONDUIT_H
#define CONDUIT_H

#include "database.h"

/* One for each [app:NAME] in each worker. */
struct conduit {
    struct database *database;
    char secret[129]; /* that tokens are signed with */
    int64_t token_lifetime; /* seconds */
    int password_cost;
};

struct conduit *conduit_of(tine_request *r);

/* Milliseconds since 1970, and as ISO 8601 has them. */
int64_t time_now(void);
const char *time_text(tine_request *r, int64_t ms);

/* ---- Who asks (viewer.c) ------------------------------------------------------------------------- */

struct account {
    int64_t id; /* 0: nobody */
    const char *username, *email, *bio, *image; /* only behind `member` */
};

/* Of the first row, whose columns begin with these. */
#define ACCOUNT_COLUMNS "id, username, email, bio, image"
struct account account_of(const struct rows *rows);

/* Filters of routes: one takes a token if there is one and refuses a bad one, the other needs one, of an account that is still there. */
extern const tine_filter reader, member;

/* Never NULL. Behind no filter a token that is bad counts as none. */
const struct account *viewer(tine_request *r);

/* 401, which has no body. */
int unauthorized(tine_request *r);

/* ---- Answers (answer.c) -------------------------------------------------------------------------- */

/* {"errors": {"body": [...]}}: the text, or a list of such, whose reference is taken. */
int refuse(tine_request *r, int status, const char *format, ...) TINE_PRINTF(3, 4);
int refuse_all(tine_request *r, int status, json_t *reasons);

/* 0 after DONE, else the status of the answer that was built: 503, 500, and 422 for what is taken. */
int database_status(tine_request *r, enum outcome outcome);

/* A statement that only reads: 0, or the status of the answer. */
int ask(tine_request *r, struct rows **rows, const char *sql, size_t count, const struct value *values);

/* The same where a row must be: 404 says that there is no such `what`. */
int ask_one(tine_request *r, struct rows **rows, const char *what, const char *sql, size_t count, const struct value *values);

/* One that writes, in a transaction of its own. */
enum outcome write_row(tine_request *r, struct rows **rows, const char *sql, size_t count, const struct value *values);

/* ---- Input (input.c) ----------------------------------------------------------------------------- */

/* {"user": {...}} and the like, taken apart: what is wrong with it is gathered, and told at once. */
struct input {
    tine_request *r;
    const char *name;
    json_t *object;  /* NULL: there is none */
    json_t *reasons; /* what is wrong; given back by input_status() */
    bool has_any;    /* of the texts that were asked for */
};

enum presence { OPTIONAL, REQUIRED };

void input_open(struct input *input, tine_request *r, const char *name);

/* A text of 1 to `most` bytes. NULL: it is not there, or wrong. */
const char *input_text(struct input *input, const char *name, enum presence presence, size_t most);

/* The same, but it may be empty; null is empty, too. */
const char *input_any_text(struct input *input, const char *name, enum presence presence, size_t most);

/* An array of such texts without those that stand there twice: a new reference. NULL: it is wrong. */
json_t *input_texts(struct input *input, const char *name, size_t most_texts, size_t most);

void input_wrong(struct input *input, const char *format, ...) TINE_PRINTF(2, 3);

/* What is there to be changed must have one of the texts, at least. */
void input_need_any(struct input *input);

/* 0, or 422 with the reasons. */
int input_status(struct input *input);

/* A part of the path or of the query, as text that the database takes; NULL, which is in no row, when it is not there, empty, or no
 * UTF-8. */
const char *input_param(tine_request *r, const char *name);
const char *input_query(tine_request *r, const char *name);

/* ---- Tokens and passwords ------------------------------------------------------------------------ */

const char *token_make(tine_request *r, int64_t account);

/* The account it was made for; 0 if it is forged or has expired. */
int64_t token_account(const struct conduit *conduit, const char *token);

enum { PASSWORD_HASH_SIZE = 384 };
bool password_hash(const char *password, int cost, char hash[PASSWORD_HASH_SIZE]);

/* `hash` NULL takes as long, and matches nothing. */
bool password_matches(const char *password, int cost, const char *hash);

/* ---- Parts of answers ---------------------------------------------------------------------------- */

/* Of a row whose columns from `column` on are username, bio, image, following. */
json_t *profile_json(const struct rows *rows, size_t row, size_t column);

/* The i-th slug to try for a title: all but the first end in something random. */
const char *slug_make(tine_request *r, const char *title, int i);

/* Of the article with that slug: its id and its author's; 0, or the status of the answer, which is 404 when there is none. */
int article_find(tine_request *r, const char *slug, int64_t *id, int64_t *author);

/* ---- Operations ---------------------------------------------------------------------------------- */

tine_handler login, create_user, get_current_user, update_current_user;
tine_handler get_profile, follow_user, unfollow_user;
tine_handler get_articles, get_articles_feed;
tine_handler create_article, get_article, update_article, delete_article, create_favorite, delete_favorite;
tine_handler create_comment, get_comments, delete_comment;
tine_handler get_tags;

#endif
