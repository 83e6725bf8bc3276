/* Kernels in plain C: the reference, and what a processor without DSP instructions runs.
 * Four units at a time, so that their sums stay in registers even on a Cortex-M0. */
#include "tifed_kernel.h"

#ifndef __ARM_FEATURE_DSP

/* One body, four element types: the compiler makes a loop for each. */
#define FORWARD(name, weight_type, input_type)                                                    \
    static void name(int32_t *sums, const weight_type *weights, const input_type *input,          \
                     uint32_t fan_in, uint32_t fan_out)                                           \
    {                                                                                             \
        const input_type *end = input + fan_in;                                                   \
        uint32_t o = 0;                                                                           \
        for (; o + 4u <= fan_out; o += 4u) {                                                      \
            int32_t s0 = sums[o], s1 = sums[o + 1u], s2 = sums[o + 2u], s3 = sums[o + 3u];        \
            const weight_type *w = weights + o;                                                   \
            for (const input_type *x = input; x < end; x++, w += fan_out) {                       \
                int32_t value = *x;                                                               \
                s0 += value * w[0];                                                               \
                s1 += value * w[1];                                                               \
                s2 += value * w[2];                                                               \
                s3 += value * w[3];                                                               \
            }                                                                                     \
            sums[o] = s0, sums[o + 1u] = s1, sums[o + 2u] = s2, sums[o + 3u] = s3;                \
        }                                                                                         \
        for (; o < fan_out; o++) {                                                                \
            int32_t s = sums[o];                                                                  \
            const weight_type *w = weights + o;                                                   \
            for (const input_type *x = input; x < end; x++, w += fan_out)                         \
                s += *x * *w;                                                                     \
            sums[o] = s;                                                                          \
        }                                                                                         \
    }

FORWARD(forward_16_16, int16_t, int16_t)
FORWARD(forward_16_8, int16_t, int8_t)
FORWARD(forward_8_16, int8_t, int16_t)
FORWARD(forward_8_8, int8_t, int8_t)

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
    for (uint32_t o = 0; o < fan_out; o += 4u) {
        int32_t g[4] = {0, 0, 0, 0};
        const uint32_t *d = deltas + o, *x = column, *end = column + pairs;
        uint32_t units = fan_out - o < 4u ? fan_out - o : 4u;
        if (units == 4u) {
            for (; x < end; x++, d += fan_out) {
                int32_t low = tifed_low(*x), high = tifed_high(*x);
                g[0] += low * tifed_low(d[0]) + high * tifed_high(d[0]);
                g[1] += low * tifed_low(d[1]) + high * tifed_high(d[1]);
                g[2] += low * tifed_low(d[2]) + high * tifed_high(d[2]);
                g[3] += low * tifed_low(d[3]) + high * tifed_high(d[3]);
            }
        } else {
            for (; x < end; x++, d += fan_out)
                for (uint32_t u = 0; u < units; u++)
                    g[u] += tifed_low(*x) * tifed_low(d[u]) + tifed_high(*x) * tifed_high(d[u]);
        }
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

#endif
