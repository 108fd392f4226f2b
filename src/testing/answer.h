/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer as the functions of tine_test.h show it.
 */
#ifndef TESTING_ANSWER_H
#define TESTING_ANSWER_H

#include "tine_test.h"

#include "app/direct.h"

struct answer_field {
    const char *name, *value;
};

struct tine_answer {
    struct tine_answer *next; /* the one before it */
    struct direct_answer result;
    struct buffer head, body; /* the head in pieces: NULs end names and values */
    struct answer_field *fields;
    size_t field_count;
    json_t *json; /* the body, once it was asked for */
    bool json_known;
};

/* What direct_call() calls; 'context' is the answer. */
void answer_take_head(void *context, struct slice bytes);
void answer_take_body(void *context, struct slice bytes);

/* It is whole: takes the head apart. */
void answer_settle(struct tine_answer *answer);

void answer_free(struct tine_answer *answer);

#endif
