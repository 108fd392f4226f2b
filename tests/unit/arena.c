/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

Test(arena, memory_is_aligned_and_apart)
{
    struct arena arena;
    char *pieces[300];
    arena_init(&arena);
    for (size_t i = 0; i < 300; i++) {
        pieces[i] = arena_alloc(&arena, i * 7);
        cr_assert_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * 7; k++)
            cr_assert_eq((unsigned char)pieces[i][k], i & 255);
    arena_release(&arena);
}

Test(arena, the_first_block_serves_again_after_a_reset)
{
    struct arena arena;
    arena_init(&arena);
    arena_reset(&arena);
    char *first = arena_alloc(&arena, 100);
    arena_alloc(&arena, 100000);
    arena_reset(&arena);
    cr_expect_eq(arena_alloc(&arena, 100), first);
    arena_release(&arena);
}

Test(arena, rewound_it_is_as_it_was_then)
{
    struct arena arena, then;
    arena_init(&arena);
    then = arena;
    arena_alloc(&arena, 100000);
    arena_rewind(&arena, &then);
    cr_expect_null(arena.first);
    for (int round = 0; round < 3; round++) { /* in the first block, in the second, and in one of its own */
        char *kept = memset(arena_alloc(&arena, 3000), 'k', 3000), *next;
        then = arena;
        next = arena_alloc(&arena, 500);
        for (int i = 0; i < 10; i++)
            arena_alloc(&arena, 5000);
        arena_rewind(&arena, &then);
        cr_expect_eq(arena_alloc(&arena, 500), next);
        cr_expect(kept[0] == 'k' && kept[2999] == 'k');
        arena_alloc(&arena, 100000);
    }
    arena_release(&arena);
}

static char *format(struct arena *arena, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    char *result = arena_format_va(arena, text, arguments);
    va_end(arguments);
    return result;
}

Test(arena, copies_and_formats_text)
{
    struct arena arena;
    arena_init(&arena);
    cr_expect_str_eq(arena_copy(&arena, "hello", 4), "hell");
    cr_expect_str_eq(arena_copy(&arena, NULL, 0), "");
    cr_expect_str_eq(format(&arena, "%d-%s", 7, "x"), "7-x");
    arena_release(&arena);
}

#ifndef __SANITIZE_ADDRESS__ /* it would report the size before the heap refuses it */
Test(arena, an_impossible_size_ends_the_process, .signal = SIGABRT)
{
    struct arena arena;
    arena_init(&arena);
    arena_alloc(&arena, SIZE_MAX - 3);
}
#endif
