/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes and their reason phrases (RFC 9110, section 15, and the IANA registry). Pure.
 */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

/* The registered phrase, or "" for a code that has none. */
const char *status_reason(int status);

#endif
