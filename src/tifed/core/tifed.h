/* TIFeD core: a small neural network that learns on a microcontroller, in integers.
 *
 * C99, freestanding: no libc, no allocation, no floating point, no global state, no recursion. All
 * memory is yours. The arithmetic is that of SPEC.md, bit for bit, so a device and a server that
 * are given the same numbers get the same numbers.
 *
 *     tifed t;
 *     tifed_init(&t, &config, memory, sizeof memory);        once, or to start again
 *     tifed_put_centre(&t, first, count, centre);            as pieces arrive, if there is a centre
 *     tifed_put_parameters(&t, layer, first, count, wire);   as pieces arrive
 *     tifed_add_sample(&t, sample, label);                   until the buffer is full
 *     tifed_begin(&t, &work);
 *     while (tifed_step(&t) == TIFED_MORE) { }               one mini-batch each: stay responsive
 *     tifed_get_parameters(&t, layer, first, count, wire);   as pieces leave
 *     tifed_clear(&t);                                       and the next samples may come
 *
 * The functions stand below in the order in which they are called. Between any two calls the
 * context and its memory are complete: a call may come from another place, but not from an
 * interrupt while another call runs. */
#ifndef TIFED_H
#define TIFED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tifed; /* tifed_layout.h */

#define TIFED_VERSION 1u    /* of the arithmetic: that of SPEC.md */
#define TIFED_MAX_DEPTH 32u /* layers: a set of them is the bits of one word */

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

/* --- what to learn: constants, which may lie in flash ----------------------------------------- */

/* Activation of a layer: a hyperbolic tangent made of straight pieces, max(x, 0), x, |x|. */
enum { TIFED_POCKET_TANH = 0, TIFED_RELU = 1, TIFED_IDENTITY = 2, TIFED_ABSOLUTE = 3 };

/* Rounding of a division: down, to the nearest, or up or down at random. */
enum { TIFED_FLOOR = 0, TIFED_NEAREST = 1, TIFED_STOCHASTIC = 2 };

/* Error of the output: its difference from a target, or by how much the true class is less than a
 * margin above the largest other one. */
enum { TIFED_SQUARED = 0, TIFED_MARGIN = 1 };

/* Feedback matrix that carries the error to a hidden layer: uniform random numbers, random signs, as
 * many plus as minus for each unit, or the signs of the output layer's weights. */
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

/* All that the arithmetic depends on. */
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
 * row-major, biases int16 (fan_out). They are not checked: make sure that they keep to their bounds
 * (tifed_weight_bound), for otherwise sums may overflow. */
typedef struct tifed_frozen {
    const void *weights; /* NULL: the layer lies in RAM and is set with tifed_put_parameters */
    const int16_t *biases;
} tifed_frozen;

/* Where a device has its samples if not in the buffer: in a store of its own, or as copies that are
 * made anew at each visit (tifed_shifts.h). `write` is asked for the sample (features) at `place` of
 * the buffer each time that it is trained on. It may depend on the work and on the step, but for
 * the same ones it always writes the same values. */
typedef struct tifed_source {
    void (*write)(void *context, const struct tifed *t, uint32_t place, int8_t *sample);
    void *context;
} tifed_source;

/* Which layers this device trains, and on how many samples. What is pointed to has to stay where it
 * is as long as the context is used. */
typedef struct tifed_config {
    const tifed_network *network;
    uint32_t trained;               /* bit l: layer l is trained; 0: forward only */
    uint32_t buffer;                /* samples that it holds; 0 where no layer is trained */
    uint32_t batch;                 /* samples per mini-batch, 1 or more */
    const tifed_frozen *frozen;     /* NULL, or one per layer */
    const int16_t *const *feedback; /* NULL: regenerated from the seed when needed; or per hidden
                                       layer NULL or int16 (classes, units) row-major */
    uint32_t seed_low, seed_high;   /* of the experiment */
    const tifed_source *source;     /* NULL: samples are copied into the buffer */
} tifed_config;

/* --- what to do in one exchange with the server, and what came of it -------------------------- */

