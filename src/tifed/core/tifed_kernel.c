/* Kernels in plain C: the reference, and what a processor without DSP instructions runs.
 *
 * A processor here has one multiplier and loads one word at a time, so what counts is how many
 * loads and stores a product needs. Several units' sums are therefore formed side by side, in
 * registers, while their inputs go by: an input that is loaded once serves all of them, and a
 * sum is stored once. A Cortex-M0 has eight registers that can multiply and add, which is enough
 * for four sums and for what else the loop needs; other processors have enough for eight. The
 * macros stand for that many variables, because no array would be in registers. */
#include "tifed_kernel.h"

#ifndef TIFED_DSP

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define UNITS 4u
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)
#else
#define UNITS 8u
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#endif

#define LOAD(k) int32_t s##k = sums[o + k];
#define STORE(k) sums[o + k] = s##k;
#define ADD_WEIGHT(k) s##k += value * w[k];

/* One body, four element types: the compiler makes a loop for each. What is left of the units when
 * they are no multiple of UNITS is done one by one. */
#define FORWARD(name, weight_type, input_type)                                                     \
    static void name(int32_t *sums, const weight_type *weights, const input_type *input,           \
                     uint32_t fan_in, uint32_t fan_out)                                            \
    {                                                                                              \
        const input_type *end = input + fan_in;                                                    \
        uint32_t o = 0;                                                                            \
        for (; o + UNITS <= fan_out; o += UNITS) {                                                 \
            EACH(LOAD)                                                                             \
            const weight_type *w = weights + o;                                                    \
            for (const input_type *x = input; x < end; x++, w += fan_out) {                        \
                int32_t value = *x;                                                                \
                EACH(ADD_WEIGHT)                                                                   \
            }                                                                                      \
            EACH(STORE)                                                                            \
        }                                                                                          \
        for (; o < fan_out; o++) {                                                                 \
            int32_t s = sums[o];                                                                   \
            const weight_type *w = weights + o;                                                    \
            for (const input_type *x = input; x < end; x++, w += fan_out)                          \
                s += (int32_t)*x * *w;                                                             \
            sums[o] = s;                                                                           \
        }                                                                                          \
    }

FORWARD(forward_16_16, int16_t, int16_t)
FORWARD(forward_16_8, int16_t, int8_t)
FORWARD(forward_8_16, int8_t, int16_t)
FORWARD(forward_8_8, int8_t, int8_t)

void tifed_kernel_forward(int32_t *sums, const void *weights, uint32_t weight_bits,
                          const void *input, uint32_t input_bits, uint32_t fan_in, uint32_t fan_out)
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

#define BEGIN(k) int32_t g##k = start;
#define END(k) gradient[k] = g##k;
#define ADD_FIRST(k) g##k += value * d[2 * k];
#define ADD_SECOND(k) g##k += value * d[2 * k + 1];

#define APPLY_STEP(k)                                                                              \
    wide[k] = (int16_t)tifed_saturated_step(wide[k], g##k >> u->shift, bound, &clipped);

/* A gradient is a sum over the samples of a mini-batch, which come in pairs. There is at least
 * one, so that the loops test at their end; a sample without a partner meets a 0 in the column. */
uint32_t tifed_kernel_update(const tifed_update *u, void *row, uint32_t place)
{
    uint32_t clipped = 0, fan_out = u->fan_out, units;
    const int16_t *end = u->column + 2u * u->pairs;
    int32_t gradient[UNITS], start = tifed_rounding_start(u), bound = u->bound;
    bool usual = tifed_has_fast_path(u);
    for (uint32_t o = 0; o < fan_out; o += units) {
        const int16_t *x = u->column, *d = u->deltas + 2u * o;
        if (fan_out - o >= UNITS) {
            EACH(BEGIN)
            do {
                int32_t value = x[0];
                EACH(ADD_FIRST)
                value = x[1];
                EACH(ADD_SECOND)
                x += 2;
                d += 2u * fan_out;
            } while (x < end);
            if (usual) {
                int16_t *wide = (int16_t *)row + o;
                EACH(APPLY_STEP)
                units = UNITS;
                continue;
            }
            EACH(END)
            units = UNITS;
        } else {
            int32_t g = start;
            do {
                g += (int32_t)x[0] * d[0] + (int32_t)x[1] * d[1];
                x += 2;
                d += 2u * fan_out;
            } while (x < end);
            gradient[0] = g;
            units = 1;
        }
        clipped += tifed_apply_gradients(u, row, o, gradient, units, place);
    }
    return clipped;
}

#endif
