#include "stream.h"

#include <string.h>

/* Rows multiplied at a time, a multiple of three: their piece of logits, and they themselves, stay
 * in the processor's own cache. A piece lies a cache line off the next: 2,048 bytes apart all rows
 * would fall on the same few places of the nearest one. */
enum { TALL = 66, APART = PIECE + WIDE };

static int64_t parts_of(const matrix *by) { return (by->outputs + PIECE - 1) / PIECE; }

static int64_t pieces_room(const matrix *by, int64_t count) {
    return padded(count * parts_of(by) * (int64_t)(sizeof(piece) / sizeof(float)));
}

static int64_t words_room(const matrix *by, int64_t count) {
    return by->bytes ? padded(count * padded(by->inputs) / 2) : 0;
}

int64_t stream_room(const matrix *by, int64_t count, int threads) {
    return padded(count * by->inputs) + words_room(by, count) + padded(count) +
           pieces_room(by, count) + threads * TALL * APART;
}

void stream_lay(stream *it, const wanted *of, const float *kept, const matrix *by, float *room) {
    it->of = of, it->kept = kept, it->by = by, it->parts = parts_of(by);
    it->x = room, room += padded(of->count * by->inputs);
    it->words = (int16_t *)room, room += words_room(by, of->count);
    it->scales = room, room += padded(of->count);
    it->pieces = (piece *)room, room += pieces_room(by, of->count);
    it->tiles = room;
    atomic_init(&it->next, 0);
}

/* The outputs from `begin` to `end` as a matrix of their own. */
static matrix cut(const matrix *by, int64_t begin, int64_t end) {
    matrix some = {.outputs = end - begin, .inputs = by->inputs};
    if (by->bytes) {
        some.bytes = by->bytes + begin * padded(by->inputs);
        some.scales = by->scales + begin;
    } else some.weight = by->weight + begin * by->inputs;
    if (by->bias) some.bias = by->bias + begin;
    return some;
}

/* Rows from `first` on as the head takes them. */
static lines lines_from(const stream *it, int64_t first, int64_t count) {
    const int64_t inputs = it->by->inputs;
    return (lines){it->x + first * inputs, count, inputs, it->words + first * padded(inputs),
                   it->scales + first};
}

static void gather(const stream *it, int64_t n) {
    const int64_t inputs = it->by->inputs;
    memcpy(it->x + n * inputs, it->kept + it->of->slots[n] * inputs,
           (size_t)inputs * sizeof(float));
    if (!it->by->bytes) return;
    lines one = lines_from(it, n, 1);
    quantise(&one, inputs);
}

/* Piece `part` of up to TALL rows from `first` on. */
static void sum_up(const stream *it, float *tile, int64_t part, int64_t first) {
    const wanted *of = it->of;
    const int64_t count = first + TALL < of->count ? TALL : of->count - first;
    const int64_t begin = part * PIECE, outputs = it->by->outputs;
    const int64_t end = begin + PIECE < outputs ? begin + PIECE : outputs;
    const lines from = lines_from(it, first, count);
    const matrix some = cut(it->by, begin, end);
    float peaks[PIECE / GROUP];
    linear(tile, APART, &from, &some, 0, some.outputs, 0);
    for (int64_t n = 0; n < count; n++) {
        const float *logits = tile + n * APART;
        const int64_t row = first + n;
        it->pieces[row * it->parts + part] = piece_of(logits, some.outputs, peaks);
        for (int64_t i = of->starts[row]; i < of->starts[row + 1]; i++)
            if (of->tokens[i] >= begin && of->tokens[i] < end)
                of->logits[i] = logits[of->tokens[i] - begin];
    }
}

void stream_on(stream *it, team *crew, int id) {
    const int64_t count = it->of->count, blocks = (count + TALL - 1) / TALL;
    for (int64_t n = id; n < count; n += crew->size) gather(it, n);
    team_meet(crew);
    float *tile = it->tiles + id * TALL * APART;
    /* Blocks of rows follow each other over one piece of the head, which is read once. */
    for (int64_t unit; (unit = atomic_fetch_add(&it->next, 1)) < it->parts * blocks;)
        sum_up(it, tile, unit / blocks, unit % blocks * TALL);
    team_meet(crew);
    for (int64_t n = id; n < count; n += crew->size)
        it->of->found[n] = facts_of(it->pieces + n * it->parts, it->parts);
}

static void stream_alone(void *what, team *crew, int id) { stream_on(what, crew, id); }

void stream_run(const wanted *of, const float *kept, const matrix *by, float *room, int threads) {
    stream it;
    stream_lay(&it, of, kept, by, room);
    team_run(stream_alone, &it, threads);
}
