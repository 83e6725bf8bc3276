/* What a front end spends its time on; internal. Numbers that fit 16 bits are formed in an unsigned
 * int, whatever its width: SPEC 14.3 proves them all, and a product has 32 bits. */
#ifndef TIFED_KERNEL_FRONT_END_H
#define TIFED_KERNEL_FRONT_END_H

#include "tifed_front_end.h"

/* Half of a side or of a number of cells, and the odd one out. */
static inline uint16_t tifed_halved(uint16_t side)
{
    return (uint16_t)((side + 1u) / 2u);
}

/* Set `count` values, a multiple of 4, to 0. */
void tifed_kernel_clear(uint16_t *values, size_t count);

/* Begin with sums of nothing, in memory that is large enough: the place behind, for rows of pixels. */
uint16_t *tifed_front_end_place(tifed_front_end_stream *stream, uint16_t *place);

/* Sort the gradients of the row in `pixels` into `cells`, each shifted left by `shift`. Below it
 * lies the row that has arrived, which takes the place of `above`; then the two change places. */
void tifed_kernel_sort(tifed_front_end_stream *stream, uint16_t *cells, unsigned shift);

/* As tifed_kernel_sort, but of a row of orientations, four bytes a place, how much they change. */
void tifed_kernel_sort_changes(tifed_front_end_stream *stream, uint16_t *cells, unsigned shift);

/* The open row of cells is complete with what is in the fresh one: the row that waits can be
 * written, and it waits instead. */
void tifed_kernel_finish(tifed_front_end_stream *stream);

/* The same of octants before edges of second order, to which the row arrives as well. */
void tifed_kernel_finish_octants(tifed_front_end_stream *stream);

#endif
