/*
 * Filling a struct spr_fault, once, at the API's edge or where the path is known.
 */
#ifndef SPR_CORE_FAULT_H
#define SPR_CORE_FAULT_H

#include "core/spoolray.h"

/* fault may be NULL; subject is shortened in the middle. Returns code. */
int spr_fault_set(struct spr_fault *fault, int code, const char *subject, uint64_t offset,
                  const char *detail);
/* The same for a subject that is not a C string. */
int spr_fault_text(struct spr_fault *fault, int code, struct spr_text subject, uint64_t offset,
                   const char *detail);

#endif
