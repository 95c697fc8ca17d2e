/*
 * The manifest's file: read, replaced, and the segment files beside it that no manifest names.
 */
#include "core/fault.h"
#include "core/index/layout.h"
#include "core/index/manifest.h"
#include "core/index/pack.h"
#include "io/dirents.h"
#include "io/durable.h"
#include "io/own.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 1000000 /* names in an index folder that a sweep looks at */

/* The whole file; -ENOENT leaves fault alone. */
static int read_file(int dir_fd, struct spr_bytes *bytes, struct spr_fault *fault)
{
    const int fd = spr_own_open(dir_fd, SPR_MANIFEST_NAME, false);
    if (fd == -ENOENT) {
        return -ENOENT;
    }
    if (fd < 0) {
        return spr_fault_set(fault, fd, SPR_MANIFEST_NAME, 0, "manifest cannot be opened");
    }
    uint64_t size = 0;
    int r = spr_own_size(fd, &size);
    if (r == 0 && size > SPR_MANIFEST_BYTES_MAX) {
        r = SPR_E_CORRUPT;
    }
    if (r == 0) {
        r = spr_bytes_reserve(bytes, (size_t)size + 1);
    }
    if (r == 0) {
        r = spr_read_exact(fd, bytes->at, (size_t)size, 0);
    }
    (void)close(fd); /* read only: nothing can be lost */
    if (r < 0) {
        return spr_fault_set(fault, r, SPR_MANIFEST_NAME, 0, "manifest cannot be read");
    }
    bytes->length = (size_t)size;
    return 0;
}

int spr_manifest_read(int dir_fd, struct spr_manifest **ret_manifest, struct spr_fault *fault)
{
    struct spr_bytes bytes = { 0 };
    int r = read_file(dir_fd, &bytes, fault);
    if (r == 0) {
        r = spr_manifest_decode((struct spr_text){ bytes.at, bytes.length }, ret_manifest, fault);
    }
    spr_bytes_free(&bytes);
    return r;
}

static bool names_segment(const struct spr_manifest *manifest, const char *name)
{
    for (uint32_t i = 0; manifest != NULL && i < manifest->segment_count; i++) {
        if (strcmp(manifest->segments[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int write_file(int dir_fd, const struct spr_bytes *bytes)
{
    struct spr_replace *replace;
    int r = spr_replace_begin(dir_fd, SPR_MANIFEST_NAME, &replace);
    if (r < 0) {
        return r;
    }
    r = spr_write_all(spr_replace_fd(replace), bytes->at, bytes->length);
    if (r < 0) {
        spr_replace_abort(replace);
        return r;
    }
    return spr_replace_commit(replace);
}

int spr_manifest_publish(const struct spr_manifest *manifest, int dir_fd, struct spr_fault *fault)
{
    struct spr_manifest *before = NULL;
    (void)spr_manifest_read(dir_fd, &before, NULL); /* unreadable: the next sweep removes more */
    struct spr_bytes bytes = { 0 };
    int r = spr_manifest_encode(manifest, &bytes);
    if (r == 0) {
        r = write_file(dir_fd, &bytes);
    }
    spr_bytes_free(&bytes);
    for (uint32_t i = 0; r == 0 && before != NULL && i < before->segment_count; i++) {
        if (!names_segment(manifest, before->segments[i].name)) {
            (void)spr_unlink(dir_fd, before->segments[i].name); /* (2); else the next sweep */
        }
    }
    spr_manifest_free(before);
    return r < 0 ? spr_fault_set(fault, r, SPR_MANIFEST_NAME, 0, "manifest cannot be written") : 0;
}

struct sweep {
    int dir_fd;
    const struct spr_manifest *manifest;
};

static int sweep_entry(const struct spr_dirent *entry, void *user)
{
    const struct sweep *sweep = user;
    char name[SPR_SEGMENT_NAME_MAX + 1];
    static const char BESIDE[] = ".new"; /* io/durable.c writes there */
    if (entry->length >= sizeof(name)) {
        return 0;
    }
    memcpy(name, entry->name, entry->length + 1);
    const size_t beside = sizeof(BESIDE) - 1;
    const bool is_beside =
        entry->length > beside && strcmp(name + entry->length - beside, BESIDE) == 0;
    if (is_beside) {
        name[entry->length - beside] = '\0';
    }
    if (spr_manifest_is_segment_name(name) &&
        (is_beside || !names_segment(sweep->manifest, name))) {
        (void)spr_unlink(sweep->dir_fd, entry->name); /* a leftover costs room only */
    }
    return 0;
}

int spr_manifest_sweep(int dir_fd, struct spr_fault *fault)
{
    struct spr_manifest *manifest = NULL;
    int r = spr_manifest_read(dir_fd, &manifest, fault);
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    struct sweep sweep = { .dir_fd = dir_fd, .manifest = manifest };
    r = spr_dir_list(dir_fd, ENTRIES_MAX, sweep_entry, &sweep);
    spr_manifest_free(manifest);
    return r < 0 ? spr_fault_set(fault, r, ".", 0, "folder of the index cannot be listed") : 0;
}
