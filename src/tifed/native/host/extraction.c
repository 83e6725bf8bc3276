/* The walk through an extractor's layers, plane by plane. */
#include "extraction.h"
#include "../../core/tifed_arena.h"

#include <string.h>

extern const extraction_kernel extraction_portable, extraction_avx2;

const extraction_kernel *const extraction_kernels[] = {
    &extraction_portable,
#if defined(__x86_64__) && !defined(TIFED_PORTABLE_ONLY)
    &extraction_avx2,
#endif
};
const unsigned extraction_kernel_count = sizeof extraction_kernels / sizeof *extraction_kernels;

static void *take(tifed_arena *arena, uint32_t rows, uint32_t row_bytes)
{
    return tifed_arena_take(arena, rows, row_bytes, EXTRACTION_ALIGN);
}

static void find_shapes(extraction_network *network, const tifed_extractor *extractor)
{
    tifed_plane plane = {extractor->height, extractor->width, extractor->channels};
    int8_t zero = extractor->input_zero;
    memset(network, 0, sizeof *network);
    network->depth = extractor->depth;
    network->largest = tifed_plane_values(plane);
    for (uint32_t l = 0; l < extractor->depth; l++) {
        extraction_layer *layer = &network->layers[l];
        layer->rule = &extractor->layers[l];
        layer->in = plane;
        tifed_plane_after(layer->rule, plane, &plane);
        layer->out = plane;
        layer->zero = zero;
        if (tifed_plane_values(plane) > network->largest)
            network->largest = tifed_plane_values(plane);
        if (!layer->rule->quads)
            continue;
        zero = 0;
        layer->fan_in =
            (uint32_t)layer->rule->kernel_height * layer->rule->kernel_width * layer->in.channels;
        layer->width = (layer->fan_in + EXTRACTION_WIDE - 1u) / EXTRACTION_WIDE * EXTRACTION_WIDE;
        layer->quads = (layer->rule->units + 3u) / 4u;
        if (plane.width * layer->width > network->windows)
            network->windows = plane.width * layer->width;
        if (plane.width * layer->quads * 4u > network->sums)
            network->sums = plane.width * layer->quads * 4u;
    }
}

/* A layer's constants; where they lie, if `arena` has memory. */
static void lay_out_constants(extraction_layer *layer, tifed_arena *arena)
{
    uint32_t units = layer->quads * 4u;
    layer->weights = take(arena, units, layer->width * (uint32_t)sizeof(int16_t));
    layer->shift = take(arena, units, sizeof(int32_t));
    layer->bias = take(arena, units, sizeof(int32_t));
}

size_t extraction_bytes(const tifed_extractor *extractor)
{
    extraction_network network;
    tifed_arena arena = {NULL, 0, false};
    find_shapes(&network, extractor);
    for (uint32_t l = 0; l < network.depth; l++)
        lay_out_constants(&network.layers[l], &arena);
    return arena.used;
}

/* The device's quads of units, taken apart: a unit's weights in one run, widened to int16. */
static void unpack_constants(extraction_layer *layer)
{
    uint32_t groups = (layer->fan_in + 3u) / 4u;
    for (uint32_t u = 0; u < layer->quads * 4u; u++) {
        const uint32_t *quad = layer->rule->quads + u / 4u * TIFED_QUAD_WORDS(groups);
        const int8_t *packed = (const int8_t *)(quad + 5) + u % 4u * 4u;
        int16_t *weights = layer->weights + u * layer->width;
        for (uint32_t i = 0; i < layer->width; i++)
            weights[i] = i < layer->fan_in ? packed[(int32_t)(i / 4u * 16u) + TIFED_LOWEST_BYTE +
                                                    TIFED_NEXT_BYTE * (int32_t)(i % 4u)]
                                           : 0;
        layer->bias[u] = (int32_t)quad[u % 4u];
        layer->shift[u] = (int32_t)(quad[4] >> u % 4u * 8u & 0xFFu);
    }
}

