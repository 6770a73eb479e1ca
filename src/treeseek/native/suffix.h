/* Texts that end alike, and the tokens that followed there: see drafters/history.py, weighing.py and
 * growth.py, which do the same step by step. */
#ifndef TREESEEK_SUFFIX_H
#define TREESEEK_SUFFIX_H

#include <stdint.h>

/* Places of one token, oldest first. */
typedef struct {
    const int32_t *places;
    int64_t count;
} seen;

/* Which of the places of the last token end as a text does with the `count` >= 1 tokens whose places
 * are `of` behind it: in `lengths` how many tokens agree there, one at least. Before them the text
 * ended with the `known` lengths up to `places`, `held` of them. `agreed` has a zero for every place
 * there is, and does again. False, and nothing is told, without memory. */
int suffix_follow(int32_t *lengths, const seen *of, int64_t count, const int32_t *places,
                  const int32_t *known, int64_t held, const int32_t *before, int32_t *agreed);

typedef struct {
    const int32_t *text, *after, *labels; /* by place: token, place behind it or -1, whose it is */
    const int32_t *places, *lengths;      /* that end alike, oldest first, and how far */
    int64_t held;
    int64_t label, near;              /* a place of this label counts for so many tokens more */
    int64_t shortest, longest, first; /* tokens that agree at least, that count; earliest first */
    int64_t most;                     /* places that are weighed */
    int64_t alone;                    /* of a node, only the likeliest token */
    int64_t resume, place, copied;     /* tokens a copy may skip, and from where, unless places ... */
    int64_t budget;                   /* ... agree by as many as `copied`; nodes of the tree */
    const double *misses;             /* by level, `levels` of them, the last for all above */
    int64_t levels;
    double least, sure, resumed, further;
} endings;

/* The tree of the tokens most probably reached, the number of its nodes. In `matches` [most, 2] the
 * places weighed behind the tip with their levels, best first, `matched` of them. Nothing is drafted
 * without memory. */
int64_t suffix_draft(const endings *of, int32_t *tokens, int32_t *parents, double *chances,
                     int32_t *matches, int64_t *matched);

#endif
