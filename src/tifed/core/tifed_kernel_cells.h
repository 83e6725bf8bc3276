/* Cells, their energies and features; internal. One text for all front ends: with `directions`,
 * `merged` and `passed_on` constant where it is used, it becomes the loops of that front end. */
#ifndef TIFED_KERNEL_CELLS_H
#define TIFED_KERNEL_CELLS_H

#include "tifed_kernel_front_end.h"

/* An AVR would copy constants to RAM; compilers that can leave them in flash define this. */
#if defined(__FLASH) && !defined(__STRICT_ANSI__)
#define TIFED_IN_FLASH __flash
#else
#define TIFED_IN_FLASH
#endif

#define TIFED_LARGEST_LEVEL 255u
/* The whole number nearest to the square root of 255 * u. */
extern const TIFED_IN_FLASH uint8_t tifed_square_roots[TIFED_LARGEST_LEVEL + 1u];

#define TIFED_POOL_SHIFT 3u
#define TIFED_RECIPROCAL 32768u
#define TIFED_ENERGY_FLOOR 16u

static inline void tifed_add(uint16_t *sum, unsigned value)
{
    *sum = (uint16_t)(*sum + value);
}

static inline unsigned tifed_root_of(unsigned sum, unsigned scale)
{
    uint32_t product = (uint32_t)(sum >> TIFED_POOL_SHIFT) * scale;
    return tifed_square_roots[(product < UINT16_MAX ? product : UINT16_MAX) >> 8];
}

static inline int8_t tifed_feature(unsigned root)
{
    return (int8_t)((int)root - 128);
}

/* Two opposite directions become a part of their block: the larger of their square roots. */
static inline unsigned tifed_merge_pair(uint16_t *block, const uint16_t *cell, unsigned scale)
{
    unsigned one = tifed_root_of(cell[0], scale), opposite = tifed_root_of(cell[1], scale);
    tifed_add(&block[0], one);
    tifed_add(&block[1], opposite);
    return one < opposite ? opposite : one;
}

/* Write cell `column` of the row that waits, or make it a part of its block of 2x2; around: the
 * energy around it. If it is `passed_on`, it has 8 directions, and the next front end gets its
 * orientations as well, of which each is the larger of two opposite directions. */
static inline void tifed_write_cell(tifed_front_end_stream *s, unsigned column, unsigned around,
                                    unsigned directions, bool merged, bool passed_on)
{
    const tifed_front_end *f = s->front_end;
    unsigned row = s->cell_rows - 1u;
    unsigned scale = TIFED_RECIPROCAL / ((around >> 3) + TIFED_ENERGY_FLOOR);
    const uint16_t *cell = s->waiting + (size_t)column * directions, *end = cell + directions;
    int8_t *features = s->features;
    if (!merged) {
        for (; cell < end; cell += 4, features += 4) {
            features[0] = tifed_feature(tifed_root_of(cell[0], scale));
            features[1] = tifed_feature(tifed_root_of(cell[1], scale));
            features[2] = tifed_feature(tifed_root_of(cell[2], scale));
            features[3] = tifed_feature(tifed_root_of(cell[3], scale));
        }
        s->features = features + s->skip;
        return;
    }
    uint16_t *block = s->blocks + (size_t)(column >> 1) * directions;
    bool last_row = row + 1u == tifed_halved(f->height);
    bool last_column = column + 1u == tifed_halved(f->width);
    bool odd_row = row & 1u, odd_column = column & 1u;
    if (!odd_row && !odd_column)
        tifed_kernel_clear(block, directions);
    if (passed_on) {
        uint8_t *orientations = s->next->arriving + column * (directions / 2u);
        orientations[0] = (uint8_t)tifed_merge_pair(&block[0], &cell[0], scale);
        orientations[1] = (uint8_t)tifed_merge_pair(&block[2], &cell[2], scale);
        orientations[2] = (uint8_t)tifed_merge_pair(&block[4], &cell[4], scale);
        orientations[3] = (uint8_t)tifed_merge_pair(&block[6], &cell[6], scale);
        block += 8;
    } else {
        for (; cell < end; cell += 4, block += 4) {
            tifed_merge_pair(&block[0], &cell[0], scale);
            tifed_merge_pair(&block[2], &cell[2], scale);
        }
    }
    if ((odd_row || last_row) && (odd_column || last_column)) {
        /* What a block has counts twice for a row that it lacks, and for a column. */
        unsigned times = (unsigned)(!odd_row + !odd_column);
        for (block -= directions; directions; directions--)
            *features++ = tifed_feature(((unsigned)*block++ << times) >> 2);
        s->features = features + s->skip;
    }
}

/* Complete a sum of a cell; its part of the energy. */
static inline unsigned tifed_complete(uint16_t *sum, unsigned fresh)
{
    fresh += *sum;
    *sum = (uint16_t)fresh;
    return fresh >> TIFED_POOL_SHIFT;
}

static inline unsigned tifed_energy_of_four(uint16_t *cell, const uint16_t *fresh)
{
    return tifed_complete(&cell[0], fresh[0]) + tifed_complete(&cell[1], fresh[1]) +
           tifed_complete(&cell[2], fresh[2]) + tifed_complete(&cell[3], fresh[3]);
}

static inline unsigned tifed_energy_of(uint16_t *cell, const uint16_t *fresh, unsigned directions,
                                       bool passed_on)
{
    if (passed_on)
        return tifed_energy_of_four(cell, fresh) + tifed_energy_of_four(cell + 4, fresh + 4);
    unsigned energy = 0;
    for (const uint16_t *end = cell + directions; cell < end; cell += 4, fresh += 4)
        energy += tifed_energy_of_four(cell, fresh);
    return energy;
}

/* The open row of cells is complete with what is in the fresh one. */
static inline void tifed_finish_cells(tifed_front_end_stream *s, unsigned directions, bool merged,
                                      bool passed_on)
{
    unsigned columns = tifed_halved(s->front_end->width), left = 0;
    uint16_t *cell = s->open, *waited = s->waiting;
    const uint16_t *fresh = s->fresh;
    unsigned here = tifed_energy_of(cell, fresh, directions, passed_on);
    for (unsigned column = 0; column < columns; column++) {
        unsigned right = 0;
        cell += directions;
        fresh += directions;
        if (column + 1u < columns)
            right = tifed_energy_of(cell, fresh, directions, passed_on);
        unsigned three = left + here + right;
        if (s->cell_rows)
            tifed_write_cell(s, column, s->last_two[column] + three, directions, merged, passed_on);
        s->last_two[column] = (uint16_t)(s->last[column] + three);
        s->last[column] = (uint16_t)three;
        left = here;
        here = right;
    }
    s->waiting = s->open;
    s->open = s->fresh; /* an odd row of pixels belongs to the next cells as well */
    s->fresh = waited;
    s->cell_rows++;
}

#endif
