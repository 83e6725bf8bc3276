/* The three stages of a front end: tifed_front_end.c says how they follow one another. */
#include "tifed_assumptions.h"
#include "tifed_kernel_cells.h"

const TIFED_IN_FLASH uint8_t tifed_square_roots[TIFED_LARGEST_LEVEL + 1u] = {
    0,   16,  23,  28,  32,  36,  39,  42,  45,  48,  50,  53,  55,  58,  60,  62,  64,  66,  68,
    70,  71,  73,  75,  77,  78,  80,  81,  83,  84,  86,  87,  89,  90,  92,  93,  94,  96,  97,
    98,  100, 101, 102, 103, 105, 106, 107, 108, 109, 111, 112, 113, 114, 115, 116, 117, 118, 119,
    121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 135, 136, 137, 138,
    139, 140, 141, 142, 143, 144, 145, 145, 146, 147, 148, 149, 150, 151, 151, 152, 153, 154, 155,
    156, 156, 157, 158, 159, 160, 160, 161, 162, 163, 164, 164, 165, 166, 167, 167, 168, 169, 170,
    170, 171, 172, 173, 173, 174, 175, 176, 176, 177, 178, 179, 179, 180, 181, 181, 182, 183, 183,
    184, 185, 186, 186, 187, 188, 188, 189, 190, 190, 191, 192, 192, 193, 194, 194, 195, 196, 196,
    197, 198, 198, 199, 199, 200, 201, 201, 202, 203, 203, 204, 204, 205, 206, 206, 207, 208, 208,
    209, 209, 210, 211, 211, 212, 212, 213, 214, 214, 215, 215, 216, 217, 217, 218, 218, 219, 220,
    220, 221, 221, 222, 222, 223, 224, 224, 225, 225, 226, 226, 227, 228, 228, 229, 229, 230, 230,
    231, 231, 232, 233, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238, 239, 240, 240, 241,
    241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247, 247, 248, 248, 249, 249, 250, 250,
    251, 251, 252, 252, 253, 253, 254, 254, 255,
};

void tifed_kernel_clear(uint16_t *values, size_t count)
{
    for (; count; count -= 4u, values += 4)
        values[0] = values[1] = values[2] = values[3] = 0;
}

/* --- pixels ------------------------------------------------------------------------------------- */

/* A gradient has a value in two directions at most: those are added to the cell, twice as much
 * where the pixel is in the middle of its columns, and else to the one on the right as well. */
static inline void sort_gradient(uint16_t *cell, unsigned directions, int across, int down,
                                 unsigned shift, bool between)
{
    unsigned leftward = across < 0, upward = down < 0;
    unsigned first = (unsigned)(leftward ? -across : across);
    unsigned second = (unsigned)(upward ? -down : down);
    uint16_t *to_first = cell + leftward, *to_second = cell + 2u + upward;
    if (directions == 8u) { /* the axis that has more, and the diagonal */
        unsigned shared = second;
        if (first < second) {
            shared = first;
            first = second;
            to_first = to_second;
        }
        first -= shared;
        second = shared + (shared >> 1);
        to_second = cell + 4u + leftward + 2u * (leftward ^ upward);
    }
    if (between) {
        first <<= shift;
        second <<= shift;
        tifed_add(to_first + directions, first);
        tifed_add(to_second + directions, second);
    } else {
        first <<= shift + 1u;
        second <<= shift + 1u;
    }
    tifed_add(to_first, first);
    tifed_add(to_second, second);
}

static inline void sort(tifed_front_end_stream *s, uint16_t *cell, unsigned directions,
                        unsigned shift)
{
    const uint8_t *pixel = s->pixels, *below = s->arriving;
    uint8_t *above = s->above;
    unsigned left = 0, here = *pixel++, width = s->front_end->width;
    for (unsigned x = 0; x < width; x++) {
        unsigned right = *pixel++, under = *below++; /* a 0 behind the last pixel */
        int across = (int)right - (int)left, down = (int)under - (int)*above;
        *above++ = (uint8_t)under;
        left = here;
        here = right;
        bool between = x & 1u;
        if (across || down)
            sort_gradient(cell, directions, across, down, shift, between);
        if (between)
            cell += directions;
    }
}

void tifed_kernel_sort(tifed_front_end_stream *s, uint16_t *cells, unsigned shift)
{
    uint8_t *above = s->above;
    if (s->front_end->directions == 8u)
        sort(s, cells, 8u, shift);
    else
        sort(s, cells, 4u, shift);
    s->above = s->pixels;
    s->pixels = above;
}

/* --- cells -------------------------------------------------------------------------------------- */

void tifed_kernel_finish(tifed_front_end_stream *s)
{
    tifed_finish_cells(s, s->front_end->directions, s->front_end->merged, false);
}
