/* The log-sum-exp of rows of logits, and a few of their logits, without the rows.
 *
 * The head is multiplied piece by piece of the vocabulary, and of a piece only its sums are kept.
 * Every number has the bits that the whole row would give it.
 */
#ifndef TREESEEK_STREAM_H
#define TREESEEK_STREAM_H

#include "linear.h"
#include "team.h"
#include "vocabulary.h"

#include <stdint.h>

/* What is wanted of some slots: facts but for `near`, and the logits of given tokens. */
typedef struct {
    int64_t count;
    const int32_t *slots;  /* [count] */
    const int64_t *starts; /* [count + 1] where the tokens of each begin */
    const int64_t *tokens;
    float *logits;         /* out: one for each token */
    facts *found;          /* out: [count] */
} wanted;

typedef struct {
    const wanted *of;
    const float *kept;  /* last hidden states by slot */
    const matrix *by;
    int64_t parts;      /* pieces of a row */
    float *x;           /* [count, by.inputs], hidden states next to each other */
    int16_t *words;     /* the same for bytes, with a scale for each */
    float *scales;
    piece *pieces;      /* [count, parts] */
    float *tiles;       /* logits of one piece of some rows, for each thread */
    atomic_long next;
} stream;

/* Floats of working memory that a stream of `count` rows needs. */
int64_t stream_room(const matrix *by, int64_t count, int threads);

void stream_lay(stream *it, const wanted *of, const float *kept, const matrix *by, float *room);

/* What each thread of a team does; afterwards the answers are there. */
void stream_on(stream *it, team *crew, int id);

/* The same where the hidden states are there and nothing else is to be done. */
void stream_run(const wanted *of, const float *kept, const matrix *by, float *room, int threads);

#endif
