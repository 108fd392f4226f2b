/* SPDX-License-Identifier: Apache-2.0
 *
 * version_a.c as a later release. Larger, so that a copy over a mapped file would hurt.
 */
#define VERSION "b"
#include "version_a.c"

__attribute__((used)) static char ballast[65536] = "b";
