/* Eight floats at a time, written once for every processor.
 *
 * Sums are taken in one order everywhere: lane i adds up the elements whose index is i modulo LANES,
 * and `total` adds the lanes in pairs. Whatever computes the same sum gives the same bits.
 */
#ifndef TREESEEK_VECTOR_H
#define TREESEEK_VECTOR_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define TREESEEK_AVX2 1
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define TREESEEK_NEON 1
#endif

#define LANES 8
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float vec_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef int16_t half_words __attribute__((vector_size(2 * LANES)));
typedef int16_t words __attribute__((vector_size(4 * LANES)));
typedef int16_t words_at __attribute__((vector_size(4 * LANES), aligned(2), may_alias));

typedef float four __attribute__((vector_size(16)));
typedef float four_at __attribute__((vector_size(16), aligned(4), may_alias));

INLINE four load_four(const float *from) { return *(const four_at *)from; }
INLINE void store_four(float *to, four value) { *(four_at *)to = value; }
INLINE vec load(const float *from) { return *(const vec_at *)from; }
INLINE void store(float *to, vec value) { *(vec_at *)to = value; }
INLINE vec splat(float x) { return (vec){x, x, x, x, x, x, x, x}; }

/* The first `count` < LANES floats, zeros behind them. */
INLINE vec load_some(const float *from, int64_t count) {
    vec value = splat(0.0f);
    memcpy(&value, from, (size_t)count * sizeof(float));
    return value;
}

/* a * b + c, rounded once where the processor can. */
INLINE vec mad(vec a, vec b, vec c) {
#if defined(TREESEEK_AVX2)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(TREESEEK_NEON)
    union { vec whole; float32x4_t half[2]; } p = {a}, q = {b}, r = {c};
    r.half[0] = vfmaq_f32(r.half[0], p.half[0], q.half[0]);
    r.half[1] = vfmaq_f32(r.half[1], p.half[1], q.half[1]);
    return r.whole;
#else
    return a * b + c;
#endif
}

/* ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) */
INLINE float total(vec v) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* The totals of four vectors, the same bits as four calls of `total`. */
INLINE void totals(float *to, vec a, vec b, vec c, vec d) {
#if defined(TREESEEK_AVX2)
    __m256 left = _mm256_hadd_ps((__m256)a, (__m256)b);
    __m256 right = _mm256_hadd_ps((__m256)c, (__m256)d);
    __m256 both = _mm256_hadd_ps(left, right);
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
#else
    to[0] = total(a), to[1] = total(b), to[2] = total(c), to[3] = total(d);
#endif
}

/* Eight floats from `at` on of each of eight places, place by place in every lane. */
INLINE void transpose(float *to, const float *const *from, int64_t at) {
#if defined(TREESEEK_AVX2)
    __m256 row[LANES], pair[LANES], quad[LANES];
    for (int i = 0; i < LANES; i++) row[i] = _mm256_loadu_ps(from[i] + at);
    for (int i = 0; i < LANES; i += 2) {
        pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            quad[i + 2 * j] = _mm256_shuffle_ps(pair[i + j], pair[i + 2 + j], 0x44);
            quad[i + 2 * j + 1] = _mm256_shuffle_ps(pair[i + j], pair[i + 2 + j], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * LANES, _mm256_permute2f128_ps(quad[i], quad[4 + i], 0x20));
        _mm256_storeu_ps(to + (4 + i) * LANES, _mm256_permute2f128_ps(quad[i], quad[4 + i], 0x31));
    }
#else
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) to[j * LANES + i] = from[i][at + j];
#endif
}

INLINE vec larger(vec a, vec b) {
#if defined(TREESEEK_AVX2)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    ints more = a > b;
    return (vec)(((ints)a & more) | ((ints)b & ~more));
#endif
}

INLINE vec smaller(vec a, vec b) {
#if defined(TREESEEK_AVX2)
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
    ints less = a < b;
    return (vec)(((ints)a & less) | ((ints)b & ~less));
#endif
}

INLINE float largest(vec v) {
    float best = v[0];
    for (int i = 1; i < LANES; i++)
        if (v[i] > best) best = v[i];
    return best;
}

