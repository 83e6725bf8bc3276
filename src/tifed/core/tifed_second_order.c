/* The grid of cells is a picture of four values a pixel, and goes through the stages of
 * tifed_front_end.c, unmerged: only its gradients are sorted in another way. */
#include "tifed_second_order.h"
#include "tifed_assumptions.h"
#include "tifed_kernel_front_end.h"

#define ORIENTATIONS 4u
#define CHANGES 8u

static uint32_t memory_of(const tifed_front_end *f)
{
    bool octants = f->directions == 8u && f->merged;
    return octants ? (uint32_t)TIFED_SECOND_ORDER_BYTES(f->width, f->channels) : 0u;
}

static void *begin(tifed_front_end_stream *s, void *memory)
{
    const tifed_front_end *f = s->front_end;
    tifed_second_order_cells *cells = memory;
    tifed_front_end_stream *next = &cells->stream;
    tifed_front_end grid = {
        tifed_halved(f->height), tifed_halved(f->width), 1, CHANGES, false, NULL};
    cells->grid = grid;
    next->front_end = &cells->grid;
    next->next = NULL;
    next->sort = tifed_kernel_sort_changes;
    next->finish = tifed_kernel_finish;
    next->features = s->features + CHANGES;
    next->length = (uint16_t)(grid.width * ORIENTATIONS);
    next->skip = s->skip = CHANGES;
    uint16_t row = (uint16_t)(next->length + ORIENTATIONS); /* with 0 on the right */
    next->pixels = (uint8_t *)tifed_front_end_place(next, (uint16_t *)(cells + 1));
    next->above = next->pixels + row;
    next->arriving = next->above + row;
    for (uint16_t x = 0; x < row; x++)
        next->pixels[x] = next->above[x] = 0; /* outside of the grid */
    s->next = next;
    s->finish = tifed_kernel_finish_octants;
    return (uint8_t *)memory + TIFED_SECOND_ORDER_CELLS(f->width);
}

const tifed_second_stage tifed_second_order = {memory_of, begin};
