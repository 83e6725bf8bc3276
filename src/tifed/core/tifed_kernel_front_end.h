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

/* Sort the gradients of the row in `pixels` into `cells`, each shifted left by `shift`. Below it
 * lies the row that has arrived, which takes the place of `above`; then the two change places. */
void tifed_kernel_sort(tifed_front_end_stream *stream, uint16_t *cells, unsigned shift);

/* The open row of cells is complete with what is in the fresh one: the row that waits can be
 * written, and it waits instead. */
void tifed_kernel_finish(tifed_front_end_stream *stream);

/* Write the row of cells that waits, below which there is no other. */
void tifed_kernel_finish_last(tifed_front_end_stream *stream);

#endif
