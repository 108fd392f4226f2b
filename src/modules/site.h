/* SPDX-License-Identifier: Apache-2.0
 *
 * One app of static: its settings, checked, and what they say of a file. Runs in a worker; site_check() also wherever a
 * configuration is tested.
 */
#ifndef MODULES_SITE_H
#define MODULES_SITE_H

#include "beneath.h"
#include "file_cache.h"

#include <time.h>

struct site {
    tine_app *app;
    struct beneath root;
    struct file_cache *cache;
    const char *index;    /* "": none */
    const char *fallback; /* of `try`, without its slash; "": none */
    bool listing, precompressed, gzip;
    time_t told;          /* when pressure was logged last, on the monotonic clock */
    time_t page_told;     /* and that an error page is missing */
};

/* Checks what the types of the settings do not say. 0, or -1 after tine_reject(). */
int site_check(tine_app *app);

/* Opens the root. NULL after tine_reject(). */
struct site *site_open(tine_app *app);
void site_close(struct site *site);

/* Fills in the file's type and cache_control, by its path and the settings. */
void site_describe(struct site *site, struct file *file);

/* The page for an error's status, below the root; NULL: none. */
const char *site_error_page(struct site *site, int status);

/* Is every segment of a path below the root one that clients may ask for? None is empty (but for a slash at the end), none
 * is hidden, but ".well-known" (RFC 8615). */
bool site_may_serve(const char *path);

/* Every few seconds at most: then `*told`, which begins with 0, is set to now. */
bool site_may_tell(time_t *told);

#endif
