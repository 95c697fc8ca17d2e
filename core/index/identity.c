/*
 * Digests of a message's identity: fixed little-endian images, hashed by XXH3.
 */
#include "core/index/identity.h"

#include "core/index/hash.h"

#include <endian.h>
#include <string.h>

/* Seeds keep the three kinds of digest apart; arbitrary, and part of every stored file. */
#define STAT_SEED     0x7370722d73746174u
#define SET_SEED      0x7370722d73657421u
#define IDENTITY_SEED 0x7370722d6964656eu

static uint8_t *put_u64(uint8_t *out, uint64_t value)
{
    const uint64_t little = htole64(value);
    memcpy(out, &little, sizeof(little));
    return out + sizeof(little);
}

static uint32_t fold(uint64_t hash)
{
    return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t spr_stat_digest(const struct spr_io_meta *meta)
{
    uint8_t image[5 * 8];
    uint8_t *out = put_u64(image, meta->size);
    out = put_u64(out, (uint64_t)meta->mtime_ns);
    out = put_u64(out, (uint64_t)meta->ctime_ns);
    out = put_u64(out, meta->mode);
    (void)put_u64(out, meta->links);
    return fold(spr_hash64(image, sizeof(image), STAT_SEED));
}

uint32_t spr_set_digest(const struct spr_record_file *files, unsigned count)
{
    uint64_t hash = SET_SEED;
    for (unsigned i = 0; i < count; i++) {
        hash = spr_hash64(files[i].name.bytes, files[i].name.length, hash + files[i].role);
    }
    return fold(hash);
}

uint64_t spr_identity_digest_begin(uint64_t device, uint64_t inode)
{
    uint8_t image[2 * 8];
    (void)put_u64(put_u64(image, device), inode);
    return spr_hash64(image, sizeof(image), IDENTITY_SEED);
}

uint64_t spr_identity_digest_add(uint64_t digest, struct spr_text part)
{
    return spr_hash64(part.bytes, part.length, digest);
}
