/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunked coding: a state for every place where the bytes may be split. Data is handed out in
 * runs; the lines around it are read byte by byte, and strictly: a lone CR or LF, a space where the
 * grammar has none and a missing CRLF behind the data are how requests are smuggled (RFC 9112, 7.1
 * and 11.2). Extensions mean nothing here and trailers are dropped; both are checked and counted.
 */
#include "http/chunked.h"

#include "base/hex.h"
#include "http/fields.h"

enum state {
    SIZE,
    SIZE_LF,
    EXTENSION_SPACE, /* BWS that only ';' may follow */
    EXTENSION_START, /* behind ';' */
    EXTENSION_NAME,
    EXTENSION_NAME_SPACE, /* BWS that '=' or ';' must follow */
    EXTENSION_VALUE_START,
    EXTENSION_VALUE,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPED, /* behind a backslash in quotes */
    EXTENSION_QUOTED_END,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    FINAL_LF,
    WHOLE,
    BROKEN
};

enum { SIZE_DIGITS = 16 };

void chunked_init(struct chunked *chunked, const struct chunked_limits *limits)
{
    *chunked = (struct chunked){.state = SIZE, .limits = *limits};
}

/* Returns the state to go on in, as all functions below do. */
static int broken(struct chunked *chunked, const char *reason)
{
    chunked->status = 400;
    chunked->reason = reason;
    return BROKEN;
}

