#include "vocabulary.h"

#include "team.h"
#include "vector.h"

#include <math.h>

#define MANY (1 << 18) /* logits that are worth waking somebody for */
#define SAFE 40.0f
#define FLOOR (-1e4f)

/* The k-th largest of `count` values, k from 1; the values are reordered. */
static float kth_largest(float *values, int64_t count, int64_t k) {
    int64_t low = 0, high = count - 1, want = k - 1;
    while (low < high) {
        float pivot = values[(low + high) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) {
                float kept = values[i];
                values[i++] = values[j], values[j--] = kept;
            }
        }
        if (want <= j) high = j;
        else if (want >= i) low = i;
        else break;
    }
    return values[want];
}

/* Largest logit of every group; NaN if a logit is. */
static float peaks_of(const float *row, int64_t width, float *peaks) {
    ints broken = (ints){0};
    float largest_yet = -INFINITY;
    for (int64_t start = 0, group = 0; start < width; start += GROUP, group++) {
        int64_t end = start + GROUP < width ? start + GROUP : width, i = start;
        vec high = splat(-INFINITY);
        for (; i + LANES <= end; i += LANES) {
            vec x = load(row + i);
            broken |= x != x;
            high = larger(x, high);
        }
        float peak = largest(high);
        for (; i < end; i++) {
            if (row[i] != row[i]) broken[0] = -1;
            if (row[i] > peak) peak = row[i];
        }
        peaks[group] = peak;
        if (peak > largest_yet) largest_yet = peak;
    }
    for (int i = 0; i < LANES; i++)
        if (broken[i]) return NAN;
    return largest_yet;
}

/* Sum of e^(x - shift), and of the same times (x - shift). */
static void sums_of(const float *row, int64_t width, float shift, double *mass, double *moment) {
    double masses[LANES] = {0}, moments[LANES] = {0};
    for (int64_t start = 0; start < width; start += GROUP) {
        int64_t end = start + GROUP < width ? start + GROUP : width;
        vec sum = splat(0.0f), product = sum;
        for (int64_t i = start; i < end; i += LANES) {
            vec x;
            if (i + LANES <= end) x = load(row + i);
            else {
                x = splat(-INFINITY);
                memcpy(&x, row + i, (size_t)(end - i) * sizeof(float));
            }
            x -= splat(shift);
            vec weight = exponential(x);
            sum += weight;
            product = mad(weight, larger(x, splat(FLOOR)), product);
        }
        for (int i = 0; i < LANES; i++) masses[i] += sum[i], moments[i] += product[i];
    }
    *mass = *moment = 0.0;
    for (int i = 0; i < LANES; i++) *mass += masses[i], *moment += moments[i];
}

/* Logits of ordinary size are exponentiated as they are: no rounding by a subtraction. */
static float shift_of(float largest) { return fabsf(largest) <= SAFE ? 0.0f : largest; }

piece piece_of(const float *logits, int64_t width, float *peaks) {
    piece found = {.largest = peaks_of(logits, width, peaks)};
    if (isfinite(found.largest))
        sums_of(logits, width, shift_of(found.largest), &found.mass, &found.moment);
    return found;
}

facts facts_of(const piece *pieces, int64_t count) {
    float highest = -INFINITY;
    for (const piece *at = pieces; at < pieces + count; at++) {
        if (isnan(at->largest)) return (facts){NAN, NAN, NAN, 0};
        if (at->largest > highest) highest = at->largest;
    }
    if (!isfinite(highest)) return (facts){highest, NAN, NAN, 0};
    const double shift = shift_of(highest);
    double mass = 0.0, moment = 0.0;
    for (const piece *at = pieces; at < pieces + count; at++) {
        if (at->largest == -INFINITY) continue;
        const double off = (double)shift_of(at->largest) - shift;
        const double scale = off == 0.0 ? 1.0 : exp(off);
        mass += scale * at->mass;
        moment += scale * (at->moment + off * at->mass);
    }
    return (facts){highest, shift + log(mass), log(mass) - moment / mass, 0};
}

/* Tokens as likely as the bound, compared as log-probabilities, in which small logits may be equal. */
static int64_t nearest(int32_t *near, const float *row, int64_t width, const float *peaks,
                       float least, double lse) {
    const double bound = (double)least - lse;
    int64_t count = 0;
    for (int64_t start = 0, group = 0; start < width; start += GROUP, group++) {
        if ((double)peaks[group] - lse < bound) continue;
        int64_t end = start + GROUP < width ? start + GROUP : width;
        for (int64_t i = start; i < end; i++) {
            near[count] = (int32_t)i;
            count += (double)row[i] - lse >= bound;
        }
    }
    return count;
}

typedef struct {
    facts *found;
    int32_t *near;
    const float *rows;
    int64_t count, width, k;
    atomic_long next;
} sweep;

static void sweep_rows(void *what, team *crew, int id) {
    sweep *it = what;
    (void)crew, (void)id;
    const int64_t width = it->width, groups = (width + GROUP - 1) / GROUP;
    const int64_t parts = (width + PIECE - 1) / PIECE;
    float peaks[groups], order[groups];
    piece pieces[parts];
    for (int64_t n; (n = atomic_fetch_add(&it->next, 1)) < it->count;) {
        const float *row = it->rows + n * width;
        facts *found = &it->found[n];
        for (int64_t i = 0; i < parts; i++) {
            const int64_t begin = i * PIECE, end = begin + PIECE < width ? begin + PIECE : width;
            pieces[i] = piece_of(row + begin, end - begin, peaks + begin / GROUP);
        }
        *found = facts_of(pieces, parts);
        if (!isfinite(found->largest)) continue;
        if (!it->k) continue;
        float bound = -INFINITY;
        if (it->k <= groups / 2) {
            memcpy(order, peaks, sizeof(peaks));
            bound = kth_largest(order, groups, it->k);
        }
        found->near = nearest(it->near + n * width, row, width, peaks, bound, found->lse);
    }
}

void vocabulary_facts(facts *found, int32_t *near, const float *rows, int64_t count, int64_t width,
                      int64_t k, int threads) {
    sweep it = {.found = found, .near = near, .rows = rows, .count = count, .width = width, .k = k};
    atomic_init(&it.next, 0);
    if (!threads) threads = count * width >= MANY ? team_known() : 1;
    team_run(sweep_rows, &it, count > 1 ? threads : 1);
}

static int64_t bounds_of(float *upper, const float *scores, const uint64_t *table, uint64_t key,
                         int64_t width) {
    const float step = (float)(-0.69314718055994530942 / 8388608.0);
    int64_t best = 0;
    for (int64_t i = 0; i < width; i++) {
        uint64_t word = table[i] ^ key;
        word *= UINT64_C(0xBF58476D1CE4E5B9);
        word ^= word >> 32;
        word *= UINT64_C(0x94D049BB133111EB);
        float high = (float)(uint32_t)(word >> 32);
        int32_t bits;
        memcpy(&bits, &high, sizeof(bits));
        upper[i] = (float)bits * step + scores[i];
    }
    for (int64_t i = 1; i < width; i++)
        if (upper[i] > upper[best]) best = i;
    return best;
}

void vocabulary_bounds(float *upper, int64_t *best, const float *scores, const uint64_t *table,
                       const uint64_t *keys, int64_t count, int64_t width) {
    for (int64_t n = 0; n < count; n++)
        best[n] = bounds_of(upper + n * width, scores + n * width, table, keys[n], width);
}
