/* Short numbers of what a device has changed (SPEC, section 25), part of every host kernel, on its
 * layout of weights: weight_at() and UNITS_IN_A_RUN. Plain C in loops that the compiler makes
 * vectors of, and one operation on the compiler's vectors.
 *
 * The bits that round are numbered by weight, row by row, two weights a number. So a panel's units
 * take 8 numbers in a row of a pair's low input, which begin with the former half, as a pair has an
 * even number of weights; and 8 in the row of its high one, or of 9, where rows have an odd length,
 * the latter half of the first and the former of the last. */
#include "panel_change.h"
#include "panel_rounding.h"

#include <string.h>

#define SHORT_PAIRS 32u
#define NUMBERS (PANEL / 2u)

/* What a layer's short numbers are made with. */
typedef struct shortening {
    const panel_layer *layer;
    const panel_change *change;
    uint32_t numbers[SHORT_PAIRS * NUMBERS]; /* of the first pairs of the first panel */
} shortening;

/* Bits for a panel's units and `n` pairs of inputs: (n, PANEL) words, with those of the low input in
 * the low half. */
ALWAYS_INLINE void draw_bits(const bool odd, const shortening *s, uint32_t panel, uint32_t pair,
                             uint32_t n, uint32_t *restrict words)
{
    const tifed_key key = s->change->key;
    const uint32_t mask = ((1u << s->change->shift) - 1u) * 0x10001u, out = s->layer->fan_out;
    const uint32_t first = pair * out + panel * NUMBERS;
    for (uint32_t i = 0; i < n * NUMBERS; i++) {
        uint32_t number = first + s->numbers[i], low = tifed_random32(key, number) & mask;
        uint32_t high = tifed_random32(key, number + out / 2u);
        if (odd)
            high = high >> 16 | tifed_random32(key, number + out / 2u + 1u) << 16;
        high &= mask;
        words[2u * i] = (low & 0xFFFFu) | high << 16;
        words[2u * i + 1u] = low >> 16 | (high & 0xFFFF0000u);
    }
}

/* Those of a run of units, as its weights stand. */
static void lay_out_bits(const uint32_t *words, uint32_t unit, uint32_t n, int16_t *restrict bits)
{
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t u = 0; u < UNITS_IN_A_RUN; u++) {
            uint32_t word = words[k * PANEL + unit + u];
            bits[2u * (k * UNITS_IN_A_RUN + u)] = (int16_t)low_half(word);
            bits[2u * (k * UNITS_IN_A_RUN + u) + 1u] = (int16_t)high_half(word);
        }
}

/* Of int16 that stays int16 the compilers know a shift in their vectors alone: in a plain loop they
 * widen it. As long as a pair of inputs, or what every processor has. */
typedef int16_t line_t __attribute__((vector_size(UNITS_IN_A_RUN < PANEL ? 16u : 4u * PANEL)));

static void shift_run(int16_t *values, uint32_t count, uint32_t shift)
{
    const uint32_t length = sizeof(line_t) / sizeof *values;
    uint32_t i = 0;
    for (; i + length <= count; i += length) {
        line_t line;
        memcpy(&line, values + i, sizeof line);
        line = line >> (int16_t)shift;
        memcpy(values + i, &line, sizeof line);
    }
    for (; i < count; i++)
        values[i] = (int16_t)(values[i] >> shift);
}

/* By how much a weight has moved from `x` to `w`, and by no more than `most`, within int16: the weight is
 * limited before the difference is formed. */
ALWAYS_INLINE int16_t moved(int16_t x, int16_t w, const int16_t most, const int16_t lowest,
                            const int16_t highest)
{
    int16_t low = (int16_t)((x > lowest ? x : lowest) - most);
    int16_t high = (int16_t)((x < highest ? x : highest) + most);
    w = w > low ? w : low;
    w = w < high ? w : high;
    return (int16_t)(w - x);
}

/* Weights become their short numbers. */
static void shorten_run(const panel_change *change, const int16_t *restrict sent,
                        int16_t *restrict trained, const half_t *restrict bits, size_t count)
{
    const int32_t top = (int32_t)change->top, limit = top << change->shift;
    const uint32_t shift = change->shift;
    if (limit + (1 << shift) > 32768) { /* not within int16 */
        for (size_t i = 0; i < count; i++)
            trained[i] = (int16_t)tifed_clamp((trained[i] - sent[i] + bits[i]) >> shift, -top, top);
        return;
    }
    /* Differences beyond `limit` have the same short number as `limit` has; limited before they are
     * formed, they and their sums with the bits stay within int16. */
    const int16_t most = (int16_t)limit, lowest = (int16_t)(limit - 32768),
                  highest = (int16_t)(32767 - limit);
    for (size_t i = 0; i < count; i++)
        trained[i] = (int16_t)(moved(sent[i], trained[i], most, lowest, highest) + bits[i]);
    shift_run(trained, (uint32_t)count, shift);
}

