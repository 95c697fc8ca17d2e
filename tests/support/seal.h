/*
 * Right checksums for wrong bytes: what an enemy who may write our files would do, and what lets a
 * fuzzer reach behind them.
 */
#ifndef SPR_TESTS_SUPPORT_SEAL_H
#define SPR_TESTS_SUPPORT_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* Sets file size, seed check and every checksum as far as the bytes can be understood. */
void seal_segment(uint8_t *bytes, size_t length, uint64_t seed);
void seal_manifest(uint8_t *bytes, size_t length);
/* Numbers the frames, and sets the running hashes of SEAL and DECIDE and the hash of each frame. */
void seal_journal(uint8_t *bytes, size_t length);

#endif
