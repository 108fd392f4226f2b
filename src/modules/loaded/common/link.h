/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection of a worker to a store: by TCP, by TLS or by a Unix socket. Whatever is done with it is done by a deadline (monotonic ms),
 * however slowly the other side speaks and whatever signals come. One connection, one worker.
 */
#ifndef LOADED_COMMON_LINK_H
#define LOADED_COMMON_LINK_H

#include "lookup.h"
#include "store_url.h"

#include <openssl/ssl.h>
#include <stdint.h>

struct link {
    int fd;       /* -1: closed */
    SSL_CTX *tls; /* NULL: without */
    SSL *ssl;
    struct lookup lookup;
    char error[200]; /* why the last call failed */
};

enum link_result {
    LINK_OK,
    LINK_ENDED, /* the other side has closed or reset it */
    LINK_FAILED
};

int64_t link_clock(void);

/* Prepares TLS where the URL asks for it, with the certificates of 'ca' ("": those of the system). False with link->error. */
bool link_init(struct link *link, const struct store_url *url, const char *ca);
void link_release(struct link *link);

/* The host's name is looked up each time; that, too, is within the deadline. */
bool link_open(struct link *link, const struct store_url *url, int64_t deadline);
void link_close(struct link *link);

enum link_result link_write(struct link *link, const char *data, size_t length, int64_t deadline);

/* Reads at least one byte. */
enum link_result link_read(struct link *link, char *data, size_t size, size_t *length, int64_t deadline);

#endif
