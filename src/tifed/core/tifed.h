/* TIFeD core: a small neural network that learns in integers.
 *
 * C99, freestanding: no libc, no allocation, no floating point, no global state, no recursion. All
 * memory is the caller's. The arithmetic is SPEC.md's, bit for bit.
 *
 *     tifed t;
 *     tifed_init(&t, &config, memory, sizeof memory);
 *     tifed_put_parameters(&t, layer, first, count, wire);   as pieces arrive
 *     tifed_add_sample(&t, sample, label);                   until the buffer is full
 *     tifed_begin(&t, &work);
 *     while (tifed_step(&t) == TIFED_MORE) { }               a mini-batch each: stay responsive
 *     tifed_get_parameters(&t, layer, first, count, wire);   as pieces leave
 */
#ifndef TIFED_H
#define TIFED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIFED_VERSION 1u
#define TIFED_MAX_DEPTH 32u /* layers: one bit each in a mask */

/* What functions return: 0 or more is success. */
enum {
    TIFED_OK = 0,
    TIFED_MORE = 1,           /* tifed_step: another step is to be done */
    TIFED_ERROR_NETWORK = -1, /* a field of the network is out of range or does not fit */
    TIFED_ERROR_RANGE = -2,   /* a sum could overflow: mini-batch too large, divisor too small */
    TIFED_ERROR_MEMORY = -3,  /* too little memory, misaligned, or NULL */
    TIFED_ERROR_LAYER = -4,   /* no such layer, or it is frozen with other values */
    TIFED_ERROR_PLACE = -5,   /* parameters past the end of the layer */
    TIFED_ERROR_VALUE = -6,   /* a parameter beyond its bound */
    TIFED_ERROR_LABEL = -7,   /* label is not a class */
    TIFED_ERROR_FULL = -8,    /* the buffer is full */
    TIFED_ERROR_EMPTY = -9    /* nothing in the buffer to train on */
};

enum { TIFED_POCKET_TANH = 0, TIFED_RELU = 1, TIFED_IDENTITY = 2, TIFED_ABSOLUTE = 3 };
enum { TIFED_FLOOR = 0, TIFED_NEAREST = 1, TIFED_STOCHASTIC = 2 };
enum { TIFED_SQUARED = 0, TIFED_MARGIN = 1 };
enum { TIFED_UNIFORM = 0, TIFED_BALANCED = 1, TIFED_OUTPUT_SIGN = 2 };

/* A dense layer: v = (x·W + (b << bias_shift) + offset) / (rescale_factor << rescale_shift), floor,
 * then the activation. Weights (fan_in, fan_out) row-major. */
typedef struct tifed_layer {
    uint32_t fan_in;          /* inputs, 1..65536 */
    uint32_t fan_out;         /* units, 1..65536 */
    uint32_t rescale_factor;  /* 1..65536 */
    uint8_t rescale_shift;    /* 0..24 */
    uint8_t rescale_rounding; /* TIFED_FLOOR or TIFED_NEAREST */
    uint8_t update_shift;     /* 0..24; 0..16 with TIFED_STOCHASTIC */
    uint8_t update_rounding;  /* TIFED_FLOOR, TIFED_NEAREST or TIFED_STOCHASTIC */
    uint8_t bias_shift;       /* 0..8 */
    uint8_t activation;       /* TIFED_IDENTITY: last layer only */
    uint8_t input_limit;      /* largest magnitude of an input, 1..128 */
    uint8_t weight_bits;      /* 8 or 16 */
} tifed_layer;

/* All that the arithmetic depends on; may live in flash. */
typedef struct tifed_network {
    const tifed_layer *layers;
    uint8_t depth;       /* 1..TIFED_MAX_DEPTH */
    uint8_t error;       /* TIFED_SQUARED or TIFED_MARGIN */
    uint8_t error_level; /* target or margin, 1..127 */
    uint8_t feedback;    /* TIFED_UNIFORM, TIFED_BALANCED or TIFED_OUTPUT_SIGN */
    uint8_t input_shift; /* an input is (sample - centre) >> input_shift; 0 or 1 */
    bool centred;        /* whether there is a centre; otherwise it is 0 and takes no memory */
} tifed_network;

/* Parameters of a layer that is not trained here, in flash: weights int8 or int16 (fan_in, fan_out)
 * row-major, biases int16 (fan_out). The caller vouches for their bounds. */
typedef struct tifed_frozen {
    const void *weights; /* NULL: the layer is held in RAM and set with tifed_put_parameters */
    const int16_t *biases;
} tifed_frozen;

typedef struct tifed_config {
    const tifed_network *network;
    uint32_t trained;               /* bit l: layer l is trained; 0: forward only */
    uint32_t buffer;                /* samples kept; 0 where none is trained */
    uint32_t batch;                 /* samples per mini-batch, 1 or more */
    const tifed_frozen *frozen;     /* NULL, or one per layer */
    const int16_t *const *feedback; /* NULL: regenerated from the seed when needed; or per hidden
                                        layer NULL or int16 (classes, units) row-major */
    uint32_t seed_low, seed_high;   /* of the experiment */
} tifed_config;

/* What to do in one exchange. */
typedef struct tifed_work {
    uint32_t first_step;  /* counted from the buffer's first */
    uint32_t steps;       /* mini-batches */
    uint32_t extra_shift; /* added to every update shift, 0..6 */
    uint32_t device;      /* logical number: names random numbers, with exchange and step */
    uint32_t exchange;
} tifed_work;

typedef struct tifed_statistics {
    uint32_t visits, missed, clipped_parameters, clipped_deltas;
} tifed_statistics;

