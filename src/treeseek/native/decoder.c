#include "decoder.h"

#include "attend.h"
#include "team.h"
#include "vector.h"

#include <math.h>
#include <stdlib.h>

#define STAGES 4 /* shared out in a layer: joint, heads, out, gate and up; then down. Last the head */

typedef struct {
    const decoder *model;
    const rows_call *call;
    float *x, *joint, *seen, *inner, *up; /* [rows, ...] of the whole team */
    float *most, *weight;                 /* [rows, heads] */
    int64_t *shared;                      /* [rows], as `compare` finds it */
    float *own;                           /* [threads, rows, model] */
    int16_t *words;                       /* [threads, rows, the widest input], for bytes */
    float *scales;                        /* [threads, rows] */
    int64_t widest;
    atomic_long *next;                    /* what is not yet shared out, by layer and stage */
    stream *head;                         /* the head where no logits are asked for, or NULL */
} job;

static void normed(float *to, const float *x, const float *weight, int64_t width, float eps) {
    vec squares = splat(0.0f);
    int64_t k = 0;
    for (; k + LANES <= width; k += LANES) squares = mad(load(x + k), load(x + k), squares);
    if (k < width) {
        vec rest = load_some(x + k, width - k);
        squares = mad(rest, rest, squares);
    }
    float scale = 1.0f / sqrtf(total(squares) / (float)width + eps);
    for (k = 0; k < width; k++) to[k] = x[k] * scale * weight[k];
}

static void turn(float *head, const float *cosine, const float *sine, int64_t width) {
    int64_t half = width / 2;
    for (int64_t i = 0; i < half; i++) {
        float left = head[i], right = head[i + half];
        head[i] = left * cosine[i] + right * sine[i];
        head[i + half] = right * cosine[i + half] + left * sine[i + half];
    }
}

/* `count` rows as `by` takes them, rounded once for this thread. */
static lines given(const job *it, int id, const float *x, int64_t count, const matrix *by) {
    const int64_t rows = it->call->rows;
    int16_t *words = it->words + id * rows * it->widest;
    lines found = {x, count, by->inputs, words, it->scales + id * rows};
    if (by->bytes) quantise(&found, by->inputs);
    return found;
}

/* Norm and turn the heads that share key head `held`, store its keys and values. */
static void store_head(const job *it, const layer *at, int64_t held) {
    const decoder *model = it->model;
    const int64_t width = model->width, share = model->heads / model->held;
    const int64_t stride = (model->heads + 2 * model->held) * width;
    for (int64_t n = 0; n < it->call->rows; n++) {
        const int64_t depth = it->call->depths[n];
        const float *cosine = model->cosine + depth * width, *sine = model->sine + depth * width;
        float *row = it->joint + n * stride;
        for (int64_t i = 0; i <= share; i++) {
            int64_t number = i < share ? held * share + i : model->heads + held;
            float *head = row + number * width;
            if (at->heads) normed(head, head, at->heads + number * width, width, at->heads_eps);
            turn(head, cosine, sine, width);
        }
        int64_t place = (it->call->paths[n][depth] * model->held + held) * width;
        size_t size = (size_t)width * sizeof(float);
        memcpy(at->keys + place, row + (model->heads + held) * width, size);
        memcpy(at->values + place, row + (model->heads + model->held + held) * width, size);
    }
}

/* A block of keys for every row, then the next: rows of one tree find shared keys in the cache, and
 * neighbours that share enough of a block look at it together. */
