/* What every host kernel's vectors need to know before the algorithm is included. */
#ifndef TIFED_PANEL_ROUNDING_H
#define TIFED_PANEL_ROUNDING_H

#include "panel.h"
#include "../../core/tifed_random.h"
#include "../../core/tifed_rule.h"

/* Unlike the device's core, a host's loops form products in an int. */
TIFED_ASSUME(a_host_has_ints_of_32_bits, INT_MAX >= INT32_MAX);

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL_FOR _Pragma("clang loop unroll(full)") for
#else
#define UNROLL_FOR _Pragma("GCC unroll 32") for
#endif

/* How a gradient becomes a step, and where the parameters stop. */
typedef struct rounding {
    uint32_t shift;
    uint32_t mode;
    int32_t half; /* added before the shift: half of the divisor, or 0 */
    int32_t bound;
    bool may_overflow; /* a shift of 0: see limit_gradient() */
    tifed_key key;
} rounding;

/* A step is taken off a parameter in 32 bits here, which overflows where the step passes 2^31 -
 * bound. It can with a shift of 0 alone, as any other halves it at least; and a step of 2^30
 * takes every parameter to its bound, so nothing is lost by limiting it to that. */
static inline int32_t limit_gradient(int32_t gradient, bool may_overflow)
{
    return may_overflow ? tifed_clamp(gradient, -(1 << 30), 1 << 30) : gradient;
}

static inline int32_t low_half(uint32_t pair)
{
    return (int16_t)(uint16_t)pair;
}

static inline int32_t high_half(uint32_t pair)
{
    return (int16_t)(uint16_t)(pair >> 16);
}

static inline uint32_t pair_of(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}

/* 1 or, where it is negative, -1 for each half of a pair. */
static inline uint32_t signs(uint32_t pair)
{
    return (pair >> 15 & 0x10001u) * 0xFFFFu | 0x10001u;
}

/* Rows of int16 read as pairs, and the reverse. */
typedef int16_t __attribute__((may_alias)) half_t;
typedef uint32_t __attribute__((may_alias)) word_t;

/* Rows in pairs of samples; the last without a partner is its own. */
static inline void pair_rows(const half_t *restrict rows, uint32_t n, uint32_t units, uint32_t used,
                             uint32_t *restrict pairs)
{
    for (uint32_t s = 0; s < n; s += 2u, pairs += used) {
        const half_t *low = rows + (size_t)s * units, *high = s + 1u < n ? low + units : low;
        for (uint32_t o = 0; o < used; o++)
            pairs[o] = pair_of(low[o], high[o]);
    }
}

#endif
