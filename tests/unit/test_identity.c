#include "core/index/identity.h"

#include <criterion/criterion.h>

static struct spr_text text(const char *word)
{
    return (struct spr_text){ (const uint8_t *)word, __builtin_strlen(word) };
}

Test(identity, stat_digest_sees_every_field)
{
    const struct spr_io_meta base = {
        .size = 1, .mtime_ns = 2, .ctime_ns = 3, .mode = 4, .links = 5
    };
    const uint32_t digest = spr_stat_digest(&base);
    struct spr_io_meta changed[5] = { base, base, base, base, base };
    changed[0].size++;
    changed[1].mtime_ns++;
    changed[2].ctime_ns++;
    changed[3].mode++;
    changed[4].links++;

    for (unsigned i = 0; i < 5; i++) {
        cr_expect_neq(spr_stat_digest(&changed[i]), digest, "field %u", i);
    }
    struct spr_io_meta read_only = base;
    read_only.atime_ns = 9;
    cr_expect_eq(spr_stat_digest(&read_only), digest, "access times say nothing");
}

Test(identity, set_digest_sees_names_and_roles)
{
    const struct spr_record_file two[] = { { 0, text("Qab.SMD") }, { 1, text("Dab.SMD") } };
    const struct spr_record_file renamed[] = { { 0, text("Qab.SMD") }, { 1, text("dab.SMD") } };
    const struct spr_record_file other_role[] = { { 0, text("Qab.SMD") }, { 2, text("Dab.SMD") } };

    cr_expect_neq(spr_set_digest(two, 2), spr_set_digest(two, 1));
    cr_expect_neq(spr_set_digest(two, 2), spr_set_digest(renamed, 2));
    cr_expect_neq(spr_set_digest(two, 2), spr_set_digest(other_role, 2));
}

Test(identity, digest_sees_device_inode_and_bytes)
{
    const uint64_t digest = spr_identity_digest_add(spr_identity_digest_begin(1, 2), text("id"));

    cr_expect_neq(spr_identity_digest_add(spr_identity_digest_begin(2, 2), text("id")), digest);
    cr_expect_neq(spr_identity_digest_add(spr_identity_digest_begin(1, 3), text("id")), digest);
    cr_expect_neq(spr_identity_digest_add(spr_identity_digest_begin(1, 2), text("ie")), digest);
    cr_expect_eq(spr_identity_digest_add(spr_identity_digest_begin(1, 2), text("id")), digest);
}
