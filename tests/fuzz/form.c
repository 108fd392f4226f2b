/* SPDX-License-Identifier: Apache-2.0
 *
 * A form: one that is fine decodes, pair by pair, to text in UTF-8 without NUL, and coded anew is fine again; of one that is not, what
 * stands before the place it names is fine. A value's parameters are looked for in the same bytes.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "http/form.h"
#include "http/parameters.h"
#include "http/uri.h"

static struct fuzz_bytes input;
static char decoded[FUZZ_MAX + 1], coded[3 * FUZZ_MAX + 3];

static void check_piece(struct slice piece)
{
    long length = query_decode(piece, decoded);
    FUZZ_CHECK(length >= 0 && (size_t)length == strlen(decoded));
    FUZZ_CHECK(utf8_is_valid(slice_from(decoded)));
    char *end = coded;
    size_t at;
    for (long i = 0; i < length; i++)
        end += sprintf(end, "%%%02x", (unsigned char)decoded[i]);
    FUZZ_CHECK(form_check((struct slice){coded, (size_t)(end - coded)}, &at) == FORM_FINE);
}

static void check_parameters(struct slice text)
{
    char small[8], large[FUZZ_MAX + 1];
    long few = parameter_find(text, SLICE("name"), small, sizeof small);
    long many = parameter_find(text, SLICE("name"), large, sizeof large);
    FUZZ_CHECK(many >= PARAMETER_BAD && many <= (long)text.length);
    FUZZ_CHECK(few == many || (few == PARAMETER_BAD && many >= (long)sizeof small));
    struct slice before = parameters_before(text);
    FUZZ_CHECK(before.length == 0 || memchr(before.data, ';', before.length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    struct slice text = {input.bytes, size}, rest = text, name, value;
    size_t at = 0, before;
    check_parameters(text);
    if (form_check(text, &at) != FORM_FINE) {
        FUZZ_CHECK(at < size);
        FUZZ_CHECK(form_check((struct slice){text.data, at}, &before) == FORM_FINE);
        return 0;
    }
    while (query_next(&rest, &name, &value)) {
        check_piece(name);
        check_piece(value);
    }
    return 0;
}
