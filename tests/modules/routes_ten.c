/* SPDX-License-Identifier: Apache-2.0
 *
 * The first ten of those routes alone.
 */
#define ONLY_TEN
#include "routes_thousand.c"
