/* Every kernel on odd shapes, in memory of exactly the size it is promised, against plain loops in
 * double precision. Meant to run under a sanitizer or valgrind; says what is wrong and exits 1.
 * With SHORT defined one result has a float too few, with SLIM some working memory: whoever watches
 * must notice.
 */
#include "drive.h"

#include "decoder.h"
#include "stream.h"
#include "vocabulary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;
static int wrong;

double drawn(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 33) / 4294967296.0 - 0.25;
}

static float *floats(int64_t count) {
    float *made = malloc((size_t)(count ? count : 1) * sizeof(float));
    for (int64_t i = 0; i < count; i++) made[i] = (float)drawn();
    return made;
}

static void near(double found, double truth, double scale, const char *what) {
    if (fabs(found - truth) <= 2e-4 * (1.0 + scale)) return;
    printf("%s: %g, not %g\n", what, found, truth);
    wrong = 1;
}

void same(double found, double truth, const char *what) {
    if (found != truth) printf("%s: %g, not %g\n", what, found, truth), wrong = 1;
}

static matrix made(int64_t outputs, int64_t inputs, int bytes, int biased) {
    matrix by = {.outputs = outputs, .inputs = inputs};
    if (biased) by.bias = floats(outputs);
    if (bytes) {
        int64_t wide = padded(inputs);
        int8_t *values = calloc((size_t)(outputs * wide), 1);
        for (int64_t o = 0; o < outputs; o++)
            for (int64_t k = 0; k < inputs; k++)
                values[o * wide + k] = (int8_t)(508.0 * drawn() - (drawn() > 0.0));
        by.bytes = values;
        float *scales = floats(outputs);
        for (int64_t o = 0; o < outputs; o++) scales[o] = 0.004f + 0.001f * scales[o];
        by.scales = scales;
    } else by.weight = floats(outputs * inputs);
    return by;
}

static void unmade(matrix by) {
    free((void *)by.weight), free((void *)by.bytes), free((void *)by.scales);
    free((void *)by.bias);
}

static double weight_of(const matrix *by, int64_t o, int64_t k) {
    if (by->bytes) return (double)by->bytes[o * padded(by->inputs) + k] * by->scales[o];
    return by->weight[o * by->inputs + k];
}

static void apply(double *out, const double *x, const matrix *by) {
    for (int64_t o = 0; o < by->outputs; o++) {
        out[o] = by->bias ? by->bias[o] : 0.0;
        for (int64_t k = 0; k < by->inputs; k++) out[o] += x[k] * weight_of(by, o, k);
    }
}

static void try_linear(int64_t rows, int64_t outputs, int64_t inputs, int bytes, int threads) {
    matrix by = made(outputs, inputs, bytes, outputs % 2);
    float *x = floats(rows * inputs), *out = floats(rows * outputs - (rows > 2 ? SHORT : 0));
    float *room = floats(linear_room(&by, rows));
    linear_run(out, x, rows, &by, room, threads);
    double *truth = malloc((size_t)outputs * sizeof(double));
    double *row = malloc((size_t)inputs * sizeof(double));
    for (int64_t n = 0; n < rows; n++) {
        for (int64_t k = 0; k < inputs; k++) row[k] = x[n * inputs + k];
        apply(truth, row, &by);
        for (int64_t o = 0; o < outputs; o++)
            near(out[n * outputs + o], truth[o], sqrt((double)inputs), "linear");
    }
    free(x), free(out), free(room), free(truth), free(row), unmade(by);
}

/* What `of` was answered: bit for bit what the whole rows of the same states give. */
static void compare(const wanted *of, const float *kept, const matrix *head, int threads) {
    const int64_t count = of->count, inputs = head->inputs, outputs = head->outputs;
    float *x = floats(count * inputs), *rows = floats(count * outputs);
    float *room = floats(linear_room(head, count));
    facts *found = malloc((size_t)(count + 1) * sizeof(facts));
    for (int64_t n = 0; n < count; n++)
        memcpy(x + n * inputs, kept + of->slots[n] * inputs, (size_t)inputs * sizeof(float));
    linear_run(rows, x, count, head, room, threads);
    vocabulary_facts(found, NULL, rows, count, outputs, 0, threads);
    for (int64_t n = 0; n < count; n++) {
        same(of->found[n].largest, found[n].largest, "streamed largest");
        same(of->found[n].lse, found[n].lse, "streamed log-sum-exp");
        same(of->found[n].entropy, found[n].entropy, "streamed entropy");
        for (int64_t i = of->starts[n]; i < of->starts[n + 1]; i++)
            same(of->logits[i], rows[n * outputs + of->tokens[i]], "streamed logit");
    }
    free(x), free(rows), free(room), free(found);
}

