/* SPDX-License-Identifier: Apache-2.0
 *
 * An article as it stands in answers: one alone, or one of a list.
 */
#ifndef CONDUIT_ARTICLES_H
#define CONDUIT_ARTICLES_H

#include "conduit.h"

/* What article_json() wants to have selected, of an article `a` and its author `u`, for the account $1. */
#define ARTICLE_COLUMNS                                                                             \
    "a.slug, a.title, a.description, a.tags, a.created, a.updated,"                                 \
    " EXISTS(SELECT 1 FROM favorite f WHERE f.article = a.id AND f.account = $1),"                  \
    " (SELECT count(*) FROM favorite f WHERE f.article = a.id),"                                    \
    " u.username, u.bio, u.image, EXISTS(SELECT 1 FROM follow w WHERE w.followed = a.author AND w.follower = $1)"
enum { ARTICLE_COLUMN_COUNT = 12 };

json_t *article_json(tine_request *r, const struct rows *rows, size_t row);

#endif
