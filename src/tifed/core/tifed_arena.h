/* One block of memory, handed out piece by piece; internal.
 *
 * The same walk over the pieces is done twice: without a block it counts what they need, with
 * one it says where each of them lies. So a size and the layout that it is for cannot disagree. */
#ifndef TIFED_ARENA_H
#define TIFED_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tifed_arena {
    uint8_t *memory; /* NULL: nothing is handed out, only counted */
    size_t used;
    bool overflow; /* a size_t cannot count the pieces */
} tifed_arena;

/* The next piece, `rows` of `row_bytes` each, or NULL where nothing is handed out. The piece after
 * it begins at a multiple of `alignment`, a power of two.
 *
 * A size_t may have 16 bits where the sizes of a network have 32 (on an AVR), so what does not
 * fit is noted before it is multiplied: a product that wrapped around would be a smaller size
 * that fits. */
static inline void *tifed_arena_take(tifed_arena *arena, uint32_t rows, uint32_t row_bytes,
                                     size_t alignment)
{
    size_t before = arena->used;
    if (row_bytes && rows > (SIZE_MAX - before - (alignment - 1u)) / row_bytes) {
        arena->overflow = true;
        return NULL;
    }
    size_t bytes = (size_t)rows * (size_t)row_bytes;
    arena->used = before + ((bytes + (alignment - 1u)) & ~(alignment - 1u));
    return arena->memory ? arena->memory + before : NULL;
}

#endif
