/* What edges of second order spend their time on: how much orientations change. */
#include "tifed_assumptions.h"
#include "tifed_kernel_cells.h"

#define ORIENTATIONS 4
#define CHANGES 8

void tifed_kernel_finish_octants(tifed_front_end_stream *s)
{
    tifed_finish_cells(s, 8u, true, true);
}

static inline unsigned distance(unsigned one, unsigned other)
{
    return one < other ? other - one : one - other;
}

/* One orientation of a row, across, and then down. Of each cell, the place in the middle counts
 * twice, and the one to its right for the next cell as well. Right of the last place lies a 0. */
static inline void sort_across(uint16_t *cell, const uint8_t *right, unsigned width, unsigned shift)
{
    unsigned left = 0, here = *right, change = 0;
    for (unsigned pairs = width >> 1; pairs; pairs--, cell += CHANGES) {
        unsigned next = right[ORIENTATIONS];
        unsigned sum = change + (distance(left, next) << 1);
        left = next;
        right += 2 * ORIENTATIONS;
        change = distance(here, *right);
        here = *right;
        tifed_add(cell, (sum + change) << shift);
    }
    if (width & 1u)
        tifed_add(cell, (change + (left << 1)) << shift);
}

/* How far it is from `above` to `below`, which takes its place. */
static inline unsigned moved(uint8_t *above, unsigned below)
{
    unsigned before = *above;
    *above = (uint8_t)below;
    return distance(before, below);
}

static inline void sort_down(uint16_t *cell, uint8_t *above, const uint8_t *below, unsigned width,
                             unsigned shift)
{
    unsigned change = 0;
    for (unsigned pairs = width >> 1; pairs; pairs--, cell += CHANGES) {
        unsigned sum = change + (moved(above, *below) << 1);
        change = moved(above + ORIENTATIONS, below[ORIENTATIONS]);
        above += 2 * ORIENTATIONS;
        below += 2 * ORIENTATIONS;
        tifed_add(cell, (sum + change) << shift);
    }
    if (width & 1u)
        tifed_add(cell, (change + (moved(above, *below) << 1)) << shift);
}

void tifed_kernel_sort_changes(tifed_front_end_stream *s, uint16_t *cells, unsigned shift)
{
    uint8_t *above = s->above;
    unsigned width = s->front_end->width;
    for (unsigned k = 0; k < (unsigned)ORIENTATIONS; k++) {
        sort_across(cells + 2u * k, s->pixels + k, width, shift);
        sort_down(cells + 2u * k + 1u, above + k, s->arriving + k, width, shift);
    }
    s->above = s->pixels;
    s->pixels = above;
}
