/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoded paths, by brute force: whatever goes in, what comes out is safe, is in normal form, and
 * stands for one path only.
 */
#include "http/uri.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECES_MAX = 12, PATH_MAX_LENGTH = PIECES_MAX * 6 + 2 };

static unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

static size_t make_path(uint64_t *state, char *path)
{
    static const char *const pieces[] = {"/",   "/",   "/",   ".",   "..",  "%2e", "%2E", "%2f", "%2F", "%25", "%32", "%46",
                                         "%35", "2F",  "2f",  "25",  "2",   "F",   "5",   "a",   "%41", "%00", "%",   "\xff"};
    unsigned count = next_random(state) % PIECES_MAX;
    size_t length = (size_t)sprintf(path, "/");
    while (count-- > 0) {
        unsigned piece = next_random(state) % (sizeof pieces / sizeof *pieces);
        if (piece >= 21 && next_random(state) % 8 != 0) /* mostly valid */
            piece = 0;
        length += (size_t)sprintf(path + length, "%s", pieces[piece]);
    }
    return length;
}

static void expect_safe(const char *decoded, long length, const char *path)
{
    cr_expect_eq((size_t)length, strlen(decoded), "%s: NUL inside", path);
    cr_expect_eq(decoded[0], '/', "%s: %s", path, decoded);
    cr_expect(strstr(decoded, "/./") == NULL && strstr(decoded, "/../") == NULL, "%s: %s", path, decoded);
    cr_expect(length < 2 || strcmp(decoded + length - 2, "/.") != 0, "%s: %s", path, decoded);
    cr_expect(length < 3 || strcmp(decoded + length - 3, "/..") != 0, "%s: %s", path, decoded);
    cr_expect(strstr(decoded, "%2f") == NULL, "%s: %s", path, decoded);
}

/* Encodes each segment as a client would that was given its text: all of it, slashes too. */
static void encode(const char *decoded, char *path)
{
    while (*decoded != '\0') {
        size_t length = strcspn(decoded + 1, "/");
        char *segment = malloc(length + 1);
        memcpy(segment, decoded + 1, length);
        size_t text_length = path_segment_decode(segment, length);
        *path++ = '/';
        for (size_t i = 0; i < text_length; i++)
            path += sprintf(path, "%%%02X", (unsigned char)segment[i]);
        free(segment);
        decoded += length + 1;
    }
    *path = '\0';
}

Test(uri, decoded_paths_are_safe_and_stand_for_one_path_only)
{
    char path[PATH_MAX_LENGTH], decoded[PATH_MAX_LENGTH], again[PATH_MAX_LENGTH * 3];
    char encoded[PATH_MAX_LENGTH * 3];
    uint64_t state = 1;
    unsigned taken = 0, slashes = 0;

    for (int round = 0; round < 100000; round++) {
        size_t path_length = make_path(&state, path);
        long length = path_decode((struct slice){path, path_length}, decoded);
        if (length < 0)
            continue;
        expect_safe(decoded, length, path);
        encode(decoded, encoded);
        cr_expect_eq(path_decode(slice_from(encoded), again), length, "%s: %s", path, encoded);
        cr_expect_str_eq(again, decoded, "%s: %s", path, encoded);
        taken++;
        slashes += strstr(decoded, "%252F") != NULL;
    }
    cr_expect(taken > 10000 && slashes > 500, "%u taken, %u with an escaped slash", taken, slashes);
}

Test(uri, no_bytes_are_too_strange_for_any_decoder)
{
    uint64_t state = 2;

    for (int round = 0; round < 50000; round++) {
        size_t length = next_random(&state) % 24;
        char *bytes = malloc(length > 0 ? length : 1), *out = malloc(length + 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = "/%2.fF05?&=+[]:@\0\xff"[next_random(&state) % 18];
        struct slice text = {bytes, length}, rest = text, name, value;
        struct target target;

        long decoded = path_decode(text, out);
        if (decoded >= 0)
            expect_safe(out, decoded, out);
        decoded = query_decode(text, out);
        cr_expect(decoded < (long)length + 1);
        if (target_parse(&target, text, SLICE("GET")) == 0)
            cr_expect_eq(target.path.data[0], '/');
        while (query_next(&rest, &name, &value))
            cr_expect_leq(name.length + value.length, length);
        authority_is_valid(text);
        cr_expect_leq(path_segment_decode(bytes, length), length);
        free(bytes);
        free(out);
    }
}
