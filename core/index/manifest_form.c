/*
 * The stored form of a manifest: header, body, checksum over both (docs/INDEX-FORMAT.md, 5).
 */
#include "core/fault.h"
#include "core/index/hash.h"
#include "core/index/layout.h"
#include "core/index/manifest.h"
#include "core/index/pack.h"
#include "formats/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX        4096 /* of a path or word in a manifest */
#define FOLDERS_MAX     (1u << 24)
#define NAME_DIGITS     16
#define SEGMENT_BYTES   64 /* of an entry without its bitmap, at most */
#define DIRECTORY_BYTES 32 /* of a folder without its path, at most */
#define FIXED_BYTES     256

bool spr_manifest_is_segment_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == NAME_DIGITS &&
           strcmp(name + NAME_DIGITS, SPR_SEGMENT_SUFFIX) == 0;
}

static void put_text(struct spr_bytes *out, const char *text)
{
    spr_bytes_put_u8(out, text != NULL);
    if (text != NULL) {
        spr_bytes_put_text(out, spr_text_of(text));
    }
}

static size_t text_room(const char *text)
{
    return SPR_VARINT_MAX + 1 + (text != NULL ? strlen(text) : 0);
}

static int reserve_all(const struct spr_manifest *manifest, struct spr_bytes *out)
{
    size_t room = SPR_MANIFEST_HEADER_BYTES + FIXED_BYTES + text_room(manifest->spool_root) +
                  text_room(manifest->format) + text_room(manifest->host);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        const struct spr_manifest_segment *segment = &manifest->segments[i];
        room += SEGMENT_BYTES + (segment->dead != NULL ? spr_dead_words(segment->rows) * 8 : 0);
    }
    for (uint32_t i = 0; i < manifest->folder_count; i++) {
        room += DIRECTORY_BYTES + text_room(manifest->folders[i].path);
    }
    return spr_bytes_reserve(out, room);
}

static void put_segment(struct spr_bytes *out, const struct spr_manifest_segment *segment)
{
    put_text(out, segment->name);
    spr_bytes_put_u32(out, segment->rows);
    spr_bytes_put_u32(out, segment->live_rows);
    spr_bytes_put_u64(out, segment->recipients);
    spr_bytes_put_u8(out, segment->dead != NULL);
    for (size_t i = 0; segment->dead != NULL && i < spr_dead_words(segment->rows); i++) {
        spr_bytes_put_u64(out, segment->dead[i]);
    }
}

int spr_manifest_encode(const struct spr_manifest *manifest, struct spr_bytes *out)
{
    out->length = 0;
    int r = reserve_all(manifest, out);
    if (r < 0) {
        return r;
    }
    spr_bytes_put_u64(out, SPR_MANIFEST_MAGIC);
    spr_bytes_put_u32(out, SPR_MANIFEST_VERSION);
    spr_bytes_put_u32(out, 0);
    spr_bytes_put_u64(out, 0); /* may-ignore bits, four unused bytes */
    spr_bytes_put_u64(out, 0);
    spr_bytes_put_u64(out, 0);

    spr_bytes_put_u64(out, manifest->secret.seed);
    put_text(out, manifest->spool_root);
    put_text(out, manifest->format);
    put_text(out, manifest->host);
    spr_bytes_put_u32(out, manifest->layout.hash_depth);
    spr_bytes_put_u32(out, manifest->layout.hashed_dirs);
    spr_bytes_put_u32(out, manifest->layout.flags);
    spr_bytes_put_u64(out, manifest->root_device);
    spr_bytes_put_u64(out, manifest->root_inode);
    spr_bytes_put_u64(out, (uint64_t)manifest->scanned_at);
    spr_bytes_put_u8(out, manifest->has_subjects);
    spr_bytes_put_u8(out, manifest->has_errors);
    spr_bytes_put_u64(out, manifest->next_segment);
    spr_bytes_put_u32(out, manifest->segment_count);
    for (uint32_t i = 0; i < manifest->segment_count; i++) {
        put_segment(out, &manifest->segments[i]);
    }
    spr_bytes_put_u32(out, manifest->folder_count);
    for (uint32_t i = 0; i < manifest->folder_count; i++) {
        put_text(out, manifest->folders[i].path);
        spr_bytes_put_u64(out, manifest->folders[i].inode);
        spr_bytes_put_u64(out, (uint64_t)manifest->folders[i].mtime_ns);
    }

    spr_store_u64(out->at + SPR_MANIFEST_AT_BYTES, out->length);
    const uint64_t body =
        spr_hash64(out->at + SPR_MANIFEST_HEADER_BYTES, out->length - SPR_MANIFEST_HEADER_BYTES, 0);
    spr_store_u64(out->at + SPR_MANIFEST_AT_CHECKSUM,
                  spr_hash64(out->at, SPR_MANIFEST_AT_CHECKSUM, body));
    return out->length <= SPR_MANIFEST_BYTES_MAX ? 0 : -E2BIG;
}

