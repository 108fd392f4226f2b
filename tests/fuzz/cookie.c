/* SPDX-License-Identifier: Apache-2.0
 *
 * A Cookie field: names are tokens, values have no byte that could end them; they lie in the field, in its order, and are the same when
 * the field is written anew.
 */
#include "fuzz.h"

#include "http/cookie.h"
#include "http/fields.h"

static struct fuzz_bytes input;
static char anew[3 * FUZZ_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fuzz_copy(&input, data, size))
        return -1;
    struct slice rest = {input.bytes, size}, name, value, same_name, same_value;
    const char *behind = input.bytes;
    char *end = anew;
    while (cookie_next(&rest, &name, &value)) {
        FUZZ_CHECK(field_is_token(name) && name.data >= behind && value.data > name.data &&
                   value.data + value.length <= input.bytes + size);
        for (size_t i = 0; i < value.length; i++)
            FUZZ_CHECK((unsigned char)value.data[i] >= ' ' && value.data[i] != ';' && value.data[i] != '"' && value.data[i] != 0x7f);
        behind = value.data + value.length;
        end = mempcpy(end, name.data, name.length);
        end = mempcpy(end, "=\"", 2);
        end = mempcpy(end, value.data, value.length);
        end = mempcpy(end, "\";", 2);
    }
    FUZZ_CHECK(rest.length == 0);
    struct slice again = {anew, (size_t)(end - anew)};
    rest = (struct slice){input.bytes, size};
    while (cookie_next(&rest, &name, &value))
        FUZZ_CHECK(cookie_next(&again, &same_name, &same_value) && slice_equals(name, same_name) && slice_equals(value, same_value));
    FUZZ_CHECK(!cookie_next(&again, &same_name, &same_value));
    return 0;
}
