/* SPDX-License-Identifier: Apache-2.0
 *
 * What proxies say of the hops before them: Forwarded (RFC 7239), and X-Forwarded-For and -Proto, which nobody has written down.
 * Whether they are to be believed is the caller's business. Pure.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/slice.h"

#include <netinet/in.h>

enum forwarded_scheme { FORWARDED_UNSAID, FORWARDED_HTTP, FORWARDED_HTTPS };

/* Who made a request to a proxy, and by which scheme. */
struct forwarded_hop {
    bool has_address; /* else it is "unknown", hidden, or nothing that can be read */
    struct in6_addr address; /* IPv4 mapped */
    enum forwarded_scheme scheme;
};

enum forwarded_verdict { FORWARDED_HOP, FORWARDED_END, FORWARDED_BAD };

/* Takes the next element off the value of one Forwarded field. Bad is what does not follow the grammar, a parameter given twice in an
 * element included: where an element ends cannot be told then. Extensions are passed over. */
enum forwarded_verdict forwarded_next(struct slice *rest, struct forwarded_hop *hop);

/* Takes the next element off X-Forwarded-For or -Proto. Every comma parts two, whatever stands before it: with quotes heeded, a
 * client's lone '"' would swallow what its proxy adds. Empty elements are passed over. Returns false at the end. */
bool forwarded_element_next(struct slice *rest, struct slice *element);

/* The same for the hops of X-Forwarded-For. An element may have a port: "192.0.2.1:80", "[2001:db8::1]:80". Returns false at the end. */
bool forwarded_for_next(struct slice *rest, struct forwarded_hop *hop);

/* "https", "http", in any case, or anything else. */
enum forwarded_scheme forwarded_scheme(struct slice text);

#endif
