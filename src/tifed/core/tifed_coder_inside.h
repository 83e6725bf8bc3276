/* How a number narrows the range of a coder, inline for the host, which measures frames of many
 * devices; internal. */
#ifndef TIFED_CODER_INSIDE_H
#define TIFED_CODER_INSIDE_H

#include "tifed_coder.h"

/* What is called from several places is not inline where code has to be small. */
#ifndef TIFED_CODER_STEP
#define TIFED_CODER_STEP static inline
#endif

#define TIFED_LEAST_RANGE 0x1000000u /* a range below it grows by a byte */

/* How much of the range is for 1: never nothing, never all. */
static inline uint32_t tifed_part(const tifed_chance *chance, uint32_t range)
{
    return (range >> 16) * (((uint32_t)chance->quick + chance->slow) >> 1);
}

/* The chance of what did not happen shrinks. */
TIFED_CODER_STEP void tifed_learn(tifed_chance *chance, bool bit)
{
    uint32_t flip = bit ? 0xFFFFu : 0u;
    uint32_t quick = chance->quick ^ flip, slow = chance->slow ^ flip;
    chance->quick = (uint16_t)((quick - (quick >> 4)) ^ flip);
    chance->slow = (uint16_t)((slow - (slow >> 7)) ^ flip);
}

TIFED_CODER_STEP void tifed_raise_low(tifed_coder *c, uint32_t by)
{
    c->low += by;
    if (c->bytes && c->low < by) /* carries into what was written */
        for (uint32_t i = c->position; ++c->bytes[--i] == 0u;) {
        }
}

/* Of the range, its upper end for a 1 and the rest for a 0; without a branch, which a processor could
 * not foresee. */
static inline void tifed_narrow(tifed_coder *c, uint32_t part, bool bit)
{
    uint32_t rest = c->range - part, one = bit ? 0xFFFFFFFFu : 0u;
    tifed_raise_low(c, rest & one);
    c->range = rest ^ ((rest ^ part) & one);
}

TIFED_CODER_STEP void tifed_put_byte(tifed_coder *c)
{
    if (c->bytes)
        c->bytes[c->position] = (uint8_t)(c->low >> 24);
    c->position++;
    c->low <<= 8;
}

TIFED_CODER_STEP void tifed_grow(tifed_coder *c)
{
    while (c->range < TIFED_LEAST_RANGE) {
        tifed_put_byte(c);
        c->range <<= 8;
    }
}

TIFED_CODER_STEP void tifed_code(tifed_coder *c, tifed_chance *chance, bool bit, bool learns)
{
    tifed_narrow(c, tifed_part(chance, c->range), bit);
    tifed_grow(c);
    if (learns)
        tifed_learn(chance, bit);
}

/* With `learns` false the model stays as it is. */
static inline void tifed_code_number(tifed_coder *c, int32_t q, bool learns)
{
    uint32_t part = tifed_part(&c->model.nonzero, c->range), longer = 0;
    uint32_t magnitude = (uint32_t)(q < 0 ? -q : q);
    if (q == 0)
        c->range -= part;
    else {
        tifed_raise_low(c, c->range - part);
        c->range = part;
        tifed_narrow(c, part >> 1, q < 0);
    }
    tifed_grow(c);
    if (learns)
        tifed_learn(&c->model.nonzero, q != 0);
    if (q == 0)
        return;
    while (longer < c->model.bits - 1u) {
        bool more = magnitude >> (longer + 1u) != 0u;
        tifed_code(c, &c->model.longer[longer], more, learns);
        if (!more)
            break;
        longer++;
    }
    while (longer-- > 0u)
        tifed_code(c, &c->model.remainder[longer], magnitude >> longer & 1u, learns);
}

#endif
