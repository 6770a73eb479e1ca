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

#define GROUP 64  /* neighbouring tokens whose largest logit is kept */
#define PIECE 512 /* tokens of a row that are summed up together */

/* What is kept of a piece of a row. Sums are of e^(x - shift) where the shift is 0, or the largest
 * logit where that is far from 0. */
typedef struct {
    float largest; /* NaN if any logit is */
    double mass;   /* the sum */
    double moment; /* the same times (x - shift) */
} piece;

/* The piece of `width` <= PIECE logits; in `peaks` the largest of every group. */
piece piece_of(const float *logits, int64_t width, float *peaks);

/* Facts of the row whose pieces these are, all of PIECE logits but the last. However a row is
 * computed, its facts are made here: they have one order of summation. */
facts facts_of(const piece *pieces, int64_t count);

/* Facts of each row [count, width], and in `near` [count, width] the tokens, ascending, that are at
 * least as likely as the k-th likeliest group of tokens: the k likeliest are among them. Rows whose
 * largest logit is not finite have no other facts. With no number of `threads`, where there are
 * rows enough, all that are there anyhow. */
void vocabulary_facts(facts *found, int32_t *near, const float *rows, int64_t count, int64_t width,
                      int64_t k, int threads);

/* For each token of rows [count, width], each with a key, an upper bound of score + Gumbel noise,
 * short of the constant that is left out of every bound: score - ln 2 * (bits of the hash as a
 * float) / 2^23. In `best` [count] the token of the largest. */
void vocabulary_bounds(float *upper, int64_t *best, const float *scores, const uint64_t *table,
                       const uint64_t *keys, int64_t count, int64_t width);

#endif
