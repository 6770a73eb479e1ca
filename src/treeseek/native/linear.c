#include "linear.h"

#include "vector.h"

#include <math.h>

/* Where a tile of rows and outputs lies. */
typedef struct {
    float *out;
    const float *x;
    const int16_t *words;
    const float *scales;
    int64_t out_stride, x_stride, output;
    int add;   /* onto what is there */
    int ahead; /* fetch the weights behind these meanwhile */
} place;

#define EACH(i, count) _Pragma("GCC unroll 8") for (int i = 0; i < count; i++)

INLINE void finish(const int R, const int O, place at, const matrix *by, float found[3][8]) {
    EACH(r, R) {
        float *to = at.out + r * at.out_stride + at.output;
        EACH(o, O) {
            float value = found[r][o];
            if (by->bytes) value *= by->scales[at.output + o] * at.scales[r];
            if (by->bias) value += by->bias[at.output + o];
            to[o] = at.add ? value + to[o] : value;
        }
    }
}

/* R rows by O outputs: R * O sums at once, each in its own register. */
INLINE void floats(const int R, const int O, place at, const matrix *by) {
    const int64_t inputs = by->inputs, whole = inputs - inputs % LANES;
    const float *weight = by->weight + at.output * inputs;
    vec sum[3][8];
    EACH(r, R) EACH(o, O) sum[r][o] = splat(0.0f);
    for (int64_t k = 0; k < whole; k += LANES) {
        vec row[3];
        EACH(r, R) row[r] = load(at.x + r * at.x_stride + k);
        EACH(o, O) {
            const float *column = weight + o * inputs + k;
            if (at.ahead && k % 16 == 0) __builtin_prefetch(column + O * inputs);
            EACH(r, R) sum[r][o] = mad(row[r], load(column), sum[r][o]);
        }
    }
    if (whole < inputs) EACH(o, O) {
        vec column = load_some(weight + o * inputs + whole, inputs - whole);
        EACH(r, R) {
            vec row = load_some(at.x + r * at.x_stride + whole, inputs - whole);
            sum[r][o] = mad(row, column, sum[r][o]);
        }
    }
    float found[3][8];
    EACH(r, R) {
        if (O >= 4) totals(found[r], sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
        if (O >= 8) totals(found[r] + 4, sum[r][4], sum[r][5], sum[r][6], sum[r][7]);
        if (O == 1) found[r][0] = total(sum[r][0]);
    }
    finish(R, O, at, by, found);
}

/* The same in whole numbers: the sums are exact, so their order does not matter. */
INLINE void bytes_by_words(const int R, const int O, place at, const matrix *by) {
    const int64_t inputs = padded(by->inputs);
    const int8_t *weight = by->bytes + at.output * inputs;
    ints sum[3][8];
    EACH(r, R) EACH(o, O) sum[r][o] = (ints){0};
    for (int64_t k = 0; k < inputs; k += WIDE) {
        words row[3];
        EACH(r, R) row[r] = load_words(at.words + r * inputs + k);
        EACH(o, O) {
            const int8_t *column = weight + o * inputs + k;
            if (at.ahead && k % 64 == 0) __builtin_prefetch(column + O * inputs);
            words wide = widened(column);
            EACH(r, R) sum[r][o] += pairs(row[r], wide);
        }
    }
    float found[3][8];
    EACH(r, R) EACH(o, O) found[r][o] = (float)whole_total(sum[r][o]);
    finish(R, O, at, by, found);
}

INLINE void tile(const int R, const int O, place at, const matrix *by) {
    if (by->bytes) bytes_by_words(R, O, at, by);
    else floats(R, O, at, by);
}

INLINE void column(const int O, place at, int64_t rows, const matrix *by) {
    for (; rows >= 3; rows -= 3) {
        tile(3, O, at, by);
        at.x += 3 * at.x_stride, at.out += 3 * at.out_stride;
        at.words += 3 * padded(by->inputs), at.scales += 3;
        at.ahead = 0;
    }
    if (rows == 2) tile(2, O, at, by);
    if (rows == 1) tile(1, O, at, by);
}

void linear(float *out, int64_t out_stride, const lines *rows, const matrix *by, int64_t begin,
            int64_t end, int add) {
    place at = {out, rows->x, rows->words, rows->scales, out_stride, rows->stride, begin, add, 1};
    if (rows->count == 1)
        for (; at.output + 8 <= end; at.output += 8) tile(1, 8, at, by);
    for (; at.output + 4 <= end; at.output += 4) column(4, at, rows->count, by);
    for (; at.output < end; at.output++) column(1, at, rows->count, by);
}

void quantise(const lines *rows, int64_t inputs) {
    const int64_t width = padded(inputs);
    /* 127 * finest * width stays below 2^31. */
    float finest = 2147483647.0f / (127.0f * (float)width + 1.0f);
    finest = finest < 32767.0f ? floorf(finest) : 32767.0f;
    for (int64_t n = 0; n < rows->count; n++) {
        const float *x = rows->x + n * rows->stride;
        int16_t *to = rows->words + n * width;
        float most = 0.0f;
        for (int64_t k = 0; k < inputs; k++) most = fabsf(x[k]) > most ? fabsf(x[k]) : most;
        float scale = most > 0.0f ? finest / most : 0.0f;
        for (int64_t k = 0; k < inputs; k++) to[k] = (int16_t)rounded(x[k] * scale);
        for (int64_t k = inputs; k < width; k++) to[k] = 0;
        rows->scales[n] = most / finest;
    }
}
