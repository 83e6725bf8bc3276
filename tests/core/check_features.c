/* Runs the device's feature extraction and every host kernel over vectors that the oracle wrote. Exit
 * code 0 and a count, or a message and 1.
 *
 *     check_features FILE       the file's format is in tests/vectors/write_features.py
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/extraction.h"

typedef struct test_case {
    tifed_feature_layer layers[TIFED_EXTRACTOR_DEPTH];
    tifed_extractor extractor;
    size_t memory;
    uint32_t inputs, features, count;
    int8_t *samples, *wanted;
} test_case;

static void fail(const char *what, const char *who)
{
    printf("FAILED: %s: %s\n", who, what);
    exit(1);
}

static void *room_for(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1u);
    if (!memory)
        fail("no memory", "check");
    return memory;
}

static long number(FILE *file)
{
    long value;
    if (fscanf(file, "%ld", &value) != 1)
        fail("ends too early", "vectors");
    return value;
}

static int8_t *bytes(FILE *file, uint32_t count)
{
    int8_t *values = room_for(count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int8_t)number(file);
    return values;
}

static void read_layer(FILE *file, tifed_feature_layer *layer)
{
    layer->units = (uint16_t)number(file);
    layer->kernel_height = (uint16_t)number(file);
    layer->kernel_width = (uint16_t)number(file);
    layer->stride = (uint16_t)number(file);
    layer->padding = (uint16_t)number(file);
    layer->relu = number(file) != 0;
    uint32_t words = (uint32_t)number(file);
    uint32_t *panels = words ? room_for(words * 4u) : NULL;
    for (uint32_t i = 0; i < words; i++)
        panels[i] = (uint32_t)number(file);
    layer->panels = panels;
}

static void read_case(FILE *file, test_case *t)
{
    memset(t, 0, sizeof *t);
    t->extractor.layers = t->layers;
    t->extractor.height = (uint16_t)number(file);
    t->extractor.width = (uint16_t)number(file);
    t->extractor.channels = (uint16_t)number(file);
    t->extractor.input_zero = (int8_t)number(file);
    t->extractor.depth = (uint8_t)number(file);
    for (uint32_t l = 0; l < t->extractor.depth; l++)
        read_layer(file, &t->layers[l]);
    t->memory = (size_t)number(file);
    t->features = (uint32_t)number(file);
    t->count = (uint32_t)number(file);
    t->inputs = (uint32_t)t->extractor.height * t->extractor.width * t->extractor.channels;
    t->samples = bytes(file, t->inputs * t->count);
    t->wanted = bytes(file, t->features * t->count);
}

static void drop_case(test_case *t)
{
    for (uint32_t l = 0; l < t->extractor.depth; l++)
        free((void *)(uintptr_t)t->layers[l].panels);
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
        void *memory = room_for(t->memory);
        int8_t *sample = room_for(t->inputs), *features = room_for(t->features);
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

/* A layer whose first bias, or first shift, is out of range. */
static const uint32_t *broken(const uint32_t *panels, bool shift)
{
    static uint32_t copy[1u << 16];
    memcpy(copy, panels, TIFED_PANEL_WORDS(1u) * 4u);
    copy[shift ? 4 : 0] = shift ? 25u : 0x80000000u;
    return copy;
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
        int wanted = way < 8u ? TIFED_ERROR_NETWORK : TIFED_ERROR_RANGE;
        if (way >= 6u && !layer->panels)
            continue;
        switch (way) {
        case 0: layer->kernel_height = 0; break;
        case 1: layer->stride = 0; break;
        case 2: layer->kernel_height = layer->kernel_width = 4096; break;
        case 3: layer->stride = 4097; break;
        case 4: e.depth = 0; break;
        case 5: e.depth = TIFED_EXTRACTOR_DEPTH + 1u; break;
        case 6: layer->units = 0; break;
        case 7: layer->padding = layer->kernel_width; break;
        default: layer->panels = broken(layer->panels, way == 8u); break;
        }
        if (tifed_features_check(&e) != wanted)
            fail("took a broken extractor", "tifed_features_check");
        if (wanted == TIFED_ERROR_NETWORK && tifed_features_memory(&e) != 0u)
            fail("has a size for a broken extractor", "tifed_features_memory");
    }
}

static void *aligned(void *memory)
{
    uintptr_t place = (uintptr_t)memory;
    return (uint8_t *)memory + (EXTRACTION_ALIGN - place % EXTRACTION_ALIGN) % EXTRACTION_ALIGN;
}

static void run_host(const test_case *t, const extraction_kernel *kernel)
{
    extraction_network network;
    void *constants = room_for(extraction_bytes(&t->extractor) + EXTRACTION_ALIGN);
    extraction_init(&network, &t->extractor, aligned(constants));
    void *room = room_for(extraction_room_bytes(&network) + EXTRACTION_ALIGN);
    int8_t *features = room_for(t->features);
    for (uint32_t n = 0; n < t->count; n++) {
        extraction_run(&network, kernel, t->samples + (size_t)n * t->inputs, features, aligned(room));
        if (memcmp(features, t->wanted + (size_t)n * t->features, t->features))
            fail("other features", kernel->name);
    }
    free(constants);
    free(room);
    free(features);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file)
        fail("usage: check_features FILE", "check");
    long cases = number(file);
    for (long i = 0; i < cases; i++) {
        test_case t;
        read_case(file, &t);
        run_device(&t);
        refuse(&t);
        for (unsigned k = 0; k < extraction_kernel_count; k++)
            if (extraction_kernels[k]->supported())
                run_host(&t, extraction_kernels[k]);
        drop_case(&t);
    }
    fclose(file);
    printf("%ld cases agree: device", cases);
    for (unsigned k = 0; k < extraction_kernel_count; k++)
        if (extraction_kernels[k]->supported())
            printf(" %s", extraction_kernels[k]->name);
    printf("\n");
    return 0;
}