/* Room for what is wanted of `count` slots, the last first: two tokens of every other one. */
static wanted asked_of(int64_t count, int64_t slots, int64_t outputs) {
    int32_t *which = malloc((size_t)(count + 1) * sizeof(int32_t));
    int64_t *starts = malloc((size_t)(count + 1) * sizeof(int64_t));
    int64_t *tokens = malloc((size_t)(count + 2) * sizeof(int64_t));
    for (int64_t n = 0; n < count; n++) which[n] = (int32_t)(slots - 1 - n);
    for (int64_t n = 0; n <= count; n++) starts[n] = (n + 1) / 2 * 2;
    for (int64_t i = 0; i < starts[count]; i++) tokens[i] = i % 2 ? outputs - 1 : i % outputs;
    return (wanted){count, which, starts, tokens, floats(starts[count]),
                    malloc((size_t)(count + 1) * sizeof(facts))};
}

static void unasked(wanted of) {
    free((void *)of.slots), free((void *)of.starts), free((void *)of.tokens);
    free(of.logits), free(of.found);
}

static void try_stream(int64_t count, int64_t outputs, int64_t inputs, int bytes, int threads) {
    matrix head = made(outputs, inputs, bytes, count % 2);
    float *kept = floats((count + 2) * inputs);
    float *room = floats(stream_room(&head, count, threads) - (count > 2 ? SLIM : 0));
    wanted of = asked_of(count, count + 2, outputs);
    stream_run(&of, kept, &head, room, threads);
    compare(&of, kept, &head, threads);
    free(kept), free(room), unasked(of), unmade(head);
}

static void try_vocabulary(int64_t rows, int64_t width, int64_t k, int threads) {
    float *scores = floats(rows * width);
    facts *found = malloc((size_t)rows * sizeof(facts));
    int32_t *close = malloc((size_t)(rows * width) * sizeof(int32_t));
    if (width > 3) scores[3] = -INFINITY;
    /* Pieces of other heights, one without any hope. */
    for (int64_t i = PIECE; i < width; i++) {
        const int64_t part = i / PIECE;
        scores[i] = part == 2 ? -INFINITY : scores[i] * 30.0f + (float)(part % 4) * 50.0f;
    }
    for (int64_t n = 1; n < rows; n++)
        memcpy(scores + n * width, scores, (size_t)width * sizeof(float));
    vocabulary_facts(found, close, scores, rows, width, k, threads);
    for (int64_t n = 0; n < rows; n++) {
        double mass = 0.0;
        for (int64_t i = 0; i < width; i++) mass += exp(scores[n * width + i]);
        near(found[n].lse, log(mass), 1.0, "log-sum-exp");
        if (found[n].near < k || found[n].near > width) near(found[n].near, k, 0.0, "near");
    }
    uint64_t *table = malloc((size_t)width * sizeof(uint64_t));
    for (int64_t i = 0; i < width; i++) table[i] = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15);
    float *upper = floats(rows * width);
    int64_t *best = malloc((size_t)rows * sizeof(int64_t));
    uint64_t *keys = malloc((size_t)rows * sizeof(uint64_t));
    for (int64_t n = 0; n < rows; n++) keys[n] = UINT64_C(7) << (n % 61);
    vocabulary_bounds(upper, best, scores, table, keys, rows, width);
    for (int64_t n = 0; n < rows; n++)
        for (int64_t i = 0; i < width; i++)
            if (upper[n * width + i] > upper[n * width + best[n]]) near(i, best[n], 0.0, "bounds");
    free(scores), free(found), free(close), free(table), free(upper), free(best), free(keys);
}

static void normed(double *to, const double *x, const float *weight, int64_t width, double eps) {
    double squares = 0.0;
    for (int64_t k = 0; k < width; k++) squares += x[k] * x[k];
    for (int64_t k = 0; k < width; k++)
        to[k] = x[k] / sqrt(squares / (double)width + eps) * weight[k];
}

static void turned(double *head, const float *cosine, const float *sine, int64_t width) {
    double kept[64];
    memcpy(kept, head, (size_t)width * sizeof(double));
    for (int64_t i = 0; i < width; i++)
        head[i] = kept[i] * cosine[i] + kept[(i + width / 2) % width] * sine[i];
}

