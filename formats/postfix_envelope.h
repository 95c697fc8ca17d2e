/*
 * What parse has learned of one Postfix queue file, on its way to becoming facts.
 */
#ifndef SPR_FORMATS_POSTFIX_ENVELOPE_H
#define SPR_FORMATS_POSTFIX_ENVELOPE_H

#include "formats/postfix.h"

#define SPR_POSTFIX_MODE_OWNER        0700u
#define SPR_POSTFIX_MODE_READ_ONLY    0400u
#define SPR_POSTFIX_MODE_OTHERS       0077u
#define SPR_POSTFIX_MODE_FORCE_EXPIRE 0010u /* set by postsuper -e and -f */

enum spr_postfix_segment {
    SPR_POSTFIX_INITIAL,
    SPR_POSTFIX_CONTENT,
    SPR_POSTFIX_EXTRACTED,
};

struct spr_postfix_envelope {
    const struct spr_view *view;
    struct spr_sink *sink;
    struct spr_postfix_walk walk;
    enum spr_postfix_segment segment;
    uint64_t sizes[SPR_POSTFIX_SIZES_MAX];
    unsigned size_count; /* 0: no size record */
    struct spr_text size_record, arrival, sender, account, method;
    struct spr_text client, log_client, helo, log_helo;
    struct spr_text original; /* of the recipient record that comes next */
    uint64_t recipients;
    uint64_t content_at; /* after the M record */
    uint64_t extracted_at;
    uint32_t flags;
    bool ended; /* the segment: its M or E record was met, or the sink has enough */
    bool full;  /* the sink has enough */
};

/* Everything but the recipients; false: the sink has enough. */
bool spr_postfix_emit_facts(const struct spr_postfix_envelope *envelope);

#endif
