/* SPDX-License-Identifier: Apache-2.0
 *
 * See utf8.h.
 */
#include "base/utf8.h"

static bool begin(struct utf8 *state, unsigned char byte)
{
    state->least = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80; /* below: overlong */
    state->most = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;  /* above: surrogates, too large */
    if (byte < 0x80)
        state->more = 0;
    else if (byte >= 0xc2 && byte <= 0xdf)
        state->more = 1;
    else if (byte >= 0xe0 && byte <= 0xef)
        state->more = 2;
    else if (byte >= 0xf0 && byte <= 0xf4)
        state->more = 3;
    else
        state->broken = true;
    return !state->broken;
}

bool utf8_step(struct utf8 *state, unsigned char byte)
{
    if (state->broken)
        return false;
    if (state->more == 0)
        return begin(state, byte);
    state->broken = byte < state->least || byte > state->most;
    state->more--;
    state->least = 0x80;
    state->most = 0xbf;
    return !state->broken;
}

bool utf8_is_valid(struct slice text)
{
    struct utf8 state = UTF8_START;
    for (size_t i = 0; i < text.length; i++)
        if (!utf8_step(&state, (unsigned char)text.data[i]))
            return false;
    return utf8_is_between(&state);
}

size_t utf8_character(const char *text)
{
    struct utf8 state = UTF8_START;
    size_t length = 0;
    if (text[0] == 0)
        return 0;
    do {
        if (!utf8_step(&state, (unsigned char)text[length++])) /* a NUL goes on with none */
            return 0;
    } while (!utf8_is_between(&state));
    return length;
}

void utf8_mend(char *text)
{
    while (*text != 0) {
        size_t length = utf8_character(text);
        if (length == 0)
            *text = '?';
        text += length > 0 ? length : 1;
    }
}
