/* SPDX-License-Identifier: Apache-2.0
 *
 * Field names: the ones that the server knows, found by length and then by letters, and the pairs
 * that must not meet in one head.
 */
#include "http/names.h"

/* 'known' is in lower case and has letters and '-' only: or-ing 0x20 to a byte of a token cannot
 * make it equal to one of those unless it is that letter. */
static inline bool is_name(const char *name, const char *known, size_t length)
{
    size_t i = 0;
    for (; i + sizeof(uint32_t) <= length; i += sizeof(uint32_t)) {
        uint32_t word, expected;
        memcpy(&word, name + i, sizeof word);
        memcpy(&expected, known + i, sizeof expected);
        if ((word | UINT32_C(0x20202020)) != expected)
            return false;
    }
    for (; i < length; i++)
        if ((name[i] | 0x20) != known[i])
            return false;
    return true;
}

enum head_known names_find(const char *name, size_t length)
{
#define KNOWN(literal, known)                        \
    if (is_name(name, literal, sizeof(literal) - 1)) \
        return known
    switch (length) {
    case 4: KNOWN("host", HEAD_HOST); break;
    case 5: KNOWN("range", HEAD_RANGE); break;
    case 6:
        KNOWN("accept", HEAD_ACCEPT);
        KNOWN("expect", HEAD_EXPECT);
        break;
    case 7: KNOWN("referer", HEAD_REFERER); break;
    case 8:
        KNOWN("if-range", HEAD_IF_RANGE);
        KNOWN("if-match", HEAD_IF_MATCH);
        break;
    case 10:
        KNOWN("connection", HEAD_CONNECTION);
        KNOWN("user-agent", HEAD_USER_AGENT);
        break;
    case 12:
        KNOWN("content-type", HEAD_CONTENT_TYPE);
        KNOWN("x-request-id", HEAD_X_REQUEST_ID);
        break;
    case 13: KNOWN("if-none-match", HEAD_IF_NONE_MATCH); break;
    case 14: KNOWN("content-length", HEAD_CONTENT_LENGTH); break;
    case 15: KNOWN("accept-encoding", HEAD_ACCEPT_ENCODING); break;
    case 17:
        KNOWN("if-modified-since", HEAD_IF_MODIFIED_SINCE);
        KNOWN("transfer-encoding", HEAD_TRANSFER_ENCODING);
        break;
    case 19: KNOWN("if-unmodified-since", HEAD_IF_UNMODIFIED_SINCE); break;
    }
#undef KNOWN
    return HEAD_OTHER;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* Equal but for case and for '-' against '_', of which there is at least one? */
static bool differ_in_dashes_only(const char *a, const char *b, size_t length)
{
    bool dashes = false;
    for (size_t i = 0; i < length; i++) {
        if ((a[i] == '-' && b[i] == '_') || (a[i] == '_' && b[i] == '-'))
            dashes = true;
        else if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return dashes;
}

bool names_collide(const struct head *head, const char *bytes)
{
    for (uint32_t i = 0; i < head->count; i++) {
        const struct head_field *a = &head->fields[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct head_field *b = &head->fields[j];
            if (a->name_length == b->name_length &&
                differ_in_dashes_only(bytes + a->name, bytes + b->name, a->name_length))
                return true;
        }
    }
    return false;
}
