/* How a layer's weights go up after training: as short numbers of what changed, or whole (SPEC,
 * section 25). */
#ifndef TIFED_PANEL_CHANGE_H
#define TIFED_PANEL_CHANGE_H

#include "../../core/tifed_random.h"
#include "../../core/tifed_residual.h"

/* What a network's layer sends, and what a device's job makes of it. */
typedef struct panel_change {
    uint32_t top;   /* largest magnitude of a short number, 1..127; 0: weights go up whole */
    uint32_t shift; /* bits that a difference loses, 0..14 */
    uint32_t rows;  /* each so many-th pair of rows goes up, 1..16 */
    uint32_t first; /* the first pair that does */
    int32_t unit;   /* what is left is kept in units of 2^unit, 0..7; -1: bits round instead */
    tifed_key key;  /* of the bits that round */
} panel_change;

/* What sums of a layer's short numbers are on top of, if they are of such. */
typedef struct panel_origin {
    const int16_t *sent; /* the weights that were sent; NULL: sums are of weights */
    uint32_t shift, rows;
    int32_t samples[16]; /* for each of `rows` pairs of rows in turn, of the devices that sent it */
} panel_origin;

/* Whether inputs 2 * pair and 2 * pair + 1 go up. */
static inline bool panel_goes_up(const panel_change *change, uint32_t pair)
{
    return pair % change->rows == change->first;
}

/* The short number for a weight at `place` of a layer, which has moved by this much. */
static inline int32_t panel_short(const panel_change *change, int32_t difference, uint32_t place)
{
    uint32_t bits = tifed_random16(change->key, place) & ((1u << change->shift) - 1u);
    return tifed_clamp((difference + (int32_t)bits) >> change->shift, -(int32_t)change->top,
                       (int32_t)change->top);
}

/* The short number for a weight that has moved by this much, of whose changes before something is
 * left; and what is left now. */
static inline int32_t panel_keep(const panel_change *change, int32_t difference, int32_t *left)
{
    return tifed_keep_change(difference, (int32_t)change->top, change->shift,
                             (uint32_t)change->unit, left);
}

/* What stands for weights of which `sum` short numbers arrived, of so many samples. */
static inline int64_t panel_rebuilt(int64_t sum, uint32_t shift, int32_t sent, int32_t samples)
{
    return (int64_t)((uint64_t)sum << shift) + sent * samples;
}

#endif
