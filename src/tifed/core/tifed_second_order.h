/* Edges of second order: after the front end octants, how much each of its four orientations changes
 * across and down, on the grid of its cells. For each block of 2x2 cells the features are the 8
 * directions and the 8 changes.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 14 of SPEC.md, bit for bit.
 *
 *     static const tifed_front_end octants = {28, 28, 1, 8, true, &tifed_second_order};
 *     static void *memory[TIFED_SECOND_ORDER_BYTES(28, 1) / sizeof(void *) + 1];
 *
 * The rest is as tifed_front_end.h has it. */
#ifndef TIFED_SECOND_ORDER_H
#define TIFED_SECOND_ORDER_H

#include "tifed_front_end.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const tifed_second_stage tifed_second_order;

/* The cells of a picture on their way, at the beginning of the memory; private. */
typedef struct tifed_second_order_cells {
    tifed_front_end grid;
    tifed_front_end_stream stream;
} tifed_second_order_cells;

/* What tifed_front_end_memory says of octants with it, at compile time. */
#define TIFED_SECOND_ORDER_BYTES(width, channels)                                                  \
    (TIFED_FRONT_END_BYTES(width, channels, 8, true) + TIFED_SECOND_ORDER_CELLS(width))
#define TIFED_SECOND_ORDER_CELLS(width)                                                            \
    TIFED_PAD(sizeof(tifed_second_order_cells) +                                                   \
              (TIFED_FRONT_END_COLUMNS(TIFED_FRONT_END_COLUMNS(width)) + 1u) * 48u +               \
              TIFED_FRONT_END_COLUMNS(TIFED_FRONT_END_COLUMNS(width)) * 4u +                       \
              TIFED_FRONT_END_COLUMNS(width) * 12u + 8u)

#ifdef __cplusplus
}
#endif
#endif
