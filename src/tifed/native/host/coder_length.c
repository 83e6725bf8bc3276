#include "coder_length.h"

#include "../../core/tifed_coder_inside.h"

#include <stddef.h>

/* Numbers while any has room. The coder is a copy that no other function sees, so that it stays in
 * registers. */
static uint64_t put_safely(tifed_coder *coder, const int16_t *q, uint64_t count)
{
    tifed_coder c = *coder;
    uint64_t i = 0;
    c.bytes = NULL;
    for (; i < count && c.position + 3u * c.model.bits < c.capacity; i++)
        tifed_code_number(&c, q[i], true);
    *coder = c;
    return i;
}

uint64_t tifed_coder_length(uint32_t bits, uint32_t start, const int16_t *q, uint64_t count,
                            uint32_t capacity, uint64_t *frames)
{
    uint64_t length = 0, cut = 0;
    for (uint64_t i = 0; i < count;) {
        tifed_coder c;
        if (!tifed_coder_begin(&c, bits, start, NULL, capacity))
            break;
        i += put_safely(&c, q + i, count - i);
        while (i < count && tifed_coder_put(&c, q[i]))
            i++;
        length += tifed_coder_finish(&c);
        start = tifed_coder_start(&c.model);
        cut++;
    }
    if (frames)
        *frames = cut;
    return length;
}