static bool take_bool(struct spr_cursor *c)
{
    const uint8_t value = spr_take_u8(c);
    if (value > 1) {
        spr_cursor_fail(c, "expected 0 or 1");
    }
    return value == 1;
}

/* NULL for an absent text and after a failure; -ENOMEM in *error. */
static char *take_text(struct spr_cursor *c, int *error)
{
    if (!take_bool(c)) {
        return NULL;
    }
    const uint64_t length = spr_take_varint(c);
    if (length > TEXT_MAX) {
        spr_cursor_fail(c, "text is longer than 4096 bytes");
        return NULL;
    }
    const struct spr_text text = spr_take_bytes(c, (size_t)length);
    if (spr_cursor_failed(c)) {
        return NULL;
    }
    if (text.length > 0 && memchr(text.bytes, '\0', text.length) != NULL) {
        spr_cursor_fail(c, "a text holds a NUL byte");
        return NULL;
    }
    char *copy = malloc(text.length + 1);
    if (copy == NULL) {
        *error = -ENOMEM;
        spr_cursor_fail(c, "out of memory");
        return NULL;
    }
    if (text.length > 0) {
        memcpy(copy, text.bytes, text.length);
    }
    copy[text.length] = '\0';
    return copy;
}

static void take_dead(struct spr_cursor *c, struct spr_manifest_segment *segment, int *error)
{
    const size_t words = spr_dead_words(segment->rows);
    if (words * 8 > spr_cursor_left(c)) {
        spr_cursor_fail(c, "a bitmap of dead rows is cut off");
        return;
    }
    segment->dead = calloc(words + 1, sizeof(*segment->dead));
    if (segment->dead == NULL) {
        *error = -ENOMEM;
        spr_cursor_fail(c, "out of memory");
        return;
    }
    uint64_t dead_rows = 0;
    for (size_t i = 0; i < words; i++) {
        segment->dead[i] = spr_take_u64le(c);
        dead_rows += (uint64_t)__builtin_popcountll(segment->dead[i]);
    }
    const unsigned tail = segment->rows % 64;
    if (tail != 0 && segment->dead[words - 1] >> tail != 0) {
        spr_cursor_fail(c, "a row beyond the segment is dead");
    }
    if (dead_rows + segment->live_rows != segment->rows) {
        spr_cursor_fail(c, "live and dead rows do not add up");
    }
}

static void take_segment(struct spr_cursor *c, struct spr_manifest *manifest, int *error)
{
    char *name = take_text(c, error);
    const uint32_t rows = spr_take_u32le(c);
    const uint32_t live_rows = spr_take_u32le(c);
    const uint64_t recipients = spr_take_u64le(c);
    const bool has_dead = take_bool(c);
    if (!spr_cursor_failed(c) && (name == NULL || !spr_manifest_is_segment_name(name))) {
        spr_cursor_fail(c, "expected a segment's name: 16 hexadecimal digits and .seg");
    }
    if (rows > SPR_SEGMENT_ROWS_MAX || live_rows > rows || (!has_dead && live_rows != rows)) {
        spr_cursor_fail(c, "live and dead rows do not add up");
    }
    if (!spr_cursor_failed(c)) {
        *error = spr_manifest_add_segment(manifest, name, rows, recipients);
        if (*error < 0) {
            spr_cursor_fail(c, "out of memory");
        }
    }
    free(name);
    if (spr_cursor_failed(c)) {
        return;
    }
    struct spr_manifest_segment *segment = &manifest->segments[manifest->segment_count - 1];
    segment->live_rows = live_rows;
    if (has_dead) {
        take_dead(c, segment, error);
    }
}

static void take_folder(struct spr_cursor *c, struct spr_manifest *manifest, int *error)
{
    char *path = take_text(c, error);
    const uint64_t inode = spr_take_u64le(c);
    const int64_t mtime_ns = (int64_t)spr_take_u64le(c);
    if (!spr_cursor_failed(c) && path == NULL) {
        spr_cursor_fail(c, "expected a folder's path");
    }
    if (!spr_cursor_failed(c)) {
        const struct spr_text text = spr_text_of(path);
        *error = spr_manifest_add_folder(manifest, text, inode, mtime_ns);
        if (*error < 0) {
            spr_cursor_fail(c, "out of memory");
        }
    }
    free(path);
}

