/* SPDX-License-Identifier: Apache-2.0
 *
 * See escape.h.
 */
#include "base/escape.h"

#include "base/copy.h"

#include <stdint.h>

/* Length of the UTF-8 sequence at 'p' (RFC 3629: shortest form, no surrogates, up to U+10FFFF); 0: none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t length = *p < 0x80 ? 1 : *p >= 0xc2 && *p <= 0xdf ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p <= 0xf4 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
               (*p == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : length;
}

static void append_json_byte(struct buffer *out, unsigned char byte)
{
    switch (byte) {
    case '"':
        buffer_append_text(out, "\\\"");
        break;
    case '\\':
        buffer_append_text(out, "\\\\");
        break;
    case '\n':
        buffer_append_text(out, "\\n");
        break;
    case '\t':
        buffer_append_text(out, "\\t");
        break;
    default:
        if (byte < 0x20 || byte == 0x7f)
            buffer_format(out, "\\u%04x", byte);
        else
            buffer_append(out, &byte, 1);
    }
}

void escape_json(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.length;) {
        const unsigned char *p = (const unsigned char *)text.data + i;
        size_t length = utf8_length(p, text.length - i);
        if (length == 1)
            append_json_byte(out, *p);
        else if (length == 0)
            buffer_append_text(out, "\xef\xbf\xbd");
        else
            buffer_append(out, p, length);
        i += length > 0 ? length : 1;
    }
}

void escape_html(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char *entity = text.data[i] == '&'   ? "&amp;"
                             : text.data[i] == '<' ? "&lt;"
                             : text.data[i] == '>' ? "&gt;"
                             : text.data[i] == '"' ? "&quot;"
                             : text.data[i] == '\'' ? "&#39;"
                                                   : NULL;
        if (entity != NULL)
            buffer_append_text(out, entity);
        else
            buffer_append(out, text.data + i, 1);
    }
}

/* Visible ASCII and blanks, but for the quote and the backslash. */
static const bool plain_bytes[256] = {[' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Are all eight of them plain? A carry or borrow may only make it say no. */
static bool are_plain(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');
    uint64_t bad = (word - EACH_BYTE(' ')) | (word + EACH_BYTE(1)) | word; /* below the blank; DEL; above ASCII */
    return ((bad | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1))) & EACH_BYTE(0x80)) == 0;
}

/* As far as eight bytes in a row are plain, and the last few: a whole target or User-Agent, nearly always. */
static size_t copy_plain(char *out, const char *from, size_t most)
{
    uint64_t word;
    size_t done = 0;
    for (; most - done >= sizeof word; done += sizeof word) {
        memcpy(&word, from + done, sizeof word);
        if (!are_plain(word))
            return done;
        memcpy(out + done, &word, sizeof word);
    }
    word = EACH_BYTE(' ');
    copy_bytes((char *)&word, from + done, (most - done) % sizeof word); /* it is less: this is for the compiler */
    if (!are_plain(word))
        return done;
    copy_bytes(out + done, from + done, most - done);
    return most;
}

bool escape_is_plain(struct slice text)
{
    uint64_t word;
    for (; text.length >= sizeof word; text.data += sizeof word, text.length -= sizeof word) {
        memcpy(&word, text.data, sizeof word);
        if (!are_plain(word))
            return false;
    }
    word = EACH_BYTE(' ');
    copy_bytes((char *)&word, text.data, text.length % sizeof word); /* it is less: this is for the compiler */
    return are_plain(word);
}

size_t escape_log(char *out, size_t size, struct slice text)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = copy_plain(out, text.data, text.length < size ? text.length : size);
    for (size_t i = length; i < text.length && length < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (plain_bytes[byte]) {
            out[length++] = (char)byte;
            continue;
        }
        if (length + 4 > size)
            break;
        out[length++] = '\\';
        out[length++] = 'x';
        out[length++] = digits[byte >> 4];
        out[length++] = digits[byte & 15];
    }
    return length;
}
