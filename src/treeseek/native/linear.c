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
    int add;        /* onto what is there */
    uintptr_t next; /* weights to fetch meanwhile, and how many bytes of them a step */
    uintptr_t pace;
} place;

enum {
    MANY = 4,     /* rows from which weights are widened once for all */
    DEEP = 1 << 14 /* inputs up to which four outputs in words fit the stack with ease */
};

#define EACH(i, count) _Pragma("GCC unroll 8") for (int i = 0; i < count; i++)

/* Scale, shift and store four sums of a row. */
INLINE void finish_four(float *to, const float *sums, const place at, const matrix *by, int64_t r,
                        int64_t o) {
    four value = load_four(sums);
    if (by->bytes) value *= load_four(by->scales + o) * at.scales[r];
    if (by->bias) value += load_four(by->bias + o);
    if (at.add) value += load_four(to);
    store_four(to, value);
}

INLINE void finish(const int R, const int O, place at, const matrix *by, float found[3][8]) {
    EACH(r, R) {
        float *to = at.out + r * at.out_stride + at.output;
        if (O >= 4) finish_four(to, found[r], at, by, r, at.output);
        if (O >= 8) finish_four(to + 4, found[r] + 4, at, by, r, at.output + 4);
        if (O == 1) {
            float value = found[r][0];
            if (by->bytes) value *= by->scales[at.output] * at.scales[r];
            if (by->bias) value += by->bias[at.output];
            to[0] = at.add ? value + to[0] : value;
        }
    }
}

/* How a tile fetches the weights that come next. The processor does it best alone where one row
 * reads floats: asking it to then costs a tenth. */
enum { NOT, BEHIND, PACED };

