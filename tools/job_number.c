/*
 * The number of a job as an operator gives it.
 */
#include "tools/job_number.h"

#include "tools/errors.h"

#include <errno.h>
#include <stdlib.h>

int spr_args_job(const char *text, uint64_t *ret_job)
{
    char *end;
    errno = 0;
    const uint64_t job = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || job == 0) {
        return spr_error_say(SPR_EXIT_USAGE, text, "not a job's number",
                             "spoolray jobs lists them");
    }
    *ret_job = job;
    return 0;
}