/* One path through one layer, token by token, as the book has it; `out` is of its last token. */
static void plain(double *out, const decoder *model, const int64_t *tokens, int64_t length) {
    const layer *at = &model->layers[0];
    const int64_t size = model->model, width = model->width, heads = model->heads;
    const int64_t held = model->held, share = heads / held, inner = model->inner;
    static double x[64], y[64], joint[72][512], seen[256], gate[256], up[256];
    for (int64_t t = 0; t < length; t++) {
        for (int64_t k = 0; k < size; k++) x[k] = model->embedding[tokens[t] * size + k];
        normed(y, x, at->before, size, at->before_eps);
        apply(joint[t], y, &at->joint);
        for (int64_t h = 0; h < heads + held; h++)
            turned(joint[t] + h * width, model->cosine + t * width, model->sine + t * width, width);
    }
    const int64_t last = length - 1;
    int64_t first = at->window && length > at->window ? length - at->window : 0;
    for (int64_t h = 0; h < heads; h++) {
        double total = 0.0;
        for (int64_t k = 0; k < width; k++) seen[h * width + k] = 0.0;
        for (int64_t t = first; t < length; t++) {
            double score = 0.0;
            for (int64_t k = 0; k < width; k++)
                score += joint[last][h * width + k] * joint[t][(heads + h / share) * width + k];
            score = exp(score * at->scale), total += score;
            for (int64_t k = 0; k < width; k++)
                seen[h * width + k] += score * joint[t][(heads + held + h / share) * width + k];
        }
        for (int64_t k = 0; k < width; k++) seen[h * width + k] /= total;
    }
    apply(y, seen, &at->out);
    for (int64_t k = 0; k < size; k++) x[k] += y[k];
    normed(y, x, at->after, size, at->after_eps);
    apply(gate, y, &at->gate), apply(up, y, &at->up);
    for (int64_t k = 0; k < inner; k++) gate[k] = gate[k] / (1.0 + exp(-gate[k])) * up[k];
    apply(y, gate, &at->down);
    for (int64_t k = 0; k < size; k++) x[k] += y[k];
    normed(out, x, model->norm, size, model->eps);
}

