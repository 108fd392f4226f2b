/* SPDX-License-Identifier: Apache-2.0
 *
 * What a whole head says about the message around it: is there a body and where does it end, does
 * the connection stay (RFC 9112, sections 6, 3.2 and 9.3; RFC 9110, 10.1.1). Pure.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/head.h"

enum framing_body { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

struct framing {
    enum framing_body body;
    uint64_t length;      /* BODY_LENGTH: above 0 */
    bool keep_alive;      /* the client wants, and may have, another exchange */
    bool expect_continue; /* it waits for 100 (Continue) before it sends the body */
    int status;           /* when refused: 400, 417 or 501 */
    const char *reason;   /* static text for a person */
};

/* Returns 0, or -1 with status and reason set. Refuses: Content-Length with Transfer-Encoding, more
 * than one Content-Length or a list or anything but digits, overflow; Transfer-Encoding in HTTP/1.0
 * (400), one that does not end in or repeats chunked (400), any other coding (501); HTTP/1.1 without
 * Host; more than one Host; a Host that is not uri-host[:port]; an Expect other than 100-continue
 * (417). A Content-Length of 0 is BODY_NONE. */
int framing_decide(struct framing *framing, const struct head *head, const char *bytes);

#endif
