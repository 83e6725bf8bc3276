/* The device's front ends against a case: the file's format is in tests/vectors/write_front_end.py. */
#include "tifed_second_order.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

typedef struct test_case {
    tifed_front_end front_end;
    size_t memory;
    uint32_t inputs, features, count;
    int8_t *samples, *wanted;
} test_case;

static const char who[] = "device";

static int8_t *bytes(uint32_t count)
{
    int8_t *values = exactly(count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int8_t)number();
    return values;
}

static void read_case(test_case *t)
{
    t->front_end.height = (uint16_t)number();
    t->front_end.width = (uint16_t)number();
    t->front_end.channels = (uint8_t)number();
    t->front_end.directions = (uint8_t)number();
    t->front_end.merged = number() != 0;
    bool second_order = number() != 0;
    t->front_end.second = second_order ? &tifed_second_order : NULL;
    t->memory = (size_t)number();
    if (second_order) /* with pointers, which are as long as this processor has them */
        t->memory = (size_t)TIFED_PAD(t->memory + sizeof(tifed_second_order_cells));
    t->features = (uint32_t)number();
    t->count = (uint32_t)number();
    t->inputs = (uint32_t)t->front_end.height * t->front_end.width * t->front_end.channels;
    t->samples = bytes(t->inputs * t->count);
    t->wanted = bytes(t->features * t->count);
}

/* A sample in pieces of `piece` values, each of exactly its size, so that a sanitizer sees what is
 * read behind it; the features in memory of exactly their size. */
static void run(const test_case *t, const int8_t *sample, const int8_t *wanted, uint32_t piece)
{
    tifed_front_end_stream stream;
    uint8_t *memory = exactly(t->memory);
    int8_t *features = exactly(t->features), *part = exactly(piece);
    memset(memory, 0x55, t->memory);
    if (tifed_front_end_memory(&t->front_end) != t->memory)
        fail("another size", who);
    if (tifed_front_end_begin(&stream, &t->front_end, features, memory, t->memory - 1u) !=
        TIFED_ERROR_MEMORY)
        fail("accepted too little memory", who);
    if (tifed_front_end_begin(&stream, &t->front_end, features, memory, t->memory) != TIFED_OK)
        fail("did not begin", who);
    for (uint32_t at = 0; at < t->inputs; at += piece) {
        uint32_t count = piece < t->inputs - at ? piece : t->inputs - at;
        memcpy(part, sample + at, count);
        if (tifed_front_end_put(&stream, part, count) !=
            (at + count < t->inputs ? TIFED_MORE : TIFED_OK))
            fail("tifed_front_end_put", who);
    }
    if (memcmp(features, wanted, t->features))
        fail("other features", who);
    if (memcmp(memory + t->memory - 4u, "\x55\x55\x55\x55", 4u) == 0)
        fail("asks for more memory than it uses", who);
    if (tifed_front_end_put(&stream, part, 0u) != TIFED_OK ||
        tifed_front_end_put(&stream, part, 1u) != TIFED_ERROR_PLACE)
        fail("more values than the picture has", who);
    free(memory);
    free(features);
    free(part);
}

/* Each way of breaking a front end is refused. */
static void refuse(const test_case *t)
{
    int8_t value = 0;
    uint32_t memory = 0;
    tifed_front_end_stream stream;
    for (unsigned way = 0; way < 10; way++) {
        tifed_front_end f = t->front_end;
        switch (way) {
        case 0: f.height = 3; break;
        case 1: f.height = 4097; break;
        case 2: f.width = 3; break;
        case 3: f.width = 4097; break;
        case 4: f.channels = 0; break;
        case 5: f.channels = 2; break;
        case 6: f.channels = 4; break;
        case 7: f.directions = 0; break;
        case 8: f.directions = 6; break;
        default:
            f.height = f.width = 4096;
            f.channels = 3;
            break;
        }
        if (tifed_front_end_inputs(&f) || tifed_front_end_outputs(&f) || tifed_front_end_memory(&f))
            fail("has a size for a broken front end", who);
        if (tifed_front_end_begin(&stream, &f, &value, &memory, SIZE_MAX) != TIFED_ERROR_NETWORK)
            fail("took a broken front end", who);
    }
    if (tifed_front_end_begin(&stream, &t->front_end, NULL, &memory, SIZE_MAX) !=
            TIFED_ERROR_MEMORY ||
        tifed_front_end_begin(&stream, &t->front_end, &value, NULL, SIZE_MAX) != TIFED_ERROR_MEMORY)
        fail("took no memory for memory", who);
}