static void attend_head(const job *it, const layer *at, int64_t held) {
    const decoder *model = it->model;
    const int64_t rows = it->call->rows, heads = model->heads, width = model->width;
    const int64_t share = heads / model->held, stride = model->held * width;
    const float *keys = at->keys + held * width, *values = at->values + held * width;
    int64_t deepest = 0;
    for (int64_t n = 0; n < rows; n++) {
        if (it->call->depths[n] > deepest) deepest = it->call->depths[n];
        for (int64_t h = held * share; h < (held + 1) * share; h++) {
            it->most[n * heads + h] = -INFINITY;
            it->weight[n * heads + h] = 0.0f;
            memset(it->seen + (n * heads + h) * width, 0, (size_t)width * sizeof(float));
        }
    }
    gaze crowd[CROWD];
    for (int64_t block = 0; block <= deepest; block += BLOCK) {
        int many = 0, whole = 0; /* whole: whether the next may join */
        int64_t reach = 0;       /* depth to which the path of the row before goes with the first's */
        for (int64_t n = 0; n < rows; n++) {
            int64_t last = it->call->depths[n] + 1, first = 0;
            if (at->window && last > at->window) first = last - at->window;
            int64_t begin = first > block ? first : block;
            int64_t end = last < block + BLOCK ? last : block + BLOCK;
            if (it->shared[n] < reach) reach = it->shared[n];
            if (begin >= end) continue;
            const int count = (int)(end - begin);
            int64_t same = (reach < end ? reach : end) - block;
            const int joins = whole && begin == block && 2 * same >= count;
            for (int64_t h = held * share; h < (held + 1) * share; h++) {
                if (many && (many == CROWD || (h == held * share && !joins))) {
                    attend(crowd, many, keys, values, stride, width, at->scale);
                    many = 0;
                }
                if (!many) {
                    whole = begin == block;
                    reach = INT64_MAX;
                    same = count;
                }
                int64_t number = n * heads + h;
                crowd[many++] = (gaze){
                    .query = it->joint + n * (heads + 2 * model->held) * width + h * width,
                    .slots = it->call->paths[n] + begin,
                    .count = count, .reach = (int)same,
                    .sum = it->seen + number * width,
                    .most = it->most + number, .weight = it->weight + number,
                };
            }
        }
        if (many) attend(crowd, many, keys, values, stride, width, at->scale);
    }
    for (int64_t n = 0; n < rows; n++)
        for (int64_t h = held * share; h < (held + 1) * share; h++) {
            float *sum = it->seen + (n * heads + h) * width;
            float inverse = 1.0f / it->weight[n * heads + h];
            for (int64_t k = 0; k < width; k++) sum[k] *= inverse;
        }
}

/* How deep the path of each row goes with that of the row before; no bound where they are one. */
static void compare(int64_t *shared, const rows_call *call) {
    for (int64_t n = 0; n < call->rows; n++) {
        const int32_t *path = call->paths[n], *other = n ? call->paths[n - 1] : NULL;
        int64_t low = 0, high = 0;
        if (n) high = call->depths[n] < call->depths[n - 1] ? call->depths[n] : call->depths[n - 1];
        for (high += n > 0; low < high;) {
            int64_t middle = (low + high) / 2;
            if (path[middle] == other[middle]) low = middle + 1;
            else high = middle;
        }
        shared[n] = path == other ? INT64_MAX : low;
    }
}

/* inner = silu(gate) * up, for the outputs from `begin` to `end`. */
static void gated(const job *it, const layer *at, const lines *x, int64_t begin, int64_t end) {
    const int64_t inner = it->model->inner, rows = it->call->rows;
    linear(it->inner, inner, x, &at->gate, begin, end, 0);
    linear(it->up, inner, x, &at->up, begin, end, 0);
    for (int64_t n = 0; n < rows; n++) {
        float *to = it->inner + n * inner;
        const float *other = it->up + n * inner;
        int64_t k = begin;
        for (; k + LANES <= end; k += LANES) {
            vec value = load(to + k);
            store(to + k, value / (splat(1.0f) + exponential(-value)) * load(other + k));
        }
        if (k < end) {
            vec value = load_some(to + k, end - k);
            value = value / (splat(1.0f) + exponential(-value)) * load_some(other + k, end - k);
            memcpy(to + k, &value, (size_t)(end - k) * sizeof(float));
        }
    }
}