static void shorten_panel(const shortening *s, uint32_t panel, const int16_t *sent,
                          int16_t *trained)
{
    uint32_t words[SHORT_PAIRS * PANEL] __attribute__((aligned(PANEL_ALIGN)));
    int16_t bits[SHORT_PAIRS * 2u * UNITS_IN_A_RUN] __attribute__((aligned(PANEL_ALIGN)));
    const uint32_t pairs = s->layer->pairs;
    for (uint32_t pair = 0, n; pair < pairs; pair += n) {
        n = pairs - pair < SHORT_PAIRS ? pairs - pair : SHORT_PAIRS;
        if (s->layer->fan_out & 1u)
            draw_bits(true, s, panel, pair, n, words);
        else
            draw_bits(false, s, panel, pair, n, words);
        for (uint32_t u = 0; u < PANEL; u += UNITS_IN_A_RUN) {
            size_t at = weight_at(pairs, 2u * pair, panel * PANEL + u);
            if (UNITS_IN_A_RUN < PANEL)
                lay_out_bits(words, u, n, bits);
            shorten_run(s->change, sent + at, trained + at,
                        UNITS_IN_A_RUN < PANEL ? bits : (const half_t *)(const void *)words,
                        (size_t)n * 2u * UNITS_IN_A_RUN);
        }
    }
}

/* What goes up of a layer, in the place of its weights: their short numbers, or themselves where
 * they go whole; 0 in rows that do not go up. */
static void shorten(const panel_layer *layer, const panel_change *change, const int16_t *sent,
                    int16_t *trained)
{
    shortening s = {layer, change, {0}};
    for (uint32_t i = 0; i < SHORT_PAIRS * NUMBERS; i++)
        s.numbers[i] = i / NUMBERS * layer->fan_out + i % NUMBERS;
    for (uint32_t p = 0; p < layer->panels && change->top; p++)
        shorten_panel(&s, p, sent, trained);
    for (uint32_t k = 0; k < layer->pairs && change->rows > 1u; k++)
        for (uint32_t o = 0; o < layer->panels * PANEL && !panel_goes_up(change, k);
             o += UNITS_IN_A_RUN)
            memset(trained + weight_at(layer->pairs, 2u * k, o), 0,
                   2u * UNITS_IN_A_RUN * sizeof *trained);
}

/* What is done of residuals at once: a panel's units and a pair of inputs, or inputs of a unit. */
#define RESIDUALS (2u * PANEL)

/* Weights become their short numbers within int16, where these, and what is left, are the same for
 * all differences beyond `limit`. */
ALWAYS_INLINE void keep_within_int16(const panel_change *change, const int32_t limit,
                                     const int16_t *restrict sent, int16_t *restrict trained,
                                     int16_t *restrict left, const size_t count)
{
    const int16_t most = (int16_t)limit, lowest = (int16_t)(limit - 32768),
                  highest = (int16_t)(32767 - limit), top = (int16_t)change->top,
                  bottom = (int16_t)-top, step = (int16_t)(1 << change->shift),
                  below = (int16_t)(step - 1), unit = (int16_t)(1 << change->unit),
                  rest = (int16_t)(unit - 1);
    for (size_t i = 0; i < count; i++) {
        int16_t w = (int16_t)(moved(sent[i], trained[i], most, lowest, highest) + left[i] * unit);
        left[i] = w;
        trained[i] = (int16_t)(w + ((w >> 15) & below));
    }
    shift_run(trained, (uint32_t)count, change->shift);
    for (size_t i = 0; i < count; i++) {
        int16_t q = trained[i], v;
        q = q > top ? top : q;
        q = q < bottom ? bottom : q;
        v = (int16_t)(left[i] - q * step);
        trained[i] = q;
        left[i] = (int16_t)(v + ((v >> 15) & rest));
    }
    shift_run(left, (uint32_t)count, (uint32_t)change->unit);
    for (size_t i = 0; i < count; i++) {
        int16_t v = left[i];
        v = v > 127 ? 127 : v;
        left[i] = v < -127 ? -127 : v;
    }
}

/* Residuals of `units` units and `inputs` inputs, row by row in a layer's, as its weights stand; and
 * back. The rest of a panel's pair is 0. */