void extraction_init(extraction_network *network, const tifed_extractor *extractor, void *memory)
{
    tifed_arena arena = {memory, 0, false};
    find_shapes(network, extractor);
    for (uint32_t l = 0; l < network->depth; l++) {
        lay_out_constants(&network->layers[l], &arena);
        unpack_constants(&network->layers[l]);
    }
}

/* What one extraction needs beside sample and features. */
typedef struct workspace {
    int8_t *planes[2]; /* what a layer takes and what it gives, in turn */
    int16_t *windows;  /* of one row of outputs */
    int32_t *sums;
} workspace;

static size_t lay_out_workspace(const extraction_network *network, workspace *parts, void *memory)
{
    tifed_arena arena = {memory, 0, false};
    parts->planes[0] = take(&arena, network->largest, sizeof(int8_t));
    parts->planes[1] = take(&arena, network->largest, sizeof(int8_t));
    parts->windows = take(&arena, network->windows, sizeof(int16_t));
    parts->sums = take(&arena, network->sums, sizeof(int32_t));
    return arena.used;
}

size_t extraction_workspace_bytes(const extraction_network *network)
{
    workspace parts;
    return lay_out_workspace(network, &parts, NULL);
}

/* One row of a layer's windows (width, layer->width), their padding untouched. */
static void gather(const extraction_layer *layer, const int8_t *in, uint32_t row, int16_t *windows)
{
    const tifed_feature_layer *rule = layer->rule;
    int32_t channels = (int32_t)layer->in.channels, width = (int32_t)layer->in.width;
    for (uint32_t column = 0; column < layer->out.width; column++, windows += layer->width) {
        int16_t *to = windows;
        int32_t y = (int32_t)(row * rule->stride) - rule->padding;
        int32_t x = (int32_t)(column * rule->stride) - rule->padding;
        for (int32_t i = 0; i < rule->kernel_height; i++, y++) {
            int32_t first = x < 0 ? -x : 0, last = rule->kernel_width, j = 0;
            last = x + last > width ? width - x : last;
            if (y < 0 || y >= (int32_t)layer->in.height || last < first)
                first = last = rule->kernel_width;
            for (; j < first * channels; j++)
                *to++ = layer->zero;
            for (; j < last * channels; j++)
                *to++ = in[(y * width + x) * channels + j];
            for (; j < rule->kernel_width * channels; j++)
                *to++ = layer->zero;
        }
    }
}

static void pool(const extraction_layer *layer, const int8_t *in, int8_t *out)
{
    uint32_t size = layer->rule->kernel_height, stride = layer->rule->stride;
    uint32_t channels = layer->in.channels;
    for (uint32_t y = 0; y < layer->out.height; y++) {
        for (uint32_t x = 0; x < layer->out.width; x++, out += channels) {
            memset(out, -128, channels);
            for (uint32_t i = 0; i < size * size; i++) {
                uint32_t row = y * stride + i / size, column = x * stride + i % size;
                const int8_t *from = in + (row * layer->in.width + column) * channels;
                for (uint32_t c = 0; c < channels; c++)
                    out[c] = from[c] > out[c] ? from[c] : out[c];
            }
        }
    }
}

void extraction_run(const extraction_network *network, const extraction_kernel *kernel,
                    const int8_t *sample, int8_t *features, void *memory)
{
    workspace parts;
    lay_out_workspace(network, &parts, memory);
    const int8_t *in = sample;
    for (uint32_t l = 0; l < network->depth; l++) {
        const extraction_layer *layer = &network->layers[l];
        int8_t *out = l + 1u < network->depth ? parts.planes[l % 2u] : features;
        if (layer->rule->quads) {
            memset(parts.windows, 0, (size_t)layer->out.width * layer->width * 2u);
            for (uint32_t y = 0; y < layer->out.height; y++) {
                gather(layer, in, y, parts.windows);
                kernel->units(layer, parts.windows, layer->out.width, parts.sums,
                              out + (size_t)y * layer->out.width * layer->out.channels);
            }
        } else {
            pool(layer, in, out);
        }
        in = out;
    }
}
