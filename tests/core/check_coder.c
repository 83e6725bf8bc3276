/* Short updates in frames: the file's format is in tests/vectors/write_coder.py. */
#include "tifed_coder.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const char who[] = "device";

static uint8_t *read_bytes(uint32_t count)
{
    uint8_t *bytes = exactly(count);
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)number();
    return bytes;
}

/* Codes what a frame takes of the numbers left, and decodes it; how many that is, and the start of the
 * next frame. */
static uint32_t check_frame(uint32_t bits, uint32_t capacity, const int16_t *q, uint32_t left,
                            uint32_t *start)
{
    if ((uint32_t)number() != *start)
        fail("another start", who);
    uint32_t count = (uint32_t)number(), length = (uint32_t)number(), taken = 0;
    uint8_t *wanted = read_bytes(length), *bytes = exactly(capacity);
    tifed_coder c;
    tifed_decoder d;
    if (!tifed_coder_begin(&c, bits, *start, bytes, capacity))
        fail("cannot begin", who);
    while (taken < left && tifed_coder_put(&c, q[taken]))
        taken++;
    if (taken != count || tifed_coder_finish(&c) != length || memcmp(bytes, wanted, length))
        fail("another frame", who);
    if (!tifed_decoder_check(bits, *start, wanted, length, count) ||
        !tifed_decoder_begin(&d, bits, *start, wanted, length))
        fail("refused a frame", who);
    for (uint32_t i = 0; i < count; i++)
        if (tifed_decoder_get(&d) != q[i])
            fail("decoded another number", who);
    *start = tifed_coder_start(&d.model);
    if (!tifed_decoder_finish(&d) || tifed_coder_start(&c.model) != *start)
        fail("coder and decoder know different things", who);
    free(wanted);
    free(bytes);
    return count;
}

static void check_bytes(uint32_t bits, uint32_t start)
{
    uint32_t count = (uint32_t)number(), length = (uint32_t)number();
    uint8_t *bytes = read_bytes(length);
    bool whole = number() != 0;
    if (tifed_decoder_check(bits, start, bytes, length, count) != whole)
        fail(whole ? "refused bytes that are a frame" : "took bytes that are no frame", who);
    free(bytes);
}

static void check_limits(void)
{
    tifed_coder c;
    tifed_decoder d;
    uint8_t bytes[45];
    if (tifed_coder_begin(&c, 0, TIFED_CODER_START, bytes, sizeof bytes) ||
        tifed_coder_begin(&c, 16, TIFED_CODER_START, bytes, sizeof bytes) ||
        tifed_coder_begin(&c, 15, TIFED_CODER_START, bytes, sizeof bytes - 1u) ||
        tifed_decoder_begin(&d, 0, TIFED_CODER_START, bytes, 0) ||
        tifed_decoder_begin(&d, 16, TIFED_CODER_START, bytes, 0))
        fail("began with what is out of range", who);
}

void check_case(void)
{
    check_limits();
    uint32_t bits = (uint32_t)number(), start = (uint32_t)number(), first = start;
    uint32_t capacity = (uint32_t)number(), count = (uint32_t)number(), done = 0;
    int16_t *q = exactly(count * sizeof *q);
    for (uint32_t i = 0; i < count; i++)
        q[i] = (int16_t)number();
    for (uint32_t left = (uint32_t)number(); left; left--)
        done += check_frame(bits, capacity, q + done, count - done, &start);
    if (done != count)
        fail("more numbers than frames", who);
    for (uint32_t left = (uint32_t)number(); left; left--)
        check_bytes(bits, first);
    free(q);
}
