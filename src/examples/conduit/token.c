/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: JWT (RFC 7519) signed by HMAC-SHA256. They say which account they are for, and until when.
 */
#include "conduit.h"

#include <inttypes.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char *key_of(const struct conduit *conduit, int *length)
{
    *length = (int)strlen(conduit->secret);
    return (const unsigned char *)conduit->secret;
}

const char *token_make(tine_request *r, int64_t account)
{
    jwt_t *jwt = NULL;
    char *encoded = NULL;
    int length;
    const struct conduit *conduit = conduit_of(r);
    const unsigned char *key = key_of(conduit, &length);
    long now = (long)time(NULL);
    if (jwt_new(&jwt) == 0 && jwt_set_alg(jwt, JWT_ALG_HS256, key, length) == 0 &&
        jwt_add_grant(jwt, "sub", tine_printf(r, "%" PRId64, account)) == 0 && jwt_add_grant_int(jwt, "iat", now) == 0 &&
        jwt_add_grant_int(jwt, "exp", now + (long)conduit->token_lifetime) == 0)
        encoded = jwt_encode_str(jwt);
    if (encoded == NULL)
        abort(); /* without memory, as in tine_alloc() */
    char *token = tine_printf(r, "%s", encoded);
    free(encoded);
    jwt_free(jwt);
    return token;
}

/* libjwt 1.10 writes a byte into the no bytes that it has for a head or claims that are empty. */
static bool has_empty_part(const char *token)
{
    return token[0] == 0 || token[0] == '.' || strstr(token, "..") != NULL;
}

/* The algorithm is ours, whatever the token says: one that is not signed at all, say. */
int64_t token_account(const struct conduit *conduit, const char *token)
{
    jwt_t *jwt = NULL;
    int length;
    int64_t account = 0;
    const unsigned char *key = key_of(conduit, &length);
    if (has_empty_part(token) || jwt_decode(&jwt, token, key, length) != 0)
        return 0;
    const char *subject = jwt_get_grant(jwt, "sub");
    if (jwt_get_alg(jwt) == JWT_ALG_HS256 && subject != NULL && jwt_get_grant_int(jwt, "exp") > (long)time(NULL))
        account = strtoll(subject, NULL, 10);
    jwt_free(jwt);
    return account > 0 ? account : 0;
}
