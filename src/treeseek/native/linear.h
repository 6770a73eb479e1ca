/* Rows times the transpose of a matrix, for few rows: the matrix is read once, in place.
 *
 * The bits of out[n, o] depend on row n and output o alone: not on what other rows there are, nor
 * on how the work is cut.
 */
#ifndef TREESEEK_LINEAR_H
#define TREESEEK_LINEAR_H

#include <stdint.h>

/* A matrix [outputs, inputs], row by row: floats, or bytes with a scale for each output.
 *
 * A row of bytes takes `padded(inputs)` places, zeros behind the inputs.
 */
typedef struct {
    const float *weight;
    const int8_t *bytes;
    const float *scales; /* [outputs], for bytes */
    const float *bias;   /* [outputs] or NULL */
    int64_t outputs, inputs;
} matrix;

/* Rows [count, inputs] at distances of `stride`. A matrix of bytes wants them as whole numbers too:
 * `words` [count, padded(inputs)] times a scale for each row, which `quantise` makes. */
typedef struct {
    const float *x;
    int64_t count, stride;
    int16_t *words;
    float *scales;
} lines;

#define WIDE 16
static inline int64_t padded(int64_t count) { return (count + WIDE - 1) / WIDE * WIDE; }

/* Round rows to whole numbers, as fine as a sum of products with bytes fits 32 bits. */
void quantise(const lines *rows, int64_t inputs);

/* out[n, o] = x[n] . weight[o] + bias[o] (+ out[n, o] if `add`) for o from `begin` to `end`. */
void linear(float *out, int64_t out_stride, const lines *rows, const matrix *by, int64_t begin,
            int64_t end, int add);

#endif
