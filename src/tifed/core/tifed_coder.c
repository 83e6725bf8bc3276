#include "tifed_coder.h"

#include "tifed_assumptions.h"

#define TIFED_CODER_STEP TIFED_NOINLINE static
#include "tifed_coder_inside.h"

#include <stddef.h>

#define HALF 32768u
#define LENGTHS (TIFED_CODER_MAX_BITS - 1u)

/* --- what is known of the numbers ------------------------------------------------------------- */

static void set(tifed_chance *chance, uint32_t value)
{
    chance->quick = chance->slow = (uint16_t)value;
}

/* At the middle, chances that a magnitude is longer are halved from one length to the next: those
 * that it is not before it, those that it is behind it. */
static void begin_model(tifed_coder_model *model, uint32_t bits, uint32_t start)
{
    uint32_t middle = start >> 12 & 15u, at_middle = (start >> 8 & 15u) * 2048u + 1024u;
    uint32_t value = at_middle;
    if (middle > LENGTHS - 1u)
        middle = LENGTHS - 1u;
    model->bits = bits;
    set(&model->nonzero, (start & 255u) * 256u + 128u);
    set(&model->longer[middle], value);
    for (uint32_t i = middle; i-- > 0u;) {
        value = value / 2u + HALF;
        set(&model->longer[i], value);
    }
    value = at_middle;
    for (uint32_t i = middle + 1u; i < LENGTHS; i++) {
        value = value / 2u + 32u;
        set(&model->longer[i], value);
    }
    for (uint32_t i = 0; i < LENGTHS; i++)
        set(&model->remainder[i], 26624u);
}

uint32_t tifed_coder_start(const tifed_coder_model *model)
{
    uint32_t start = model->nonzero.slow >> 8, i = 0;
    if (model->bits == 1u)
        return start;
    while (i < model->bits - 2u && model->longer[i].slow >= HALF)
        i++;
    uint32_t middle = (uint32_t)model->longer[i].slow >> 11;
    return start | (middle < 15u ? middle : 15u) << 8 | i << 12;
}

/* How far it is from `low` to the number of the range that has the most zeros at its end: of its four
 * bytes only the highest is left, which ends the frame, or none. */
static uint32_t to_shortest(uint32_t low, uint32_t range)
{
    uint32_t up = 0u - low;
    return up < range ? up : up & (TIFED_LEAST_RANGE - 1u);
}

static uint32_t bytes_left(uint32_t low, uint32_t range)
{
    return low + to_shortest(low, range) != 0u;
}

/* --- coder ------------------------------------------------------------------------------------ */

/* Whether the frame has room for another number, which is coded on trial: nothing is written or
 * learnt. */
static bool has_room(tifed_coder *c, int32_t q)
{
    uint32_t low = c->low, range = c->range, position = c->position;
    uint8_t *bytes = c->bytes;
    c->bytes = NULL;
    tifed_code_number(c, q, false);
    bool room = c->position + bytes_left(c->low, c->range) <= c->capacity;
    c->low = low;
    c->range = range;
    c->position = position;
    c->bytes = bytes;
    return room;
}

bool tifed_coder_begin(tifed_coder *c, uint32_t bits, uint32_t start, uint8_t *bytes,
                       uint32_t capacity)
{
    if (bits < 1u || bits > TIFED_CODER_MAX_BITS || capacity < 3u * bits)
        return false;
    begin_model(&c->model, bits, start);
    c->low = 0;
    c->range = 0xFFFFFFFFu;
    c->bytes = bytes;
    c->capacity = capacity;
    c->position = 0;
    return true;
}

bool tifed_coder_put(tifed_coder *c, int32_t q)
{
    if (c->position + 3u * c->model.bits >= c->capacity && !has_room(c, q))
        return false;
    tifed_code_number(c, q, true);
    return true;
}

uint32_t tifed_coder_finish(tifed_coder *c)
{
    tifed_raise_low(c, to_shortest(c->low, c->range));
    if (c->low)
        tifed_put_byte(c);
    return c->position;
}

/* --- decoder ---------------------------------------------------------------------------------- */

/* Past the end there are zeros. */
static void next_byte(tifed_decoder *d)
{
    d->offset <<= 8;
    if (d->position < d->length)
        d->offset |= d->bytes[d->position];
    d->position++;
}

static bool is_one(tifed_decoder *d, uint32_t part)
{
    uint32_t rest = d->range - part;
    bool bit = d->offset >= rest;
    d->range = bit ? part : rest;
    if (bit) {
        d->offset -= rest;
        d->low += rest;
    }
    return bit;
}

static void decoder_grow(tifed_decoder *d)
{
    while (d->range < TIFED_LEAST_RANGE) {
        next_byte(d);
        d->low <<= 8;
        d->range <<= 8;
    }
}

static bool decode(tifed_decoder *d, tifed_chance *chance)
{
    bool bit = is_one(d, tifed_part(chance, d->range));
    decoder_grow(d);
    tifed_learn(chance, bit);
    return bit;
}

bool tifed_decoder_begin(tifed_decoder *d, uint32_t bits, uint32_t start, const uint8_t *bytes,
                         uint32_t length)
{
    if (bits < 1u || bits > TIFED_CODER_MAX_BITS)
        return false;
    begin_model(&d->model, bits, start);
    d->low = d->offset = d->position = 0;
    d->range = 0xFFFFFFFFu;
    d->bytes = bytes;
    d->length = length;
    for (uint32_t i = 0; i < 4u; i++)
        next_byte(d);
    return d->offset < d->range;
}

int32_t tifed_decoder_get(tifed_decoder *d)
{
    bool nonzero = is_one(d, tifed_part(&d->model.nonzero, d->range));
    bool negative = nonzero && is_one(d, d->range >> 1);
    uint32_t longer = 0, magnitude = 1;
    decoder_grow(d);
    tifed_learn(&d->model.nonzero, nonzero);
    if (!nonzero)
        return 0;
    while (longer < d->model.bits - 1u && decode(d, &d->model.longer[longer]))
        longer++;
    while (longer-- > 0u)
        magnitude = magnitude << 1 | decode(d, &d->model.remainder[longer]);
    return negative ? -(int32_t)magnitude : (int32_t)magnitude;
}

bool tifed_decoder_finish(const tifed_decoder *d)
{
    return d->offset == to_shortest(d->low, d->range) &&
           d->position - 4u + bytes_left(d->low, d->range) == d->length;
}

bool tifed_decoder_check(uint32_t bits, uint32_t start, const uint8_t *bytes, uint32_t length,
                         uint32_t count)
{
    tifed_decoder d;
    if (!tifed_decoder_begin(&d, bits, start, bytes, length))
        return false;
    while (count-- > 0u)
        (void)tifed_decoder_get(&d);
    return tifed_decoder_finish(&d);
}