/* e to the power of x to two units in the last place; 0 below -87, NaN stays NaN. */
INLINE vec exponential(vec x) {
    const vec magic = splat(12582912.0f);
    const ints small = x < splat(-87.0f);
    const vec y = larger(splat(-88.0f), smaller(splat(88.0f), x));
    const vec near = mad(y, splat(1.44269504088896341f), magic), whole = near - magic;
    vec rest = mad(whole, splat(-0.693359375f), y);
    rest = mad(whole, splat(2.12194440054690583e-4f), rest);
    vec sum = splat(1.0f / 5040.0f);
    sum = mad(sum, rest, splat(1.0f / 720.0f));
    sum = mad(sum, rest, splat(1.0f / 120.0f));
    sum = mad(sum, rest, splat(1.0f / 24.0f));
    sum = mad(sum, rest, splat(1.0f / 6.0f));
    sum = mad(sum, rest, splat(0.5f));
    sum = mad(sum, rest, splat(1.0f));
    sum = mad(sum, rest, splat(1.0f));
    const ints power = ((ints)near << 23) + (127 << 23); /* its lowest bits are the whole number */
    vec scaled = sum * (vec)power;
    return (vec)((ints)scaled & ~small);
}

INLINE vec magnitude(vec x) { return (vec)((ints)x & 0x7fffffff); }

INLINE void store_words(int16_t *to, words value) { *(words_at *)to = value; }
INLINE words load_words(const int16_t *from) { return *(const words_at *)from; }

/* Sixteen bytes as sixteen words. */
INLINE words widened(const int8_t *from) {
#if defined(TREESEEK_AVX2)
    return (words)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
#elif defined(TREESEEK_NEON)
    int8x16_t narrow = vld1q_s8(from);
    union { int16x8_t half[2]; words whole; } wide;
    wide.half[0] = vmovl_s8(vget_low_s8(narrow)), wide.half[1] = vmovl_high_s8(narrow);
    return wide.whole;
#else
    words wide;
    for (int i = 0; i < 2 * LANES; i++) wide[i] = from[i];
    return wide;
#endif
}

/* sum, and to lane i of it a[2i] * b[2i] + a[2i + 1] * b[2i + 1]. */
INLINE ints pairs(ints sum, words a, words b) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return (ints)_mm256_dpwssd_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined(__AVXVNNI__)
    return (ints)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif defined(TREESEEK_AVX2)
    return sum + (ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(TREESEEK_NEON)
    union { words whole; int16x8_t half[2]; } p = {a}, q = {b};
    union { ints whole; int32x4_t half[2]; } made;
    for (int i = 0; i < 2; i++)
        made.half[i] = vpaddq_s32(vmull_s16(vget_low_s16(p.half[i]), vget_low_s16(q.half[i])),
                                  vmull_high_s16(p.half[i], q.half[i]));
    return sum + made.whole;
#else
    for (int i = 0; i < LANES; i++)
        sum[i] += (int32_t)a[2 * i] * b[2 * i] + (int32_t)a[2 * i + 1] * b[2 * i + 1];
    return sum;
#endif
}

INLINE int32_t whole_total(ints v) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* The totals of four vectors of whole numbers. */
INLINE void whole_totals(float *to, ints a, ints b, ints c, ints d) {
#if defined(TREESEEK_AVX2)
    __m256i left = _mm256_hadd_epi32((__m256i)a, (__m256i)b);
    __m256i right = _mm256_hadd_epi32((__m256i)c, (__m256i)d);
    __m256i both = _mm256_hadd_epi32(left, right);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    _mm_storeu_ps(to, _mm_cvtepi32_ps(sum));
#else
    to[0] = (float)whole_total(a), to[1] = (float)whole_total(b);
    to[2] = (float)whole_total(c), to[3] = (float)whole_total(d);
#endif
}

/* Eight floats to the nearest words, as the addition of 1.5 * 2^23 rounds; |x| < 2^15. */
INLINE void store_rounded(int16_t *to, vec x) {
    const vec magic = splat(12582912.0f);
    ints near = __builtin_convertvector((x + magic) - magic, ints);
    half_words narrow = __builtin_convertvector(near, half_words);
    memcpy(to, &narrow, sizeof narrow);
}

#endif
