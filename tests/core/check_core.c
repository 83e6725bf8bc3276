#include "check_core.h"

#include <stdlib.h>
#include <string.h>

#ifdef __AVR__
#define ALIGNED 2u
#else
#define ALIGNED 64u
#endif

void *zeroed_memory(size_t count, size_t size)
{
    size_t bytes = (count * size + 2u * ALIGNED) / ALIGNED * ALIGNED;
    uint8_t *memory = exactly(bytes + ALIGNED + sizeof(void *));
    uint8_t *aligned = memory + sizeof(void *);
    aligned += (ALIGNED - (uintptr_t)aligned % ALIGNED) % ALIGNED;
    memcpy(aligned - sizeof(void *), &memory, sizeof(void *));
    memset(aligned, 0, bytes);
    return aligned;
}

void give_back(void *aligned)
{
    void *memory;
    if (!aligned)
        return;
    memcpy(&memory, (uint8_t *)aligned - sizeof(void *), sizeof(void *));
    free(memory);
}

uint32_t weights_of(const tifed_layer *layer)
{
    return layer->fan_in * layer->fan_out;
}

static void make_model(const test_case *t, model *m)
{
    for (uint32_t l = 0; l < t->network.depth; l++) {
        m->weights[l] = zeroed_memory(weights_of(&t->layers[l]), 2);
        m->biases[l] = zeroed_memory(t->layers[l].fan_out, 2);
    }
}

void make_arrays(test_case *t)
{
    uint32_t features = t->layers[0].fan_in;
    uint32_t classes = t->layers[t->network.depth - 1].fan_out;
    t->network.layers = t->layers;
    t->centre = zeroed_memory(features, 1);
    t->samples = zeroed_memory((size_t)t->count * features, 1);
    t->labels = zeroed_memory(t->count, 4);
    t->classes = zeroed_memory(t->count, 4);
    t->margins = zeroed_memory(t->count, 4);
    make_model(t, &t->before);
    make_model(t, &t->after);
    for (uint32_t l = 0; l + 1 < t->network.depth; l++)
        t->feedback[l] = zeroed_memory((size_t)classes * t->layers[l].fan_out, 2);
}

void drop_arrays(test_case *t)
{
    give_back(t->centre);
    give_back(t->samples);
    give_back(t->labels);
    give_back(t->classes);
    give_back(t->margins);
    for (uint32_t l = 0; l < t->network.depth; l++) {
        give_back(t->before.weights[l]);
        give_back(t->before.biases[l]);
        give_back(t->after.weights[l]);
        give_back(t->after.biases[l]);
        if (l + 1 < t->network.depth)
            give_back(t->feedback[l]);
    }
}

/* Wire bytes of values [first, first + count) of a layer of `m`. */
static size_t to_wire(const tifed_layer *layer, const model *m, uint32_t l, uint8_t *wire)
{
    uint8_t *byte = wire;
    for (uint32_t i = 0; i < weights_of(layer) + layer->fan_out; i++) {
        bool bias = i >= weights_of(layer);
        uint16_t value = (uint16_t)(bias ? m->biases[l][i - weights_of(layer)] : m->weights[l][i]);
        *byte++ = (uint8_t)value;
        if (bias || layer->weight_bits == 16)
            *byte++ = (uint8_t)(value >> 8);
    }
    return (size_t)(byte - wire);
}

enum { IN_RAM_FROM_SEED, IN_FLASH_STORED, FROM_A_SOURCE };

/* A store of samples behind the core: the case's own. */
static void write_sample(void *context, const tifed *core, uint32_t place, int8_t *sample)
{
    const test_case *t = context;
    size_t features = core->config.network->layers[0].fan_in;
    if (place >= core->count)
        fail("asked for a place past the buffer", "core, from a source");
    memcpy(sample, t->samples + place * features, features);
}

