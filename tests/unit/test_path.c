#include "formats/cursor.h"
#include "formats/path.h"

#include <string.h>

#include <criterion/criterion.h>

Test(path, joins_components_with_one_slash)
{
    struct spr_path path = { .length = 0 };

    cr_assert(spr_path_add(&path, spr_text_of("")));
    cr_assert(spr_path_add(&path, spr_text_of("deferred")));
    cr_assert(spr_path_add(&path, spr_text_of("0")));

    cr_expect_str_eq(path.text, "deferred/0");
    cr_expect_eq(path.length, 10);
}

Test(path, stays_as_it_is_when_a_component_does_not_fit)
{
    char longest[SPR_PATH_MAX + 1];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[SPR_PATH_MAX] = '\0';
    struct spr_path path = { .length = 0 };

    cr_assert(spr_path_add(&path, spr_text_of(longest)));
    cr_expect_eq(path.length, SPR_PATH_MAX);
    cr_expect_not(spr_path_add(&path, spr_text_of("y")));
    cr_expect_str_eq(path.text, longest);
}

Test(path, takes_no_nul)
{
    struct spr_path path = { .length = 0 };

    cr_expect_not(spr_path_add(&path, (struct spr_text){ (const uint8_t *)"a\0b", 3 }));
    cr_expect_eq(path.length, 0);
}
