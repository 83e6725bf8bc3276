/* Random rows of numbers through the coder and back, and random bytes into the decoder. Exit code 0 and
 * what was seen, or a message and 1. Built with sanitizers, which see what lies outside of arrays.
 *
 *     fuzz_coder ROUNDS SEED */
#include "native/host/coder_length.h"
#include "tifed_coder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NUMBERS 2000u

static uint32_t state;

static uint32_t below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % limit;
}

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    printf("FAILED: %s\n", what);
    exit(1);
}

/* Few or many of them 0, the others of any length, the longest most often. */
static void draw(int16_t *q, uint32_t count, uint32_t bits)
{
    uint32_t zeros = below(1001u);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t longest = below(4u) ? bits : 1u + below(bits);
        int32_t magnitude = 1 + (int32_t)below((1u << longest) - 1u);
        q[i] = (int16_t)(below(1000u) < zeros ? 0 : below(2u) ? -magnitude : magnitude);
    }
}

/* One frame there and back; how many numbers it took. */
static uint32_t one_frame(uint32_t bits, uint32_t capacity, const int16_t *q, uint32_t left,
                          uint32_t *start, uint64_t *length)
{
    uint8_t *bytes = malloc(capacity);
    uint32_t count = 0;
    tifed_coder c;
    tifed_decoder d;
    need(bytes && tifed_coder_begin(&c, bits, *start, bytes, capacity), "begin");
    while (count < left && tifed_coder_put(&c, q[count]))
        count++;
    uint32_t size = tifed_coder_finish(&c);
    need(count > 0u && size <= capacity, "a frame of the right size");
    bytes = realloc(bytes, size ? size : 1u);
    need(bytes && tifed_decoder_check(bits, *start, bytes, size, count), "accepted");
    need(tifed_decoder_begin(&d, bits, *start, bytes, size), "begun");
    for (uint32_t i = 0; i < count; i++)
        need(tifed_decoder_get(&d) == q[i], "the same number");
    *start = tifed_coder_start(&d.model);
    need(tifed_coder_start(&c.model) == *start, "the same start");
    *length += size;
    free(bytes);
    return count;
}

static void there_and_back(void)
{
    static int16_t q[MOST_NUMBERS];
    uint32_t bits = 1u + below(TIFED_CODER_MAX_BITS), count = 1u + below(MOST_NUMBERS);
    uint32_t capacity = 3u * bits + below(3u) * below(200u), first = below(65536u), start = first;
    uint64_t length = 0, frames = 0, measured_frames = 0;
    draw(q, count, bits);
    for (uint32_t done = 0; done < count; frames++)
        done += one_frame(bits, capacity, q + done, count - done, &start, &length);
    need(tifed_coder_length(bits, first, q, count, capacity, &measured_frames) == length &&
             measured_frames == frames,
         "the length that was measured");
}

/* Whether they were a frame. */
static bool any_bytes(void)
{
    uint32_t bits = 1u + below(TIFED_CODER_MAX_BITS), size = below(9u), count = below(30u);
    uint32_t start = below(65536u), lengths = 0;
    uint8_t *bytes = malloc(size ? size : 1u), again[400];
    need(bytes != NULL, "memory");
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(below(3u) ? below(256u) : below(2u) * 255u);
    tifed_coder c;
    tifed_decoder d;
    bool accepted = tifed_decoder_check(bits, start, bytes, size, count);
    bool begun = tifed_decoder_begin(&d, bits, start, bytes, size);
    need(tifed_coder_begin(&c, bits, start, again, sizeof again), "begin");
    for (uint32_t i = 0; begun && i < count; i++) {
        int32_t q = tifed_decoder_get(&d);
        need(-(1 << bits) < q && q < 1 << bits, "a number in its range");
        lengths += tifed_coder_put(&c, q);
    }
    if (lengths == count && begun) { /* accepted if and only if these bytes come of them again */
        bool same = tifed_coder_finish(&c) == size && memcmp(again, bytes, size) == 0;
        need(accepted == same, "the only bytes for these numbers");
    } else
        need(!accepted, "refused what cannot be");
    free(bytes);
    return accepted;
}

int main(int argc, char **argv)
{
    uint32_t accepted = 0, rounds = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0u;
    state = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0u;
    for (uint32_t i = 0; i < rounds; i++) {
        there_and_back();
        for (uint32_t n = 0; n < 100u; n++)
            accepted += any_bytes();
    }
    printf("%u rounds, %u rows of bytes accepted\n", (unsigned)rounds, (unsigned)accepted);
    return rounds ? 0 : 1;
}
