/* What comes first of what waits: by order, then by when it was met. */
#ifndef TREESEEK_HEAP_H
#define TREESEEK_HEAP_H

#include <stdint.h>

typedef struct {
    double order;
    int64_t met, what;
} waiting;

static inline int sooner(const waiting *a, const waiting *b) {
    return a->order != b->order ? a->order < b->order : a->met < b->met;
}

/* `heap` has room for one more than the `*count` in it. */
static inline void push(waiting *heap, int64_t *count, waiting new) {
    int64_t at = (*count)++;
    while (at && sooner(&new, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = new;
}

/* The first of `*count` >= 1. */
static inline waiting pop(waiting *heap, int64_t *count) {
    const waiting first = heap[0], last = heap[--*count];
    int64_t at = 0;
    for (int64_t below; (below = 2 * at + 1) < *count; at = below) {
        if (below + 1 < *count && sooner(&heap[below + 1], &heap[below])) below++;
        if (!sooner(&heap[below], &last)) break;
        heap[at] = heap[below];
    }
    heap[at] = last;
    return first;
}

#endif
