/*
 * The words of a verdict, and the early one: what is told on stderr while a first scan still reads,
 * once its first segments are published and name somebody.
 */
#ifndef SPR_TOOLS_VERDICT_H
#define SPR_TOOLS_VERDICT_H

#include "tools/session.h"

struct spr_culprit_words {
    const char *who;   /* in the verdict line; NULL: nobody */
    const char *field; /* of the query language */
    const char *json;
};
const struct spr_culprit_words *spr_culprit_words(enum spr_culprit culprit);

/* For the progress callback of triage: tells the early verdict once, as a line on a terminal or as
 * JSON with --progress=json. */
void spr_verdict_early(struct spr_session *session);

#endif
