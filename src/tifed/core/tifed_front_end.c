/* A picture's rows go through three stages, each of which keeps no more than it has to look back
 * at:
 *
 * - Pixels: a row's gradients need the rows above and below it, so they are formed when the next
 *   row has arrived, which takes the place of the row above pixel by pixel.
 * - Cells: a gradient has a value in two directions at most, so each pixel adds to two sums of each
 *   cell that it counts for. An odd row of pixels belongs to two rows of cells: it is summed once,
 *   in a fresh row of cells, which is added to the open one and then takes its place.
 * - Normalisation: a row of cells waits until the energies of the row below it are known. */
#include "tifed_front_end.h"
#include "tifed_assumptions.h"

#define LEAST_SIDE 4u
#define MOST_SIDE 4096u
#define MOST_VALUES (UINT32_C(1) << 24)
#define POOL_SHIFT 3u
#define RECIPROCAL 32768u
#define ENERGY_FLOOR 16u
#define LARGEST_LEVEL 255u

/* An AVR would copy constants to RAM; compilers that can leave them in flash define this. */
#if defined(__FLASH) && !defined(__STRICT_ANSI__)
#define IN_FLASH __flash
#else
#define IN_FLASH
#endif

/* The whole number nearest to the square root of 255 * u. */
static const IN_FLASH uint8_t square_roots[LARGEST_LEVEL + 1u] = {
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

/* Half of a side or of a number of cells, and the odd one out. */
static uint16_t halved(uint16_t side)
{
    return (uint16_t)((side + 1u) / 2u);
}

static bool is_valid(const tifed_front_end *f)
{
    return f && f->height >= LEAST_SIDE && f->height <= MOST_SIDE && f->width >= LEAST_SIDE &&
           f->width <= MOST_SIDE && (f->channels == 1u || f->channels == 3u) &&
           (f->directions == 4u || f->directions == 8u) &&
           (uint32_t)f->height * f->width <= MOST_VALUES / f->channels;
}

uint32_t tifed_front_end_inputs(const tifed_front_end *f)
{
    return is_valid(f) ? (uint32_t)f->height * f->width * f->channels : 0u;
}

uint32_t tifed_front_end_outputs(const tifed_front_end *f)
{
    if (!is_valid(f))
        return 0u;
    uint16_t rows = halved(f->height), columns = halved(f->width);
    if (f->merged) {
        rows = halved(rows);
        columns = halved(columns);
    }
    return (uint32_t)rows * columns * f->directions;
}

size_t tifed_front_end_memory(const tifed_front_end *f)
{
    if (!is_valid(f))
        return 0u;
    uint32_t needed =
        (uint32_t)TIFED_FRONT_END_BYTES(f->width, f->channels, f->directions, f->merged);
    return (size_t)needed == needed ? (size_t)needed : SIZE_MAX;
}

static void clear(uint16_t *values, size_t count)
{
    while (count--)
        *values++ = 0;
}

int tifed_front_end_begin(tifed_front_end_stream *s, const tifed_front_end *f, int8_t *features,
                          void *memory, size_t bytes)
{
    size_t needed = tifed_front_end_memory(f);
    if (!s || !needed)
        return TIFED_ERROR_NETWORK;
    if (!features || !memory || bytes < needed || needed == SIZE_MAX ||
        (uintptr_t)memory % TIFED_ALIGNMENT)
        return TIFED_ERROR_MEMORY;
    uint16_t columns = halved(f->width);
    size_t cells = (columns + (size_t)1u) * f->directions;
    uint16_t *place = memory;
    s->front_end = f;
    s->features = features;
    s->waiting = place;
    s->open = s->waiting + cells;
    s->fresh = s->open + cells;
    s->last = s->fresh + cells;
    s->last_two = s->last + columns;
    s->blocks = s->last_two + columns;
    place = s->blocks + (f->merged ? (size_t)halved(columns) * f->directions : 0u);
    s->pixels = (uint8_t *)place;
    s->above = s->pixels + f->width;
    s->arriving = s->above + f->width;
    s->filled = s->rows = s->cell_rows = 0;
    clear(s->open, cells);
    clear(s->last, 2u * (size_t)columns);
    for (uint16_t x = 0; x < f->width; x++)
        s->pixels[x] = s->above[x] = 0; /* outside of the picture */
    return TIFED_OK;
}

/* --- cells that are complete -------------------------------------------------------------------- */

/* Write, or add to its block, cell `column` of the row that waits; around: the energy around it. */
static void write_cell(tifed_front_end_stream *s, uint16_t column, uint16_t around)
{
    const tifed_front_end *f = s->front_end;
    uint8_t directions = f->directions;
    const uint16_t *cell = s->waiting + (size_t)column * directions;
    uint16_t scale = (uint16_t)(RECIPROCAL / (uint16_t)((around >> 3) + ENERGY_FLOOR));
    uint16_t row = (uint16_t)(s->cell_rows - 1u);
    bool last_row = (uint16_t)(row + 1u) == halved(f->height);
    bool last_column = (uint16_t)(column + 1u) == halved(f->width);
    uint16_t *block = s->blocks + (size_t)(column / 2u) * directions;
    bool begins = !(row & 1u) && !(column & 1u);
    bool ends = (row & 1u || last_row) && (column & 1u || last_column);
    /* In a block that lacks a row or a column the one that it has counts twice. */
    uint8_t times = (uint8_t)((!(row & 1u) && last_row) + (!(column & 1u) && last_column));
    for (uint8_t k = 0; k < directions; k++) {
        uint32_t level = (uint32_t)cell[k] * scale >> 8;
        if (level > LARGEST_LEVEL)
            level = LARGEST_LEVEL;
        uint16_t root = square_roots[level];
        if (f->merged) {
            root = (uint16_t)(root << times);
            if (!begins)
                root = (uint16_t)(root + block[k]);
            block[k] = root;
            root >>= 2;
        }
        if (ends || !f->merged)
            *s->features++ = (int8_t)((int16_t)root - 128);
    }
}

/* Divide the sums of a cell; their total. */
static uint16_t energy_of(uint16_t *cell, uint8_t directions)
{
    uint16_t energy = 0;
    for (uint8_t k = 0; k < directions; k++) {
        cell[k] = (uint16_t)(cell[k] >> POOL_SHIFT);
        energy = (uint16_t)(energy + cell[k]);
    }
    return energy;
}

/* The open row of cells is complete, and so the one that waits gets what is below it. */
static void finish_cells(tifed_front_end_stream *s)
{
    uint8_t directions = s->front_end->directions;
    uint16_t columns = halved(s->front_end->width), left = 0;
    uint16_t *cell = s->open;
    uint16_t here = energy_of(cell, directions);
    for (uint16_t column = 0; column < columns; column++) {
        uint16_t right = 0;
        cell += directions;
        if (column + 1u < columns)
            right = energy_of(cell, directions);
        uint16_t three = (uint16_t)(left + here + right);
        if (s->cell_rows)
            write_cell(s, column, (uint16_t)(s->last_two[column] + three));
        s->last_two[column] = (uint16_t)(s->last[column] + three);
        s->last[column] = three;
        left = here;
        here = right;
    }
    uint16_t *written = s->waiting;
    s->waiting = s->open;
    s->open = written;
    s->cell_rows++;
}

/* --- pixels ------------------------------------------------------------------------------------- */

/* Sort the gradients of the row in `pixels`, number s->rows - 1, into `cells`; an even row, in the
 * middle of its cells, counts twice. Below it lies `arriving`, which takes the place of `above`. */
static void sort_row(tifed_front_end_stream *s, uint16_t *cells, uint8_t row_shift)
{
    uint16_t width = s->front_end->width;
    uint8_t directions = s->front_end->directions;
    const uint8_t *pixels = s->pixels, *below = s->arriving;
    uint8_t *above = s->above;
    uint8_t left = 0, here = pixels[0];
    for (uint16_t x = 0; x < width; x++) {
        uint8_t right = (uint16_t)(x + 1u) < width ? pixels[x + 1u] : 0u;
        int16_t across = (int16_t)(right - left), down = (int16_t)(below[x] - above[x]);
        above[x] = below[x];
        left = here;
        here = right;
        if (across || down) {
            uint8_t leftward = across < 0, upward = down < 0;
            uint16_t first = (uint16_t)(leftward ? -across : across);
            uint16_t second = (uint16_t)(upward ? -down : down);
            uint16_t *to_first = cells + leftward, *to_second = cells + 2u + upward;
            if (directions == 8u) { /* the axis that has more, and the diagonal */
                uint16_t shared = first < second ? first : second;
                if (first < second)
                    to_first = to_second;
                first = (uint16_t)(first + second - 2u * shared);
                second = (uint16_t)(shared + (shared >> 1));
                to_second = cells + 4u + leftward + (leftward != upward ? 2u : 0u);
            }
            first = (uint16_t)(first << row_shift);
            second = (uint16_t)(second << row_shift);
            if (x & 1u) { /* between two cells */
                to_first[directions] = (uint16_t)(to_first[directions] + first);
                to_second[directions] = (uint16_t)(to_second[directions] + second);
            } else {
                first = (uint16_t)(first << 1);
                second = (uint16_t)(second << 1);
            }
            *to_first = (uint16_t)(*to_first + first);
            *to_second = (uint16_t)(*to_second + second);
        }
        if (x & 1u)
            cells += directions;
    }
    s->above = s->pixels;
    s->pixels = above;
}

/* The row that arrived lies below row `s->rows - 1`, whose gradients are known with it. */
static void take_row(tifed_front_end_stream *s)
{
    const tifed_front_end *f = s->front_end;
    uint16_t *fresh = s->fresh;
    if (s->rows == 0u) {
        for (uint16_t x = 0; x < f->width; x++)
            s->pixels[x] = s->arriving[x];
        return;
    }
    if (s->rows & 1u) {
        sort_row(s, s->open, 1u);
        return;
    }
    size_t count = (size_t)halved(f->width) * f->directions;
    clear(fresh, count + f->directions);
    sort_row(s, fresh, 0u);
    for (size_t i = 0; i < count; i++)
        s->open[i] = (uint16_t)(s->open[i] + fresh[i]);
    finish_cells(s);
    s->fresh = s->open;
    s->open = fresh;
}

/* Below the picture lies a row of zeros, and below the last row of cells one without energy. */
static void finish(tifed_front_end_stream *s)
{
    uint16_t width = s->front_end->width, columns = halved(width);
    for (uint16_t x = 0; x < width; x++)
        s->arriving[x] = 0;
    take_row(s);
    if (s->rows & 1u)
        finish_cells(s);
    for (uint16_t column = 0; column < columns; column++)
        write_cell(s, column, s->last_two[column]);
}

int tifed_front_end_put(tifed_front_end_stream *s, const int8_t *values, uint32_t count)
{
    const tifed_front_end *f = s->front_end;
    uint16_t length = (uint16_t)(f->width * f->channels);
    uint8_t *arriving = s->arriving;
    while (count) {
        if (s->rows == f->height)
            return TIFED_ERROR_PLACE;
        uint16_t piece = (uint16_t)(length - s->filled);
        if (piece > count)
            piece = (uint16_t)count;
        count -= piece;
        for (; piece; piece--)
            arriving[s->filled++] = (uint8_t)(*values++ + 128);
        if (s->filled < length)
            break;
        s->filled = 0;
        if (f->channels == 3u)
            for (uint16_t x = 0, at = 0; x < f->width; x++, at = (uint16_t)(at + 3u))
                arriving[x] =
                    (uint8_t)((arriving[at] + 2u * arriving[at + 1u] + arriving[at + 2u]) >> 2);
        take_row(s);
        s->rows++;
        if (s->rows == f->height)
            finish(s);
    }
    return s->rows == f->height ? TIFED_OK : TIFED_MORE;
}
