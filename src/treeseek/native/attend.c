#include "attend.h"

#include "vector.h"

#include <math.h>

INLINE void scores(float *to, const float *query, const float *keys, int64_t stride,
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

/* sum = sum * keep + the values' weighted sum, C vectors of it at a time. */
INLINE void gather(const int C, float *sum, float keep, const float *weights, const float *values,
                   int64_t stride, const int32_t *slots, int count) {
    vec part[4];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) part[c] = load(sum + c * LANES) * splat(keep);
    for (int j = 0; j < count; j++) {
        vec weight = splat(weights[j]);
        const float *value = values + slots[j] * stride;
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) part[c] = mad(weight, load(value + c * LANES), part[c]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) store(sum + c * LANES, part[c]);
}

void attend(outlook *state, const float *query, const float *keys, const float *values,
            int64_t stride, const int32_t *slots, int count, int64_t width, float scale) {
    float weights[BLOCK + LANES];
    int j = 0;
    for (; j + 4 <= count; j += 4) scores(weights + j, query, keys, stride, slots + j, width);
    if (j < count) {
        int32_t last[4];
        for (int i = 0; i < 4; i++) last[i] = slots[j + i < count ? j + i : count - 1];
        scores(weights + j, query, keys, stride, last, width);
    }
    for (int i = 0; i < count; i++) weights[i] *= scale;
    for (int i = 0; i < LANES; i++) weights[count + i] = -INFINITY;
    vec high = splat(state->most);
    for (int i = 0; i < count; i += LANES) high = larger(load(weights + i), high);
    float most = largest(high);
    float keep = exponential(splat(state->most - most))[0];
    vec added = splat(0.0f);
    for (int i = 0; i < count; i += LANES) {
        vec weight = exponential(load(weights + i) - splat(most));
        store(weights + i, weight);
        added += weight;
    }
    state->weight = state->weight * keep + total(added);
    state->most = most;
    int64_t at = 0;
    for (; at + 4 * LANES <= width; at += 4 * LANES)
        gather(4, state->sum + at, keep, weights, values + at, stride, slots, count);
    for (; at + LANES <= width; at += LANES)
        gather(1, state->sum + at, keep, weights, values + at, stride, slots, count);
    for (; at < width; at++) {
        float sum = state->sum[at] * keep;
        for (int i = 0; i < count; i++) sum += weights[i] * values[slots[i] * stride + at];
        state->sum[at] = sum;
    }
}
