/* Rows times the transpose of a matrix, for few rows: the matrix is read once, in place. */
#ifndef TREESEEK_LINEAR_H
#define TREESEEK_LINEAR_H

#include <stdint.h>

/* A matrix [outputs, inputs], row by row. */
typedef struct {
    const float *weight;
    const float *bias; /* [outputs] or NULL */
    int64_t outputs, inputs;
} matrix;

/* out[n, o] = x[n] . weight[o] + bias[o] (+ out[n, o] if `add`) for o from `begin` to `end`.
 *
 * The bits of out[n, o] depend on x[n] and weight[o] alone: not on n, not on the range.
 */
void linear(float *out, int64_t out_stride, const float *x, int64_t x_stride, int64_t rows,
            const matrix *by, int64_t begin, int64_t end, int add);

#endif
