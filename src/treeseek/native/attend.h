/* Attention of rows of a tree over the slots of their paths. */
#ifndef TREESEEK_ATTEND_H
#define TREESEEK_ATTEND_H

#include <stdint.h>

#define BLOCK 64 /* keys weighed together; a path is cut at multiples of it, counted from its root */

/* Softmax over the keys seen so far: their weighted sum, largest score and sum of weights. */
typedef struct {
    float *sum;
    float most, weight;
} outlook;

/* Weigh `count` <= BLOCK more keys for one query [width]; keys of slot s lie at s * stride. */
void attend(outlook *state, const float *query, const float *keys, const float *values,
            int64_t stride, const int32_t *slots, int count, int64_t width, float scale);

#endif
