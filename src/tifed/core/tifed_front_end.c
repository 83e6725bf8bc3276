/* A picture's rows go through three stages, each of which keeps no more than it has to look back
 * at:
 *
 * - Pixels: a row's gradients need the rows above and below it, so they are formed when the next
 *   row has arrived, which takes the place of the row above pixel by pixel.
 * - Cells: a gradient has a value in two directions at most, so each pixel adds to two sums of each
 *   cell that it counts for. An odd row of pixels belongs to two rows of cells: it is summed once,
 *   in a fresh row of cells, which is added to the open one and then takes its place.
 * - Normalisation: a row of cells waits until the energies of the row below it are known.
 *
 * Where edges of second order follow (tifed_second_order.c), each row of cells that was written
 * is a row of pixels to them, and goes through the same stages. */
#include "tifed_kernel_front_end.h"
#include "tifed_assumptions.h"

struct pointer_behind_a_byte {
    char byte;
    void *pointer;
};

#define LEAST_SIDE 4u
#define MOST_SIDE 4096u
#define MOST_VALUES (UINT32_C(1) << 24)

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
    if (!tifed_front_end_memory(f))
        return 0u;
    uint16_t rows = tifed_halved(f->height), columns = tifed_halved(f->width);
    if (f->merged) {
        rows = tifed_halved(rows);
        columns = tifed_halved(columns);
    }
    return (uint32_t)rows * columns * f->directions << (f->second != NULL);
}

size_t tifed_front_end_memory(const tifed_front_end *f)
{
    if (!is_valid(f))
        return 0u;
    uint32_t needed = f->second ? f->second->memory(f)
                                : (uint32_t)TIFED_FRONT_END_BYTES(f->width, f->channels,
                                                                  f->directions, f->merged);
    return (size_t)needed == needed ? (size_t)needed : SIZE_MAX;
}

/* Values of a row of cells, with one cell more on the right, which an even width adds to in vain. */
static size_t cells_of(const tifed_front_end *f)
{
    return (tifed_halved(f->width) + (size_t)1u) * f->directions;
}

uint16_t *tifed_front_end_place(tifed_front_end_stream *s, uint16_t *place)
{
    const tifed_front_end *f = s->front_end;
    uint16_t columns = tifed_halved(f->width);
    size_t cells = cells_of(f);
    s->waiting = place;
    s->open = s->waiting + cells;
    s->fresh = s->open + cells;
    s->last = s->fresh + cells;
    s->last_two = s->last + columns;
    s->blocks = s->last_two + columns;
    place = s->blocks + (f->merged ? (size_t)tifed_halved(columns) * f->directions : 0u);
    s->filled = s->rows = s->cell_rows = 0;
    tifed_kernel_clear(s->open, cells);
    for (uint16_t i = 0; i < columns; i++)
        s->last[i] = 0; /* above the picture */
    return place;
}

int tifed_front_end_begin(tifed_front_end_stream *s, const tifed_front_end *f, int8_t *features,
                          void *memory, size_t bytes)
{
    size_t needed = tifed_front_end_memory(f);
    if (!s || !needed)
        return TIFED_ERROR_NETWORK;
    if (!features || !memory || bytes < needed || needed == SIZE_MAX ||
        (uintptr_t)memory % offsetof(struct pointer_behind_a_byte, pointer))
        return TIFED_ERROR_MEMORY;
    s->front_end = f;
    s->next = NULL;
    s->sort = tifed_kernel_sort;
    s->finish = tifed_kernel_finish;
    s->features = features;
    s->length = f->width;
    s->skip = 0;
    if (f->second)
        memory = f->second->begin(s, memory);
    s->pixels = (uint8_t *)tifed_front_end_place(s, memory);
    s->above = s->pixels + f->width + 1u;
    s->arriving = s->above + f->width + 1u;
    for (uint16_t x = 0; x <= f->width; x++)
        s->pixels[x] = s->above[x] = 0; /* outside of the picture */
    return TIFED_OK;
}

/* The row that arrived lies below row `s->rows - 1`, whose gradients are known with it. */
static void take_row(tifed_front_end_stream *s)
{
    const tifed_front_end *f = s->front_end;
    if (s->rows == 0u) {
        for (uint16_t x = 0; x < s->length; x++)
            s->pixels[x] = s->arriving[x];
    } else if (s->rows & 1u) { /* an even row, in the middle of its cells, counts twice */
        s->sort(s, s->open, 1u);
    } else {
        tifed_kernel_clear(s->fresh, cells_of(f));
        s->sort(s, s->fresh, 0u);
        s->finish(s);
    }
    s->rows++;
}

/* The next front end takes the row of cells that was written, if there is a new one: all rows that
 * were summed but the one that waits. */
static void pass_on(tifed_front_end_stream *s)
{
    if (s->next && s->next->rows + 1u < s->cell_rows)
        take_row(s->next);
}

/* Below the picture lies a row of zeros, and below the last row of cells one without energy. */
static void finish(tifed_front_end_stream *s)
{
    const tifed_front_end *f = s->front_end;
    for (uint16_t x = 0; x < s->length; x++)
        s->arriving[x] = 0;
    take_row(s);
    pass_on(s);
    if (f->height & 1u) {
        tifed_kernel_clear(s->fresh, cells_of(f));
        s->finish(s);
        pass_on(s);
    }
    tifed_kernel_clear(s->open, cells_of(f));
    tifed_kernel_clear(s->fresh, cells_of(f));
    s->finish(s);
    pass_on(s);
}

static void finish_all(tifed_front_end_stream *s)
{
    finish(s);
    if (s->next)
        finish(s->next);
}

/* The values of the row that arrived become brightness, in place. */
static void brighten(uint8_t *row, uint16_t width)
{
    const uint8_t *colour = row;
    for (; width; width--, colour += 3)
        *row++ = (uint8_t)((colour[0] + 2u * colour[1] + colour[2]) >> 2);
}

int tifed_front_end_put(tifed_front_end_stream *s, const int8_t *values, uint32_t count)
{
    const tifed_front_end *f = s->front_end;
    uint16_t length = (uint16_t)(f->width * f->channels);
    while (count) {
        if (s->rows >= f->height)
            return TIFED_ERROR_PLACE;
        uint16_t piece = (uint16_t)(length - s->filled);
        if (piece > count)
            piece = (uint16_t)count;
        uint8_t *to = s->arriving + s->filled;
        s->filled = (uint16_t)(s->filled + piece);
        count -= piece;
        for (; piece; piece--)
            *to++ = (uint8_t)(*values++ + 128);
        if (s->filled < length)
            break;
        s->filled = 0;
        if (f->channels == 3u)
            brighten(s->arriving, f->width);
        take_row(s);
        pass_on(s);
        if (s->rows == f->height)
            finish_all(s);
    }
    return s->rows >= f->height ? TIFED_OK : TIFED_MORE;
}
