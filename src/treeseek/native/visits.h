/* The tree of a PUCT search: descents, values on their way up, children. */
#ifndef TREESEEK_VISITS_H
#define TREESEEK_VISITS_H

#include <stdint.h>

typedef struct {
    double sum, mean;
    double prior, share; /* share = prior / (1 + visits) */
    double loss;         /* what the visit in flight counts as */
    double settled;      /* the value of a leaf that never grows */
    int64_t visits, first, count;
    int64_t parent; /* -1 above the root */
    int64_t state;  /* FLYING, SETTLED, both or 0 */
} visit;

enum { FLYING = 1, SETTLED = 2 };

typedef struct {
    visit *nodes;
    int64_t size;
    double exploration;
    double low, high; /* least and greatest value seen, or the bounds of all */
    int64_t bounded;
} visits;

/* Descends at most `left` times, to at most `most` leaves; how many are in `leaves`, and in
 * `descents` how often it descended. */
int64_t visits_collect(visits *tree, int64_t most, int64_t left, int64_t *leaves,
                       int64_t *descents);

/* Gives the visit to each of `count` leaves its value and the leaf `sizes` children, priors from
 * their log-probabilities; one that gets none is settled. There is room for them. */
void visits_land(visits *tree, int64_t count, const int64_t *leaves, const double *values,
                 const int64_t *sizes, const double *logprobs);

#endif
