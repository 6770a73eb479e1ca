#include "suffix.h"

#include "heap.h"

#include <stdlib.h>
#include <string.h>

#define TOP 512 /* levels are less */

typedef struct {
    int32_t place, level;
} match;

/* A token that may follow, and the matches that go on behind it. */
typedef struct {
    double chance;
    int64_t start, count;
    int32_t token, parent;
} step;

typedef struct {
    const endings *of;
    match *matches; /* of all steps, one behind the other */
    step *steps;
    waiting *heap;
    int64_t used, met, many;
} growth;

int suffix_follow(int32_t *lengths, const seen *of, int64_t count, const int32_t *places,
                  const int32_t *known, int64_t held, const int32_t *before, int32_t *agreed) {
    int64_t widest = 1;
    for (int64_t i = 0; i + 1 < count; i++)
        if (of[i].count > widest) widest = of[i].count;
    int32_t *room = count > 1 ? malloc(2 * (size_t)widest * sizeof(int32_t)) : NULL;
    if (count > 1 && !room) return 0;
    for (int64_t i = 0; i < count; i++) {
        const seen now = of[i];
        int32_t *found = i + 1 < count ? room + i % 2 * widest : lengths;
        for (int64_t n = 0; n < held; n++) agreed[places[n]] = known[n];
        for (int64_t n = 0; n < now.count; n++) {
            const int32_t at = before[now.places[n]];
            found[n] = (at < 0 ? 0 : agreed[at]) + 1;
        }
        for (int64_t n = 0; n < held; n++) agreed[places[n]] = 0;
        places = now.places, known = found, held = now.count;
    }
    free(room);
    return 1;
}

static int64_t level_of(const endings *of, int64_t n) {
    const int32_t behind = of->after[of->places[n]];
    if (behind < 0 || of->lengths[n] < of->shortest) return 0;
    int64_t level = of->lengths[n] < of->longest ? of->lengths[n] : of->longest;
    if (of->labels[behind] == of->label) level += of->near;
    return level < TOP ? level : TOP - 1;
}

/* The `most` best places that end alike, by falling level, in linear time. */
static int64_t weighed(const endings *of, match *found) {
    int64_t starts[TOP] = {0}, total = 0;
    for (int64_t n = 0; n < of->held; n++) starts[level_of(of, n)]++;
    for (int64_t level = TOP - 1; level > 0; level--) {
        const int64_t here = starts[level];
        starts[level] = total, total += here;
    }
    for (int64_t i = 0; i < of->held; i++) {
        const int64_t n = of->first ? i : of->held - 1 - i, level = level_of(of, n);
        if (!level || starts[level] >= of->most) continue;
        found[starts[level]++] = (match){of->after[of->places[n]], (int32_t)level};
    }
    return total < of->most ? total : of->most;
}

static double missed(const endings *of, int64_t level) {
    return of->misses[level < of->levels ? level : of->levels - 1];
}

/* In `found` the tokens at `count` matches by falling level, those behind each in the growth. */
static int64_t followed(growth *it, step *found, int64_t start, int64_t count, int32_t parent) {
    const endings *of = it->of;
    const match *from = it->matches + start;
    int64_t tokens = 0, at = 0;
    double left = 1.0;
    while (at < count && left > of->least) {
        const int64_t begin = at, level = from[at].level;
        int64_t kinds = 0;
        for (; at < count && from[at].level == level; at++) {
            const int32_t token = of->text[from[at].place];
            int64_t n = 0, earlier = begin;
            while (n < tokens && found[n].token != token) n++;
            if (n == tokens) found[tokens++] = (step){.token = token, .parent = parent};
            while (of->text[from[earlier].place] != token) earlier++;
            kinds += earlier == at;
            found[n].count += of->after[from[at].place] >= 0;
        }
        double escape = missed(of, level);
        const double times = (double)(at - begin);
        if (times > 1.0) {
            const double doubt = 2.0 * (double)kinds * escape;
            escape = doubt / (times + doubt);
            if (escape > of->sure) escape = of->sure;
        }
        const double share = left * (1.0 - escape) / times;
        for (int64_t n = 0; n < tokens; n++) {
            int64_t here = 0;
            for (int64_t i = begin; i < at; i++) here += of->text[from[i].place] == found[n].token;
            if (here) found[n].chance += share * (double)here;
        }
        left *= escape;
    }
    for (int64_t n = 0; n < tokens; n++) {
        found[n].start = it->used, it->used += found[n].count;
        int64_t to = found[n].start;
        for (int64_t i = 0; i < at; i++) {
            const int32_t behind = of->after[from[i].place];
            if (behind >= 0 && of->text[from[i].place] == found[n].token)
                it->matches[to++] = (match){behind, from[i].level + 1};
        }
    }
    return tokens;
}

