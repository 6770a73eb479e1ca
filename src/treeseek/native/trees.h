/* Trees of drafted tokens, united and counted: see drafters/growth.py and calibration.py. */
#ifndef TREESEEK_TREES_H
#define TREESEEK_TREES_H

#include <stdint.h>

/* A tree of `count` nodes, parents before children, -1 for the tip; its chances are what was counted
 * for them by `right` and `reached` [bins + 1]. */
typedef struct {
    const int32_t *tokens, *parents;
    const double *chances;
    int64_t count;
    double *right, *reached;
} drafted;

/* The `budget` nodes most probably reached of all `count` trees as one trie, and their number; -1
 * where one of them is no tree, or has tokens or chances that are none. */
int64_t trees_united(const drafted *trees, int64_t count, int64_t vocabulary, int64_t bins,
                     int64_t budget, int32_t *tokens, int32_t *parents, double *chances);

/* The text has grown by `length` tokens where all `count` trees were drafted: count what was reached
 * and right. What was reached `memory` times counts for half from then on. */
void trees_counted(const drafted *trees, int64_t count, int64_t bins, double memory,
                   const int32_t *tokens, int64_t length);

#endif
