#include "visits.h"

#include <math.h>

static void back(visits *tree, int64_t leaf, double value)
{
    visit *nodes = tree->nodes;
    double gain = value - nodes[leaf].loss;

    nodes[leaf].state &= ~FLYING;
    for (int64_t at = leaf; at >= 0; at = nodes[at].parent) {
        nodes[at].sum += gain;
        nodes[at].mean = nodes[at].sum / nodes[at].visits;
    }
    if (!tree->bounded) {
        if (value < tree->low)
            tree->low = value;
        if (value > tree->high)
            tree->high = value;
    }
}

int64_t visits_collect(visits *tree, int64_t most, int64_t left, int64_t *leaves,
                       int64_t *descents)
{
    visit *nodes = tree->nodes;
    double span = tree->high - tree->low, loss = tree->low < INFINITY ? tree->low : 0.0;
    double weight = tree->exploration * (span > 0 ? span : 1.0);
    int64_t found = 0, done = 0;

    while (found < most && done < left) {
        int64_t leaf = 0;
        while (nodes[leaf].count) {
            double reach = weight * sqrt((double)nodes[leaf].visits);
            int64_t child = nodes[leaf].first, end = child + nodes[leaf].count;
            double top = nodes[child].mean + reach * nodes[child].share;
            leaf = child;
            while (++child < end) {
                double worth = nodes[child].mean + reach * nodes[child].share;
                if (worth > top) {
                    top = worth;
                    leaf = child;
                }
            }
        }
        if (nodes[leaf].state & FLYING)
            break;
        done++;
        for (int64_t at = leaf; at >= 0; at = nodes[at].parent) {
            visit *node = nodes + at;
            node->visits++;
            node->sum += loss;
            node->mean = node->sum / node->visits;
            node->share = node->prior / (1 + node->visits);
        }
        nodes[leaf].loss = loss;
        if (nodes[leaf].state & SETTLED) {
            back(tree, leaf, nodes[leaf].settled);
        } else {
            nodes[leaf].state |= FLYING;
            leaves[found++] = leaf;
        }
    }
    *descents = done;
    return found;
}

void visits_land(visits *tree, int64_t count, const int64_t *leaves, const double *values,
                 const int64_t *sizes, const double *logprobs)
{
    for (int64_t i = 0; i < count; logprobs += sizes[i++]) {
        visit *leaf = tree->nodes + leaves[i];
        double total = 0.0;

        back(tree, leaves[i], values[i]);
        if (!sizes[i]) {
            leaf->settled = values[i];
            leaf->state |= SETTLED;
            continue;
        }
        leaf->first = tree->size;
        leaf->count = sizes[i];
        for (int64_t j = 0; j < sizes[i]; j++)
            total += exp(logprobs[j]);
        for (int64_t j = 0; j < sizes[i]; j++) {
            double prior = exp(logprobs[j]) / (total > 0 ? total : 1.0);
            tree->nodes[tree->size++] = (visit){
                .mean = tree->low, .prior = prior, .share = prior, .parent = leaves[i]};
        }
    }
}