/* A prompt of 70 tokens, then every row of a fan of `fan` one-token branches, in two calls. */
static void try_decoder(int64_t heads, int64_t held, int64_t width, int64_t fan, int64_t window,
                        int bytes, int threads) {
    enum { PROMPT = 70, SIZE = 28, INNER = 37, VOCABULARY = 11, DEPTHS = 72 };
    const int64_t slots = 1 + PROMPT + fan, stem = (heads + 2 * held) * width;
    layer only = {
        .joint = made(stem, SIZE, bytes, 1), .out = made(SIZE, heads * width, bytes, 0),
        .gate = made(INNER, SIZE, bytes, 0), .up = made(INNER, SIZE, bytes, 0),
        .down = made(SIZE, INNER, bytes, 0), .before = floats(SIZE), .after = floats(SIZE),
        .keys = floats(slots * held * width), .values = floats(slots * held * width),
        .before_eps = 1e-5f, .after_eps = 1e-5f, .scale = 0.3f, .window = window,
    };
    float *cosine = floats(DEPTHS * width), *sine = floats(DEPTHS * width);
    decoder model = {&only, 1, SIZE, heads, held, width, INNER, floats(VOCABULARY * SIZE),
                     floats(SIZE), cosine, sine, made(VOCABULARY, SIZE, bytes, 1), 1e-5f};
    int64_t tokens[PROMPT + 1], depths[PROMPT];
    int32_t *trunk = malloc(PROMPT * sizeof(int32_t));
    const int32_t *paths[PROMPT];
    for (int64_t t = 0; t < PROMPT; t++) {
        tokens[t] = (t * 7 + 3) % VOCABULARY, depths[t] = t;
        trunk[t] = (int32_t)(1 + t), paths[t] = trunk;
    }
    float *hidden = floats(PROMPT * SIZE), *room = floats(decoder_room(&model, PROMPT, threads));
    rows_call call = {
        .rows = PROMPT, .tokens = tokens, .depths = depths, .paths = paths, .hidden = hidden, .room = room
    };
    decoder_run(&model, &call, threads);
    double truth[SIZE];
    plain(truth, &model, tokens, PROMPT);
    for (int64_t k = 0; k < SIZE; k++)
        near(hidden[(PROMPT - 1) * SIZE + k], truth[k], bytes ? 20.0 : 1.0, "prompt");
    free(hidden), free(room);
    int64_t *leaf = malloc((size_t)fan * sizeof(int64_t)), *deep = malloc((size_t)fan * sizeof(*deep));
    const int32_t **ways = malloc((size_t)fan * sizeof(*ways));
    for (int64_t n = 0; n < fan; n++) {
        int32_t *way = malloc((PROMPT + 1) * sizeof(int32_t));
        memcpy(way, trunk, PROMPT * sizeof(int32_t));
        way[PROMPT] = (int32_t)(1 + PROMPT + (n + 2) % fan);
        leaf[n] = n % VOCABULARY, deep[n] = PROMPT, ways[n] = way;
    }
    hidden = floats(fan * SIZE), room = floats(decoder_room(&model, fan, threads));
    call = (rows_call){
        .rows = fan, .tokens = leaf, .depths = deep, .paths = ways, .hidden = hidden, .room = room
    };
    decoder_run(&model, &call, threads);
    /* The same call with logits: bit for bit what the two calls give, rows kept by slot. */
    const int64_t asked = fan > 1 ? fan - 1 : fan;
    float *kept = floats(slots * SIZE), *logits = floats(fan * VOCABULARY);
    float *alone = floats(fan * VOCABULARY), *wide = floats(linear_room(&model.head, fan));
    call.hidden = NULL, call.kept = kept, call.logits = logits, call.asked = asked;
    decoder_run(&model, &call, threads);
    linear_run(alone, hidden, fan, &model.head, wide, threads);
    for (int64_t n = 0; n < fan; n++)
        for (int64_t k = 0; k < SIZE; k++)
            same(kept[ways[n][PROMPT] * SIZE + k], hidden[n * SIZE + k], "kept");
    for (int64_t k = 0; k < asked * VOCABULARY; k++)
        same(logits[k], alone[(fan - asked) * VOCABULARY + k], "logits");
    /* The same call without logits: a few of them, and what all come to. */
    wanted of = asked_of(fan, slots, VOCABULARY);
    float *both = floats(decoder_room(&model, fan, threads) + stream_room(&model.head, fan, threads));
    for (int64_t k = 0; k < fan * SIZE; k++) kept[(1 + PROMPT) * SIZE + k] = 0.0f;
    call.logits = NULL, call.asked = 0, call.wanted = &of, call.room = both;
    decoder_run(&model, &call, threads);
    compare(&of, kept, &model.head, threads);
    for (int64_t n = 0; n < fan; n++)
        for (int64_t k = 0; k < SIZE; k++)
            same(kept[ways[n][PROMPT] * SIZE + k], hidden[n * SIZE + k], "kept");
    unasked(of), free(both);
    free(kept), free(logits), free(alone), free(wide);
    for (int64_t n = 0; n < fan; n++) {
        tokens[PROMPT] = leaf[n];
        plain(truth, &model, tokens, PROMPT + 1);
        for (int64_t k = 0; k < SIZE; k++)
            near(hidden[n * SIZE + k], truth[k], bytes ? 20.0 : 1.0, "branch");
        free((void *)ways[n]);
    }
    free(hidden), free(room), free(leaf), free(deep), free(ways), free(trunk);
    free(cosine), free(sine), free((void *)model.embedding), free((void *)model.norm);
    free((void *)only.before), free((void *)only.after), free(only.keys), free(only.values);
    unmade(only.joint), unmade(only.out), unmade(only.gate), unmade(only.up), unmade(only.down);
    unmade(model.head);
}

int main(void) {
    const int64_t sizes[] = {1, 7, 8, 9, 16, 31, 70};
    for (int bytes = 0; bytes < 2; bytes++)
        for (int i = 0; i < 7; i++)
            for (int64_t rows = 0; rows < 8; rows++)
                try_linear(rows, sizes[(i + rows) % 7], sizes[i], bytes, 1 + (int)(rows % 3));
    for (int bytes = 0; bytes < 2; bytes++)
        for (int threads = 1; threads < 4; threads++) {
            try_stream(0, 9, 3, bytes, threads);
            try_stream(1, 513, 8, bytes, threads);
            try_stream(5, 512, 17, bytes, threads);
            try_stream(67, 1031, 23, bytes, threads);
            try_stream(140, 30, 9, bytes, threads);
        }
    try_drafts();
    for (int i = 1; i < 9; i++) try_vocabulary(i % 4 + 1, 61 * i * i + 1, i % 3 * i, 1 + i % 2);
    for (int bytes = 0; bytes < 2; bytes++)
        for (int threads = 1; threads < 4; threads++) {
            try_decoder(2, 2, 8, 1, 0, bytes, threads);
            try_decoder(4, 2, 6, 9, 0, bytes, threads);
            try_decoder(8, 2, 16, 13, 0, bytes, threads);
            try_decoder(6, 1, 18, 5, 7, bytes, threads);
            try_decoder(3, 3, 34, 11, 4, bytes, threads);
        }
    return wrong;
}