/* More tokens that may follow the tip: those that a broken copy may go on with. */
static int64_t resumed(growth *it, step *found, int64_t tokens) {
    const endings *of = it->of;
    double told = 0.0;
    for (int64_t n = 0; n < tokens; n++) told += found[n].chance;
    double chance = of->resumed * (told < 1.0 ? 1.0 - told : 0.0);
    int64_t place = of->place;
    for (int64_t turn = 0; turn < of->resume && place >= 0; turn++) {
        const int32_t token = of->text[place], behind = of->after[place];
        int64_t n = 0;
        while (n < tokens && found[n].token != token) n++;
        if (n == tokens) {
            found[tokens++] = (step){
                .chance = chance, .token = token, .parent = -1, .start = it->used,
                .count = behind >= 0
            };
            if (behind >= 0) it->matches[it->used++] = (match){behind, (int32_t)of->near + 1};
        }
        place = behind, chance *= of->further;
    }
    return tokens;
}

static int64_t grow(growth *it, int64_t tip, int32_t *tokens, int32_t *parents, double *chances) {
    const endings *of = it->of;
    step *found = it->steps;
    int64_t nodes = 0, count = followed(it, found, 0, tip, -1);
    if (of->resume && !(tip && it->matches[0].level >= of->copied))
        count = resumed(it, found, count);
    double reach = -1.0;
    while (nodes < of->budget) {
        int64_t best = 0;
        for (int64_t n = 1; n < count; n++)
            if (found[n].chance > found[best].chance) best = n;
        for (int64_t n = 0; n < count; n++) {
            if (!(found[n].chance > 0.0) || (of->alone && n != best)) continue;
            const int64_t what = found - it->steps + n;
            push(it->heap, &it->many, (waiting){reach * found[n].chance, it->met++, what});
        }
        if (!it->many) break;
        const waiting first = pop(it->heap, &it->many);
        const step next = it->steps[first.what];
        reach = first.order, found += count;
        tokens[nodes] = next.token, parents[nodes] = next.parent, chances[nodes] = next.chance;
        if (++nodes == of->budget) break;
        count = followed(it, found, next.start, next.count, (int32_t)nodes - 1);
    }
    return nodes;
}

int64_t suffix_draft(const endings *of, int32_t *tokens, int32_t *parents, double *chances,
                     int32_t *matches, int64_t *matched) {
    const int64_t most = of->most < of->held ? of->most : of->held;
    const size_t all = (size_t)(most + of->resume + 1) * (size_t)(of->budget + 2);
    growth it = {.of = of};
    it.matches = malloc(all * sizeof(match));
    it.steps = malloc(all * sizeof(step));
    it.heap = malloc(all * sizeof(waiting));
    int64_t nodes = 0;
    *matched = 0;
    if (it.matches && it.steps && it.heap) {
        *matched = it.used = weighed(of, it.matches);
        memcpy(matches, it.matches, (size_t)it.used * sizeof(match));
        nodes = grow(&it, it.used, tokens, parents, chances);
    }
    free(it.matches), free(it.steps), free(it.heap);
    return nodes;
}
