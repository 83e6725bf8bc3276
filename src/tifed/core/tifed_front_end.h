/* Front ends: what turns a picture, row by row as it arrives, into the edges that tifed.h learns
 * from.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 14 of SPEC.md, bit for bit.
 *
 *     static const tifed_front_end octants = {28, 28, 1, 8, true, NULL};
 *     static void *memory[TIFED_FRONT_END_BYTES(28, 1, 8, true) / sizeof(void *) + 1];
 *     tifed_front_end_stream stream;
 *     tifed_front_end_begin(&stream, &octants, features, memory, sizeof memory);
 *     while (tifed_front_end_put(&stream, values, count) == TIFED_MORE) { }     as values arrive */
#ifndef TIFED_FRONT_END_H
#define TIFED_FRONT_END_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tifed_second_stage;

/* All that the arithmetic depends on; may live in flash. */
typedef struct tifed_front_end {
    uint16_t height, width; /* of a picture, 4..4096 */
    uint8_t channels;       /* of a pixel: 1, or 3 (red, green, blue) */
    uint8_t directions;     /* that gradients are sorted into: 4 or 8 */
    bool merged;            /* whether 2x2 blocks of cells become one */
    /* What follows, with as many features again, which takes 8 directions that are merged: NULL, or
     * &tifed_second_order of tifed_second_order.h. */
    const struct tifed_second_stage *second;
} tifed_front_end;

/* A picture on its way through a front end; private. */
typedef struct tifed_front_end_stream {
    const tifed_front_end *front_end;
    struct tifed_front_end_stream *next; /* takes the rows of cells that this one has written */
    void (*sort)(struct tifed_front_end_stream *, uint16_t *cells, unsigned shift);
    void (*finish)(struct tifed_front_end_stream *);
    int8_t *features;                 /* where the next one goes */
    uint16_t *waiting, *open, *fresh; /* rows of cells, (columns + 1, directions) each */
    uint16_t *last, *last_two;        /* energies, (columns), of the last row of cells and of two */
    uint16_t *blocks;                 /* (columns / 2, directions), where cells are merged */
    uint8_t *arriving;                /* (width * channels) */
    uint8_t *pixels, *above;          /* (width + 1), the last of them 0 */
    uint16_t length;                  /* bytes of a row of `pixels`, without the 0 */
    uint16_t filled;                  /* values of the row that is arriving */
    uint16_t rows;                    /* of pixels that have arrived */
    uint16_t cell_rows;               /* that were summed */
    uint8_t skip;                     /* features between those of two cells or blocks */
} tifed_front_end_stream;

/* What can follow a front end: the bytes of both, 0 if it cannot follow this one, and how a picture
 * begins, which gives the place behind its own bytes. */
typedef struct tifed_second_stage {
    uint32_t (*memory)(const tifed_front_end *front_end);
    void *(*begin)(tifed_front_end_stream *stream, void *memory);
} tifed_second_stage;

/* Length of a sample, and of its features; 0 if a field is out of range. */
uint32_t tifed_front_end_inputs(const tifed_front_end *front_end);
uint32_t tifed_front_end_outputs(const tifed_front_end *front_end);

/* Bytes that a front end needs beside the features: 0 if a field is out of range, SIZE_MAX for more
 * than this processor can have. The same at compile time, where nothing follows. */
size_t tifed_front_end_memory(const tifed_front_end *front_end);
#define TIFED_FRONT_END_COLUMNS(width) ((TIFED_WIDE(width) + 1u) / 2u)
#define TIFED_FRONT_END_BYTES(width, channels, directions, merged)                                 \
    TIFED_PAD(TIFED_WIDE(width) * ((channels) + 2u) + 2u +                                         \
              (TIFED_FRONT_END_COLUMNS(width) + 1u) * (directions) * 6u +                          \
              TIFED_FRONT_END_COLUMNS(width) * 4u +                                                \
              ((merged) ? (TIFED_FRONT_END_COLUMNS(width) + 1u) / 2u * (directions) * 2u : 0u))

/* Begin a picture whose `features` will be written one after the other; `memory` is aligned as
 * a pointer is. Neither may be touched before the last value was put. TIFED_OK, TIFED_ERROR_NETWORK
 * if a field is out of range, or TIFED_ERROR_MEMORY. */
int tifed_front_end_begin(tifed_front_end_stream *stream, const tifed_front_end *front_end,
                          int8_t *features, void *memory, size_t bytes);

/* The picture's next values, as many as are there, in the order row, column, channel: TIFED_MORE
 * while some are missing, TIFED_OK once all features are written, TIFED_ERROR_PLACE if there were
 * more values than the picture has. */
int tifed_front_end_put(tifed_front_end_stream *stream, const int8_t *values, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