/* R rows by O outputs: R * O sums at once, each in its own register. */
INLINE void floats(const int R, const int O, const int fetch, place at, const matrix *by) {
    const int64_t inputs = by->inputs, whole = inputs - inputs % LANES;
    const float *weight = by->weight + at.output * inputs;
    vec sum[3][8];
    EACH(r, R) EACH(o, O) sum[r][o] = splat(0.0f);
    for (int64_t k = 0; k < whole; k += LANES) {
        vec row[3];
        EACH(r, R) row[r] = load(at.x + r * at.x_stride + k);
        if (fetch == PACED) __builtin_prefetch((const void *)at.next, 0, 2), at.next += at.pace;
        EACH(o, O) {
            const float *column = weight + o * inputs + k;
            if (fetch == BEHIND && k % 16 == 0) __builtin_prefetch(column + O * inputs);
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

/* The same in whole numbers: the sums are exact, so their order does not matter. `wide` holds the
 * weights in words where many rows share the work of widening them. */
INLINE void bytes_by_words(const int R, const int O, const int fetch, place at, const matrix *by,
                           const int16_t *wide) {
    const int64_t inputs = padded(by->inputs);
    const int8_t *weight = by->bytes + at.output * inputs;
    ints sum[3][8];
    EACH(r, R) EACH(o, O) sum[r][o] = (ints){0};
    for (int64_t k = 0; k < inputs; k += WIDE) {
        words row[3];
        EACH(r, R) row[r] = load_words(at.words + r * inputs + k);
        EACH(o, O) {
            words column;
            if (wide) column = load_words(wide + o * inputs + k);
            else {
                column = widened(weight + o * inputs + k);
                if (fetch && k % 64 == 0) __builtin_prefetch(weight + (O + o) * inputs + k);
            }
            EACH(r, R) sum[r][o] = pairs(sum[r][o], row[r], column);
        }
    }
    float found[3][8];
    EACH(r, R) {
        if (O >= 4) whole_totals(found[r], sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
        if (O >= 8) whole_totals(found[r] + 4, sum[r][4], sum[r][5], sum[r][6], sum[r][7]);
        if (O == 1) found[r][0] = (float)whole_total(sum[r][0]);
    }
    finish(R, O, at, by, found);
}

INLINE void tile(const int R, const int O, const int fetch, place at, const matrix *by) {
    if (by->bytes) bytes_by_words(R, O, fetch, at, by, NULL);
    else floats(R, O, fetch, at, by);
}

INLINE place below(place at, int64_t rows, int64_t inputs) {
    at.x += rows * at.x_stride, at.out += rows * at.out_stride;
    at.words += rows * padded(inputs), at.scales += rows;
    at.next += at.pace * (uintptr_t)(inputs / LANES);
    return at;
}

/* O outputs for all rows. Memory is read all the time that they are multiplied. */
INLINE void column(const int O, place at, int64_t rows, const matrix *by) {
    if (rows == 1) tile(1, O, by->bytes ? BEHIND : NOT, at, by);
    else if (rows == 2) tile(2, O, BEHIND, at, by);
    else if (rows == 3) tile(3, O, BEHIND, at, by);
    if (rows <= 3) return;
    for (; rows >= 3; rows -= 3) {
        tile(3, O, PACED, at, by);
        at = below(at, 3, by->inputs);
    }
    if (rows == 2) tile(2, O, PACED, at, by);
    if (rows == 1) tile(1, O, PACED, at, by);
}

/* Four outputs of bytes for many rows, two at a time: eight sums, a product and what it is made of
 * fill the sixteen registers there are. */
static void wide_column(place at, int64_t rows, const matrix *by) {
    const int64_t inputs = padded(by->inputs);
    const int8_t *from = by->bytes + at.output * inputs;
    int16_t wide[4 * inputs];
    for (int64_t k = 0; k < 4 * inputs; k += WIDE) {
        if (k % 64 == 0) __builtin_prefetch(from + 4 * inputs + k);
        store_words(wide + k, widened(from + k));
    }
    for (; rows >= 2; rows -= 2) {
        bytes_by_words(2, 4, NOT, at, by, wide);
        at = below(at, 2, by->inputs);
    }
    if (rows) bytes_by_words(1, 4, NOT, at, by, wide);
}

void linear(float *out, int64_t out_stride, const lines *rows, const matrix *by, int64_t begin,
            int64_t end, int add) {
    const int64_t tiles = (rows->count + 2) / 3;
    place at = {.out = out, .x = rows->x, .words = rows->words, .scales = rows->scales,
                .out_stride = out_stride, .x_stride = rows->stride, .output = begin, .add = add};
    at.pace = 4 * LANES * sizeof(float) / (uintptr_t)(tiles ? tiles : 1) + 1;
    if (rows->count == 1)
        for (; at.output + 8 <= end; at.output += 8) tile(1, 8, by->bytes ? BEHIND : NOT, at, by);
    const int wide = by->bytes && rows->count >= MANY && by->inputs <= DEEP;
    for (; at.output + 4 <= end; at.output += 4) {
        at.next = (uintptr_t)by->weight + (uintptr_t)((at.output + 4) * by->inputs) * sizeof(float);
        if (wide) wide_column(at, rows->count, by);
        else column(4, at, rows->count, by);
    }
    for (; at.output < end; at.output++) column(1, at, rows->count, by);
}

void quantise(const lines *rows, int64_t inputs) {
    const int64_t width = padded(inputs), whole = inputs - inputs % LANES;
    /* 127 * finest * width stays below 2^31. */
    float finest = 2147483647.0f / (127.0f * (float)width + 1.0f);
    finest = finest < 32767.0f ? floorf(finest) : 32767.0f;
    for (int64_t n = 0; n < rows->count; n++) {
        const float *x = rows->x + n * rows->stride;
        int16_t *to = rows->words + n * width;
        vec peaks = splat(0.0f), rest = load_some(x + whole, inputs - whole);
        for (int64_t k = 0; k < whole; k += LANES) peaks = larger(magnitude(load(x + k)), peaks);
        float most = largest(larger(magnitude(rest), peaks));
        float scale = most > 0.0f ? finest / most : 0.0f;
        const vec by = splat(scale);
        for (int64_t k = 0; k < whole; k += LANES) store_rounded(to + k, load(x + k) * by);
        for (int64_t k = whole; k < width; k += LANES, rest = splat(0.0f))
            store_rounded(to + k, rest * by);
        rows->scales[n] = most / finest;
    }
}
