#include "core/scan/builders.h"
#include "core/scan/run.h"
#include "tests/support/toy_format.h"

#include <stdatomic.h>

#include <criterion/criterion.h>

struct scene {
    struct spr_run run;
    struct spr_manifest manifest;
    struct spr_run_builder *taken;
    atomic_bool has_taken;
};

static void set_up(struct scene *scene, uint32_t count)
{
    scene->run.manifest = &scene->manifest;
    scene->run.detected.format = &toy_format;
    scene->run.memory_limit = 64 << 20;
    cr_assert_eq(spr_builders_init(&scene->run.builders, count), 0);
}

static void *take_one(void *user)
{
    struct scene *scene = user;
    cr_assert_eq(spr_builders_take(&scene->run, NULL, &scene->taken), 0);
    atomic_store(&scene->has_taken, true);
    return NULL;
}

Test(builders, lends_again_the_one_a_worker_had)
{
    struct scene scene = { 0 };
    set_up(&scene, 2);
    struct spr_run_builder *first;
    struct spr_run_builder *second;
    struct spr_run_builder *again;
    cr_assert_eq(spr_builders_take(&scene.run, NULL, &first), 0);
    cr_assert_eq(spr_builders_take(&scene.run, NULL, &second), 0);
    spr_builders_give(&scene.run, first);
    spr_builders_give(&scene.run, second);

    cr_assert_eq(spr_builders_take(&scene.run, second, &again), 0);

    cr_expect_neq(first, second);
    cr_expect_eq(again, second);
    spr_builders_give(&scene.run, again);
    spr_builders_done(&scene.run.builders);
}

Test(builders, lets_a_worker_wait_until_one_is_given_back)
{
    struct scene scene = { 0 };
    set_up(&scene, 1);
    struct spr_run_builder *only;
    cr_assert_eq(spr_builders_take(&scene.run, NULL, &only), 0);
    pthread_t other;
    cr_assert_eq(pthread_create(&other, NULL, take_one, &scene), 0);

    const bool was_early = atomic_load(&scene.has_taken);
    spr_builders_give(&scene.run, only);
    cr_assert_eq(pthread_join(other, NULL), 0);

    cr_expect_not(was_early);
    cr_expect_eq(scene.taken, only);
    spr_builders_give(&scene.run, scene.taken);
    spr_builders_done(&scene.run.builders);
}

Test(builders, makes_everybody_flush_early_once)
{
    struct scene scene = { 0 };
    set_up(&scene, 1);
    struct spr_run_builder *only;
    cr_assert_eq(spr_builders_take(&scene.run, NULL, &only), 0);
    cr_expect_not(spr_builder_is_due(&scene.run, only));
    atomic_store(&scene.run.early_flush, 1);

    cr_expect(spr_builder_is_due(&scene.run, only));

    cr_expect_not(spr_builder_is_due(&scene.run, only));
    spr_builders_give(&scene.run, only);
    spr_builders_done(&scene.run.builders);
}
