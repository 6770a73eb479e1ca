#include "trees.h"

#include "heap.h"

#include <stdlib.h>

/* A token in its place in the trie: the first below it, and the next beside it. */
typedef struct {
    double chance;
    int64_t child, last, next;
    int32_t token, tree; /* the last tree that has it */
} place;

static double counted(const drafted *tree, int64_t bins, double chance) {
    const double at = chance * (double)bins;
    const int64_t low = (int64_t)at < bins - 1 ? (int64_t)at : bins - 1;
    const double below = tree->right[low] / tree->reached[low];
    const double above = tree->right[low + 1] / tree->reached[low + 1];
    return below + (at - (double)low) * (above - below);
}

/* The place of `token` below `at`, the first free one of `*used` if it has none yet. */
static int64_t below(place *trie, int64_t *used, int64_t at, int32_t token) {
    for (int64_t child = trie[at].child; child >= 0; child = trie[child].next)
        if (trie[child].token == token) return child;
    const int64_t new = (*used)++;
    trie[new] = (place){.token = token, .tree = -1, .child = -1, .last = -1, .next = -1};
    if (trie[at].last < 0) trie[at].child = new;
    else trie[trie[at].last].next = new;
    trie[at].last = new;
    return new;
}

static int sound(const drafted *tree, int64_t vocabulary) {
    for (int64_t n = 0; n < tree->count; n++) {
        if (tree->parents[n] < -1 || tree->parents[n] >= n) return 0;
        if (tree->tokens[n] < 0 || tree->tokens[n] >= vocabulary) return 0;
        if (!(tree->chances[n] >= 0.0 && tree->chances[n] <= 1.0)) return 0;
    }
    return 1;
}

/* The trees as one trie of so many places; 0 where a tree has a token twice at one place. */
static int64_t trie_of(place *trie, int64_t *places, const drafted *trees, int64_t count,
                       int64_t bins) {
    int64_t used = 1;
    trie[0] = (place){.child = -1, .last = -1, .next = -1};
    for (int64_t i = 0; i < count; i++)
        for (int64_t n = 0; n < trees[i].count; n++) {
            const int64_t above = trees[i].parents[n] < 0 ? 0 : places[trees[i].parents[n]];
            place *at = &trie[places[n] = below(trie, &used, above, trees[i].tokens[n])];
            if (at->tree == i) return 0;
            at->tree = (int32_t)i;
            const double chance = counted(&trees[i], bins, trees[i].chances[n]);
            if (chance > at->chance) at->chance = chance;
        }
    return used;
}

static int64_t best_of(const place *trie, waiting *heap, int32_t *owners, int64_t budget,
                       int32_t *tokens, int32_t *parents, double *chances) {
    int64_t nodes = 0, many = 0, met = 0, at = 0;
    int32_t node = -1;
    double reach = -1.0;
    while (nodes < budget) {
        for (int64_t next = trie[at].child; next >= 0; next = trie[next].next) {
            if (!(trie[next].chance > 0.0)) continue;
            owners[next] = node;
            push(heap, &many, (waiting){reach * trie[next].chance, met++, next});
        }
        if (!many) break;
        const waiting first = pop(heap, &many);
        reach = first.order, at = first.what, node = (int32_t)nodes;
        tokens[nodes] = trie[at].token, parents[nodes] = owners[at];
        chances[nodes++] = trie[at].chance;
    }
    return nodes;
}

int64_t trees_united(const drafted *trees, int64_t count, int64_t vocabulary, int64_t bins,
                     int64_t budget, int32_t *tokens, int32_t *parents, double *chances) {
    int64_t all = 1, nodes = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!sound(&trees[i], vocabulary)) return -1;
        all += trees[i].count;
    }
    place *trie = malloc((size_t)all * sizeof(place));
    waiting *heap = malloc((size_t)all * sizeof(waiting));
    int64_t *places = malloc((size_t)all * sizeof(int64_t)); /* of the nodes of one tree */
    int32_t *owners = malloc((size_t)all * sizeof(int32_t)); /* by place: the node it follows */
    if (trie && heap && places && owners) {
        nodes = -1;
        if (trie_of(trie, places, trees, count, bins))
            nodes = best_of(trie, heap, owners, budget, tokens, parents, chances);
    }
    free(trie), free(heap), free(places), free(owners);
    return nodes;
}

static void count_one(const drafted *tree, int64_t *depths, int64_t bins, double memory,
                      const int32_t *tokens, int64_t length) {
    for (int64_t n = 0; n < tree->count; n++) {
        /* How many tokens had come when the node was reached, all of them if it was not. */
        const int64_t depth = tree->parents[n] < 0 ? 0 : depths[tree->parents[n]];
        depths[n] = length;
        if (depth >= length) continue;
        const int64_t bin = (int64_t)(tree->chances[n] * (double)bins + 0.5);
        if (tree->reached[bin] >= memory) tree->reached[bin] /= 2, tree->right[bin] /= 2;
        tree->reached[bin] += 1.0;
        if (tokens[depth] != tree->tokens[n]) continue;
        tree->right[bin] += 1.0, depths[n] = depth + 1;
    }
}

void trees_counted(const drafted *trees, int64_t count, int64_t bins, double memory,
                   const int32_t *tokens, int64_t length) {
    for (int64_t i = 0; i < count; i++) {
        int64_t *depths = malloc((size_t)(trees[i].count + 1) * sizeof(int64_t));
        if (depths) count_one(&trees[i], depths, bins, memory, tokens, length);
        free(depths);
    }
}
