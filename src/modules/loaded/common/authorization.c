/* SPDX-License-Identifier: Apache-2.0
 *
 * See authorization.h.
 */
#include "authorization.h"

#include <string.h>

int authorization_check(tine_app *app)
{
    for (const char *byte = tine_setting(app, "realm"); *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 0x7f || *byte == '"' || *byte == '\\')
            return tine_reject(app, "realm", "may have no '\"', no '\\' and no control byte");
    return 0;
}

const char *authorization_credentials(tine_request *r, const char *scheme)
{
    const char *field = tine_header(r, "Authorization");
    size_t length = strlen(scheme);

    if (field == NULL || strncasecmp(field, scheme, length) != 0 || (field[length] != ' ' && field[length] != '\0'))
        return NULL;
    return field + length + strspn(field + length, " ");
}

/* A cache between may keep no answer that depends on who asks; that of a challenge it must not even for a moment. */
int authorization_challenge(tine_request *r, tine_app *self, const char *scheme, const char *more, const char *detail)
{
    tine_add_header(r, "WWW-Authenticate", tine_printf(r, "%s realm=\"%s\"%s", scheme, tine_setting(self, "realm"), more));
    tine_set_header(r, "Cache-Control", "no-store");
    return tine_problem(r, 401, "%s", detail);
}
