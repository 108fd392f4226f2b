/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of files as strangers send them, made harmless. Pure.
 */
#include "base/utf8.h"
#include "http/multipart.h"

static const char *last_piece(const char *path)
{
    const char *piece = path;
    for (const char *at = path; *at != 0; at++)
        if (*at == '/' || *at == '\\')
            piece = at + 1;
    return piece;
}

void multipart_safe_name(const char *sent, char *out)
{
    const char *from = last_piece(sent);
    size_t length = strlen(from);
    bool text = utf8_is_valid((struct slice){from, length});
    if (length >= MULTIPART_NAME_MAX)
        length = MULTIPART_NAME_MAX - 1;
    while (text && length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80) /* not in the midst of a character */
        length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)from[i];
        bool harmless = byte > 0x1f && byte != 0x7f && (byte < 0x80 || text) && strchr("<>:\"|?*$`;&'", byte) == NULL;
        out[i] = harmless ? (char)byte : '_';
    }
    if (length > 0 && (out[0] == '.' || out[0] == '-')) /* hidden, the folder itself, or an option to a command */
        out[0] = '_';
    out[length] = 0;
    if (length == 0)
        strcpy(out, "file");
}
