#include "probe.h"

#include "team.h"
#include "vector.h"

enum { PIECE = 1 << 16, SUMS = 8 };

typedef struct {
    const float *from;
    int64_t count;
    atomic_long next;
    _Atomic float sum;
} stretch;

static void read_pieces(void *what, team *crew, int id) {
    stretch *it = what;
    (void)crew, (void)id;
    vec sums[SUMS];
    for (int i = 0; i < SUMS; i++) sums[i] = splat(0.0f);
    int64_t begin;
    while ((begin = atomic_fetch_add(&it->next, PIECE)) + PIECE <= it->count)
        for (const float *at = it->from + begin; at < it->from + begin + PIECE; at += SUMS * LANES)
            for (int i = 0; i < SUMS; i++) sums[i] += load(at + i * LANES);
    for (int i = 1; i < SUMS; i++) sums[0] += sums[i];
    float before = atomic_load(&it->sum), own = total(sums[0]);
    while (!atomic_compare_exchange_weak(&it->sum, &before, before + own)) {
    }
}

float probe_read(const float *from, int64_t count, int threads) {
    stretch it = {.from = from, .count = count};
    atomic_init(&it.next, 0), atomic_init(&it.sum, 0.0f);
    team_run(read_pieces, &it, threads);
    return atomic_load(&it.sum);
}