/* Edges of second order follow octants, and nothing else. */
static void refuse_to_follow(const test_case *t)
{
    int8_t value = 0;
    uint32_t memory = 0;
    tifed_front_end_stream stream;
    tifed_front_end f = t->front_end;
    f.second = &tifed_second_order;
    if (f.directions == 8u && f.merged)
        return;
    if (tifed_front_end_outputs(&f) || tifed_front_end_memory(&f) ||
        tifed_front_end_begin(&stream, &f, &value, &memory, SIZE_MAX) != TIFED_ERROR_NETWORK)
        fail("follows what is not octants", who);
}

/* Sizes are known at compile time; one that a size_t of 16 bits cannot hold is refused there, not
 * cut off. */
static void measure(void)
{
    static const tifed_front_end sizes[2] = {{28, 28, 1, 8, true, NULL},
                                             {28, 28, 1, 8, true, &tifed_second_order}};
    static const tifed_front_end wide[2] = {{4, 4096, 3, 8, true, NULL},
                                            {4, 4096, 3, 8, true, &tifed_second_order}};
    static uint8_t memory[TIFED_FRONT_END_BYTES(28, 1, 8, true)];
    static uint8_t more[TIFED_SECOND_ORDER_BYTES(28, 1)];
    static const uint32_t needed[2] = {(uint32_t)TIFED_FRONT_END_BYTES(4096, 3, 8, true),
                                       (uint32_t)TIFED_SECOND_ORDER_BYTES(4096, 3)};
    int8_t value = 0;
    union {
        void *aligned;
        uint32_t word;
    } place = {NULL};
    tifed_front_end_stream stream;
    if (sizeof memory != 976u || tifed_front_end_memory(&sizes[0]) != sizeof memory)
        fail("another size", "octants");
    if (sizeof more != 1564u + TIFED_PAD(sizeof(tifed_second_order_cells)) ||
        tifed_front_end_memory(&sizes[1]) != sizeof more)
        fail("another size", "octants and second order");
    for (unsigned i = 0; i < 2u; i++) {
        if (tifed_front_end_memory(&wide[i]) !=
            ((size_t)needed[i] == needed[i] ? (size_t)needed[i] : SIZE_MAX))
            fail("another size", "a wide picture");
        if (tifed_front_end_begin(&stream, &wide[i], &value, &place, 65535u) != TIFED_ERROR_MEMORY)
            fail("accepted too little memory", "a wide picture");
    }
}

/* Memory at an address where a pointer may not lie is refused. */
static void align(const test_case *t)
{
    struct {
        char byte;
        void *pointer;
    } behind;
    size_t needed = (size_t)((char *)&behind.pointer - &behind.byte);
    tifed_front_end_stream stream;
    int8_t *features = exactly(t->features), *memory = exactly(t->memory + 8u);
    if (needed > 4u && tifed_front_end_begin(&stream, &t->front_end, features, memory + 4,
                                             t->memory) != TIFED_ERROR_MEMORY)
        fail("took memory that is not aligned", who);
    free(features);
    free(memory);
}

void check_case(void)
{
    test_case t;
    measure();
    read_case(&t);
    refuse(&t);
    refuse_to_follow(&t);
    align(&t);
    for (uint32_t n = 0; n < t.count; n++) {
        uint32_t pieces[] = {1u, 7u, t.front_end.width, t.inputs};
        for (unsigned p = 0; p < sizeof pieces / sizeof *pieces; p++)
            run(&t, t.samples + n * t.inputs, t.wanted + n * t.features, pieces[p]);
    }
    free(t.samples);
    free(t.wanted);
}
