/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what is kept by key, wherever it is: on servers with tests/modules/keep.c.
 */
#ifndef SYSTEM_KEEP_H
#define SYSTEM_KEEP_H

#include "server.h"

#define KEEP_WORKERS(n) "[server]\nlisten = 127.0.0.1:0\nworkers = " n "\nworkers_max = " n "\n[log]\naccess = off\n"
#define KEEP_APP_AT(name, path, store) "[app:" name "]\npath = " path "\nmodule = @MODULES@/keep.so\nstore = " store "\n"
#define KEEP_APP(name, store) KEEP_APP_AT(name, "/", store)

char *keep_post(const char *path, const char *body, size_t length);
int keep_ask(const struct server *of, const char *path, const char *body); /* POST; the status */

void keep_expect_values(const struct server *of);
void keep_expect_long_keys(const struct server *of);
void keep_expect_lengths(const struct server *of);
void keep_expect_takes(const struct server *of);

/* How many tokens of a bucket so many clients get who ask the servers in turn. */
int keep_take_at_once(const struct server *const *servers, int count, int clients, int requests, int burst);

#endif
