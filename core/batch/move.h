/*
 * Moving one file of a batch, and finding where it is: always by identity, never by name alone.
 *
 *  (M1) A file is moved only if what lies at its name is strictly the one that was prepared:
 * number, birth, times, size, owner, mode, links; and handle, where birth times are not told. (M2)
 * What was moved is compared again, with its handle; if it is another, it goes straight back. (M3)
 * No move replaces a file. (M4) Nobody else can enter a slot, but who had a file open can still
 * write in it: what lies in a slot is told by what names the file, not by its size, times, owner or
 * mode.
 */
#ifndef SPR_CORE_BATCH_MOVE_H
#define SPR_CORE_BATCH_MOVE_H

#include "core/batch/change.h"

enum spr_sameness {
    SPR_SAME_FILE,   /* (M4) */
    SPR_SAME_STABLE, /* what a rename keeps */
    SPR_SAME_STRICT, /* all of it */
};

enum spr_place {
    SPR_PLACE_NONE,
    SPR_PLACE_FROM,
    SPR_PLACE_TO,
    SPR_PLACE_STRANGER, /* something else lies at "to", and it is not at "from" */
};

/* From its place to where it shall go. strict: compare change times too (M1). seen: the server sees
 * the new place, so the file may be gone from there at once; that is success. prove: the claim
 * holds only while nobody has the server's lock on the file: else it goes straight back,
 * SPR_E_BUSY. */
struct spr_move_rule {
    bool strict, seen, prove;
};
/* Several workers may move different files of a batch whose folders are open. A failure with
 * file->moved says that it could not go straight back. */
int spr_move_there(const struct spr_change *change, struct spr_batch *batch,
                   struct spr_batch_file *file, struct spr_move_rule rule);
/* The same for one thread, which may drop the reserve for it; here and below. */
int spr_move_with_room(struct spr_change *change, struct spr_batch *batch,
                       struct spr_batch_file *file, struct spr_move_rule rule);
/* From where it went back to its place, whoever it is. */
int spr_move_back(struct spr_change *change, struct spr_batch *batch, struct spr_batch_file *file);
/* A place or a negative errno. */
int spr_move_find(struct spr_change *change, struct spr_batch *batch,
                  const struct spr_batch_file *file);
/* Does this descriptor, or this name, hold the prepared file? 1, 0, or a negative errno. */
int spr_move_is(const struct spr_batch_file *file, int fd, enum spr_sameness how);
int spr_move_is_at(const struct spr_batch_file *file, int dir_fd, const char *name,
                   enum spr_sameness how);

/* Is this the failure of one message, or of the device, the memory, the program? */
bool spr_move_concerns_message(int code);

#endif