/* The device's core; `after`, `classes` and statistics are compared or, with `record`, set. */
static void run_core(test_case *t, int how, bool record)
{
    const char *who = how == IN_FLASH_STORED ? "core, frozen in flash"
                      : how == FROM_A_SOURCE ? "core, from a source"
                                             : "core, from the seed";
    tifed_source source = {write_sample, t};
    uint32_t depth = t->network.depth, features = t->layers[0].fan_in;
    tifed_frozen frozen[TIFED_MAX_DEPTH];
    int8_t *narrow[TIFED_MAX_DEPTH] = {NULL};
    const int16_t *feedback[TIFED_MAX_DEPTH] = {NULL};
    memset(frozen, 0, sizeof frozen);
    tifed_config config = {
        &t->network, t->trained,   t->count,
        t->batch,    NULL,         NULL,
        t->seed_low, t->seed_high, how == FROM_A_SOURCE ? &source : NULL,
    };
    for (uint32_t l = 0; l < depth && how == IN_FLASH_STORED; l++) {
        uint32_t count = weights_of(&t->layers[l]);
        if (l + 1 < depth)
            feedback[l] = t->feedback[l];
        if (t->trained >> l & 1u)
            continue;
        narrow[l] = zeroed_memory(count, 1);
        for (uint32_t i = 0; i < count; i++)
            narrow[l][i] = (int8_t)t->before.weights[l][i];
        frozen[l].weights = t->layers[l].weight_bits == 8 ? (const void *)narrow[l]
                                                          : (const void *)t->before.weights[l];
        frozen[l].biases = t->before.biases[l];
    }
    if (how == IN_FLASH_STORED) {
        config.frozen = frozen;
        config.feedback = feedback;
    }
    /* The compile-time sizes promise the same as the run-time one. */
    uint32_t widest = 1;
    unsigned long promised = 0;
    for (uint32_t l = 0; l < depth; l++) {
        const tifed_layer *layer = &t->layers[l];
        widest = layer->fan_out > widest ? layer->fan_out : widest;
        promised += TIFED_BYTES_LAYER(l, layer->fan_in, layer->fan_out, layer->weight_bits / 8u,
                                      t->batch, t->trained >> l & 1u, !frozen[l].weights);
    }
    bool shifted = t->network.centred || t->network.input_shift;
    promised += how == FROM_A_SOURCE
                    ? TIFED_BYTES_SOURCED(features, widest, t->count, t->batch, t->network.centred,
                                          shifted, t->trained != 0)
                    : TIFED_BYTES_SHARED(features, widest, t->count, t->batch, t->network.centred,
                                         shifted, t->trained != 0);
    size_t bytes = tifed_memory_size(&config);
    if (bytes == 0 || bytes != promised)
        fail("sizes at compile time and at run time differ", who);
    /* Exactly as many bytes as asked for, at the end of an allocation: a sanitizer sees the rest. */
    uint8_t *memory = exactly(bytes);
    tifed core;
    if (tifed_init(&core, &config, memory, bytes - 1) != TIFED_ERROR_MEMORY)
        fail("accepted too little memory", who);
    if (tifed_init(&core, &config, memory, bytes) != TIFED_OK)
        fail("tifed_init", who);
    if (t->network.centred && tifed_put_centre(&core, 0, features, t->centre) != TIFED_OK)
        fail("tifed_put_centre", who);
    for (uint32_t l = 0; l < depth; l++) {
        uint32_t all = weights_of(&t->layers[l]) + t->layers[l].fan_out;
        uint8_t *wire = exactly((size_t)all * 2);
        to_wire(&t->layers[l], &t->before, l, wire);
        for (uint32_t first = 0; first < all; first += 7) {
            uint32_t piece = all - first < 7 ? all - first : 7;
            if (tifed_put_parameters(&core, l, first, piece,
                                     wire + tifed_wire_size(&core, l, 0, first)) != TIFED_OK)
                fail("tifed_put_parameters", who);
        }
        wire[0] = 0, wire[1] = 0; /* flash does not take another value than its own */
        bool same = t->before.weights[l][0] == 0;
        if (frozen[l].weights &&
            tifed_put_parameters(&core, l, 0, 1, wire) != (same ? TIFED_OK : TIFED_ERROR_LAYER))
            fail("flash took another value", who);
        free(wire);
    }
    for (uint32_t s = 0; s < t->count; s++) {
        int32_t class = tifed_classify(&core, t->samples + (size_t)s * features);
        uint32_t margin = tifed_output_margin(&core);
        if (record)
            t->classes[s] = class, t->margins[s] = margin;
        else if (class != t->classes[s] || margin != t->margins[s])
            fail("another class or margin", who);
        const int8_t *sample = how == FROM_A_SOURCE ? NULL : t->samples + (size_t)s * features;
        if (tifed_add_sample(&core, sample, (uint32_t)t->labels[s]))
            fail("tifed_add_sample", who);
    }
    if (tifed_add_sample(&core, t->samples, 0) != TIFED_ERROR_FULL)
        fail("a full buffer took a sample", who);
    if (tifed_train(&core, &t->work) != TIFED_OK)
        fail("tifed_train", who);
    const tifed_statistics *s = &core.statistics;
    uint64_t counted[4] = {s->visits, s->missed, s->clipped_parameters, s->clipped_deltas};
    if (record)
        memcpy(t->statistics, counted, sizeof counted);
    else if (memcmp(t->statistics, counted, sizeof counted))
        fail("other statistics", who);
    for (uint32_t l = 0; l < depth; l++) {
        uint32_t all = weights_of(&t->layers[l]) + t->layers[l].fan_out;
        uint8_t *got = exactly((size_t)all * 2), *wanted = exactly((size_t)all * 2);
        if (tifed_get_parameters(&core, l, 0, all, got) != TIFED_OK)
            fail("tifed_get_parameters", who);
        if (record) {
            const uint8_t *byte = got;
            for (uint32_t i = 0; i < all; i++) {
                bool bias = i >= weights_of(&t->layers[l]);
                int16_t value = (int8_t)*byte;
                if (bias || t->layers[l].weight_bits == 16)
                    value = (int16_t)(uint16_t)(byte[0] | (uint32_t)byte[1] << 8);
                byte += bias || t->layers[l].weight_bits == 16 ? 2 : 1;
                if (bias)
                    t->after.biases[l][i - weights_of(&t->layers[l])] = value;
                else
                    t->after.weights[l][i] = value;
            }
        } else if (memcmp(got, wanted, to_wire(&t->layers[l], &t->after, l, wanted))) {
            fail("other parameters", who);
        }
        free(got);
        free(wanted);
        give_back(narrow[l]);
    }
    free(memory);
}

