/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters: lists of them, made once when the apps are loaded, and their way around a handler. Runs in workers, lists also in
 * the child that checks a configuration. A request without filters has a NULL list and pays nothing.
 */
#ifndef APP_FILTERS_H
#define APP_FILTERS_H

#include "tine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTERS_MAX = 32 }; /* around one handler */

struct filter {
    tine_filter code;
    struct tine_app *self;
};

struct filters { /* outermost first */
    const struct filters *next; /* in the list of all */
    size_t count;
    uint32_t scoped; /* a bit for each that does not run around every request */
    uint32_t early;  /* and for each that has something to say before the body is there */
    struct filter all[];
};

/* Which of a response's parts module code may still change. */
enum filters_phase {
    FILTERS_BUILD,  /* all: befores and the handler run */
    FILTERS_EARLY,  /* what can be undone: nothing is sent, and there is no body */
    FILTERS_AFTER,  /* no more tine_write() */
    FILTERS_STREAM, /* afters of a response whose head goes out now: fields only */
    FILTERS_DONE    /* nothing */
};

/* 'outer' with 'inner' in it. Either may be NULL; NULL when both are, or when there would be too many (*too_many). */
const struct filters *filters_join(const struct filters *outer, const struct filters *inner, bool *too_many);

/* The list that a module gives, NULL if it is empty. */
const struct filters *filters_of_module(const tine_filter *const *list, struct tine_app *self, bool *too_many);

/* A bit for each filter of the request that does not run around it. */
uint32_t filters_skipped(const tine_request *r);

/* The befores. Returns 0 when all let it pass, or what the one that answered returned. */
int filters_before(tine_request *r);

/* The afters, once, of those that let it pass. With 'stream' the response's head is about to go out. */
void filters_after(tine_request *r, bool stream);

/* What was deferred so far, the last first. */
void filters_run_deferred(tine_request *r);

/* Ends the request for module code: dones, then what was deferred. */
void filters_done(tine_request *r);

#endif
