/* Rows of a tree through every layer of a Llama-shaped decoder, in one call. */
#ifndef TREESEEK_DECODER_H
#define TREESEEK_DECODER_H

#include "linear.h"
#include "stream.h"

#include <stdint.h>

typedef struct {
    matrix joint; /* queries, keys and values below each other */
    matrix out;   /* attention's output */
    matrix gate, up, down;
    const float *before, *after; /* norms [model] */
    const float *heads;          /* norms of query and key heads [heads + held, width], or NULL */
    float *keys, *values;        /* the pool's [slots, held, width]; rows are written here */
    float before_eps, after_eps, heads_eps, scale;
    int64_t window; /* a row sees so many tokens up to itself; 0: all */
} layer;

typedef struct {
    const layer *layers;
    int64_t count, model, heads, held, width, inner;
    const float *embedding;     /* [vocabulary, model] */
    const float *norm;          /* [model] */
    const float *cosine, *sine; /* [depths, width], the first half of the sines negated */
    matrix head;                /* [vocabulary, model], for calls that ask for logits */
    float eps;
} decoder;

typedef struct {
    int64_t rows;
    const int64_t *tokens, *depths;    /* [rows] */
    const int32_t *const *paths;       /* [rows] slots from the root to the row, its own the last */
    float *hidden;                     /* out: [rows, model] after the last norm, or NULL */
    float *kept;                       /* out: the same by slot, [slots, model], or NULL */
    float *logits;                     /* out: [asked, vocabulary] of the last rows */
    int64_t asked;
    const wanted *wanted;              /* what is wanted of slots in place of logits, or NULL */
    float *room;                       /* `decoder_room` floats */
} rows_call;

/* Floats of working memory that `decoder_run` needs; for what is wanted `stream_room` more. */
int64_t decoder_room(const decoder *model, int64_t rows, int threads);

/* Ancestors come before their descendants. Bits of a row depend on its own path alone. */
void decoder_run(const decoder *model, const rows_call *call, int threads);

/* Floats of working memory that `linear_run` needs. */
int64_t linear_room(const matrix *by, int64_t rows);

/* out [rows, by.outputs] = x [rows, by.inputs] times the transpose of `by`. */
void linear_run(float *out, const float *x, int64_t rows, const matrix *by, float *room,
                int threads);

#endif