/* A size that a size_t of 16 bits cannot hold is refused there, not cut off; at compile time it is
 * larger than any array. */
static void measure_large(void)
{
    static const tifed_layer layers[] = {
        {300, 300, 1, 10, TIFED_NEAREST, 6, TIFED_NEAREST, 6, TIFED_RELU, 128, 8},
        {300, 2, 1, 10, TIFED_NEAREST, 5, TIFED_NEAREST, 6, TIFED_IDENTITY, 127, 16},
    };
    static const tifed_network network = {layers, 2, TIFED_MARGIN, 48, TIFED_BALANCED, 0, false};
    tifed_config config = {&network, 2, 0, 2, NULL, NULL, 0, 0, NULL};
    tifed_frozen frozen[] = {{layers, (const int16_t *)(const void *)layers}, {NULL, NULL}};
    for (int in_ram = 1; in_ram >= 0; in_ram--) { /* 90000 weights, or 219 samples of 300 */
        uint32_t buffer = in_ram ? 1u : 219u;
        unsigned long promised = TIFED_BYTES_LAYER(0, 300u, 300u, 1u, 2u, 0, in_ram) +
                                 TIFED_BYTES_LAYER(1, 300u, 2u, 2u, 2u, 1, 1) +
                                 TIFED_BYTES_SHARED(300u, 300u, buffer, 2u, 0, 0, 1);
        config.frozen = in_ram ? NULL : frozen;
        config.buffer = buffer;
        if (promised < 65536ul || tifed_check(&config) != TIFED_OK)
            fail("is not as it was meant", "a large network");
        if (tifed_memory_size(&config) != (promised > SIZE_MAX ? 0u : (size_t)promised))
            fail("another size", "a large network");
    }
}

/* Beside the largest mini-batch there is room for half of a large divisor, and for no larger one. */
static void round_large(void)
{
    static const tifed_layer layer = {
        1, 2, 1, 0, TIFED_FLOOR, 24, TIFED_NEAREST, 8, TIFED_IDENTITY, 128, 16};
    static const tifed_network network = {&layer, 1, TIFED_SQUARED, 1, TIFED_UNIFORM, 0, false};
    uint32_t batch = (INT32_MAX - (UINT32_C(1) << 24)) / (UINT32_C(256) * 32767u);
    tifed_config config = {&network, 1, batch, batch, NULL, NULL, 0, 0, NULL};
    tifed_work work = {0, 1, 1, 0, 0, 0};
    size_t bytes = tifed_memory_size(&config);
    void *memory = exactly(bytes);
    int8_t sample = 1;
    tifed core;
    if (tifed_largest_batch(&network) != batch || tifed_init(&core, &config, memory, bytes))
        fail("another largest mini-batch", "a large shift");
    for (uint32_t n = 0; n < batch; n++)
        if (tifed_add_sample(&core, &sample, 0))
            fail("tifed_add_sample", "a large shift");
    if (tifed_begin(&core, &work) != TIFED_OK)
        fail("refused what there is room for", "a large shift");
    work.extra_shift = 2;
    if (tifed_begin(&core, &work) != TIFED_ERROR_RANGE)
        fail("took what there is no room for", "a large shift");
    work.extra_shift = 1;
    work.energy_shift = 1;
    if (tifed_begin(&core, &work) != TIFED_ERROR_RANGE)
        fail("took an energy shift that there is no room for", "a large shift");
    tifed_clear(&core); /* beside one sample alone there is room for the largest */
    if (tifed_add_sample(&core, &sample, 0))
        fail("tifed_add_sample", "a large shift");
    work.energy_shift = 5;
    if (tifed_begin(&core, &work) != TIFED_OK)
        fail("refused a shift of 30", "a large shift");
    work.energy_shift = 6;
    if (tifed_begin(&core, &work) != TIFED_ERROR_RANGE)
        fail("took a shift of 31", "a large shift");
    work.energy_shift = -26;
    if (tifed_begin(&core, &work) != TIFED_ERROR_RANGE)
        fail("took a shift below 0", "a large shift");
    work.energy_shift = -25;
    if (tifed_begin(&core, &work) != TIFED_OK)
        fail("refused a shift of 0", "a large shift");
    free(memory);
}

