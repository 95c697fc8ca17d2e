/*
 * Members come from a ranked table; their rows from look-ups.
 */
#include "core/query/lineup.h"

#include "core/query/bitmap.h"
#include "core/query/top.h"

#include <errno.h>
#include <string.h>

struct make {
    const struct spr_snapshot *snapshot;
    uint64_t *const *rows;
    const struct spr_profile *whole;
    enum spr_culprit kind;
    struct spr_fault *fault;
};

uint64_t **spr_lineup_rows_new(const struct spr_snapshot *snapshot)
{
    const uint32_t count = snapshot->manifest->segment_count;
    uint64_t **rows = calloc((size_t)count + 1, sizeof(*rows));
    for (uint32_t i = 0; rows != NULL && i < count; i++) {
        rows[i] = spr_bitmap_new(spr_segment_count(snapshot->segments[i]));
        if (rows[i] == NULL) {
            spr_lineup_rows_free(rows, count);
            return NULL;
        }
    }
    return rows;
}

void spr_lineup_rows_free(uint64_t **rows, uint32_t segment_count)
{
    for (uint32_t i = 0; rows != NULL && i < segment_count; i++) {
        free(rows[i]);
    }
    free(rows);
}

double spr_lineup_fanout(const struct spr_profile *whole, const struct spr_profile *part)
{
    const uint64_t others = whole->messages - (part != NULL ? part->messages : 0);
    uint64_t seen = 0;
    for (unsigned i = 0; i < SPR_FANOUT_STEPS; i++) {
        seen += whole->fanout[i] - (part != NULL ? part->fanout[i] : 0);
        if (seen > 0 && seen * 2 >= others) {
            return i;
        }
    }
    return 0;
}

static enum spr_field kind_field(enum spr_culprit kind)
{
    if (kind == SPR_CULPRIT_LOCAL_USER) {
        return SPR_FIELD_LOCAL_USER;
    }
    return kind == SPR_CULPRIT_CLIENT ? SPR_FIELD_CLIENT : SPR_FIELD_ACCOUNT;
}

static enum spr_lookup kind_lookup(enum spr_culprit kind)
{
    if (kind == SPR_CULPRIT_LOCAL_USER) {
        return SPR_LOOKUP_LOCAL_USER;
    }
    return kind == SPR_CULPRIT_CLIENT ? SPR_LOOKUP_CLIENT : SPR_LOOKUP_ACCOUNT;
}

/* A user known by number only is named by it. False: not a number. */
static bool read_uid(struct spr_text name, int64_t *ret_uid)
{
    int64_t uid = 0;
    if (name.length == 0 || name.length > 18) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] < '0' || name.bytes[i] > '9') {
            return false;
        }
        uid = uid * 10 + (name.bytes[i] - '0');
    }
    *ret_uid = uid;
    return true;
}

static int add_uid_rows(const struct make *make, struct spr_segment_reader *reader,
                        uint32_t segment, int64_t uid, uint64_t *out)
{
    const uint32_t count = spr_segment_count(make->snapshot->segments[segment]);
    const uint64_t *rows = make->rows[segment];
    for (uint32_t row = spr_bitmap_next(rows, count, 0); row < count;
         row = spr_bitmap_next(rows, count, row + 1)) {
        uint32_t id = SPR_STRING_NONE;
        int64_t value = 0;
        int r = spr_segment_text_id(reader, row, SPR_COLUMN_LOCAL_USER, &id, make->fault);
        if (r < 0) {
            return r;
        }
        r = spr_segment_number(reader, row, SPR_NUMBER_UID, &value, make->fault);
        if (r < 0) {
            return r;
        }
        if (id == SPR_STRING_NONE && value == uid) {
            spr_bitmap_set(out, row);
        }
    }
    return 0;
}

static int find_rows(const struct make *make, struct spr_segment_reader *reader, uint32_t segment,
                     struct spr_text normal, uint64_t *out)
{
    const uint32_t count = spr_segment_count(make->snapshot->segments[segment]);
    int r = spr_segment_lookup(reader, kind_lookup(make->kind), normal, out, make->fault);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < spr_bitmap_words(count); i++) {
        out[i] &= make->rows[segment][i];
    }
    int64_t uid = 0;
    if (make->kind == SPR_CULPRIT_LOCAL_USER && read_uid(normal, &uid)) {
        r = add_uid_rows(make, reader, segment, uid, out);
    }
    return r;
}

static int collect_rows(const struct make *make, struct spr_text normal,
                        struct spr_lineup_member *member)
{
    member->rows = spr_lineup_rows_new(make->snapshot);
    if (member->rows == NULL) {
        return -ENOMEM;
    }
    int r = 0;
    for (uint32_t i = 0; i < make->snapshot->manifest->segment_count && r == 0; i++) {
        struct spr_segment_reader *reader = NULL;
        r = spr_segment_reader_new(make->snapshot->segments[i], &reader);
        if (r == 0) {
            r = find_rows(make, reader, i, normal, member->rows[i]);
        }
        spr_segment_reader_free(reader);
    }
    return r;
}

static int examine(const struct make *make, struct spr_text normal,
                   struct spr_lineup_member *member)
{
    struct spr_suspect *suspect = &member->suspect;
    int r = collect_rows(make, normal, member);
    if (r < 0) {
        return r;
    }
    r = spr_profile_take(make->snapshot, member->rows, &member->profile, make->fault);
    if (r < 0) {
        return r;
    }
    *suspect = (struct spr_suspect){
        .kind = make->kind,
        .messages = member->profile.messages,
        .recipients = member->profile.recipients,
        .peak = member->profile.peak,
        .burst_start = member->profile.burst_start,
        .burst_end = member->profile.burst_end,
        .header_only = member->profile.header_only * 2 > member->profile.messages,
    };
    r = spr_top_distinct(make->snapshot, member->rows, SPR_FIELD_CLIENT, &suspect->clients,
                         make->fault);
    if (r < 0) {
        return r;
    }
    return spr_top_distinct(make->snapshot, member->rows, SPR_FIELD_SENDER_DOMAIN,
                            &suspect->sender_domains, make->fault);
}

