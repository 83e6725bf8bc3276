/* Frozen integer ConvNets: what turns a raw sample into the features that tifed.h learns from.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 13 of SPEC.md, bit for bit. Constants are read where they lie: in
 * flash.
 *
 *     static uint32_t memory[(BYTES + 3) / 4];        BYTES: what tifed_features_memory says
 *     tifed_features_check(&extractor);               once: walks all constants
 *     tifed_features_extract(&extractor, sample, features, memory, sizeof memory); */
#ifndef TIFED_FEATURES_H
#define TIFED_FEATURES_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIFED_EXTRACTOR_DEPTH 32u /* most layers */

/* A layer; planes are (height, width, channels), channels together.
 *
 * With quads: a convolution, or a dense layer, which is one whose kernel is the whole plane. Unit u
 * of a window is (bias[u] + sum of weights * values) >> shift[u], clamped. A quad is four units:
 * their four biases (32 bits), their four shifts (8 bits, 0..24), then for every group of four
 * inputs the four weights (8 bits) of the first unit, of the second, third and fourth; lowest byte
 * first. Inputs are in the order row, column, channel of the kernel; inputs and units are padded
 * with zeros to whole groups and quads. A bias holds its rounding: 2^(shift - 1) more than SPEC's,
 * if shift > 0.
 *
 * Without quads: the maximum of each channel in windows of kernel_height squared. */
typedef struct tifed_feature_layer {
    const uint32_t *quads;                /* NULL: max-pooling */
    uint16_t units;                       /* 1..4096 channels that it gives */
    uint16_t kernel_height, kernel_width; /* 1..4096 */
    uint16_t stride;                      /* 1..4096 */
    uint16_t padding;                     /* on each side, less than the kernel */
    bool relu;                            /* clamp to 0..127; else to -127..127 */
} tifed_feature_layer;

/* 32-bit words of a quad. */
#define TIFED_QUAD_WORDS(groups) (5u + 4u * (groups))

typedef struct tifed_extractor {
    const tifed_feature_layer *layers;
    uint8_t depth;                    /* 1..TIFED_EXTRACTOR_DEPTH */
    uint16_t height, width, channels; /* of a sample, 1..4096 each */
    int8_t input_zero;                /* the first convolution pads with it, later ones with 0 */
} tifed_extractor;

/* TIFED_OK, TIFED_ERROR_NETWORK where layers do not fit together, TIFED_ERROR_RANGE where a sum
 * could pass 32 bits. */
int tifed_features_check(const tifed_extractor *extractor);

/* Length of a sample, and of its features; 0 if layers do not fit together. */
uint32_t tifed_features_inputs(const tifed_extractor *extractor);
uint32_t tifed_features_outputs(const tifed_extractor *extractor);

/* Bytes that an extraction needs beside sample and features; 0 may be enough, SIZE_MAX is more than
 * this processor can have. */
size_t tifed_features_memory(const tifed_extractor *extractor);

/* Features of a sample; the two and `memory` (aligned as uint32_t is) must not overlap. TIFED_OK,
 * TIFED_ERROR_NETWORK or TIFED_ERROR_MEMORY. Sums rest on tifed_features_check. */
int tifed_features_extract(const tifed_extractor *extractor, const int8_t *sample, int8_t *features,
                           void *memory, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
