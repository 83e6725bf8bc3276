#include "check_extraction.h"

#include <stdlib.h>
#include <string.h>

static int8_t *bytes(uint32_t count)
{
    int8_t *values = exactly(count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int8_t)number();
    return values;
}

static void read_layer(tifed_feature_layer *layer)
{
    layer->units = (uint16_t)number();
    layer->kernel_height = (uint16_t)number();
    layer->kernel_width = (uint16_t)number();
    layer->stride = (uint16_t)number();
    layer->padding = (uint16_t)number();
    layer->relu = number() != 0;
    uint32_t words = (uint32_t)number();
    uint32_t *quads = words ? exactly(words * 4u) : NULL;
    for (uint32_t i = 0; i < words; i++)
        quads[i] = (uint32_t)number();
    layer->quads = quads;
}

static void read_case(test_case *t)
{
    memset(t, 0, sizeof *t);
    t->extractor.layers = t->layers;
    t->extractor.height = (uint16_t)number();
    t->extractor.width = (uint16_t)number();
    t->extractor.channels = (uint16_t)number();
    t->extractor.input_zero = (int8_t)number();
    t->extractor.depth = (uint8_t)number();
    for (uint32_t l = 0; l < t->extractor.depth; l++)
        read_layer(&t->layers[l]);
    t->memory = (size_t)number();
    t->features = (uint32_t)number();
    t->count = (uint32_t)number();
    t->inputs = (uint32_t)t->extractor.height * t->extractor.width * t->extractor.channels;
    t->samples = bytes(t->inputs * t->count);
    t->wanted = bytes(t->features * t->count);
}

static void drop_case(test_case *t)
{
    for (uint32_t l = 0; l < t->extractor.depth; l++)
        free((void *)(uintptr_t)t->layers[l].quads);
    free(t->samples);
    free(t->wanted);
}

/* Everything in allocations of exactly its size: a sanitizer sees what is read or written behind. */
static void run_device(const test_case *t)
{
    const char *who = "device";
    if (tifed_features_check(&t->extractor) != TIFED_OK)
        fail("tifed_features_check", who);
    if (tifed_features_inputs(&t->extractor) != t->inputs ||
        tifed_features_outputs(&t->extractor) != t->features)
        fail("another number of inputs or features", who);
    if (tifed_features_memory(&t->extractor) != t->memory)
        fail("asks for other memory than Python says", who);
    for (uint32_t n = 0; n < t->count; n++) {
        void *memory = exactly(t->memory);
        int8_t *sample = exactly(t->inputs), *features = exactly(t->features);
        memcpy(sample, t->samples + (size_t)n * t->inputs, t->inputs);
        memset(memory, 0x55, t->memory);
        if (t->memory) /* not one word more than is needed: the last one is used */
            memcpy((int8_t *)memory + t->memory - 4u, "\x7e\x81\x7e\x81", 4u);
        if (t->memory && tifed_features_extract(&t->extractor, sample, features, memory,
                                                t->memory - 1u) != TIFED_ERROR_MEMORY)
            fail("accepted too little memory", who);
        if (tifed_features_extract(&t->extractor, sample, features, t->memory ? memory : NULL,
                                   t->memory) != TIFED_OK)
            fail("tifed_features_extract", who);
        if (t->memory && memcmp((int8_t *)memory + t->memory - 4u, "\x7e\x81\x7e\x81", 4u) == 0)
            fail("asks for more memory than it uses", who);
        if (memcmp(features, t->wanted + (size_t)n * t->features, t->features))
            fail("other features", who);
        free(memory);
        free(sample);
        free(features);
    }
}

/* Each way of breaking an extractor is refused. */
static void refuse(const test_case *t)
{
    tifed_feature_layer layers[TIFED_EXTRACTOR_DEPTH];
    for (unsigned way = 0; way < 10; way++) {
        tifed_extractor e = t->extractor;
        tifed_feature_layer *layer = &layers[way % t->extractor.depth];
        memcpy(layers, t->layers, sizeof layers);
        e.layers = layers;
        uint32_t *quads = (uint32_t *)(uintptr_t)layer->quads, first[5];
        int wanted = way < 8u ? TIFED_ERROR_NETWORK : TIFED_ERROR_RANGE;
        if (way >= 6u && !layer->quads)
            continue;
        if (quads)
            memcpy(first, quads, sizeof first);
        switch (way) {
        case 0: layer->kernel_height = 0; break;
        case 1: layer->stride = 0; break;
        case 2: layer->kernel_height = layer->kernel_width = 4096; break;
        case 3: layer->stride = 4097; break;
        case 4: e.depth = 0; break;
        case 5: e.depth = TIFED_EXTRACTOR_DEPTH + 1u; break;
        case 6: layer->units = 0; break;
        case 7: layer->padding = layer->kernel_width; break;
        case 8: quads[4] = 25u; break;
        default: quads[0] = UINT32_C(0x80000000); break;
        }
        if (tifed_features_check(&e) != wanted)
            fail("took a broken extractor", "tifed_features_check");
        if (wanted == TIFED_ERROR_NETWORK && tifed_features_memory(&e) != 0u)
            fail("has a size for a broken extractor", "tifed_features_memory");
        if (quads)
            memcpy(quads, first, sizeof first);
    }
}

/* A size that a size_t of 16 bits cannot hold is refused there, not cut off. */
static void measure_large(void)
{
    static const tifed_feature_layer pools[] = {{NULL, 1, 2, 2, 1, 0, false},
                                                {NULL, 1, 2, 2, 1, 0, false}};
    tifed_extractor e = {pools, 2, 300, 300, 1, 0};
    uint32_t needed = (UINT32_C(299) * 299u + 3u) / 4u * 4u;
    int8_t value = 0;
    if (tifed_features_memory(&e) != ((size_t)needed == needed ? (size_t)needed : SIZE_MAX))
        fail("another size", "a large plane");
    if (tifed_features_extract(&e, &value, &value, &value, 65535u) != TIFED_ERROR_MEMORY)
        fail("accepted too little memory", "a large plane");
}

void check_case(void)
{
    static test_case t;
    measure_large();
    read_case(&t);
    run_device(&t);
    refuse(&t);
    run_others(&t);
    drop_case(&t);
}
