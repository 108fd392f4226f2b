/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a Redis is: redis://[user:password@]host[:port][/db], rediss:// by TLS, unix:/path. Pure: text alone.
 */
#ifndef LOADED_COMMON_STORE_URL_H
#define LOADED_COMMON_STORE_URL_H

#include <stdbool.h>

enum {
    STORE_TEXT_SIZE = 256, /* of host, user and password, with a NUL */
    STORE_PATH_SIZE = 108,  /* of a socket, with a NUL: what Linux takes */
    STORE_DATABASE_MAX = 65535
};

struct store_url {
    bool tls, is_unix;
    char host[STORE_TEXT_SIZE]; /* or the socket's path; an IPv6 address without brackets */
    char port[8];
    char user[STORE_TEXT_SIZE], password[STORE_TEXT_SIZE]; /* "": none */
    int database;
};

/* NULL, or what is wrong with it, which never shows the password. */
const char *store_url_parse(const char *text, struct store_url *url);

#endif
