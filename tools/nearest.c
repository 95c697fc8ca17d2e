/*
 * The word that was probably meant: edit distance with neighbours exchanged, over short words.
 */
#include "tools/nearest.h"

#include <string.h>

#define LENGTH_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    const unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Letters to insert, remove, replace or exchange with the next. Both at most LENGTH_MAX. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[LENGTH_MAX + 1][LENGTH_MAX + 1];
    for (unsigned i = 0; i <= a_length; i++) {
        rows[i][0] = i;
    }
    for (unsigned j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            const unsigned differs = a[i - 1] != b[j - 1];
            rows[i][j] =
                least(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                rows[i - 2][j - 2] + 1 < rows[i][j]) {
                rows[i][j] = rows[i - 2][j - 2] + 1;
            }
        }
    }
    return rows[a_length][b_length];
}

const char *spr_nearest(struct spr_text text, const char *const *candidates, size_t count)
{
    if (text.length == 0 || text.length > LENGTH_MAX) {
        return NULL;
    }
    const char *best = NULL;
    unsigned best_distance = text.length <= 4 ? 2 : 3; /* nearer than this */
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(candidates[i]);
        if (length > LENGTH_MAX) {
            continue;
        }
        const unsigned found =
            distance((const char *)text.bytes, text.length, candidates[i], length);
        if (found < best_distance) {
            best = candidates[i];
            best_distance = found;
        }
    }
    return best;
}
