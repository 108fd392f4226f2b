/* SPDX-License-Identifier: Apache-2.0
 *
 * A module whose mistakes show when its handlers have returned: it writes behind what it was given, or goes wrong where it gets its
 * content back.
 */
#include <tine.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 6000, BEHIND = 100, LARGE = 8000000 };

static char large[LARGE], gate[4096];

/* The size is more than the request has at hand, so that it is a piece of the heap by itself; who frees it finds the damage. Unseen by a
 * sanitizer, under which nothing happens then. */
__attribute__((no_sanitize("address"), noinline)) static void write_behind(volatile char *memory)
{
    for (size_t i = BLOCK; i < BLOCK + BEHIND; i++)
        memory[i] = 'x';
}

static int overrun(tine_request *r)
{
    write_behind(tine_alloc(r, BLOCK));
    return tine_text(r, 200, "overrun");
}

static void crash(void *owner)
{
    (void)owner;
    abort();
}

/* Until the test opens the gate. */
static void nap(void *owner)
{
    (void)owner;
    while (access(gate, F_OK) != 0)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static void hang(void *owner)
{
    (void)owner;
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

/* "large" does not go out at once, and so comes back later than the answer's head goes out. */
static int lend(tine_request *r)
{
    const char *how = tine_param(r, "how");
    bool is_large = strcmp(tine_param(r, "size"), "large") == 0;
    void (*release)(void *owner) = strcmp(how, "crash") == 0 ? crash : strcmp(how, "hang") == 0 ? hang : nap;
    snprintf(gate, sizeof gate, "%s/gate.nap.open", tine_setting(tine_request_app(r), "directory"));
    if (is_large)
        memset(large, 'l', sizeof large);
    return tine_send_content(r, TINE_CONTENT(.data = is_large ? large : "lent", .length = is_large ? LARGE : 4, .release = release));
}

static int lend_and_finish(tine_request *r)
{
    lend(r);
    return tine_finish(r);
}

TINE_MODULE(.routes = (const tine_route[]){TINE_GET("/overrun", overrun), TINE_GET("/lend/{size}/{how}", lend),
                                           TINE_GET("/finish/{size}/{how}", lend_and_finish), {0}},
            .settings = (const tine_option[]){{"directory", TINE_PATH, ".", "where the gate is opened"}, {0}})
