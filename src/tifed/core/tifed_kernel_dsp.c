/* Kernels for processors with the Cortex-M DSP instructions (M4, M7, M33 ...).
 *
 * Forward: weights stay row-major, so one word holds two units' weights of one input, and
 * SMLABB and SMLATB add each product to its unit's sum without unpacking. Update: a word holds two
 * samples of a column, another two samples of a delta, and SMLAD adds both products at once. The
 * sums cannot overflow (SPEC, section 4), so the instructions' Q flag does not matter. */
#include "tifed_kernel.h"

#ifdef __ARM_FEATURE_DSP

static inline int32_t smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

static inline int32_t smlatb(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlatb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

static inline int32_t smlad(uint32_t a, uint32_t b, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* Weights of units o and o + 1; rows need not be aligned, which these processors allow. */
static inline uint32_t two_wide(const int16_t *w)
{
    uint32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const uint32_t(*)[1])(const void *)w));
    return word;
}

/* Four int8 weights as two words of two: units 0 and 2, units 1 and 3. */
static inline void four_narrow(const int8_t *w, uint32_t *even, uint32_t *odd)
{
    uint32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const uint32_t(*)[1])(const void *)w));
    __asm__("sxtb16 %0, %1" : "=r"(*even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(*odd) : "r"(word));
}

#define FORWARD_WIDE(name, input_type)                                                            \
    static void name(int32_t *sums, const int16_t *weights, const input_type *input,              \
                     uint32_t fan_in, uint32_t fan_out)                                           \
    {                                                                                             \
        const input_type *end = input + fan_in;                                                   \
        uint32_t o = 0;                                                                           \
        for (; o + 4u <= fan_out; o += 4u) {                                                      \
            int32_t s0 = sums[o], s1 = sums[o + 1u], s2 = sums[o + 2u], s3 = sums[o + 3u];        \
            const int16_t *w = weights + o;                                                       \
            for (const input_type *x = input; x < end; x++, w += fan_out) {                       \
                uint32_t value = (uint32_t)(int32_t)*x, a = two_wide(w), b = two_wide(w + 2);     \
                s0 = smlabb(a, value, s0);                                                        \
                s1 = smlatb(a, value, s1);                                                        \
                s2 = smlabb(b, value, s2);                                                        \
                s3 = smlatb(b, value, s3);                                                        \
            }                                                                                     \
            sums[o] = s0, sums[o + 1u] = s1, sums[o + 2u] = s2, sums[o + 3u] = s3;                \
        }                                                                                         \
        for (; o < fan_out; o++) {                                                                \
            const int16_t *w = weights + o;                                                       \
            for (const input_type *x = input; x < end; x++, w += fan_out)                         \
                sums[o] += *x * *w;                                                               \
        }                                                                                         \
    }

#define FORWARD_NARROW(name, input_type)                                                          \
    static void name(int32_t *sums, const int8_t *weights, const input_type *input,               \
                     uint32_t fan_in, uint32_t fan_out)                                           \
    {                                                                                             \
        const input_type *end = input + fan_in;                                                   \
        uint32_t o = 0;                                                                           \
        for (; o + 4u <= fan_out; o += 4u) {                                                      \
            int32_t s0 = sums[o], s1 = sums[o + 1u], s2 = sums[o + 2u], s3 = sums[o + 3u];        \
            const int8_t *w = weights + o;                                                        \
            for (const input_type *x = input; x < end; x++, w += fan_out) {                       \
                uint32_t value = (uint32_t)(int32_t)*x, even, odd;                                \
                four_narrow(w, &even, &odd);                                                      \
                s0 = smlabb(even, value, s0);                                                     \
                s1 = smlabb(odd, value, s1);                                                      \
                s2 = smlatb(even, value, s2);                                                     \
                s3 = smlatb(odd, value, s3);                                                      \
            }                                                                                     \
            sums[o] = s0, sums[o + 1u] = s1, sums[o + 2u] = s2, sums[o + 3u] = s3;                \
        }                                                                                         \
        for (; o < fan_out; o++) {                                                                \
            const int8_t *w = weights + o;                                                        \
            for (const input_type *x = input; x < end; x++, w += fan_out)                         \
                sums[o] += *x * *w;                                                               \
        }                                                                                         \
    }

FORWARD_WIDE(forward_16_16, int16_t)
FORWARD_WIDE(forward_16_8, int8_t)
FORWARD_NARROW(forward_8_16, int16_t)
FORWARD_NARROW(forward_8_8, int8_t)

void tifed_kernel_forward(int32_t *sums, const void *weights, uint32_t weight_bits,
                          const void *input, uint32_t input_bits, uint32_t fan_in,
                          uint32_t fan_out)
{
    if (weight_bits == 8u && input_bits == 8u)
        forward_8_8(sums, weights, input, fan_in, fan_out);
    else if (weight_bits == 8u)
        forward_8_16(sums, weights, input, fan_in, fan_out);
    else if (input_bits == 8u)
        forward_16_8(sums, weights, input, fan_in, fan_out);
    else
        forward_16_16(sums, weights, input, fan_in, fan_out);
}

uint32_t tifed_kernel_update(void *row, uint32_t weight_bits, uint32_t fan_out,
                             const uint32_t *column, const uint32_t *deltas, uint32_t pairs,
                             const tifed_rounding *rounding, uint32_t place)
{
    uint32_t clipped = 0;
    int8_t *narrow = row;
    int16_t *wide = row;
    const uint32_t *end = column + pairs;
    for (uint32_t o = 0; o < fan_out; o += 4u) {
        int32_t g0 = 0, g1 = 0, g2 = 0, g3 = 0;
        uint32_t units = fan_out - o < 4u ? fan_out - o : 4u;
        const uint32_t *d = deltas + o;
        if (units == 4u) {
            for (const uint32_t *x = column; x < end; x++, d += fan_out) {
                uint32_t value = *x;
                g0 = smlad(value, d[0], g0);
                g1 = smlad(value, d[1], g1);
                g2 = smlad(value, d[2], g2);
                g3 = smlad(value, d[3], g3);
            }
        } else {
            for (const uint32_t *x = column; x < end; x++, d += fan_out) {
                g0 = smlad(*x, d[0], g0);
                g1 = units > 1u ? smlad(*x, d[1], g1) : 0;
                g2 = units > 2u ? smlad(*x, d[2], g2) : 0;
            }
        }
        int32_t g[4] = {g0, g1, g2, g3};
        for (uint32_t u = 0; u < units; u++) {
            int32_t step = tifed_rounded(g[u], rounding, place + o + u);
            int32_t old = weight_bits == 8u ? narrow[o + u] : wide[o + u];
            int32_t stepped = tifed_stepped(old, step, rounding->bound, &clipped);
            if (weight_bits == 8u)
                narrow[o + u] = (int8_t)stepped;
            else
                wide[o + u] = (int16_t)stepped;
        }
    }
    return clipped;
}

#else
/* ISO C wants a file to declare something. */
typedef int tifed_kernel_dsp_is_not_for_this_processor;
#endif
