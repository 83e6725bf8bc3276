/* How the core lays out its memory: the context, what it has per layer, and the bytes of both; for
 * tifed.h to include, after the types that it needs.
 *
 * They are complete types, so that a context can be a static variable. They are private, but for
 * `statistics` and the macros TIFED_BYTES_LAYER and TIFED_BYTES_SHARED. tifed.c lays out what is
 * counted here. */
#ifndef TIFED_LAYOUT_H
#define TIFED_LAYOUT_H

/* Per layer, at the beginning of the caller's memory. */
typedef struct tifed_state {
    const void *weights;
    const int16_t *biases;
    int16_t *inputs; /* (batch, fan_in), trained layers above the first */
    int16_t *deltas; /* (batch / 2, fan_out, 2): of samples 2p and 2p + 1 */
    int32_t offset;
    int32_t weight_bound;
} tifed_state;

typedef struct tifed {
    tifed_config config;
    tifed_state *states;
    int8_t *centre;  /* (features), or NULL */
    int8_t *input;   /* (features), or NULL where a sample is an input as it is */
    int8_t *samples; /* (buffer, features), centred and shifted; with a source (batch, features) */
    uint16_t *labels;
    int32_t *sums;           /* (widest) */
    int16_t *activations[2]; /* (widest) each: what a layer takes, and what it gives */
    int16_t *column;         /* (batch / 2, 2): one input of a mini-batch */
    uint32_t count;          /* samples in the buffer */
    uint32_t step, last_step;
    tifed_work work;
    tifed_statistics statistics;
} tifed;

/* 32 bits where a size_t has but 16: so that what is too large for it is an array that the compiler
 * refuses, not a smaller one. */
#define TIFED_WIDE(number) ((size_t)0 + 0ul + (number))
#define TIFED_PAD(bytes) ((TIFED_WIDE(bytes) + 3u) & ~TIFED_WIDE(3u))
#define TIFED_PAIRS(batch) ((TIFED_WIDE(batch) + 1u) / 2u)

/* Bytes of a configuration: the sum of one TIFED_BYTES_LAYER per layer and one TIFED_BYTES_SHARED.
 *
 *     number            of the layer, from 0
 *     weight_bytes      1 or 2: weight_bits / 8
 *     buffer, batch     as in tifed_config
 *     trained           1: this layer, or any layer, is trained; 0: not
 *     in_ram            1: its parameters lie in RAM, which a trained layer's always do; 0: flash
 *     features, widest  the first layer's fan_in; the largest fan_out of any layer
 *     centred           1: the network has a centre; 0: not
 *     shifted           1: it has a centre or an input shift; 0: neither */
#define TIFED_BYTES_LAYER(number, fan_in, fan_out, weight_bytes, batch, trained, in_ram)           \
    (TIFED_PAD(sizeof(tifed_state)) +                                                              \
     ((in_ram) ? TIFED_PAD(TIFED_WIDE(fan_in) * (fan_out) * (weight_bytes)) +                      \
                     TIFED_PAD(TIFED_WIDE(fan_out) * 2u)                                           \
               : 0u) +                                                                             \
     ((trained) && (number) ? TIFED_PAD(TIFED_WIDE(batch) * (fan_in) * 2u) : 0u) +                 \
     ((trained) ? TIFED_PAIRS(batch) * (fan_out) * 4u : 0u))
#define TIFED_BYTES_SHARED(features, widest, buffer, batch, centred, shifted, trained)             \
    TIFED_BYTES_ROWS(buffer, features, widest, buffer, batch, centred, shifted, trained)
/* The same where samples come from a source: only a mini-batch of them lies here. */
#define TIFED_BYTES_SOURCED(features, widest, buffer, batch, centred, shifted, trained)            \
    TIFED_BYTES_ROWS(TIFED_ROWS(buffer, batch), features, widest, buffer, batch, centred, shifted, \
                     trained)
#define TIFED_ROWS(buffer, batch) ((batch) < (buffer) ? (batch) : (buffer))
#define TIFED_BYTES_ROWS(rows, features, widest, buffer, batch, centred, shifted, trained)         \
    (((centred) ? TIFED_PAD(features) : 0u) + ((shifted) ? TIFED_PAD(features) : 0u) +             \
     TIFED_PAD(TIFED_WIDE(rows) * (features)) + TIFED_PAD(TIFED_WIDE(buffer) * 2u) +               \
     TIFED_WIDE(widest) * 4u + 2u * TIFED_PAD(TIFED_WIDE(widest) * 2u) +                           \
     ((trained) ? TIFED_PAIRS(batch) * 4u : 0u))

#endif
