#include "attend.h"

#include "vector.h"

#include <math.h>

/* Heads up to this wide are turned: lanes hold keys and not parts of one, no lane is added to
 * another, and the turned keys of a block stay in the nearest cache. */
#define NARROW 16
#define EACH(i, count) _Pragma("GCC unroll 8") for (int i = 0; i < count; i++)

typedef float scores[BLOCK + LANES];

/* The scores of four keys. */
INLINE void four_scores(float *to, const float *query, const float *keys, int64_t stride,
                        const int32_t *slots, int64_t width) {
    const float *a = keys + slots[0] * stride, *b = keys + slots[1] * stride;
    const float *c = keys + slots[2] * stride, *d = keys + slots[3] * stride;
    vec p = splat(0.0f), q = p, r = p, s = p;
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) {
        vec x = load(query + k);
        p = mad(x, load(a + k), p), q = mad(x, load(b + k), q);
        r = mad(x, load(c + k), r), s = mad(x, load(d + k), s);
    }
    if (k < width) {
        int64_t rest = width - k;
        vec x = load_some(query + k, rest);
        p = mad(x, load_some(a + k, rest), p), q = mad(x, load_some(b + k, rest), q);
        r = mad(x, load_some(c + k, rest), r), s = mad(x, load_some(d + k, rest), s);
    }
    totals(to, p, q, r, s);
}

/* Scores of the keys of `one` from `begin` on, four at a time. */
INLINE void score_from(float *to, const gaze *one, int begin, const float *keys, int64_t stride,
                       int64_t width) {
    int j = begin;
    for (; j + 4 <= one->count; j += 4)
        four_scores(to + j, one->query, keys, stride, one->slots + j, width);
    if (j >= one->count) return;
    int32_t last[4];
    for (int i = 0; i < 4; i++) last[i] = one->slots[j + i < one->count ? j + i : one->count - 1];
    four_scores(to + j, one->query, keys, stride, last, width);
}

/* Keys of `count` slots by lanes: eight keys' k-th parts next to each other, for every k. */
static void turn_keys(float *to, const float *keys, int64_t stride, const int32_t *slots, int count,
                      int64_t width) {
    for (int j = 0; j < count; j += LANES) {
        const float *from[LANES];
        for (int i = 0; i < LANES; i++)
            from[i] = keys + slots[j + i < count ? j + i : count - 1] * stride;
        for (int64_t k = 0; k < width; k += LANES, to += LANES * LANES) transpose(to, from, k);
    }
}

/* Scores of the first `count` turned keys, in the order of `totals`. */
INLINE void turned_scores(const int C, float *to, const float *query, const float *turned,
                          int count) {
    for (int j = 0; j < count; j += LANES, turned += C * LANES * LANES) {
        vec part[LANES];
        EACH(i, LANES) part[i] = splat(query[i]) * load(turned + i * LANES);
        if (C == 2)
            EACH(i, LANES)
                part[i] = mad(splat(query[LANES + i]), load(turned + (LANES + i) * LANES), part[i]);
        store(to + j, ((part[0] + part[1]) + (part[2] + part[3])) +
                          ((part[4] + part[5]) + (part[6] + part[7])));
    }
}

/* Scale the scores of `one`; in `high` the largest of every lane. */
INLINE void scaled(float *high, float *weights, int count, float scale) {
    for (int i = count; i < count + LANES; i++) weights[i] = -INFINITY;
    vec most = splat(-INFINITY);
    for (int i = 0; i < count; i += LANES) {
        vec score = load(weights + i) * splat(scale);
        store(weights + i, score);
        most = larger(score, most);
    }
    store(high, most);
}

/* From scores less the largest to weights; in `added` the sum of every lane. */
INLINE void weighed(float *added, float *weights, int count, float most) {
    vec sum = splat(0.0f);
    for (int i = 0; i < count; i += LANES) {
        vec weight = exponential(load(weights + i) - splat(most));
        store(weights + i, weight);
        sum += weight;
    }
    store(added, sum);
}

/* From scores to weights for up to eight queries, and how much of what each saw before counts on.
 * What depends on one number of a query is done for all of them at once. */
