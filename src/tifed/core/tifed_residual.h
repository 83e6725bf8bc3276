/* What of a weight's change is too small to go up, kept for the next time (SPEC, section 25.8). */
#ifndef TIFED_RESIDUAL_H
#define TIFED_RESIDUAL_H

#include "tifed_rule.h"

enum { TIFED_RESIDUAL_TOP = 127, TIFED_LARGEST_UNIT = 7 };

/* `value` / 2^shift, towards zero. */
static inline int32_t tifed_truncated(int32_t value, uint32_t shift)
{
    return (value + (int32_t)((uint32_t)(value >> 31) & ((UINT32_C(1) << shift) - 1u))) >> shift;
}

/* The short number, up to `top`, for a weight that has moved by `difference`, up to 65,534, and of
 * whose changes before something is left; and what is left now, in units of 2^unit. The sum of both
 * is below 2^17, and q * 2^shift lies between 0 and that. */
static inline int32_t tifed_keep_change(int32_t difference, int32_t top, uint32_t shift,
                                        uint32_t unit, int32_t *left)
{
    int32_t wanted = difference + *left * (INT32_C(1) << unit);
    int32_t q = tifed_clamp(tifed_truncated(wanted, shift), -top, top);
    *left = tifed_clamp(tifed_truncated(wanted - q * (INT32_C(1) << shift), unit),
                        -TIFED_RESIDUAL_TOP, TIFED_RESIDUAL_TOP);
    return q;
}

#endif
