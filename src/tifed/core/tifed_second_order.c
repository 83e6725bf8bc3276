/* The grid of cells is a picture of four values a pixel, and goes through the stages of
 * tifed_front_end.c, unmerged: only its gradients are sorted in another way. */
#include "tifed_second_order.h"
#include "tifed_assumptions.h"
#include "tifed_kernel_front_end.h"

#define ORIENTATIONS 4u
#define CHANGES 8u

static bool is_octants(const tifed_front_end *f)
{
    return tifed_front_end_inputs(f) && f->directions == 8u && f->merged;
}

uint32_t tifed_second_order_outputs(const tifed_front_end *f)
{
    return is_octants(f) ? 2u * tifed_front_end_outputs(f) : 0u;
}

size_t tifed_second_order_memory(const tifed_front_end *f)
{
    if (!is_octants(f))
        return 0u;
    uint32_t needed = (uint32_t)TIFED_SECOND_ORDER_BYTES(f->width, f->channels);
    return (size_t)needed == needed ? (size_t)needed : SIZE_MAX;
}

int tifed_second_order_begin(tifed_front_end_stream *s, tifed_second_order *second,
                             const tifed_front_end *f, int8_t *features, void *memory, size_t bytes)
{
    size_t needed = tifed_second_order_memory(f);
    if (!s || !second || !needed)
        return TIFED_ERROR_NETWORK;
    if (bytes < needed || needed == SIZE_MAX)
        return TIFED_ERROR_MEMORY;
    size_t first = tifed_front_end_memory(f);
    int status = tifed_front_end_begin(s, f, features, memory, first);
    if (status)
        return status;
    tifed_front_end grid = {tifed_halved(f->height), tifed_halved(f->width), 1, CHANGES, false};
    tifed_front_end_stream *next = &second->stream;
    second->grid = grid;
    uint16_t *place = (uint16_t *)((uint8_t *)memory + first);
    next->length = (uint16_t)(grid.width * ORIENTATIONS);
    uint16_t row = (uint16_t)(next->length + ORIENTATIONS); /* with 0 on the right */
    next->pixels = (uint8_t *)tifed_front_end_place(next, &second->grid, features + CHANGES, place);
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