static void weigh(const gaze *some, int many, scores *weights, float *keep, float scale) {
    float lanes[LANES][LANES] = {{0}}, turned[LANES][LANES];
    const float *from[LANES];
    vec most = splat(-INFINITY), weight = splat(0.0f), added;
    for (int q = 0; q < many; q++) {
        scaled(lanes[q], weights[q], some[q].count, scale);
        most[q] = *some[q].most, weight[q] = *some[q].weight;
    }
    EACH(q, LANES) from[q] = lanes[q];
    transpose(turned[0], from, 0);
    const vec before = most;
    EACH(i, LANES) most = larger(load(turned[i]), most);
    const vec kept = exponential(before - most);
    for (int q = 0; q < many; q++) weighed(lanes[q], weights[q], some[q].count, most[q]);
    EACH(half, 2) {
        totals((float *)&added + 4 * half, load(lanes[4 * half]), load(lanes[4 * half + 1]),
               load(lanes[4 * half + 2]), load(lanes[4 * half + 3]));
    }
    weight = weight * kept + added;
    for (int q = 0; q < many; q++)
        *some[q].most = most[q], *some[q].weight = weight[q], keep[q] = kept[q];
}

/* sum = sum * keep + the values' weighted sum for Q queries, C vectors of it from `at` on. */
INLINE void blend(const int C, const int Q, const gaze *some, scores *weights, const float *keep,
                  const float *values, int64_t stride, int64_t at) {
    vec part[8];
    int common = Q > 1 ? some->reach : some->count;
    EACH(q, Q) {
        if (some[q].reach < common && Q > 1) common = some[q].reach;
        EACH(c, C) part[q * C + c] = load(some[q].sum + at + c * LANES) * splat(keep[q]);
    }
    for (int j = 0; j < common; j++) {
        const float *value = values + some->slots[j] * stride + at;
        EACH(q, Q) {
            vec weight = splat(weights[q][j]);
            EACH(c, C) part[q * C + c] = mad(weight, load(value + c * LANES), part[q * C + c]);
        }
    }
    EACH(q, Q) {
        for (int j = common; j < some[q].count; j++) {
            const float *value = values + some[q].slots[j] * stride + at;
            vec weight = splat(weights[q][j]);
            EACH(c, C) part[q * C + c] = mad(weight, load(value + c * LANES), part[q * C + c]);
        }
        EACH(c, C) store(some[q].sum + at + c * LANES, part[q * C + c]);
    }
}

/* As many queries at a time as keep eight sums going: an addition waits for the one before. */
INLINE void blend_all(const int C, const gaze *crowd, int many, scores *weights, const float *keep,
                      const float *values, int64_t stride, int64_t at) {
    int q = 0;
    for (; q + 8 / C <= many; q += 8 / C)
        blend(C, 8 / C, crowd + q, weights + q, keep + q, values, stride, at);
    if (C < 4)
        for (; q + 2 <= many; q += 2)
            blend(C, 2, crowd + q, weights + q, keep + q, values, stride, at);
    for (; q < many; q++) blend(C, 1, crowd + q, weights + q, keep + q, values, stride, at);
}

void attend(const gaze *crowd, int many, const float *keys, const float *values, int64_t stride,
            int64_t width, float scale) {
    scores weights[CROWD];
    float keep[CROWD], turned[BLOCK * NARROW];
    const int narrow = width == LANES || width == 2 * LANES;
    if (narrow) {
        int reach = 0;
        for (int q = 0; q < many; q++)
            if (crowd[q].reach > reach) reach = crowd[q].reach;
        turn_keys(turned, keys, stride, crowd->slots, reach, width);
    }
    for (int q = 0; q < many; q++) {
        const gaze *one = crowd + q;
        if (width == LANES) turned_scores(1, weights[q], one->query, turned, one->reach);
        else if (narrow) turned_scores(2, weights[q], one->query, turned, one->reach);
        score_from(weights[q], one, narrow ? one->reach : 0, keys, stride, width);
    }
    for (int q = 0; q < many; q += LANES)
        weigh(crowd + q, many - q < LANES ? many - q : LANES, weights + q, keep + q, scale);
    int64_t at = 0;
    for (; at + 4 * LANES <= width; at += 4 * LANES)
        blend_all(4, crowd, many, weights, keep, values, stride, at);
    if (at + 2 * LANES <= width) {
        blend_all(2, crowd, many, weights, keep, values, stride, at);
        at += 2 * LANES;
    }
    if (at + LANES <= width) {
        blend_all(1, crowd, many, weights, keep, values, stride, at);
        at += LANES;
    }
    for (; at < width; at++)
        for (int q = 0; q < many; q++) {
            float sum = crowd[q].sum[at] * keep[q];
            for (int i = 0; i < crowd[q].count; i++)
                sum += weights[q][i] * values[crowd[q].slots[i] * stride + at];
            crowd[q].sum[at] = sum;
        }
}
