/*
 * What the files of the IMail format share.
 */
#ifndef SPR_FORMATS_IMAIL_H
#define SPR_FORMATS_IMAIL_H

#include "formats/format.h"

/* Roles in the order of a removal: what makes a message deliverable goes first. Stored in journals:
 * append only. */
enum spr_imail_role {
    SPR_IMAIL_CONTROL,   /* Q */
    SPR_IMAIL_ARRIVING,  /* T: becomes Q */
    SPR_IMAIL_DATA,      /* D */
    SPR_IMAIL_FILTERING, /* A: data under connection filtering */
    SPR_IMAIL_LOCK,      /* _ and ~ */
    SPR_IMAIL_ROLE_COUNT,
};

enum spr_kind spr_imail_classify(const struct spr_layout *layout, unsigned dir,
                                 struct spr_text name, struct spr_key *ret_key);
bool spr_imail_id_valid(struct spr_text id);
bool spr_imail_is_hex(struct spr_text text);
/* The session number inside a stem, as the log prints it; empty if the stem has none. */
struct spr_text spr_imail_session(struct spr_text stem);
bool spr_imail_log_line(struct spr_text line, struct spr_log_event *ret_event);

enum spr_verdict spr_imail_parse(const struct spr_view *view, struct spr_sink *sink,
                                 struct spr_need *ret_need);
enum spr_verdict spr_imail_content(const struct spr_view *view, struct spr_position *position,
                                   spr_content_fn on_bytes, void *user, struct spr_need *ret_need);

#endif
