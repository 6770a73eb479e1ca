/* Passes over rows of logits as wide as a vocabulary. */
#ifndef TREESEEK_VOCABULARY_H
#define TREESEEK_VOCABULARY_H

#include <stdint.h>

typedef struct {
    double largest; /* NaN if any logit is */
    double lse;     /* log-sum-exp */
    double entropy; /* in nats */
    int64_t near;   /* how many tokens may be among the k likeliest */
} facts;

/* Facts of each row [count, width], and in `near` [count, width] the tokens, ascending, that are at
 * least as likely as the k-th likeliest group of tokens: the k likeliest are among them. Rows whose
 * largest logit is not finite have no other facts. With no number of `threads`, where there are
 * rows enough, all that are there anyhow. */
void vocabulary_facts(facts *found, int32_t *near, const float *rows, int64_t count, int64_t width,
                      int64_t k, int threads);

/* For each token an upper bound of score + Gumbel noise, short of the constant that is left out of
 * every bound: score - ln 2 * (bits of the hash as a float) / 2^23. Returns the largest's token. */
int64_t vocabulary_bounds(float *upper, const float *scores, const uint64_t *table, uint64_t key,
                          int64_t width);

#endif