static void work_on(void *what, team *crew, int id) {
    const job *it = what;
    const decoder *model = it->model;
    const int64_t rows = it->call->rows, size = model->model, inner = model->inner;
    const int64_t seen = model->heads * model->width, joint = seen + 2 * model->held * model->width;
    float *own = it->own + id * rows * size;
    int64_t begin, end;
    for (int64_t n = id; n < rows; n += crew->size)
        memcpy(it->x + n * size, model->embedding + it->call->tokens[n] * size,
               (size_t)size * sizeof(float));
    team_meet(crew);
    for (int64_t number = 0; number < model->count; number++) {
        const layer *at = &model->layers[number];
        const int64_t stage = number * (STAGES + 1);
        for (int64_t n = 0; n < rows; n++)
            normed(own + n * size, it->x + n * size, at->before, size, at->before_eps);
        lines from = given(it, id, own, rows, &at->joint);
        while (team_claim(crew, &it->next[stage], joint, &begin, &end))
            linear(it->joint, joint, &from, &at->joint, begin, end, 0);
        team_meet(crew);
        for (int64_t held; (held = atomic_fetch_add(&it->next[stage + 1], 1)) < model->held;) {
            store_head(it, at, held);
            attend_head(it, at, held);
        }
        team_meet(crew);
        from = given(it, id, it->seen, rows, &at->out);
        while (team_claim(crew, &it->next[stage + 2], size, &begin, &end))
            linear(it->x, size, &from, &at->out, begin, end, 1);
        team_meet(crew);
        for (int64_t n = 0; n < rows; n++)
            normed(own + n * size, it->x + n * size, at->after, size, at->after_eps);
        from = given(it, id, own, rows, &at->gate);
        while (team_claim(crew, &it->next[stage + 3], inner, &begin, &end))
            gated(it, at, &from, begin, end);
        team_meet(crew);
        from = given(it, id, it->inner, rows, &at->down);
        while (team_claim(crew, &it->next[stage + 4], size, &begin, &end))
            linear(it->x, size, &from, &at->down, begin, end, 1);
        team_meet(crew);
    }
    const rows_call *call = it->call;
    for (int64_t n = id; n < rows; n += crew->size) {
        float *row = it->x + n * size;
        normed(row, row, model->norm, size, model->eps);
        if (call->hidden) memcpy(call->hidden + n * size, row, (size_t)size * sizeof(float));
        if (call->kept) {
            int64_t slot = call->paths[n][call->depths[n]];
            memcpy(call->kept + slot * size, row, (size_t)size * sizeof(float));
        }
    }
    if (!call->asked && !it->head) return;
    team_meet(crew);
    if (it->head) {
        stream_on(it->head, crew, id);
        return;
    }
    lines from = given(it, id, it->x + (rows - call->asked) * size, call->asked, &model->head);
    const int64_t outputs = model->head.outputs;
    while (team_claim(crew, &it->next[model->count * (STAGES + 1)], outputs, &begin, &end))
        linear(call->logits, outputs, &from, &model->head, begin, end, 0);
}

static int64_t widest(const decoder *model) {
    int64_t most = model->heads * model->width;
    if (model->model > most) most = model->model;
    return padded(model->inner > most ? model->inner : most);
}

int64_t decoder_room(const decoder *model, int64_t rows, int threads) {
    int64_t seen = model->heads * model->width, joint = seen + 2 * model->held * model->width;
    int64_t each = padded(rows * model->model) + padded(rows * widest(model) / 2) + padded(rows);
    return padded(rows * model->model) + padded(rows * joint) + padded(rows * seen) +
           2 * padded(rows * model->inner) + 2 * padded(rows * model->heads) + padded(2 * rows) +
           threads * each;
}

void decoder_run(const decoder *model, const rows_call *call, int threads) {
    const int64_t rows = call->rows, seen = model->heads * model->width;
    const int64_t joint = seen + 2 * model->held * model->width;
    const int64_t stages = model->count * (STAGES + 1) + 1;
    atomic_long next[stages];
    for (int64_t i = 0; i < stages; i++) atomic_init(&next[i], 0);
    job it = {.model = model, .call = call, .next = next};
    float *room = call->room;
    it.x = room, room += padded(rows * model->model);
    it.joint = room, room += padded(rows * joint);
    it.seen = room, room += padded(rows * seen);
    it.inner = room, room += padded(rows * model->inner);
    it.up = room, room += padded(rows * model->inner);
    it.most = room, room += padded(rows * model->heads);
    it.weight = room, room += padded(rows * model->heads);
    it.shared = (int64_t *)room, room += padded(2 * rows);
    compare(it.shared, call);
    it.own = room, room += threads * padded(rows * model->model);
    it.scales = room, room += threads * padded(rows);
    it.words = (int16_t *)room, room += threads * padded(rows * widest(model) / 2);
    it.widest = widest(model);
    stream head;
    if (call->wanted) {
        stream_lay(&head, call->wanted, call->kept, &model->head, room);
        it.head = &head;
    }
    team_run(work_on, &it, threads);
}

typedef struct {
    float *out;
    const lines *rows;
    const matrix *by;
    atomic_long next;
} product;

static void multiply(void *what, team *crew, int id) {
    product *it = what;
    (void)id;
    int64_t outputs = it->by->outputs, begin, end;
    while (team_claim(crew, &it->next, outputs, &begin, &end))
        linear(it->out, outputs, it->rows, it->by, begin, end, 0);
}

int64_t linear_room(const matrix *by, int64_t rows) {
    return by->bytes ? padded(rows * padded(by->inputs) / 2) + rows : 0;
}

void linear_run(float *out, const float *x, int64_t rows, const matrix *by, float *room,
                int threads) {
    float *scales = room + padded(rows * padded(by->inputs) / 2);
    lines from = {x, rows, by->inputs, (int16_t *)room, scales};
    if (by->bytes) quantise(&from, by->inputs);
    product it = {.out = out, .rows = &from, .by = by};
    atomic_init(&it.next, 0);
    team_run(multiply, &it, threads);
}
