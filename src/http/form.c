/* SPDX-License-Identifier: Apache-2.0
 *
 * See form.h.
 */
#include "http/form.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "http/uri.h"

static enum form_verdict check_piece(struct slice piece)
{
    struct utf8 state = UTF8_START;
    for (size_t i = 0; i < piece.length; i++) {
        unsigned char byte = (unsigned char)piece.data[i];
        if (byte <= ' ' || byte == 0x7f) /* UTF-8 that was not encoded is as good (WHATWG URL, 5.1) */
            return FORM_BROKEN;
        if (byte == '%') {
            int high = piece.length - i > 2 ? hex_value(piece.data[i + 1]) : -1, low = high < 0 ? -1 : hex_value(piece.data[i + 2]);
            if (low < 0)
                return FORM_BROKEN;
            byte = (unsigned char)(high << 4 | low);
            i += 2;
            if (byte == 0)
                return FORM_NUL;
        }
        if (!utf8_step(&state, byte))
            return FORM_NOT_TEXT;
    }
    return utf8_is_between(&state) ? FORM_FINE : FORM_NOT_TEXT;
}

enum form_verdict form_check(struct slice text, size_t *at)
{
    struct slice rest = text, name, value;
    while (query_next(&rest, &name, &value)) {
        enum form_verdict verdict = check_piece(name);
        if (verdict == FORM_FINE)
            verdict = check_piece(value);
        if (verdict != FORM_FINE) {
            *at = (size_t)(name.data - text.data);
            return verdict;
        }
    }
    return FORM_FINE;
}
