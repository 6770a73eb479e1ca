#include "linear.h"

#include "vector.h"

typedef struct {
    float *out;
    const float *x;
    int64_t out_stride, x_stride;
    int add, ahead;
} rows_at;

/* R rows by O outputs: R * O sums at once, each in its own register. */
INLINE void tile(const int R, const int O, rows_at at, const matrix *by, int64_t output) {
    const int64_t inputs = by->inputs, whole = inputs - inputs % LANES;
    const float *x = at.x, *weight = by->weight + output * inputs;
    vec sum[3][8];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int o = 0; o < O; o++) sum[r][o] = splat(0.0f);
    for (int64_t k = 0; k < whole; k += LANES) {
        vec row[3];
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) row[r] = load(x + r * at.x_stride + k);
#pragma GCC unroll 8
        for (int o = 0; o < O; o++) {
            vec column = load(weight + o * inputs + k);
            if (at.ahead && k % 16 == 0) __builtin_prefetch(weight + (o + O) * inputs + k);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) sum[r][o] = mad(row[r], column, sum[r][o]);
        }
    }
    if (whole < inputs) {
#pragma GCC unroll 8
        for (int o = 0; o < O; o++) {
            vec column = load_some(weight + o * inputs + whole, inputs - whole);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                vec row = load_some(x + r * at.x_stride + whole, inputs - whole);
                sum[r][o] = mad(row, column, sum[r][o]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
        float found[8];
        if (O >= 4) totals(found, sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
        if (O >= 8) totals(found + 4, sum[r][4], sum[r][5], sum[r][6], sum[r][7]);
        if (O == 1) found[0] = total(sum[r][0]);
        float *to = at.out + r * at.out_stride + output;
        for (int o = 0; o < O; o++) {
            float value = found[o];
            if (by->bias) value += by->bias[output + o];
            to[o] = at.add ? value + to[o] : value;
        }
    }
}

INLINE void column(const int O, rows_at at, int64_t rows, const matrix *by, int64_t output) {
    int64_t n = 0;
    for (; n + 3 <= rows; n += 3) {
        tile(3, O, at, by, output);
        at.ahead = 0;
        at.x += 3 * at.x_stride, at.out += 3 * at.out_stride;
    }
    if (rows - n == 2) tile(2, O, at, by, output);
    if (rows - n == 1) tile(1, O, at, by, output);
}

void linear(float *out, int64_t out_stride, const float *x, int64_t x_stride, int64_t rows,
            const matrix *by, int64_t begin, int64_t end, int add) {
    rows_at at = {out, x, out_stride, x_stride, add, 1};
    int64_t output = begin;
    if (rows == 1)
        for (; output + 8 <= end; output += 8) tile(1, 8, at, by, output);
    for (; output + 4 <= end; output += 4) column(4, at, rows, by, output);
    for (; output < end; output++) column(1, at, rows, by, output);
}
