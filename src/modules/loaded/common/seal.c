/* SPDX-License-Identifier: Apache-2.0
 *
 * See seal.h.
 * Needs: libcrypto
 */
#include "seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

int seal_load(struct seal *seal, tine_app *app)
{
    const char *list = tine_setting(app, "keys");

    for (seal->count = 0; *(list += strspn(list, ", ")) != '\0'; seal->count++) {
        size_t length = strcspn(list, ", ");

        if (seal->count == SEAL_KEYS_MAX)
            return tine_reject(app, "keys", "has more than %d", SEAL_KEYS_MAX);
        if (length < SEAL_KEY_MIN)
            return tine_reject(app, "keys", "number %zu has %zu characters, and needs %d or more: openssl rand -hex 32", seal->count + 1,
                               length, SEAL_KEY_MIN);
        seal->keys[seal->count].text = list;
        seal->keys[seal->count].length = length;
        list += length;
    }
    return seal->count > 0 ? 0 : tine_reject(app, "keys", "has none: openssl rand -hex 32 makes one");
}

/* The purpose picks a key of its own, derived from the secret: so no text that is signed for one can be taken for another's. */
void seal_mac(const struct seal *seal, size_t key, const char *purpose, const char *data, size_t length, unsigned char mac[SEAL_MAC])
{
    unsigned char derived[SEAL_MAC];
    unsigned size = SEAL_MAC;

    if (HMAC(EVP_sha256(), seal->keys[key].text, (int)seal->keys[key].length, (const unsigned char *)purpose, strlen(purpose), derived,
             &size) == NULL ||
        HMAC(EVP_sha256(), derived, SEAL_MAC, (const unsigned char *)data, length, mac, &size) == NULL)
        abort(); /* no memory: what is left would be known */
    OPENSSL_cleanse(derived, sizeof derived);
}

void seal_sign(const struct seal *seal, const char *purpose, const char *data, size_t length, char text[SEAL_TEXT + 1])
{
    unsigned char mac[SEAL_MAC];

    seal_mac(seal, 0, purpose, data, length, mac);
    seal_to_text(mac, SEAL_MAC, text);
}

/* Texts are compared, so that there is one only for each MAC. */
int seal_check(const struct seal *seal, const char *purpose, const char *data, size_t length, const char *text, size_t text_length)
{
    unsigned char mac[SEAL_MAC];
    char right[SEAL_TEXT + 1];

    for (size_t i = 0; i < seal->count && text_length == SEAL_TEXT; i++) {
        seal_mac(seal, i, purpose, data, length, mac);
        seal_to_text(mac, SEAL_MAC, right);
        if (CRYPTO_memcmp(right, text, SEAL_TEXT) == 0)
            return (int)i;
    }
    return -1;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void seal_to_text(const void *data, size_t length, char *text)
{
    const unsigned char *bytes = data;
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            *text++ = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *text++ = digits[bits << (6 - held) & 63];
    *text = '\0';
}

long seal_from_text(const char *text, size_t text_length, unsigned char *data)
{
    unsigned bits = 0, held = 0;
    long length = 0;

    for (size_t i = 0; i < text_length; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

        if (digit == NULL)
            return -1;
        bits = bits << 6 | (unsigned)(digit - digits);
        held += 6;
        if (held >= 8) {
            held -= 8;
            data[length++] = (unsigned char)(bits >> held);
        }
    }
    return held < 6 && (bits & ((1U << held) - 1)) == 0 ? length : -1;
}

void seal_random(void *bytes, size_t length)
{
    if (RAND_bytes(bytes, (int)length) != 1)
        abort();
}

const char *seal_cookie_name(tine_request *r, const char *name)
{
    return strcmp(tine_scheme(r), "https") == 0 ? tine_printf(r, "__Host-%s", name) : name;
}

int seal_check_cookie(tine_app *app, const char *setting)
{
    const char *name = tine_setting(app, setting);
    size_t length = strlen(name);

    if (length == 0 || length > 64 || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != length)
        return tine_reject(app, setting, "must be 1 to 64 letters, digits, '_' and '-', not '%s'", name);
    return *name == '_' ? tine_reject(app, setting, "may not begin with '_': on https \"__Host-\" is put in front of it") : 0;
}
