/* Edges of second order: after the front end octants, how much each of its four orientations changes
 * across and down, on the grid of its cells.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 14 of SPEC.md, bit for bit.
 *
 *     static const tifed_front_end octants = {28, 28, 1, 8, true};
 *     static uint32_t memory[TIFED_SECOND_ORDER_BYTES(28, 1) / 4];
 *     tifed_front_end_stream stream;
 *     tifed_second_order second;
 *     tifed_second_order_begin(&stream, &second, &octants, features, memory, sizeof memory);
 *     while (tifed_front_end_put(&stream, values, count) == TIFED_MORE) { }     as values arrive */
#ifndef TIFED_SECOND_ORDER_H
#define TIFED_SECOND_ORDER_H

#include "tifed_front_end.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The cells of a picture on their way; private. */
typedef struct tifed_second_order {
    tifed_front_end grid; /* of cells */
    tifed_front_end_stream stream;
} tifed_second_order;

/* Length of the features: for each block of 2x2 cells the 8 directions and the 8 changes. 0 if the
 * front end is not octants (8 directions, merged), or a field is out of range. */
uint32_t tifed_second_order_outputs(const tifed_front_end *front_end);

/* Bytes that both need beside the features, as tifed_front_end_memory says. The same at compile
 * time. */
size_t tifed_second_order_memory(const tifed_front_end *front_end);
#define TIFED_SECOND_ORDER_BYTES(width, channels)                                                  \
    (TIFED_FRONT_END_BYTES(width, channels, 8, true) +                                             \
     TIFED_PAD((TIFED_FRONT_END_COLUMNS(TIFED_FRONT_END_COLUMNS(width)) + 1u) * 48u +              \
               TIFED_FRONT_END_COLUMNS(TIFED_FRONT_END_COLUMNS(width)) * 4u +                      \
               TIFED_FRONT_END_COLUMNS(width) * 12u + 8u))

/* Begin a picture, as tifed_front_end_begin does; `second` may not be moved or touched either
 * before the last value was put. */
int tifed_second_order_begin(tifed_front_end_stream *stream, tifed_second_order *second,
                             const tifed_front_end *front_end, int8_t *features, void *memory,
                             size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
