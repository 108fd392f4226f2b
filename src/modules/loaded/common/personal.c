/* SPDX-License-Identifier: Apache-2.0
 *
 * See personal.h.
 */
#include "personal.h"

#include <string.h>

static const char attribute[] = "personal";

void personal_mark(tine_request *r)
{
    tine_set_attribute(r, attribute, (void *)attribute);
}

bool personal_is_marked(tine_request *r)
{
    return tine_attribute(r, attribute) != NULL;
}

bool personal_is_said(tine_request *r)
{
    const char *control = tine_response_header(r, "Cache-Control");

    return control != NULL && (strcasestr(control, "no-store") != NULL || strcasestr(control, "private") != NULL);
}
