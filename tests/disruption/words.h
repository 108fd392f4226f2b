/* SPDX-License-Identifier: Apache-2.0
 *
 * What visitors say, and what they are to hear. 'token' is that of the plan: NULL, and they ask the ledger.
 */
#ifndef DISRUPTION_WORDS_H
#define DISRUPTION_WORDS_H

#include "crowd.h"

enum { WORDS_MAX = 100000 + 4096 }; /* of a visitor's requests at once: at most one of them has a body of 100 KB */

/* Writes the request of this number. Returns how long it is. */
size_t words_ask(char *to, uint32_t number, enum habit habit, const char *token);

/* Does this one ask for the end of its connection? */
bool words_ask_close(uint32_t number, enum habit habit);

struct answer {
    size_t length;
    bool closes;     /* says that it is the last */
    bool succeeds;   /* has the status that it should have */
    bool is_its_own; /* has the content of that number */
};

/* Takes the answer to this number apart; 'in' is a string. False: it is not whole yet. */
bool words_hear(struct answer *answer, char *in, size_t length, uint32_t number, const char *token);

#endif
