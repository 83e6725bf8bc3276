/* The two loops that cost time, behind one interface; internal. tifed_kernel.c is the reference in
 * plain C; tifed_kernel_dsp.c takes its place where the compiler says that the processor has the
 * Cortex-M DSP instructions. Equal bits from both. */
#ifndef TIFED_KERNEL_H
#define TIFED_KERNEL_H

#include "tifed.h"
#include "tifed_assumptions.h"
#include "tifed_random.h"

/* What an update of a layer's rows needs to know; column and deltas hold pairs of samples, which a
 * processor with DSP instructions multiplies at once. Aligned to 4 bytes. */
typedef struct tifed_update {
    const int16_t *column; /* (pairs, 2): one input in every sample; 0 where a pair has but one */
    const int16_t *deltas; /* (pairs, fan_out, 2) */
    uint32_t pairs;        /* 1 or more */
    uint32_t fan_out;
    uint32_t bits;  /* of a parameter: 8 or 16 */
    uint32_t shift; /* 0..30 */
    uint32_t mode;  /* TIFED_FLOOR, TIFED_NEAREST or TIFED_STOCHASTIC */
    int32_t bound;  /* of an updated parameter, 1..32767 */
    tifed_key key;  /* TIFED_STOCHASTIC only */
} tifed_update;

/* sums (fan_out) += input (fan_in) · weights (fan_in, fan_out); input_bits and weight_bits 8 or
 * 16. */
void tifed_kernel_forward(int32_t *sums, const void *weights, uint32_t weight_bits,
                          const void *input, uint32_t input_bits, uint32_t fan_in,
                          uint32_t fan_out);

/* row (fan_out) of weights or biases -= rounded(column · deltas), saturated.
 * place: of row[0] in the layer. Returns how many parameters reached their bound. */
uint32_t tifed_kernel_update(const tifed_update *update, void *row, uint32_t place);

/* What a gradient's sum starts with, so that the shift rounds it. No sum overflows with it. */
static inline int32_t tifed_rounding_start(const tifed_update *u)
{
    return u->mode == TIFED_NEAREST ? (int32_t)(UINT32_C(1) << u->shift >> 1) : 0;
}

/* The random part of stochastic rounding, added to the sums of `units` parameters from `place`
 * on. */
void tifed_kernel_add_random(const tifed_update *update, int32_t *gradient, uint32_t units,
                             uint32_t place);

/* old - step, saturated; `clipped` counts how often it was.
 *
 * Neither a difference of 32 bits, which may overflow, nor one of 64, which a Cortex-M0 is slow
 * at: one comparison of unsigned distances does for both bounds. */
static inline int32_t tifed_saturated_step(int32_t old, int32_t step, int32_t bound,
                                           uint32_t *clipped)
{
    /* The distance of the new value from the lower bound, modulo 2^32. Inside the bounds it is
     * 0..2 * bound. Outside it is more than that on either side: a step has a magnitude of at
     * most 2^31 and a distance of at most 2^16, so the one cannot lead around to the inside
     * again. */
    uint32_t above = (uint32_t)(old + bound) - (uint32_t)step, most = 2u * (uint32_t)bound;
    if (above > most) {
        ++*clipped;
        above = step < 0 ? most : 0u;
    }
    return (int32_t)above - bound;
}

/* Take the rounded gradients of `units` parameters off them, from number `first` of the row on. The
 * gradients hold what rounds to the nearest already, but not the random numbers. */
static inline uint32_t tifed_apply_gradients(const tifed_update *u, void *row, uint32_t first,
                                             int32_t *gradient, uint32_t units, uint32_t place)
{
    uint32_t clipped = 0, shift = u->shift;
    int32_t bound = u->bound;
    if (u->mode == TIFED_STOCHASTIC)
        tifed_kernel_add_random(u, gradient, units, place + first);
    int8_t *narrow = (int8_t *)row + first;
    int16_t *wide = (int16_t *)row + first;
    for (uint32_t k = 0; k < units; k++) {
        int32_t step = gradient[k] >> shift;
        if (u->bits == 8u)
            narrow[k] = (int8_t)tifed_saturated_step(narrow[k], step, bound, &clipped);
        else
            wide[k] = (int16_t)tifed_saturated_step(wide[k], step, bound, &clipped);
    }
    return clipped;
}

/* Whether parameters are of the usual kind, whose steps a kernel takes straight from the
 * registers in which it summed: other kinds go through memory, and so through
 * tifed_apply_gradients. */
static inline bool tifed_has_fast_path(const tifed_update *u)
{
    return u->bits == 16u && u->mode != TIFED_STOCHASTIC;
}

#endif
