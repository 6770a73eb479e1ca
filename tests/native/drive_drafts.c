/* The kernels of drafters, in memory of exactly the size they are promised. */
#include "drive.h"

#include "suffix.h"
#include "trees.h"

#include <stdlib.h>
#include <string.h>

/* A text of few tokens told in pieces: lengths by comparing, and trees that are trees. */
static void try_suffix(int64_t length, int64_t tokens, int64_t step, int64_t budget) {
    int32_t *text = malloc((size_t)length * 4), *before = malloc((size_t)length * 4);
    int32_t *after = malloc((size_t)length * 4), *labels = malloc((size_t)length * 4);
    int32_t *agreed = calloc((size_t)length, 4), **of = malloc((size_t)tokens * sizeof(*of));
    int64_t *counts = calloc((size_t)tokens, sizeof(*counts)), held = 0;
    for (int64_t token = 0; token < tokens; token++) of[token] = malloc((size_t)length * 4);
    int32_t *places = malloc(4), *lengths = malloc(4);
    const double misses[] = {1.0, 0.8, 0.5, 0.2};
    for (int64_t at = 0; at < length; at += step) {
        const int64_t end = at + step < length ? at + step : length;
        seen *new = malloc((size_t)step * sizeof(seen));
        for (int64_t n = at; n < end; n++) {
            text[n] = (int32_t)(drawn() * 1e6 + 1e6) % (int32_t)tokens;
            before[n] = (int32_t)n - 1, after[n] = -1, labels[n] = (int32_t)(n % 2);
            if (n) after[n - 1] = (int32_t)n;
            of[text[n]][counts[text[n]]++] = (int32_t)n;
        }
        for (int64_t n = at; n < end; n++) new[n - at] = (seen){of[text[n]], counts[text[n]]};
        const int64_t many = counts[text[end - 1]];
        int32_t *found = malloc((size_t)many * 4), *where = malloc((size_t)many * 4);
        memcpy(where, of[text[end - 1]], (size_t)many * 4);
        same(suffix_follow(found, new, end - at, places, lengths, held, before, agreed), 1, "follow");
        for (int64_t n = 0; n < many; n++) {
            int64_t agree = 0, tip = end - 1;
            while (agree <= where[n] && text[where[n] - agree] == text[tip - agree]) agree++;
            same(found[n], (double)agree, "agreed");
        }
        free(places), free(lengths), free(new);
        places = where, lengths = found, held = many;
        const int64_t most = end % 7 + 1, weighed = most < held ? most : held;
        const endings ends = {
            .text = text, .after = after, .labels = labels, .places = places, .lengths = lengths,
            .held = held, .label = end % 3, .near = 2, .shortest = 1, .longest = 9,
            .first = end % 2, .most = most, .alone = end % 5 == 0, .resume = end % 4,
            .place = (int32_t)(end / 2) - 1, .copied = 5, .budget = budget, .misses = misses,
            .levels = 4, .least = 0.01, .sure = 0.95, .resumed = 0.05, .further = 0.9
        };
        int32_t *said = malloc((size_t)(budget ? budget : 1) * 4);
        int32_t *above = malloc((size_t)(budget ? budget : 1) * 4);
        double *chances = malloc((size_t)(budget ? budget : 1) * sizeof(double));
        int32_t *matches = malloc((size_t)weighed * 8 - 4 * SHORT);
        int64_t matched;
        const int64_t nodes = suffix_draft(&ends, said, above, chances, matches, &matched);
        if (nodes > budget || matched > weighed) same(1, 0, "too many");
        for (int64_t n = 0; n < nodes; n++) {
            if (above[n] < -1 || above[n] >= n) same(above[n], -1, "parent");
            if (!(chances[n] > 0.0 && chances[n] <= 1.0)) same(chances[n], 1, "chance");
            for (int64_t m = 0; m < n; m++)
                if (above[m] == above[n] && said[m] == said[n]) same(said[n], -1, "twice");
        }
        free(said), free(above), free(chances), free(matches);
    }
    for (int64_t token = 0; token < tokens; token++) free(of[token]);
    free(text), free(before), free(after), free(labels), free(agreed), free(of), free(counts);
    free(places), free(lengths);
}

/* Trees united in room of exactly the budget, and trees that are none. */
static void try_trees(int64_t size, int64_t budget, int64_t vocabulary) {
    drafted trees[3];
    double reached[17], right[17];
    for (int i = 0; i < 17; i++) reached[i] = 16.0, right[i] = i;
    int64_t all = 0;
    for (int64_t i = 0; i < 3; i++) {
        const int64_t count = (size + i) / 2;
        int32_t *tokens = malloc((size_t)count * 4 + 1), *parents = malloc((size_t)count * 4 + 1);
        double *chances = malloc((size_t)count * sizeof(double) + 1);
        for (int64_t n = 0; n < count; n++) { /* a chain with a leaf beside every other node */
            tokens[n] = (int32_t)(n % vocabulary), chances[n] = 0.5 + 0.5 * (n % 3) / 2.0;
            parents[n] = (int32_t)(n < 2 ? -1 : n - 1 - n % 2);
        }
        trees[i] = (drafted){tokens, parents, chances, count, right, reached};
        all += count;
    }
    int32_t *tokens = malloc((size_t)budget * 4 + 1), *parents = malloc((size_t)budget * 4 + 1);
    double *chances = malloc((size_t)budget * sizeof(double) + 1);
    const int64_t nodes = trees_united(trees, 3, vocabulary, 16, budget, tokens, parents, chances);
    if (nodes > budget || nodes > all || nodes < (budget && all > 2)) same(nodes, 0, "united");
    trees_counted(trees, 3, 16, 17.0, trees[2].tokens, trees[2].count / 2);
    if (trees[1].count) {
        ((int32_t *)trees[1].parents)[0] = 0;
        same(trees_united(trees, 3, vocabulary, 16, budget, tokens, parents, chances), -1, "unsound");
    }
    for (int i = 0; i < 3; i++)
        free((void *)trees[i].tokens), free((void *)trees[i].parents), free((void *)trees[i].chances);
    free(tokens), free(parents), free(chances);
}

void try_drafts(void) {
    for (int i = 0; i < 12; i++) try_suffix(20 + 17 * i, 1 + i % 5, 1 + i % 4, 3 * i % 17);
    for (int i = 0; i < 12; i++) try_trees(3 * i, 5 * i % 17, 40);
}
