/* SPDX-License-Identifier: Apache-2.0
 *
 * See required.h.
 */
#include "required.h"

#include "harness.h"

#include <criterion/criterion.h>

void require_module(const char *name)
{
    if (!file_exists(text("%s/../../modules/%s.so", modules_path(), name)))
        cr_skip_test("%s was not built: scripts/setup test installs what it needs", name);
}

void require_conduit(void)
{
    if (!file_exists(text("%s/../../conduit.so", modules_path())))
        cr_skip_test("Conduit was not built for want of a library: scripts/setup test installs them");
}
