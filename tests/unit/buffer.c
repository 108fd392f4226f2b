/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void cr_bytes(const struct buffer *buffer, const char *wanted)
{
    cr_expect(buffer_length(buffer) == strlen(wanted) && memcmp(buffer_bytes(buffer), wanted, strlen(wanted)) == 0,
              "got '%.*s', wanted '%s'", (int)buffer_length(buffer), buffer_bytes(buffer), wanted);
}

Test(buffer, gives_back_what_was_appended)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append(&buffer, "hello", 5);
    buffer_append(&buffer, NULL, 0);
    buffer_append_text(&buffer, ", ");
    buffer_format(&buffer, "%s%d", "world", 7);
    cr_bytes(&buffer, "hello, world7");
    buffer_release(&buffer);
}

Test(buffer, formats_more_than_there_was_room_for)
{
    struct buffer buffer = BUFFER_EMPTY;
    char text[5001];
    memset(text, 'x', 5000);
    text[5000] = 0;
    buffer_format(&buffer, "%s|%s", text, text);
    cr_expect_eq(buffer_length(&buffer), 10001);
    cr_expect_eq(buffer_bytes(&buffer)[5000], '|');
    buffer_release(&buffer);
}

Test(buffer, consuming_all_starts_at_the_front_again)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_append(&buffer, "abcdef", 6);
    buffer_consume(&buffer, 2);
    cr_bytes(&buffer, "cdef");
    buffer_consume(&buffer, 4);
    cr_expect_eq(buffer.start, 0);
    cr_expect_eq(buffer_length(&buffer), 0);
    buffer_release(&buffer);
}

Test(buffer, room_at_the_front_is_used_before_the_heap)
{
    struct buffer buffer = BUFFER_EMPTY;
    memset(buffer_reserve(&buffer, 200), 'a', 200);
    buffer.end += 200;
    size_t capacity = buffer.capacity;
    buffer_consume(&buffer, 190);
    buffer_reserve(&buffer, capacity - 10);
    cr_expect_eq(buffer.capacity, capacity);
    cr_bytes(&buffer, "aaaaaaaaaa");
    buffer_release(&buffer);
}

Test(buffer, agrees_with_a_plain_array)
{
    static char model[1 << 20];
    size_t start = 0, end = 0;
    struct buffer buffer = BUFFER_EMPTY;
    srandom(3);
    while (end < sizeof model - 1000) {
        size_t length = (size_t)(random() % 1000);
        for (size_t i = 0; i < length; i++)
            model[end + i] = (char)random();
        buffer_append(&buffer, model + end, length);
        end += length;
        size_t taken = (size_t)random() % (end - start + 1);
        buffer_consume(&buffer, taken);
        start += taken;
        cr_assert_eq(buffer_length(&buffer), end - start);
        cr_assert(memcmp(buffer_bytes(&buffer), model + start, end - start) == 0 || end == start);
    }
    buffer_release(&buffer);
}

Test(buffer, clearing_keeps_only_little_memory)
{
    struct buffer buffer = BUFFER_EMPTY;
    buffer_reserve(&buffer, 100000);
    buffer_clear(&buffer, 65536);
    cr_expect_null(buffer.data);
    buffer_append(&buffer, "x", 1);
    buffer_clear(&buffer, 65536);
    cr_expect_not_null(buffer.data);
    cr_expect_eq(buffer_length(&buffer), 0);
    buffer_release(&buffer);
}
