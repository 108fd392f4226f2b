/* SPDX-License-Identifier: Apache-2.0
 *
 * multipart/form-data (RFC 7578, RFC 2046), piece by piece: the caller shows what it has, drops what was consumed and shows the
 * rest again with more behind it. Wherever the body is cut, the events are the same, but for how data is split. Pure.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "base/slice.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
    MULTIPART_HEAD_MAX = 8192,   /* bytes of all fields of one part */
    MULTIPART_NAME_MAX = 256,    /* of fields and files, NUL included */
    /* Shown so many bytes, it either consumes some or has an event. */
    MULTIPART_WINDOW = MULTIPART_HEAD_MAX + 4
};

enum multipart_state { MULTIPART_PREAMBLE, MULTIPART_BEHIND, MULTIPART_FIELDS, MULTIPART_CONTENT, MULTIPART_DONE, MULTIPART_FAILED };

struct multipart {
    enum multipart_state state;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CRLF, "--", boundary */
    size_t length;                              /* of it */
    bool first;                                 /* of the body, or of a part's content, nothing was consumed yet */
    bool inside;                                /* a part has begun and not ended */
    const char *reason;                         /* after MULTIPART_BAD; static text for a person */
};

enum multipart_event {
    MULTIPART_MORE, /* nothing to tell until there are more bytes; if there are none, the body is cut off */
    MULTIPART_HEAD, /* a part begins: data are its field lines, each with CRLF */
    MULTIPART_DATA, /* some of its content */
    MULTIPART_TAIL, /* it ends */
    MULTIPART_END,  /* no more parts; what follows does not count */
    MULTIPART_BAD
};

/* Returns 0, or -1 for what is no boundary. */
int multipart_init(struct multipart *m, struct slice boundary);

/* Looks at bytes[0..length). *consumed of them are done with; data lies among them. */
enum multipart_event multipart_next(struct multipart *m, const char *bytes, size_t length, size_t *consumed, struct slice *data);

/* What the fields of a part say. */
struct multipart_part {
    char name[MULTIPART_NAME_MAX];
    char file[MULTIPART_NAME_MAX]; /* as it was sent */
    bool has_file;
    struct slice type;             /* in the fields; data is NULL when there is none */
};

/* Returns NULL, or what is wrong (static text). */
const char *multipart_read_fields(struct multipart_part *part, struct slice fields);

/* Makes a name that can be used in a folder: the last piece of a path of either kind, without control bytes, without what shells and
 * other systems take for something else (each becomes '_'), not hidden, UTF-8; "file" when nothing is left. 'out' holds
 * MULTIPART_NAME_MAX bytes. */
void multipart_safe_name(const char *sent, char *out);

#endif