void run_core_every_way(test_case *t, bool record)
{
    run_core(t, IN_RAM_FROM_SEED, record);
    run_core(t, IN_FLASH_STORED, false);
    run_core(t, FROM_A_SOURCE, false);
}

static void read_model(const test_case *t, model *m)
{
    for (uint32_t l = 0; l < t->network.depth; l++) {
        for (uint32_t i = 0; i < weights_of(&t->layers[l]); i++)
            m->weights[l][i] = (int16_t)number();
        for (uint32_t i = 0; i < t->layers[l].fan_out; i++)
            m->biases[l][i] = (int16_t)number();
    }
}

static void read_case(test_case *t)
{
    memset(t, 0, sizeof *t);
    t->network.depth = (uint8_t)number();
    t->network.error = (uint8_t)number();
    t->network.error_level = (uint8_t)number();
    t->network.feedback = (uint8_t)number();
    t->network.input_shift = (uint8_t)number();
    t->network.centred = number() != 0;
    for (uint32_t l = 0; l < t->network.depth; l++) {
        tifed_layer *layer = &t->layers[l];
        layer->fan_in = (uint32_t)number();
        layer->fan_out = (uint32_t)number();
        layer->rescale_factor = (uint32_t)number();
        layer->rescale_shift = (uint8_t)number();
        layer->rescale_rounding = (uint8_t)number();
        layer->update_shift = (uint8_t)number();
        layer->update_rounding = (uint8_t)number();
        layer->bias_shift = (uint8_t)number();
        layer->activation = (uint8_t)number();
        layer->input_limit = (uint8_t)number();
        layer->weight_bits = (uint8_t)number();
    }
    t->seed_low = (uint32_t)number();
    t->seed_high = (uint32_t)number();
    t->count = (uint32_t)number();
    t->batch = (uint32_t)number();
    t->trained = (uint32_t)number();
    t->work.first_step = (uint32_t)number();
    t->work.steps = (uint32_t)number();
    t->work.extra_shift = (uint32_t)number();
    t->work.device = (uint32_t)number();
    t->work.exchange = (uint32_t)number();
    make_arrays(t);
    uint32_t features = t->layers[0].fan_in;
    uint32_t classes = t->layers[t->network.depth - 1].fan_out;
    for (uint32_t i = 0; i < features; i++)
        t->centre[i] = (int8_t)number();
    for (uint32_t i = 0; i < t->count * features; i++)
        t->samples[i] = (int8_t)number();
    for (uint32_t i = 0; i < t->count; i++)
        t->labels[i] = (int32_t)number();
    for (uint32_t l = 0; l + 1 < t->network.depth; l++)
        for (uint32_t i = 0; i < classes * t->layers[l].fan_out; i++)
            t->feedback[l][i] = (int16_t)number();
    read_model(t, &t->before);
    read_model(t, &t->after);
    for (uint32_t i = 0; i < 4; i++)
        t->statistics[i] = (uint64_t)number();
    for (uint32_t i = 0; i < t->count; i++)
        t->classes[i] = (int32_t)number();
    t->work.energy_shift = (int32_t)number();
    for (uint32_t i = 0; i < t->count; i++)
        t->margins[i] = (uint32_t)number();
}

void check_case(void)
{
    static test_case t;
    measure_large();
    round_large();
    read_case(&t);
    run_core_every_way(&t, false);
    run_others(&t);
    drop_arrays(&t);
}
