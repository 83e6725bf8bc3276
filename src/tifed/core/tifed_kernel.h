/* The two loops that cost time, behind one interface; internal. tifed_kernel.c is the reference in
 * plain C; tifed_kernel_dsp.c takes its place where the compiler says that the processor has the
 * Cortex-M DSP instructions. Equal bits from both. */
#ifndef TIFED_KERNEL_H
#define TIFED_KERNEL_H

#include "tifed.h"
#include "tifed_random.h"

typedef struct tifed_rounding {
    uint32_t shift; /* 0..30 */
    uint32_t mode;  /* TIFED_FLOOR, TIFED_NEAREST or TIFED_STOCHASTIC */
    int32_t bound;  /* of the updated parameter, 1..32767 */
    tifed_key key;  /* TIFED_STOCHASTIC only */
} tifed_rounding;

/* sums (fan_out) += input (fan_in) · weights (fan_in, fan_out); input_bits and weight_bits 8 or 16. */
void tifed_kernel_forward(int32_t *sums, const void *weights, uint32_t weight_bits,
                          const void *input, uint32_t input_bits, uint32_t fan_in,
                          uint32_t fan_out);

/* row (fan_out) of weights or biases -= rounded(column · deltas), saturated.
 * column (pairs) and deltas (pairs, fan_out): int16 of samples 2p low, 2p + 1 high.
 * place: of row[0] in the layer. Returns how many parameters reached their bound. */
uint32_t tifed_kernel_update(void *row, uint32_t weight_bits, uint32_t fan_out,
                             const uint32_t *column, const uint32_t *deltas, uint32_t pairs,
                             const tifed_rounding *rounding, uint32_t place);

static inline int32_t tifed_low(uint32_t pair)
{
    return (int16_t)(uint16_t)pair;
}

static inline int32_t tifed_high(uint32_t pair)
{
    return (int16_t)(uint16_t)(pair >> 16);
}

/* What a gradient takes off a parameter, before saturation. No intermediate overflows. */
static inline int32_t tifed_rounded(int32_t gradient, const tifed_rounding *r, uint32_t place)
{
    if (r->shift == 0u)
        return gradient;
    if (r->mode == TIFED_STOCHASTIC)
        gradient += (int32_t)(tifed_half(r->key, place) & ((1u << r->shift) - 1u));
    else if (r->mode == TIFED_NEAREST)
        gradient += (int32_t)(1u << (r->shift - 1u));
    return gradient >> r->shift;
}

/* parameter - step, saturated; `clipped` counts. The comparison is arranged so as not to overflow. */
static inline int32_t tifed_stepped(int32_t parameter, int32_t step, int32_t bound,
                                    uint32_t *clipped)
{
    int32_t most = parameter + bound, least = parameter - bound;
    if (step > most) {
        ++*clipped;
        step = most;
    } else if (step < least) {
        ++*clipped;
        step = least;
    }
    return parameter - step;
}

#endif
