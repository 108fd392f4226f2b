/* SPDX-License-Identifier: Apache-2.0
 *
 * A module compiled against a tine.h whose routes have grown.
 */
#define NEWER_ROUTES
#pragma GCC diagnostic ignored "-Woverride-init"
#include "newer_calls.c"
