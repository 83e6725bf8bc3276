/* The grid of cells is a picture of four values a pixel, and goes through the stages of
 * tifed_front_end.c, unmerged: only its gradients are sorted in another way. */
#include "tifed_second_order.h"
#include "tifed_assumptions.h"
#include "tifed_kernel_front_end.h"

#define ORIENTATIONS 4u
#define CHANGES 8u

struct cells_behind_a_byte {
    char byte;
    tifed_second_order_cells cells;
};

static uint32_t memory_of(const tifed_front_end *f)
{
    return (uint32_t)TIFED_SECOND_ORDER_CELLS(f->width);
}

static int begin(tifed_front_end_stream *s, void *memory)
{
    if ((uintptr_t)memory % offsetof(struct cells_behind_a_byte, cells))
        return TIFED_ERROR_MEMORY;
    tifed_second_order_cells *cells = memory;
    tifed_front_end_stream *next = &cells->stream;
    tifed_front_end grid = {
        tifed_halved(s->front_end->height), tifed_halved(s->front_end->width), 1, CHANGES, false,
        NULL,
    };
    cells->grid = grid;
    next->length = (uint16_t)(grid.width * ORIENTATIONS);
    uint16_t row = (uint16_t)(next->length + ORIENTATIONS); /* with 0 on the right */
    uint16_t *place = (uint16_t *)(cells + 1);
    int8_t *features = s->features + CHANGES;
    next->pixels = (uint8_t *)tifed_front_end_place(next, &cells->grid, features, place);
    next->above = next->pixels + row;
    next->arriving = next->above + row;
    for (uint16_t x = 0; x < row; x++)
        next->pixels[x] = next->above[x] = 0; /* outside of the grid */
    next->sort = tifed_kernel_sort_changes;
    next->skip = CHANGES;
    s->finish = tifed_kernel_finish_octants;
    s->skip = CHANGES;
    s->next = next;
    return TIFED_OK;
}

const tifed_second_stage tifed_second_order = {memory_of, begin};
