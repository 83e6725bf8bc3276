/* How a layer's weights go up after training: as short numbers of what changed, or whole (SPEC,
 * section 25). */
#ifndef TIFED_PANEL_CHANGE_H
#define TIFED_PANEL_CHANGE_H

#include "../../core/tifed_random.h"
#include "../../core/tifed_rule.h"

/* What a network's layer sends, and what a device's job makes of it. */
typedef struct panel_change {
    uint32_t top;   /* largest magnitude of a short number, 1..127; 0: weights go up whole */
    uint32_t shift; /* bits that a difference loses, 0..14 */
    uint32_t rows;  /* each so many-th pair of rows goes up, 1..16 */
    uint32_t first; /* the first pair that does */
    tifed_key key;  /* of the bits that round */
} panel_change;

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

#endif
