/*
 * Reading a message's head again with plain calls: a small driver of parse that keeps nothing but
 * the identity.
 */
#include "core/batch/confirm.h"

#include "core/index/identity.h"
#include "core/spoolray.h"
#include "io/dirents.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXTENTS_MAX 16
#define ROUNDS_MAX  64
#define BYTES_MAX   (8u << 20) /* of one message; identity bytes stand in the first kilobytes */

struct source {
    int fd; /* -1: not open */
    uint64_t size;
    struct spr_extent extents[EXTENTS_MAX];
    unsigned extent_count;
};

struct reading {
    const struct spr_confirm *confirm;
    struct source sources[SPR_ROLES_MAX];
    struct spr_file_view views[SPR_ROLES_MAX];
    struct spr_io_meta primary;
    uint64_t bytes_read;
};

/* ---- Extents --------------------------------------------------------------------------------- */

static void drop_extent(struct source *source, unsigned number)
{
    free((void *)(uintptr_t)source->extents[number].bytes.bytes); /* ours: made by read_range */
    source->extent_count--;
    memmove(&source->extents[number], &source->extents[number + 1],
            (source->extent_count - number) * sizeof(source->extents[0]));
}

/* Reads a range together with the extents it touches, so that they stay sorted and apart. */
static int read_range(struct reading *reading, struct source *source, uint64_t offset,
                      uint64_t length)
{
    if (offset >= source->size) {
        return 0;
    }
    uint64_t end = length > source->size - offset ? source->size : offset + length;
    for (unsigned i = 0; i < source->extent_count;) {
        const struct spr_extent *known = &source->extents[i];
        const uint64_t known_end = known->offset + known->bytes.length;
        if (known_end < offset || known->offset > end) {
            i++;
            continue;
        }
        offset = known->offset < offset ? known->offset : offset;
        end = known_end > end ? known_end : end;
        drop_extent(source, i);
    }
    const uint64_t wanted = end - offset;
    if (wanted > BYTES_MAX || reading->bytes_read + wanted > BYTES_MAX ||
        source->extent_count == EXTENTS_MAX) {
        return SPR_E_CHANGED;
    }
    uint8_t *bytes = malloc((size_t)wanted + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    const int r = spr_read_exact(source->fd, bytes, (size_t)wanted, offset);
    if (r < 0) {
        free(bytes);
        return r == -ENODATA ? SPR_E_CHANGED : r; /* it shrank while we read */
    }
    reading->bytes_read += wanted;
    unsigned at = 0;
    while (at < source->extent_count && source->extents[at].offset < offset) {
        at++;
    }
    memmove(&source->extents[at + 1], &source->extents[at],
            (source->extent_count - at) * sizeof(source->extents[0]));
    source->extents[at] = (struct spr_extent){ offset, { bytes, (size_t)wanted } };
    source->extent_count++;
    return 0;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int open_role(struct reading *reading, unsigned role)
{
    const struct spr_confirm *confirm = reading->confirm;
    struct source *source = &reading->sources[role];
    struct spr_file_view *view = &reading->views[role];
    const char *name = confirm->names[role];
    view->sought = true;
    if (name == NULL) {
        return 0;
    }
    struct spr_io_meta meta;
    source->fd = spr_foreign_open(confirm->dir_fd, name);
    if (source->fd < 0) {
        return source->fd;
    }
    int r = spr_meta_of(source->fd, &meta);
    if (r < 0) {
        return r;
    }
    source->size = meta.size;
    *view = (struct spr_file_view){
        .present = true,
        .sought = true,
        .name = { (const uint8_t *)name, strlen(name) },
        .size = meta.size,
        .mtime_ns = meta.mtime_ns,
        .mode = meta.mode,
        .uid = meta.uid,
        .inode = meta.inode,
    };
    if (role == confirm->primary) {
        reading->primary = meta;
    }
    if ((confirm->format->roles[role].flags & SPR_ROLE_READ) != 0) {
        r = read_range(reading, source, 0, confirm->format->head_bytes);
    }
    return r;
}

static void close_all(struct reading *reading)
{
    for (unsigned i = 0; i < SPR_ROLES_MAX; i++) {
        struct source *source = &reading->sources[i];
        while (source->extent_count > 0) {
            drop_extent(source, 0);
        }
        if (source->fd >= 0) {
            (void)close(source->fd); /* read only: nothing can be lost */
        }
    }
}

/* ---- The sink -------------------------------------------------------------------------------- */

struct identity_sink {
    struct spr_sink sink;
    uint64_t digest;
};

static bool take_text(struct spr_sink *sink, enum spr_fact fact, struct spr_text value)
{
    struct identity_sink *identity = (struct identity_sink *)(void *)sink; /* sink is its first */
    if (fact == SPR_FACT_IDENTITY) {
        identity->digest = spr_identity_digest_add(identity->digest, value);
    }
    return true;
}

static bool take_number(struct spr_sink *sink, enum spr_fact fact, int64_t value)
{
    (void)sink;
    (void)fact;
    (void)value;
    return true;
}

static bool take_recipient(struct spr_sink *sink, const struct spr_recipient_fact *recipient)
{
    (void)sink;
    (void)recipient;
    return true;
}

static bool take_error(struct spr_sink *sink, uint64_t offset, struct spr_text reason)
{
    (void)sink;
    (void)offset;
    (void)reason;
    return true;
}

/* ---- The rounds ------------------------------------------------------------------------------ */

static enum spr_verdict parse_once(struct reading *reading, uint64_t *ret_digest,
                                   struct spr_need *ret_need)
{
    const struct spr_confirm *confirm = reading->confirm;
    struct identity_sink identity = {
        .sink = { take_text, take_number, take_recipient, take_error },
        .digest = spr_identity_digest_begin(reading->primary.device, reading->primary.inode),
    };
    for (unsigned i = 0; i < confirm->format->role_count; i++) {
        reading->views[i].extents = reading->sources[i].extents;
        reading->views[i].extent_count = reading->sources[i].extent_count;
    }
    const struct spr_view view = {
        .layout = confirm->layout,
        .dir = confirm->dir,
        .folder = confirm->folder,
        .key = confirm->key,
        .now = (int64_t)time(NULL),
        .files = reading->views,
    };
    const enum spr_verdict verdict = confirm->format->parse(&view, &identity.sink, ret_need);
    *ret_digest = identity.digest;
    return verdict;
}

static int parse_rounds(struct reading *reading, uint64_t *ret_digest)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct spr_need need = { 0 };
        uint64_t digest = 0;
        switch (parse_once(reading, &digest, &need)) {
        case SPR_PARSED:
            *ret_digest = digest;
            return 0;
        case SPR_MALFORMED:
            return SPR_E_CHANGED;
        case SPR_UNFINISHED:
            return -EAGAIN;
        case SPR_MORE:
            break;
        }
        if (need.role >= reading->confirm->format->role_count) {
            return SPR_E_CHANGED;
        }
        struct source *source = &reading->sources[need.role];
        reading->views[need.role].sought = true;
        if (source->fd >= 0) {
            const int r = read_range(reading, source, need.offset, need.length);
            if (r < 0) {
                return r;
            }
        }
    }
    return SPR_E_CHANGED;
}

int spr_confirm_digest(const struct spr_confirm *confirm, uint64_t *ret_digest,
                       struct spr_io_meta *ret_primary)
{
    struct reading reading = { .confirm = confirm };
    for (unsigned i = 0; i < SPR_ROLES_MAX; i++) {
        reading.sources[i].fd = -1;
    }
    int r = 0;
    for (unsigned i = 0; i < confirm->format->role_count && r == 0; i++) {
        if ((confirm->format->roles[i].flags & SPR_ROLE_ON_DEMAND) == 0) {
            r = open_role(&reading, i);
        }
    }
    if (r == 0) {
        r = parse_rounds(&reading, ret_digest);
    }
    if (r == 0) {
        *ret_primary = reading.primary;
    }
    close_all(&reading);
    return r;
}