/* Per layer, in the caller's memory; private. */
typedef struct tifed_state {
    const void *weights;
    const int16_t *biases;
    int16_t *inputs; /* (batch, fan_in), trained layers above the first */
    int16_t *deltas; /* (batch / 2, fan_out, 2): of samples 2p and 2p + 1 */
    int32_t offset;
    int32_t weight_bound;
} tifed_state;

/* The context; private. */
typedef struct tifed {
    tifed_config config;
    tifed_state *states;
    int8_t *centre;  /* (features), or NULL */
    int8_t *input;   /* (features), or NULL where a sample is an input as it is */
    int8_t *samples; /* (buffer, features), centred and shifted */
    uint16_t *labels;
    int32_t *sums;           /* (widest) */
    int16_t *activations[2]; /* (widest) each */
    int16_t *column;         /* (batch / 2, 2): one input of a mini-batch */
    uint32_t count;          /* samples in the buffer */
    uint32_t step, last_step;
    tifed_work work;
    tifed_statistics statistics;
} tifed;

/* Bytes of RAM for a configuration, or 0 if it is not possible; `tifed_check` says why. */
size_t tifed_memory_size(const tifed_config *config);
int tifed_check(const tifed_config *config);

/* The same at compile time: the sum of one TIFED_BYTES_LAYER per layer and TIFED_BYTES_SHARED.
 * `trained`, `held` (in RAM, which a trained layer always is), `centred` and `shifted` are 0 or 1;
 * widest: the most units of any layer. */
#define TIFED_WIDE(number) ((size_t)0 + 0ul + (number)) /* 32 bits where a size_t has but 16 */
#define TIFED_PAD(bytes) ((TIFED_WIDE(bytes) + 3u) & ~TIFED_WIDE(3u))
#define TIFED_PAIRS(batch) ((TIFED_WIDE(batch) + 1u) / 2u)
#define TIFED_BYTES_LAYER(number, fan_in, fan_out, weight_bytes, batch, trained, held)             \
    (TIFED_PAD(sizeof(tifed_state)) +                                                              \
     ((held) ? TIFED_PAD(TIFED_WIDE(fan_in) * (fan_out) * (weight_bytes)) +                        \
                   TIFED_PAD(TIFED_WIDE(fan_out) * 2u)                                             \
             : 0u) +                                                                               \
     ((trained) && (number) ? TIFED_PAD(TIFED_WIDE(batch) * (fan_in) * 2u) : 0u) +                 \
     ((trained) ? TIFED_PAIRS(batch) * (fan_out) * 4u : 0u))
#define TIFED_BYTES_SHARED(features, widest, buffer, batch, centred, shifted, trained)             \
    (((centred) ? TIFED_PAD(features) : 0u) + ((shifted) ? TIFED_PAD(features) : 0u) +             \
     TIFED_PAD(TIFED_WIDE(buffer) * (features)) + TIFED_PAD(TIFED_WIDE(buffer) * 2u) +             \
     TIFED_WIDE(widest) * 4u + 2u * TIFED_PAD(TIFED_WIDE(widest) * 2u) +                           \
     ((trained) ? TIFED_PAIRS(batch) * 4u : 0u))

/* Check, lay out `memory` (aligned as pointers and int32_t are; at least tifed_memory_size) and zero
 * it. */
int tifed_init(tifed *t, const tifed_config *config, void *memory, size_t bytes);

/* Values first..first + count - 1 of a layer in wire order: weights row-major, then biases; each
 * little-endian, weights of weight_bits, biases of 16. tifed_wire_size: their bytes, or 0 if there
 * are no such values. Put to a frozen layer, they are compared with what it holds. */
size_t tifed_wire_size(const tifed *t, uint32_t layer, uint32_t first, uint32_t count);
int tifed_put_parameters(tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         const uint8_t *wire);
int tifed_get_parameters(const tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         uint8_t *wire);

/* The input's centre, values first..; to be set before samples are added. */
int tifed_put_centre(tifed *t, uint32_t first, uint32_t count, const int8_t *centre);

/* Copy a sample (features) and its label into the buffer; empty the buffer. */
int tifed_add_sample(tifed *t, const int8_t *sample, uint32_t label);
void tifed_clear(tifed *t);

/* Start the steps of `work` over the buffer (statistics restart at 0); do one; do all. */
int tifed_begin(tifed *t, const tifed_work *work);
int tifed_step(tifed *t);
int tifed_train(tifed *t, const tifed_work *work);

/* The class of a sample (features), or an error. */
int32_t tifed_classify(tifed *t, const int8_t *sample);

/* Outputs (classes) of the sample last run forward; valid until the next call. */
const int32_t *tifed_outputs(const tifed *t);

/* Largest magnitude of a weight of `layer`; 0 if its fields are invalid. */
int32_t tifed_weight_bound(const tifed_layer *layer);

/* Most samples in a mini-batch that no sum overflows; 0 if the network is not possible. */
uint32_t tifed_largest_batch(const tifed_network *network);

/* Largest magnitude of an entry of the squared error, and of what one sample adds to a gradient of
 * layer `layer`; the network's layers must be valid. */
uint32_t tifed_error_limit(const tifed_network *network);
uint32_t tifed_gradient_limit(const tifed_network *network, uint32_t layer);

/* The r of uniform feedback to hidden layer `layer`. */
int32_t tifed_feedback_range(const tifed_network *network, uint32_t layer);

/* The feedback matrix int16 (classes, units) of hidden layer `layer`, for those who store it. */
void tifed_feedback_matrix(const tifed_network *network, uint32_t layer, uint32_t seed_low,
                           uint32_t seed_high, int16_t *matrix);

#ifdef __cplusplus
}
#endif
#endif
