/* The motion sensor's front end against a case: the file's format is in tests/vectors/write_motion.py.
 */
#include "tifed_motion.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct test_case {
    tifed_motion motion;
    bool worn;
    size_t memory;
    uint32_t features;
    uint16_t times;
    int16_t *readings;
    int8_t *wanted; /* of two windows */
} test_case;

static const char who[] = "device";

static void read_case(test_case *t)
{
    t->motion.axes = (uint8_t)number();
    t->motion.window = (uint16_t)number();
    t->motion.hop = (uint16_t)number();
    t->motion.mirrored = (uint16_t)number();
    t->worn = number() != 0;
    t->memory = (size_t)number();
    t->features = (uint32_t)number();
    t->times = (uint16_t)number();
    uint32_t count = (uint32_t)t->times * t->motion.axes;
    t->readings = exactly((size_t)count * sizeof *t->readings);
    for (uint32_t i = 0; i < count; i++)
        t->readings[i] = (int16_t)number();
    t->wanted = exactly((size_t)t->features * 2u);
    for (uint32_t i = 0; i < 2u * t->features; i++)
        t->wanted[i] = (int8_t)number();
}

/* Readings of one time after the other, each in memory of exactly its size, so that a sanitizer sees
 * what is read behind it; the features and the ring as well. */
static void run(const test_case *t)
{
    const tifed_motion *m = &t->motion;
    tifed_motion_stream stream;
    uint8_t *memory = exactly(t->memory);
    int8_t *features = exactly(t->features);
    int16_t *reading = exactly(m->axes * sizeof *reading);
    memset(memory, 0x55, t->memory);
    if (tifed_motion_memory(m) != t->memory || tifed_motion_features(m) != t->features)
        fail("another size", who);
    if (tifed_motion_begin(&stream, m, t->worn, memory, t->memory - 1u) != TIFED_ERROR_MEMORY ||
        tifed_motion_begin(&stream, m, t->worn, NULL, SIZE_MAX) != TIFED_ERROR_MEMORY)
        fail("accepted too little memory", who);
    if (tifed_motion_begin(&stream, m, t->worn, memory, t->memory) != TIFED_OK)
        fail("did not begin", who);
    for (uint16_t time = 0; time < t->times; time++) {
        uint16_t due = time + 1u >= m->window ? (uint16_t)(time + 1u - m->window) : 1u;
        bool is_due = due == 0u || due == m->hop;
        if (!is_due && tifed_motion_window(&stream, features) != TIFED_ERROR_PLACE && time == 0u)
            fail("made a window of nothing", who);
        memcpy(reading, t->readings + (size_t)time * m->axes, m->axes * sizeof *reading);
        if (time + 1u < m->window && tifed_motion_put(&stream, reading) != TIFED_MORE)
            fail("a window is due too early", who);
        if (time + 1u < m->window)
            continue;
        if (tifed_motion_put(&stream, reading) != (is_due ? TIFED_OK : TIFED_MORE))
            fail("tifed_motion_put", who);
        if (!is_due)
            continue;
        if (tifed_motion_window(&stream, NULL) != TIFED_ERROR_MEMORY)
            fail("wrote features to nowhere", who);
        /* A second time the same: nothing of the window was lost. */
        for (unsigned again = 0; again < 2u; again++) {
            memset(features, 0x55, t->features);
            if (tifed_motion_window(&stream, features) != TIFED_OK ||
                memcmp(features, t->wanted + (due ? t->features : 0u), t->features) != 0)
                fail("other features", who);
        }
    }
    free(memory);
    free(features);
    free(reading);
}

/* Each way of breaking it is refused. */
static void refuse(const test_case *t)
{
    int16_t memory = 0;
    tifed_motion_stream stream;
    for (unsigned way = 0; way < 6u; way++) {
        tifed_motion m = t->motion;
        switch (way) {
        case 0: m.axes = 0; break;
        case 1: m.axes = 13; break;
        case 2: m.window = 15; break;
        case 3: m.window = 257; break;
        case 4: m.hop = 0; break;
        default: m.mirrored = (uint16_t)(UINT16_C(1) << m.axes); break;
        }
        if (tifed_motion_features(&m) || tifed_motion_memory(&m) ||
            tifed_motion_begin(&stream, &m, false, &memory, SIZE_MAX) != TIFED_ERROR_NETWORK)
            fail("took what is out of range", who);
    }
}

/* Sizes are known at compile time. */
static void measure(void)
{
    static const tifed_motion watch = {6, 128, 50, 0x31};
    static uint8_t memory[TIFED_MOTION_BYTES(6, 128)];
    if (sizeof memory != 2816u || tifed_motion_memory(&watch) != sizeof memory ||
        tifed_motion_features(&watch) != 117u)
        fail("another size", "watch");
}

void check_case(void)
{
    test_case t;
    measure();
    read_case(&t);
    refuse(&t);
    run(&t);
    free(t.readings);
    free(t.wanted);
}
