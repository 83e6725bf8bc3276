/* Shift copies: each time that a picture is trained on, it is taken as it is or moved by one pixel
 * to the left, to the right, up or down.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 15 of SPEC.md, bit for bit. What is buffered are pictures, in memory of
 * the caller's; the core asks for what it trains on, a mini-batch at a time:
 *
 *     static int8_t pictures[50 * 784];
 *     static tifed_shifts shifts = {pictures, 28, 28, 1, NULL, NULL, NULL, 0};
 *     static const tifed_source source = {tifed_write_shifted, &shifts};
 *     config.source = &source; */
#ifndef TIFED_SHIFTS_H
#define TIFED_SHIFTS_H

#include "tifed_front_end.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIFED_SHIFTS 5u /* copies of a picture: as it is, moved left, right, up, down */

/* The context of a source of shift copies. */
typedef struct tifed_shifts {
    const int8_t *pictures; /* (buffer, height, width, channels): samples as they come */
    uint16_t height, width;
    uint8_t channels;
    /* What turns each copy into features; the rest is for it alone. NULL for pixels. */
    const tifed_front_end *front_end;
    int8_t *row;  /* (width * channels) */
    void *memory; /* of the front end: tifed_front_end_memory, aligned as a pointer is */
    size_t bytes; /* of it */
} tifed_shifts;

/* The `write` of a source whose samples are pictures, and of one with a front end, which has to be
 * one that tifed_front_end_begin takes, for pictures of this size. The context is a tifed_shifts. */
void tifed_write_shifted(void *context, const tifed *t, uint32_t place, int8_t *sample);
void tifed_write_shifted_features(void *context, const tifed *t, uint32_t place, int8_t *sample);

/* Which of `copies` copies the present step takes of the sample at `place` of the buffer; for
 * those who make other copies than these. */
uint32_t tifed_chosen_copy(const tifed *t, uint32_t place, uint32_t copies);

/* Row `y` (width * channels) of a copy, 0..TIFED_SHIFTS - 1, of a picture (height, width, channels). */
void tifed_shifted_row(const tifed_shifts *shifts, const int8_t *picture, uint32_t copy, uint32_t y,
                       int8_t *row);

#ifdef __cplusplus
}
#endif
#endif
