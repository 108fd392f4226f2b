/* SPDX-License-Identifier: Apache-2.0
 *
 * What filters share that let in by the field Authorization (RFC 9110, 11): its credentials, its challenge, the settings.
 */
#ifndef COMMON_AUTHORIZATION_H
#define COMMON_AUTHORIZATION_H

#include <tine.h>

#define AUTHORIZATION_SETTINGS                                                            \
    {"realm", TINE_TEXT, "restricted", "what it is that is restricted: browsers show it"}, \
    {"optional", TINE_SWITCH, "off", "let those in who bring nothing of this kind? Handlers look at the attribute \"user\" then"}

/* In load: 0, or -1 after tine_reject(). */
int authorization_check(tine_app *app);

/* What stands behind the name of the scheme ("Basic", case ignored) and blanks; NULL when the field is not there or of another one. */
const char *authorization_credentials(tine_request *r, const char *scheme);

/* 401 with that challenge, the realm, and what else it says (", charset=\"UTF-8\""). */
int authorization_challenge(tine_request *r, tine_app *self, const char *scheme, const char *more, const char *detail);

#endif
