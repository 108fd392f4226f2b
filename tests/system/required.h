/* SPDX-License-Identifier: Apache-2.0
 *
 * What is only built where its libraries are: a test that needs it is skipped where it is not.
 */
#ifndef SYSTEM_REQUIRED_H
#define SYSTEM_REQUIRED_H

void require_module(const char *name); /* one that comes with tine */
void require_conduit(void);

#endif