typedef struct tifed_work {
    uint32_t first_step;  /* the mini-batch to start with, counted from the buffer's first */
    uint32_t steps;       /* mini-batches to train on */
    uint32_t extra_shift; /* added to every update shift, 0..6 */
    uint32_t device;      /* its number in the federation; random numbers depend on it, on the */
    uint32_t exchange;    /* exchange (counted from 0 over the whole run) and on the step */
    int32_t energy_shift; /* added to the first layer's update shift: with all that is added, that
                             stays in 0..30 */
} tifed_work;

typedef struct tifed_statistics {
    uint32_t visits; /* samples trained on, each time anew */
    uint32_t missed; /* of these, those that were given another class before the update */
    uint32_t clipped_parameters, clipped_deltas; /* values that saturated */
} tifed_statistics;

/* --- memory ----------------------------------------------------------------------------------- */

/* `tifed` itself, of which `statistics` may be read at any time, and the macros that say at compile
 * time what tifed_memory_size says at run time:
 *
 *     static uint32_t memory[(TIFED_BYTES_LAYER(0, 64, 32, ...) +
 *                             TIFED_BYTES_LAYER(1, 32, 10, ...) +
 *                             TIFED_BYTES_SHARED(64, 32, ...)) / 4];
 *
 * With a source TIFED_BYTES_SOURCED takes the place of TIFED_BYTES_SHARED. */
#include "tifed_layout.h"

/* Whether a configuration is possible, and if it is not, why. */
int tifed_check(const tifed_config *config);

/* Bytes of RAM that it takes, or 0 if it is not possible. */
size_t tifed_memory_size(const tifed_config *config);

/* Check, lay out `memory` (aligned as pointers and int32_t are; at least tifed_memory_size) and
 * zero it. */
int tifed_init(tifed *t, const tifed_config *config, void *memory, size_t bytes);

/* Train other layers from now on, within the same memory, of which there are `bytes`: parameters and
 * centre stay, the buffer is empty. After an error all is as before. */
int tifed_train_layers(tifed *t, uint32_t trained, size_t bytes);

/* --- parameters arrive ------------------------------------------------------------------------ */

/* The input's centre, values first..; to be set before samples are added. */
int tifed_put_centre(tifed *t, uint32_t first, uint32_t count, const int8_t *centre);

/* Values first..first + count - 1 of a layer in wire order: weights row-major, then biases; each
 * little-endian, weights of weight_bits, biases of 16. Put to a frozen layer, they are compared
 * with what it has. tifed_wire_size: the bytes of such values, or 0 if there are none. */
size_t tifed_wire_size(const tifed *t, uint32_t layer, uint32_t first, uint32_t count);
int tifed_put_parameters(tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         const uint8_t *wire);

/* --- samples ---------------------------------------------------------------------------------- */

/* Copy a sample (features) and its label into the buffer. With a source the label alone is taken,
 * and `sample` may be NULL. */
int tifed_add_sample(tifed *t, const int8_t *sample, uint32_t label);

/* --- training --------------------------------------------------------------------------------- */

/* Start the steps of `work` over the buffer (statistics restart at 0); do one; do all. */
int tifed_begin(tifed *t, const tifed_work *work);
int tifed_step(tifed *t);
int tifed_train(tifed *t, const tifed_work *work);

/* --- parameters leave ------------------------------------------------------------------------- */

/* The counterpart of tifed_put_parameters: write such values to `wire`. */
int tifed_get_parameters(const tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         uint8_t *wire);

/* Empty the buffer for the next samples; the parameters stay. */
void tifed_clear(tifed *t);

/* --- use of the model ------------------------------------------------------------------------- */

/* The class of a sample (features), or an error. */
int32_t tifed_classify(tifed *t, const int8_t *sample);

/* Outputs (classes) of the sample last run forward; valid until the next call. */
const int32_t *tifed_outputs(const tifed *t);

/* By how much the largest of them is above the second largest, 0 for equals: how sure the class is.
 * Below a threshold of yours the answer is better "unknown". At most 255 with pocket tanh at the
 * output, 127 with ReLU and absolute value, and 2^32 / divisor, rounded up, with identity. */
uint32_t tifed_output_margin(const tifed *t);

/* --- what a network allows: for those who choose one ------------------------------------------ */

/* Most samples in a mini-batch that no sum overflows; 0 if the network is not possible. */
uint32_t tifed_largest_batch(const tifed_network *network);

/* Largest magnitude of a weight of `layer`; 0 if its fields are invalid. */
int32_t tifed_weight_bound(const tifed_layer *layer);

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
