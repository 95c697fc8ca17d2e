/*
 * The meaning of a query, told a second time and slowly: one record at a time, no index.
 */
#ifndef SPR_TESTS_SUPPORT_QUERY_ORACLE_H
#define SPR_TESTS_SUPPORT_QUERY_ORACLE_H

#include "core/index/manifest.h"
#include "core/query/filter.h"

struct query_oracle {
    const struct spr_filter *filter;
    const struct spr_manifest *manifest;
    const struct spr_format *format;
    bool with_case;
    int64_t now;
};

bool oracle_matches(const struct query_oracle *oracle, const struct spr_record *record);

#endif