static int too_large(struct chunked *chunked, const char *reason)
{
    chunked->status = 431;
    chunked->reason = reason;
    return BROKEN;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_token(char byte)
{
    return field_token_bytes[(unsigned char)byte] != 0;
}

static bool is_value(char byte)
{
    return field_value_bytes[(unsigned char)byte] != 0;
}

static int expect(struct chunked *chunked, char byte, char expected, int next, const char *reason)
{
    return byte == expected ? next : broken(chunked, reason);
}

/* Behind an extension, or the size, that may end here: CRLF or the next extension. BWS is read over
 * (RFC 9112, 7.1.1), but only in front of a ';': "5 CRLF" is not in the grammar. */
static int after_extension(struct chunked *chunked, char byte, const char *reason)
{
    if (byte == '\r')
        return SIZE_LF;
    if (byte == ';')
        return EXTENSION_START;
    return is_space(byte) ? EXTENSION_SPACE : broken(chunked, reason);
}

static int read_size(struct chunked *chunked, char byte)
{
    int digit = hex_value(byte);

    if (digit < 0 && chunked->digits == 0)
        return broken(chunked, "no chunk size");
    if (digit < 0)
        return after_extension(chunked, byte, "garbage behind a chunk size");
    if (++chunked->digits > SIZE_DIGITS)
        return broken(chunked, "a chunk size has too many digits");
    chunked->left = chunked->left << 4 | (unsigned)digit;
    return SIZE;
}

static int read_extension(struct chunked *chunked, char byte)
{
    static const char reason[] = "a malformed chunk extension";

    switch ((enum state)chunked->state) {
    case EXTENSION_SPACE:
        return is_space(byte) ? EXTENSION_SPACE : expect(chunked, byte, ';', EXTENSION_START, reason);
    case EXTENSION_START:
        if (is_space(byte))
            return EXTENSION_START;
        return is_token(byte) ? EXTENSION_NAME : broken(chunked, reason);
    case EXTENSION_NAME:
        if (is_token(byte))
            return EXTENSION_NAME;
        if (is_space(byte))
            return EXTENSION_NAME_SPACE;
        return byte == '=' ? EXTENSION_VALUE_START : after_extension(chunked, byte, reason);
    case EXTENSION_NAME_SPACE:
        if (is_space(byte))
            return EXTENSION_NAME_SPACE;
        return byte == '=' ? EXTENSION_VALUE_START : expect(chunked, byte, ';', EXTENSION_START, reason);
    case EXTENSION_VALUE_START:
        if (is_space(byte))
            return EXTENSION_VALUE_START;
        if (byte == '"')
            return EXTENSION_QUOTED;
        return is_token(byte) ? EXTENSION_VALUE : broken(chunked, reason);
    case EXTENSION_VALUE:
        return is_token(byte) ? EXTENSION_VALUE : after_extension(chunked, byte, reason);
    case EXTENSION_QUOTED:
        if (byte == '"')
            return EXTENSION_QUOTED_END;
        if (byte == '\\')
            return EXTENSION_ESCAPED;
        return is_value(byte) ? EXTENSION_QUOTED : broken(chunked, reason);
    case EXTENSION_ESCAPED:
        return is_value(byte) ? EXTENSION_QUOTED : broken(chunked, reason);
    default: /* EXTENSION_QUOTED_END */
        return after_extension(chunked, byte, reason);
    }
}

/* Trailer lines are field lines (RFC 9112, 7.1.2 and 5): a folded one begins with white space, which
 * no name does. */
static int read_trailer(struct chunked *chunked, char byte)
{
    static const char reason[] = "a malformed trailer line";

    switch ((enum state)chunked->state) {
    case TRAILER_START:
        if (byte == '\r')
            return FINAL_LF;
        return is_token(byte) ? TRAILER_NAME : broken(chunked, reason);
    case TRAILER_NAME:
        return is_token(byte) ? TRAILER_NAME : expect(chunked, byte, ':', TRAILER_VALUE, reason);
    case TRAILER_VALUE:
        return is_value(byte) ? TRAILER_VALUE : expect(chunked, byte, '\r', TRAILER_LF, reason);
    case TRAILER_LF:
        return expect(chunked, byte, '\n', TRAILER_START, "a bare CR in the trailers");
    default: /* FINAL_LF */
        return expect(chunked, byte, '\n', WHOLE, "a bare CR in the trailers");
    }
}

/* The line end that a size without extension has too costs nothing. */
static int count_extension(struct chunked *chunked, int next)
{
    if (next != SIZE_LF && next != BROKEN && ++chunked->extensions > chunked->limits.extensions)
        return broken(chunked, "the chunk extensions are too long");
    return next;
}

/* As the lines of a head are counted (head.c); the empty line is none. */
static int count_trailer(struct chunked *chunked, int next)
{
    if (next == FINAL_LF || next == WHOLE || next == BROKEN)
        return next;
    if (chunked->state == TRAILER_START) {
        chunked->line = 0;
        if (++chunked->count > chunked->limits.count)
            return too_large(chunked, "too many trailer fields");
    }
    if (++chunked->trailers > chunked->limits.total)
        return too_large(chunked, "the trailer fields are too long together");
    if (next != TRAILER_LF && next != TRAILER_START && ++chunked->line > chunked->limits.field)
        return too_large(chunked, "a trailer field is too long");
    return next;
}

static int read_byte(struct chunked *chunked, char byte)
{
    switch ((enum state)chunked->state) {
    case SIZE: return read_size(chunked, byte);
    case SIZE_LF:
        return expect(chunked, byte, '\n', chunked->left > 0 ? DATA : TRAILER_START,
                      "a bare CR behind a chunk size");
    case DATA_CR: return expect(chunked, byte, '\r', DATA_LF, "no CRLF behind the data of a chunk");
    case DATA_LF:
        chunked->digits = 0;
        return expect(chunked, byte, '\n', SIZE, "no CRLF behind the data of a chunk");
    default: break;
    }
    if (chunked->state < DATA)
        return count_extension(chunked, read_extension(chunked, byte));
    return count_trailer(chunked, read_trailer(chunked, byte));
}

/* All of the bytes that belong to the current chunk. */
static void take_data(struct chunked *chunked, const char *bytes, size_t length, struct slice *data)
{
    *data = (struct slice){bytes, chunked->left < length ? (size_t)chunked->left : length};
    chunked->left -= data->length;
    if (chunked->left == 0)
        chunked->state = DATA_CR;
}

enum chunked_verdict chunked_decode(struct chunked *chunked, const char *bytes, size_t length,
                                    size_t *consumed, struct slice *data)
{
    size_t at = 0;

    *data = (struct slice){NULL, 0};
    while (at < length && chunked->state < WHOLE && chunked->state != DATA)
        chunked->state = read_byte(chunked, bytes[at++]);
    if (at < length && chunked->state == DATA) {
        take_data(chunked, bytes + at, length - at, data);
        at += data->length;
    }
    *consumed = at;
    if (data->length > 0)
        return CHUNKED_DATA;
    if (chunked->state == BROKEN)
        return CHUNKED_BAD;
    return chunked->state == WHOLE ? CHUNKED_END : CHUNKED_MORE;
}

uint64_t chunked_announced(const struct chunked *chunked)
{
    return chunked->state == DATA ? chunked->left : 0;
}