ALWAYS_INLINE void take_left(const uint32_t out, const uint32_t units, const uint32_t inputs,
                             const int8_t *restrict left, int16_t *restrict values)
{
    int8_t low[PANEL] = {0}, high[PANEL] = {0};
    uint32_t words[PANEL];
    if (UNITS_IN_A_RUN < PANEL) {
        for (uint32_t b = 0; b < inputs; b++)
            values[b] = left[(size_t)b * out];
        return;
    }
    memcpy(low, left, units);
    if (inputs == 2u)
        memcpy(high, left + out, units);
    for (uint32_t u = 0; u < PANEL; u++)
        words[u] = ((uint32_t)low[u] & 0xFFFFu) | (uint32_t)high[u] << 16;
    memcpy(values, words, sizeof words);
}

ALWAYS_INLINE void put_left(const uint32_t out, const uint32_t units, const uint32_t inputs,
                            int8_t *restrict left, const int16_t *restrict values)
{
    int8_t low[PANEL], high[PANEL];
    uint32_t words[PANEL];
    if (UNITS_IN_A_RUN < PANEL) {
        for (uint32_t b = 0; b < inputs; b++)
            left[(size_t)b * out] = (int8_t)values[b];
        return;
    }
    memcpy(words, values, sizeof words);
    for (uint32_t u = 0; u < PANEL; u++)
        low[u] = (int8_t)low_half(words[u]);
    for (uint32_t u = 0; u < PANEL; u++)
        high[u] = (int8_t)high_half(words[u]);
    memcpy(left, low, units);
    if (inputs == 2u)
        memcpy(left + out, high, units);
}

ALWAYS_INLINE void keep_run(const panel_change *change, const int32_t limit, const bool within,
                            const uint32_t out, const uint32_t units, const uint32_t inputs,
                            const int16_t *sent, int16_t *trained, int8_t *left)
{
    int16_t values[RESIDUALS] __attribute__((aligned(PANEL_ALIGN)));
    const size_t count = UNITS_IN_A_RUN < PANEL ? inputs : RESIDUALS;
    take_left(out, units, inputs, left, values);
    if (within)
        keep_within_int16(change, limit, sent, trained, values, count);
    else
        for (size_t i = 0; i < count; i++) {
            int32_t kept = values[i];
            trained[i] = (int16_t)panel_keep(change, trained[i] - sent[i], &kept);
            values[i] = (int16_t)kept;
        }
    put_left(out, units, inputs, left, values);
}

ALWAYS_INLINE void keep_layer(const bool within, const int32_t limit, const panel_layer *layer,
                              const panel_change *change, const int16_t *sent, int16_t *trained,
                              int8_t *left)
{
    const uint32_t high = UNITS_IN_A_RUN < PANEL ? RESIDUALS : 2u,
                   wide = UNITS_IN_A_RUN < PANEL ? 1u : PANEL, out = layer->fan_out;
    for (uint32_t i = 0; i < layer->fan_in; i += high)
        for (uint32_t o = 0; o < out; o += wide) {
            const size_t at = weight_at(layer->pairs, i, o);
            int8_t *here = left + (size_t)i * out + o;
            if (layer->fan_in - i >= high && out - o >= wide)
                keep_run(change, limit, within, out, wide, high, sent + at, trained + at, here);
            else
                keep_run(change, limit, within, out, out - o < wide ? out - o : wide,
                         layer->fan_in - i < high ? layer->fan_in - i : high, sent + at,
                         trained + at, here);
        }
}

/* Weights become their short numbers, and what is left of a device's changes before (fan_in,
 * fan_out), what is left now. */
static void keep(const panel_layer *layer, const panel_change *change, const int16_t *sent,
                 int16_t *trained, int8_t *left)
{
    const int32_t limit = ((int32_t)change->top << change->shift) + (255 << change->unit);
    if (limit + (127 << change->unit) + (1 << change->shift) <= 32767)
        keep_layer(true, limit, layer, change, sent, trained, left);
    else
        keep_layer(false, limit, layer, change, sent, trained, left);
}

/* What shorten() has left of a layer for the way up, row by row. */
static size_t take_out(const panel_layer *layer, const panel_change *change, const int16_t *panels,
                       int16_t *restrict numbers)
{
    const size_t next = UNITS_IN_A_RUN < PANEL ? 2u * (size_t)layer->pairs : 2u;
    const int16_t *start = numbers;
    for (uint32_t i = 0; i < layer->fan_in; i++)
        for (uint32_t p = 0, units; p < layer->panels && panel_goes_up(change, i / 2u); p++) {
            const int16_t *from = panels + weight_at(layer->pairs, i, p * PANEL);
            units = layer->fan_out - p * PANEL < PANEL ? layer->fan_out - p * PANEL : PANEL;
            for (uint32_t u = 0; u < units; u++)
                *numbers++ = from[u * next];
        }
    return (size_t)(numbers - start);
}
