/* The learning rule's pointwise arithmetic (SPEC, section 5); internal. Written with selections,
 * not tables, so that a host compiler makes vectors of it. */
#ifndef TIFED_RULE_H
#define TIFED_RULE_H

#include "tifed.h"
#include "tifed_assumptions.h"

#define TIFED_DELTA_BOUND 32767

static inline int32_t tifed_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* All that an inverse slope depends on: a rescaled sum, limited so that 9 bits hold it. */
static inline int32_t tifed_slope_source(int32_t v)
{
    return tifed_clamp(v, -128, 128);
}

/* Three lines through or around 0, of slopes 2, 1 and 1/4: each next one limits the steeper one. */
static inline int32_t tifed_pocket_tanh(int32_t v)
{
    v = tifed_slope_source(v);
    int32_t quarter = v >> 2, a = tifed_clamp(2 * v, v - 32, v + 32);
    a = tifed_clamp(a, quarter - 88, quarter + 88);
    a = v < -127 ? -127 : a;
    return v > 127 ? 128 : a;
}

static inline int32_t tifed_activate(uint32_t activation, int32_t v)
{
    if (activation == TIFED_RELU)
        return tifed_clamp(v, 0, 127);
    if (activation == TIFED_ABSOLUTE) {
        v = tifed_clamp(v, -127, 127); /* first, as -v may not exist */
        return v < 0 ? -v : v;
    }
    return activation == TIFED_POCKET_TANH ? tifed_pocket_tanh(v) : v;
}

/* delta // inverse slope at slope source `v`, where inverse slopes are powers of two or -1; or
 * 0. */
static inline int32_t tifed_through_slope(uint32_t activation, int32_t delta, int32_t v)
{
    if (activation == TIFED_RELU)
        return v > 0 && v <= 127 ? delta : 0;
    if (activation == TIFED_ABSOLUTE) {
        int32_t rising = v > 0 && v <= 127 ? delta : 0;
        return v < 0 && v >= -127 ? -delta : rising;
    }
    if (activation == TIFED_POCKET_TANH) {
        int32_t size = v < 0 ? -v : v;
        int32_t slow = size > 127 ? delta >> 7 : delta >> 3;
        int32_t fast = size < 32 ? delta : delta >> 1;
        return size > 74 ? slow : fast;
    }
    return delta;
}

/* Whether the slope at slope source `v` is 0, so that no delta passes. */
static inline bool tifed_slope_is_zero(uint32_t activation, int32_t v)
{
    if (activation == TIFED_RELU)
        return v <= 0 || v > 127;
    return activation == TIFED_ABSOLUTE && (v == 0 || v < -127 || v > 127);
}

/* Class of the largest output, the lowest of equals. */
static inline uint32_t tifed_argmax(const int32_t *output, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t c = 1; c < classes; c++)
        if (output[c] > output[best])
            best = c;
    return best;
}

/* What to look at when the error has only two entries (margin): e[rival] = u, e[label] = -u. */
typedef struct tifed_margin {
    uint32_t rival;
    int32_t u;
} tifed_margin;

static inline tifed_margin tifed_margin_error(const int32_t *output, uint32_t classes,
                                              uint32_t label, int32_t margin)
{
    tifed_margin m = {label ? 0u : 1u, 0};
    for (uint32_t c = m.rival + 1; c < classes; c++)
        if (c != label && output[c] > output[m.rival])
            m.rival = c;
    /* u = clamp(margin - lead, 0, 127), with no lead formed: it could pass 32 bits. */
    int32_t right = output[label], wrong = output[m.rival];
    if (right >= wrong) {
        uint32_t lead = (uint32_t)right - (uint32_t)wrong;
        m.u = lead >= (uint32_t)margin ? 0 : margin - (int32_t)lead;
    } else {
        uint32_t behind = (uint32_t)wrong - (uint32_t)right;
        m.u = behind >= 127u ? 127 : tifed_clamp(margin + (int32_t)behind, 0, 127);
    }
    return m;
}

/* The most that a gradient is shifted by: its divisor has to fit 31 bits. */
#define TIFED_LARGEST_SHIFT 30u

/* What the gradients of layer `l` are shifted by, where the sum is not below 0; else it wraps around
 * to more than the most. */
static inline uint32_t tifed_update_shift(const tifed_layer *layer, uint32_t l, uint32_t extra,
                                          int32_t energy)
{
    return layer->update_shift + extra + (l ? 0u : (uint32_t)energy);
}

/* Largest value of a sum before the division (SPEC, section 4), and the offset in it. */
static inline int32_t tifed_offset(const tifed_layer *layer)
{
    if (layer->rescale_rounding != TIFED_NEAREST)
        return 0;
    return (int32_t)(layer->rescale_shift ? layer->rescale_factor << (layer->rescale_shift - 1u)
                                          : layer->rescale_factor / 2u);
}

#endif
