#include "core/index/arena.h"

#include <string.h>

#include <criterion/criterion.h>

Test(arena, serves_any_length)
{
    struct spr_arena arena = { 0 };

    for (size_t length = 0; length < 3000000; length = length * 3 + 1) {
        uint8_t *bytes = spr_arena_take(&arena, length);
        cr_assert_not_null(bytes);
        memset(bytes, 0xaa, length);
    }
    spr_arena_reset(&arena);

    cr_expect_not_null(spr_arena_take(&arena, 10));
    spr_arena_free(&arena);
}
