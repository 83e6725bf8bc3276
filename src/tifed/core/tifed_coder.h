/* A coder for short updates: an adaptive binary range coder for numbers most of which are small.
 *
 * C99, freestanding, no allocation, no floating point, no recursion, no division, no 64-bit
 * arithmetic. The bytes are section 25.5 of SPEC.md. A frame is decoded from its bytes, the width of
 * its numbers, how many there are, and its start (two bytes) alone: nothing is kept between frames.
 *
 *     tifed_coder c;                                        a device, value by value
 *     tifed_coder_begin(&c, bits, start, bytes, sizeof bytes);
 *     while (count < left && tifed_coder_put(&c, q_of(first + count))) count++;
 *     length = tifed_coder_finish(&c);                      count and length go out with the bytes
 *
 *     tifed_decoder d;                                      who gets them
 *     if (tifed_decoder_check(bits, start, bytes, length, count)) {
 *         tifed_decoder_begin(&d, bits, start, bytes, length);
 *         for (i = 0; i < count; i++) use(tifed_decoder_get(&d));
 *         start = tifed_coder_start(&d.model);              of the next frame of these numbers
 *     } */
#ifndef TIFED_CODER_H
#define TIFED_CODER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers lie in -(2^bits - 1)..2^bits - 1: 1 is ternary, 3 is 4 bits with the sign, 7 is 8 bits. */
#define TIFED_CODER_MAX_BITS 15u

/* How often a choice was 1: over 65,536, by a quick and a slow estimate. */
typedef struct tifed_chance {
    uint16_t quick, slow;
} tifed_chance;

/* What is known of the numbers; both sides keep the same. */
typedef struct tifed_coder_model {
    tifed_chance nonzero;                              /* a number is not 0 */
    tifed_chance longer[TIFED_CODER_MAX_BITS - 1u];    /* a magnitude has more bits than i + 1 */
    tifed_chance remainder[TIFED_CODER_MAX_BITS - 1u]; /* its bit i is 1, below its highest */
    uint32_t bits;
} tifed_coder_model;

/* Where chances start, for a first frame of numbers of which nothing is known. */
#define TIFED_CODER_START 0x0C50u

typedef struct tifed_coder { /* private */
    tifed_coder_model model;
    uint32_t low, range;
    uint8_t *bytes;
    uint32_t capacity, position;
} tifed_coder;

/* Begin a frame of at most `capacity` bytes. Without `bytes` (NULL) it is only measured. False if
 * bits is not in 1..15 or the capacity is below 3 * bits, in which one number might not fit. */
bool tifed_coder_begin(tifed_coder *c, uint32_t bits, uint32_t start, uint8_t *bytes,
                       uint32_t capacity);

/* Add a number, which has to be within +-(2^bits - 1). False if the frame would become longer than
 * the capacity: the coder is as before, and the number belongs into the next frame. */
bool tifed_coder_put(tifed_coder *c, int32_t q);

/* End the frame: its length in bytes, of which any may be written or changed only now. */
uint32_t tifed_coder_finish(tifed_coder *c);

/* The start, two bytes, that comes nearest to what a coder or decoder knows at the end of a frame. */
uint32_t tifed_coder_start(const tifed_coder_model *model);

typedef struct tifed_decoder { /* private */
    tifed_coder_model model;
    uint32_t low, range, offset;
    const uint8_t *bytes;
    uint32_t length, position;
} tifed_decoder;

/* Begin to read a frame. False if bits is not in 1..15 or no frame begins like that. */
bool tifed_decoder_begin(tifed_decoder *d, uint32_t bits, uint32_t start, const uint8_t *bytes,
                         uint32_t length);

/* The next number: within +-(2^bits - 1) whatever the bytes are, of which none past the end is
 * read. */
int32_t tifed_decoder_get(tifed_decoder *d);

/* After the last number: whether a coder that is given the numbers that were got writes these bytes,
 * and no others. */
bool tifed_decoder_finish(const tifed_decoder *d);

/* All of that for a frame of `count` numbers, before any of them is used. */
bool tifed_decoder_check(uint32_t bits, uint32_t start, const uint8_t *bytes, uint32_t length,
                         uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
