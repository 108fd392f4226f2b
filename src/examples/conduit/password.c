/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords are kept as yescrypt makes them: each with a salt of its own, and slow and large to compute on purpose.
 */
#include "conduit.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

/* 32 KB, too much for a stack; the worker computes one at a time. */
static struct crypt_data work;

static bool compute(const char *password, const char *setting, char hash[PASSWORD_HASH_SIZE])
{
    const char *made = crypt_rn(password, setting, &work, sizeof work);
    if (made != NULL)
        snprintf(hash, PASSWORD_HASH_SIZE, "%s", made);
    explicit_bzero(&work, sizeof work);
    return made != NULL;
}

bool password_hash(const char *password, int cost, char hash[PASSWORD_HASH_SIZE])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    return crypt_gensalt_rn("$y$", (unsigned long)cost, NULL, 0, setting, sizeof setting) != NULL && compute(password, setting, hash);
}

/* Takes as long for two texts of the same length wherever they differ. */
static bool same(const char *one, const char *other)
{
    unsigned char difference = 0;
    size_t length = strlen(one);
    if (strlen(other) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(one[i] ^ other[i]);
    return difference == 0;
}

bool password_matches(const char *password, int cost, const char *hash)
{
    char made[PASSWORD_HASH_SIZE];
    if (hash == NULL) {
        password_hash(password, cost, made);
        return false;
    }
    return compute(password, hash, made) && same(made, hash);
}
