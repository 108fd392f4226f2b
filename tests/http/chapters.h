/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of each chapter; the files are called after the RFCs.
 */
#ifndef HTTP_CHAPTERS_H
#define HTTP_CHAPTERS_H

#include "table.h"

extern const struct rule rfc9112_message[], rfc9112_request_line[], rfc9112_fields[], rfc9112_body[], rfc9112_chunked[],
    rfc9112_connections[], smuggling[], rfc9110_messages[], rfc9110_routing[], rfc9110_methods[], rfc9110_context[],
    rfc9110_negotiation[], rfc9110_conditionals[], rfc9110_ranges[], rfc9110_status[], rfc9111_origin[], rfc9457_problems[],
    rfc6265_cookies[];

#endif
