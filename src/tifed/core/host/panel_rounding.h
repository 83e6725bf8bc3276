/* What every host kernel's vectors need to know before the algorithm is included. */
#ifndef TIFED_PANEL_ROUNDING_H
#define TIFED_PANEL_ROUNDING_H

#include "panel.h"
#include "../tifed_random.h"
#include "../tifed_rule.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* How a gradient becomes a step, and where the parameters stop. */
typedef struct rounding {
    uint32_t shift;
    uint32_t mode;
    int32_t half; /* added before the shift: half of the divisor, or 0 */
    int32_t bound;
    bool huge;    /* shift 0 and room for gradients near 2^31: see limited() */
    tifed_key key;
} rounding;

/* With a shift of 0 a step may pass 2^31 - bound; at 2^30 the parameter is at its bound anyway. */
static inline int32_t limited(int32_t gradient, bool huge)
{
    return huge ? tifed_clamp(gradient, -(1 << 30), 1 << 30) : gradient;
}

#endif
