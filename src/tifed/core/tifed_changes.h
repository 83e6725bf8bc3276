/* Short updates (SPEC, section 25): of a layer's weights a device sends not what they are, but in a
 * few bits how far they have moved since they arrived; and in the same form others arrive.
 *
 * For the first a device keeps what it was given of the layers that it trains, in memory of its own
 * beside the core's:
 *
 *     tifed_received_keep(&t, received);                 before the steps of an exchange
 *     tifed_train(&t, &work);
 *     tifed_changes_begin(&c, &t, received, layer, 0, &how);
 *     while (tifed_changes_left(&c)) use(tifed_changes_next(&c));
 *     tifed_received_restore(&t, received);              before others arrive
 *     tifed_add_change(&t, layer, place, q * 2^k);       as they do
 *
 * C99, freestanding, no memory of its own. */
#ifndef TIFED_CHANGES_H
#define TIFED_CHANGES_H

#include "tifed.h"
#include "tifed_random.h"
#ifdef TIFED_RESIDUALS
#include "tifed_residual.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { TIFED_LARGEST_CHANGE_SHIFT = 14, TIFED_LARGEST_ROWS = 16 };

/* Bytes of the parameters that are kept of one trained layer; the sum of these is what
 * tifed_received_size gives. */
#define TIFED_BYTES_RECEIVED(fan_in, fan_out, weight_bytes)                                        \
    (TIFED_PAD(TIFED_WIDE(fan_in) * (fan_out) * (weight_bytes)) +                                  \
     TIFED_PAD(TIFED_WIDE(fan_out) * 2u))

/* Bytes that keep the parameters of all layers that are trained; SIZE_MAX if a size_t does not count
 * them. The configuration has to be possible. */
size_t tifed_received_size(const tifed_config *config);

/* Keep the parameters of the trained layers as what was received; have them again. */
void tifed_received_keep(const tifed *t, uint8_t *received);
void tifed_received_restore(tifed *t, const uint8_t *received);

/* How the weights of a layer go up: q = clamp((difference + (r mod 2^shift)) >> shift, -top, top);
 * row i does if (i / 2 + turn) mod rows is 0. */
typedef struct tifed_change {
    uint8_t top;   /* 1..127 */
    uint8_t shift; /* 0..TIFED_LARGEST_CHANGE_SHIFT */
    uint8_t rows;  /* 1..TIFED_LARGEST_ROWS */
    uint8_t turn;  /* device + round, modulo rows */
} tifed_change;

/* Weights of a layer on their way up. `place` is the number of the next one; the rest is private. */
typedef struct tifed_changes {
    tifed_change how;
    const void *weights, *received;
    tifed_key key;
    uint32_t place, weight_bits, fan_out, end, row_end, row;
#ifdef TIFED_RESIDUALS
    const int8_t *residual; /* NULL: what is too small is rounded at random */
    uint8_t unit;
#endif
} tifed_changes;

/* Begin with weight `first` of a trained layer, or with the next one behind it that goes up. The
 * numbers that round are those of the step after the last that was trained. TIFED_ERROR_LAYER: the
 * layer is not trained; TIFED_ERROR_PLACE: it has no such weight; TIFED_ERROR_RANGE: a value of `how`
 * is out of range. */
int tifed_changes_begin(tifed_changes *c, const tifed *t, const uint8_t *received, uint32_t layer,
                        uint32_t first, const tifed_change *how);

/* Whether there is another one; if so, its q, as often as it is asked for; and go on behind it. */
bool tifed_changes_left(const tifed_changes *c);
int32_t tifed_changes_q(const tifed_changes *c);
void tifed_changes_next(tifed_changes *c);

#ifdef TIFED_RESIDUALS /* which costs flash: only where a device keeps what was too small to go up */
/* Bytes of the residual of a layer, int8 (fan_in, fan_out). */
#define TIFED_BYTES_RESIDUAL(fan_in, fan_out) TIFED_PAD(TIFED_WIDE(fan_in) * (fan_out))

/* Behind tifed_changes_begin, with rows = 1: add what is left of changes before, in units of 2^unit
 * (0..TIFED_LARGEST_UNIT), and round towards zero. q does not change `residual`, so it may be asked for
 * again until all of it has arrived. */
void tifed_changes_keep(tifed_changes *c, const int8_t *residual, uint8_t unit);

/* Make of that residual what is left once these changes have gone up. */
void tifed_changes_settle(tifed_changes *c, int8_t *residual);
#endif

/* Add a change, up to 2^24 in magnitude, to weight `place` of a layer. TIFED_ERROR_LAYER: it lies in
 * flash; TIFED_ERROR_VALUE: the weight would pass its bound, and is as before. */
int tifed_add_change(tifed *t, uint32_t layer, uint32_t place, int32_t change);

/* Give a layer the weights with which an experiment starts (SPEC, section 6): random ones of up to
 * `range` from the configuration's seed; and each bias this value. */
int tifed_put_start(tifed *t, uint32_t layer, uint32_t range, int32_t bias);

#ifdef __cplusplus
}
#endif
#endif
