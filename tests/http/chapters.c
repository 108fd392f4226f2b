/* SPDX-License-Identifier: Apache-2.0
 *
 * The chapters there are, in the order in which they are printed.
 */
#include "chapters.h"

const struct chapter chapters[] = {
    {"9112 2", "Message: lines, versions, white space", rfc9112_message, false},
    {"9112 3", "Request line, targets, Host", rfc9112_request_line, false},
    {"9112 4-5", "Status line, field lines", rfc9112_fields, false},
    {"9112 6", "Message body: its length", rfc9112_body, false},
    {"9112 7", "Transfer codings: chunked", rfc9112_chunked, false},
    {"9112 8-9", "Incomplete messages, connections", rfc9112_connections, false},
    {"9112 11", "Smuggling", smuggling, false},
    {"9110 2-6", "Versions, fields, dates, messages", rfc9110_messages, false},
    {"9110 7-8", "Routing, representations", rfc9110_routing, false},
    {"9110 9", "Methods", rfc9110_methods, false},
    {"9110 10", "Expect and other context", rfc9110_context, false},
    {"9110 11-12", "Authentication, negotiation", rfc9110_negotiation, false},
    {"9110 13", "Conditional requests", rfc9110_conditionals, false},
    {"9110 14", "Ranges", rfc9110_ranges, false},
    {"9110 15", "Status codes", rfc9110_status, false},
    {"9111", "Caching, where an origin is concerned", rfc9111_origin, false},
    {"9457", "Problem details", rfc9457_problems, false},
    {"6265", "Cookies", rfc6265_cookies, false},
    {.section = NULL},
};