/* The median size of all named values but the one of this rank; 0: there is no other. */
static uint64_t peer_median(struct spr_tally *tally, uint64_t without)
{
    uint64_t others = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t seen = 0;
        for (uint64_t rank = 0; rank < spr_tally_size(tally); rank++) {
            struct spr_top_row row;
            struct spr_text normal;
            spr_tally_row(tally, rank, &row, &normal);
            if (row.value.bytes == NULL || rank == without) {
                continue;
            }
            if (pass == 1 && seen == others / 2) {
                return row.messages;
            }
            seen++;
        }
        others = seen;
    }
    return 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void judge(const struct make *make, struct spr_lineup *lineup)
{
    lineup->best = -1;
    for (unsigned i = 0; i < lineup->count; i++) {
        struct spr_lineup_member *member = &lineup->members[i];
        if (member->rows == NULL) {
            continue;
        }
        struct spr_surroundings around = {
            .messages = make->whole->messages,
            .recipients = make->whole->recipients,
            .peer_median = peer_median(lineup->tally, member->rank),
            .fanout_others = spr_lineup_fanout(make->whole, &member->profile),
            .first = make->whole->first,
            .last = make->whole->last,
        };
        for (unsigned other = 0; other < lineup->count; other++) {
            const struct spr_suspect *peer = &lineup->members[other].suspect;
            if (other == i) {
                continue;
            }
            around.peer_peak = larger(around.peer_peak, peer->peak);
            around.peer_clients = larger(around.peer_clients, peer->clients);
        }
        member->judgement = spr_suspect_judge(&member->suspect, &around);
        if (member->judgement.is_guilty &&
            (lineup->best < 0 ||
             member->judgement.points > lineup->members[lineup->best].judgement.points)) {
            lineup->best = (int)i;
        }
    }
}

static int add_member(const struct make *make, struct spr_lineup *lineup, uint64_t rank)
{
    struct spr_top_row row;
    struct spr_text normal;
    spr_tally_row(lineup->tally, rank, &row, &normal);
    struct spr_lineup_member *member = &lineup->members[lineup->count++];
    member->rank = rank;
    member->name = row.value;
    member->messages = row.messages;
    return row.messages >= SPR_SUSPECT_MESSAGES_MIN ? examine(make, normal, member) : 0;
}

static bool is_member(const struct spr_lineup *lineup, uint64_t rank)
{
    for (unsigned i = 0; i < lineup->count; i++) {
        if (lineup->members[i].rank == rank) {
            return true;
        }
    }
    return false;
}

/* The named value with most recipients that is not yet a member; the table's size: there is none.
 */
static uint64_t most_recipients(const struct spr_lineup *lineup)
{
    const uint64_t size = spr_tally_size(lineup->tally);
    uint64_t best = size;
    uint64_t most = 0;
    for (uint64_t rank = 0; rank < size; rank++) {
        struct spr_top_row row;
        struct spr_text normal;
        spr_tally_row(lineup->tally, rank, &row, &normal);
        if (row.messages < SPR_SUSPECT_MESSAGES_MIN) {
            break;
        }
        if (row.value.length > 0 && row.recipients > most && !is_member(lineup, rank)) {
            best = rank;
            most = row.recipients;
        }
    }
    return best;
}

static int add_members(const struct make *make, struct spr_lineup *lineup)
{
    const uint64_t size = spr_tally_size(lineup->tally);
    int r = 0;
    for (uint64_t rank = 0; r == 0 && rank < size && lineup->count < SPR_LINEUP_BY_MESSAGES;
         rank++) {
        struct spr_top_row row;
        struct spr_text normal;
        spr_tally_row(lineup->tally, rank, &row, &normal);
        if (row.value.length > 0) {
            r = add_member(make, lineup, rank);
        }
    }
    while (r == 0 && lineup->count < SPR_LINEUP_MAX) {
        const uint64_t rank = most_recipients(lineup);
        if (rank == size) {
            break;
        }
        r = add_member(make, lineup, rank);
    }
    return r;
}

int spr_lineup_make(const struct spr_snapshot *snapshot, uint64_t *const *rows,
                    const struct spr_profile *whole, enum spr_culprit kind,
                    struct spr_lineup *ret_lineup, struct spr_fault *fault)
{
    const struct make make = { snapshot, rows, whole, kind, fault };
    struct spr_lineup *lineup = ret_lineup;
    *lineup = (struct spr_lineup){ .segment_count = snapshot->manifest->segment_count, .best = -1 };
    int r = spr_top_count(snapshot, rows, kind_field(kind), &lineup->tally, fault);
    if (r == 0) {
        r = add_members(&make, lineup);
    }
    if (r < 0) {
        spr_lineup_done(lineup);
        return r;
    }
    judge(&make, lineup);
    return 0;
}

void spr_lineup_done(struct spr_lineup *lineup)
{
    for (unsigned i = 0; i < lineup->count; i++) {
        spr_lineup_rows_free(lineup->members[i].rows, lineup->segment_count);
    }
    spr_tally_free(lineup->tally);
    *lineup = (struct spr_lineup){ .best = -1 };
}
