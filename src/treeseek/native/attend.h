/* Attention of rows of a tree over the slots of their paths. */
#ifndef TREESEEK_ATTEND_H
#define TREESEEK_ATTEND_H

#include <stdint.h>

#define BLOCK 64 /* keys weighed together; a path is cut at multiples of it, counted from its root */
#define CROWD 32 /* queries that look at one block together */

/* A query [width] at a block of keys, and its softmax over all keys so far: their weighted sum
 * [width], largest score and sum of weights. */
typedef struct {
    const float *query;
    const int32_t *slots; /* [count] */
    int count, reach;     /* of the first `reach` >= 0 slots it and the first of its crowd agree */
    float *sum, *most, *weight;
} gaze;

/* Weigh one more block for each of `many` <= CROWD; keys of slot s lie at s * stride. The slots of
 * the first are there as far as any reaches. Bits do not depend on who else looks. */
void attend(const gaze *crowd, int many, const float *keys, const float *values, int64_t stride,
            int64_t width, float scale);

#endif
