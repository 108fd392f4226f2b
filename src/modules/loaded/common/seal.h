/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures of what clients keep for us: HMAC-SHA256 with one of several keys. The first one signs, and each is good for checking, so
 * that a new key can be put in front, and the old one taken away when nothing is about any more that it has signed.
 */
#ifndef COMMON_SEAL_H
#define COMMON_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <tine.h>

enum {
    SEAL_KEYS_MAX = 8,
    SEAL_KEY_MIN = 32, /* characters: of 32 hex digits that are random it is 128 bits */
    SEAL_MAC = 32,
    SEAL_TEXT = 43, /* the same in base64url */
    SEAL_PART_MAX = 256
};

struct seal {
    size_t count;
    struct {
        const char *text; /* the setting's own */
        size_t length;
    } keys[SEAL_KEYS_MAX];
};

#define SEAL_SETTING(fallback) \
    {"keys", TINE_SECRET, fallback, "secrets of 32 characters or more, with commas between them: the first signs, all are good " \
                                    "for checking"}

/* In load, from the setting `keys`: 0, or -1 after tine_reject(). */
int seal_load(struct seal *seal, tine_app *app);

/* HMAC of a purpose, which tells uses apart, and the data. */
void seal_mac(const struct seal *seal, size_t key, const char *purpose, const char *data, size_t length, unsigned char mac[SEAL_MAC]);

/* The same by the first key as text of SEAL_TEXT characters, with a NUL behind. */
void seal_sign(const struct seal *seal, const char *purpose, const char *data, size_t length, char text[SEAL_TEXT + 1]);

/* Number of the key that signed so, or -1. Takes as long wherever the first difference is. */
int seal_check(const struct seal *seal, const char *purpose, const char *data, size_t length, const char *text, size_t text_length);

/* Base64url without '=' (RFC 4648, 5). `text` has room for seal_text_length(length) + 1. */
#define seal_text_length(length) (((length) * 4 + 2) / 3)
void seal_to_text(const void *data, size_t length, char *text);

/* Back again: how many bytes, or -1 if it is none. `data` has room for text_length / 4 * 3 + 3. */
long seal_from_text(const char *text, size_t text_length, unsigned char *data);

/* Random bytes; without any the process ends, because nobody may be given a secret that can be guessed. */
void seal_random(void *bytes, size_t length);

/* "__Host-" in front of the name where the client came by https: then no other host and no http can have set it (RFC 6265bis, 4.1.3). */
const char *seal_cookie_name(tine_request *r, const char *name);

/* In load: may the setting be the name of a cookie? 0, or -1 after tine_reject(). */
int seal_check_cookie(tine_app *app, const char *setting);

#endif
