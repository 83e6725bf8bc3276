/* Readings of a sensor to int8: the map that a model's training data were quantised with.
 *
 * C99, freestanding, no allocation, no floating point, no recursion, no 64-bit arithmetic. The
 * arithmetic is section 20 of SPEC.md, bit for bit. `tifed export` writes the constants. */
#ifndef TIFED_QUANTISE_H
#define TIFED_QUANTISE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clamp((x * multiplier + bias) >> shift, -128, 127), the bias being bias_high * 65536 + bias_low.
 * Integers that are int8 already have {0, 0, 1, 0}, and bytes less 128 have {-1, 65408, 1, 0}. */
typedef struct tifed_map {
    int32_t bias_high;
    uint16_t bias_low;
    uint16_t multiplier; /* 0..32767 */
    uint8_t shift;       /* 0..31 */
} tifed_map;

/* How a sample's readings become int8. */
typedef struct tifed_quantisation {
    const tifed_map *maps; /* one for each feature; one in all where it is shared */
    uint32_t features;
    bool shared;
} tifed_quantisation;

/* What a number that is an integer becomes in fixed point, for it to be a reading:
 * number * 2^fraction_bits (-64..64), rounded to nearest, ties to even, saturated. */
int32_t tifed_fixed_point(int32_t number, int fraction_bits);

/* The level of one reading, which is in the map's fixed point. */
int8_t tifed_quantise_reading(const tifed_map *map, int32_t reading);

/* The levels of a whole sample (features). The readings may not lie where the sample does. */
void tifed_quantise(const tifed_quantisation *quantisation, const int32_t *readings,
                    int8_t *sample);

#ifdef __cplusplus
}
#endif
#endif