static void take_body(struct spr_cursor *c, struct spr_manifest *manifest, int *error)
{
    manifest->secret.seed = spr_take_u64le(c);
    manifest->spool_root = take_text(c, error);
    manifest->format = take_text(c, error);
    manifest->host = take_text(c, error);
    manifest->layout.hash_depth = spr_take_u32le(c);
    manifest->layout.hashed_dirs = spr_take_u32le(c);
    manifest->layout.flags = spr_take_u32le(c);
    manifest->root_device = spr_take_u64le(c);
    manifest->root_inode = spr_take_u64le(c);
    manifest->scanned_at = (int64_t)spr_take_u64le(c);
    manifest->has_subjects = take_bool(c);
    manifest->has_errors = take_bool(c);
    manifest->next_segment = spr_take_u64le(c);
    const uint32_t segments = spr_take_u32le(c);
    if (segments > SPR_SEGMENTS_MAX) {
        spr_cursor_fail(c, "more than 4096 segments");
    }
    for (uint32_t i = 0; i < segments && !spr_cursor_failed(c); i++) {
        take_segment(c, manifest, error);
    }
    const uint32_t folders = spr_take_u32le(c);
    if (folders > FOLDERS_MAX) {
        spr_cursor_fail(c, "more folders than any spool has");
    }
    for (uint32_t i = 0; i < folders && !spr_cursor_failed(c); i++) {
        take_folder(c, manifest, error);
    }
    if (!spr_cursor_failed(c) && spr_cursor_left(c) > 0) {
        spr_cursor_fail(c, "bytes after the last folder");
    }
}

static int check_header(struct spr_text bytes, struct spr_fault *fault)
{
    const uint8_t *at = bytes.bytes;
    if (bytes.length < SPR_MANIFEST_HEADER_BYTES) {
        return spr_fault_set(fault, SPR_E_CORRUPT, SPR_MANIFEST_NAME, bytes.length,
                             "a manifest has at least 40 bytes");
    }
    if (spr_load_u64(at) != SPR_MANIFEST_MAGIC) {
        return spr_fault_set(fault, SPR_E_CORRUPT, SPR_MANIFEST_NAME, 0,
                             "expected the mark of a manifest");
    }
    const uint64_t body =
        spr_hash64(at + SPR_MANIFEST_HEADER_BYTES, bytes.length - SPR_MANIFEST_HEADER_BYTES, 0);
    if (spr_load_u64(at + SPR_MANIFEST_AT_CHECKSUM) !=
        spr_hash64(at, SPR_MANIFEST_AT_CHECKSUM, body)) {
        return spr_fault_set(fault, SPR_E_CORRUPT, SPR_MANIFEST_NAME, SPR_MANIFEST_AT_CHECKSUM,
                             "checksum of the manifest differs");
    }
    if (spr_load_u32(at + SPR_MANIFEST_AT_VERSION) != SPR_MANIFEST_VERSION ||
        spr_load_u32(at + SPR_MANIFEST_AT_MUST) != 0) {
        return spr_fault_set(fault, SPR_E_NEWER, SPR_MANIFEST_NAME, SPR_MANIFEST_AT_VERSION,
                             "manifest version 1 without must-understand bits is known");
    }
    if (spr_load_u64(at + SPR_MANIFEST_AT_BYTES) != bytes.length) {
        return spr_fault_set(fault, SPR_E_CORRUPT, SPR_MANIFEST_NAME, SPR_MANIFEST_AT_BYTES,
                             "file size differs from the header's");
    }
    return 0;
}

int spr_manifest_decode(struct spr_text bytes, struct spr_manifest **ret_manifest,
                        struct spr_fault *fault)
{
    int r = check_header(bytes, fault);
    if (r < 0) {
        return r;
    }
    struct spr_manifest *manifest = calloc(1, sizeof(*manifest));
    if (manifest == NULL) {
        return spr_fault_set(fault, -ENOMEM, SPR_MANIFEST_NAME, 0, "out of memory");
    }
    struct spr_cursor c;
    spr_cursor_init(&c, bytes);
    (void)spr_take_bytes(&c, SPR_MANIFEST_HEADER_BYTES);
    int error = 0;
    take_body(&c, manifest, &error);
    if (spr_cursor_failed(&c)) {
        spr_manifest_free(manifest);
        return spr_fault_set(fault, error < 0 ? error : SPR_E_CORRUPT, SPR_MANIFEST_NAME, c.offset,
                             c.reason);
    }
    *ret_manifest = manifest;
    return 0;
}
