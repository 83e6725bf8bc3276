/* Runs the core and every host kernel over vectors that the oracle wrote, and over random cases, in
 * which all must agree with one another. Exit code 0 and a count, or a message and 1.
 *
 *     check vectors FILE        the file's format is in tests/vectors/write_core.py
 *     check random COUNT SEED
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/panel.h"
#include "tifed.h"

typedef struct model {
    int16_t *weights[TIFED_MAX_DEPTH], *biases[TIFED_MAX_DEPTH];
} model;

typedef struct test_case {
    tifed_layer layers[TIFED_MAX_DEPTH];
    tifed_network network;
    uint32_t count, batch, trained, seed_low, seed_high;
    tifed_work work;
    int8_t *centre, *samples;
    int32_t *labels, *classes;
    int16_t *feedback[TIFED_MAX_DEPTH];
    model before, after;
    uint64_t statistics[4];
} test_case;

static void fail(const char *what, const char *who)
{
    printf("FAILED: %s: %s\n", who, what);
    exit(1);
}

static void *room_for(size_t count, size_t size)
{
    size_t bytes = (count * size + 128u) / 64u * 64u;
    uint8_t *memory = malloc(bytes + 64u + sizeof(void *));
    if (!memory)
        fail("no memory", "check");
    uint8_t *aligned = memory + sizeof(void *);
    aligned += (64u - (uintptr_t)aligned % 64u) % 64u;
    memcpy(aligned - sizeof(void *), &memory, sizeof(void *));
    memset(aligned, 0, bytes);
    return aligned;
}

static void give_back(void *aligned)
{
    void *memory;
    if (!aligned)
        return;
    memcpy(&memory, (uint8_t *)aligned - sizeof(void *), sizeof(void *));
    free(memory);
}

static uint32_t weights_of(const tifed_layer *layer)
{
    return layer->fan_in * layer->fan_out;
}

static void make_model(const test_case *t, model *m)
{
    for (uint32_t l = 0; l < t->network.depth; l++) {
        m->weights[l] = room_for(weights_of(&t->layers[l]), 2);
        m->biases[l] = room_for(t->layers[l].fan_out, 2);
    }
}

static void make_arrays(test_case *t)
{
    uint32_t features = t->layers[0].fan_in;
    uint32_t classes = t->layers[t->network.depth - 1].fan_out;
    t->network.layers = t->layers;
    t->centre = room_for(features, 1);
    t->samples = room_for((size_t)t->count * features, 1);
    t->labels = room_for(t->count, 4);
    t->classes = room_for(t->count, 4);
    make_model(t, &t->before);
    make_model(t, &t->after);
    for (uint32_t l = 0; l + 1 < t->network.depth; l++)
        t->feedback[l] = room_for((size_t)classes * t->layers[l].fan_out, 2);
}

static void drop_arrays(test_case *t)
{
    give_back(t->centre);
    give_back(t->samples);
    give_back(t->labels);
    give_back(t->classes);
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

enum { IN_RAM_FROM_SEED, IN_FLASH_STORED };

/* The device's core; `after`, `classes` and statistics are compared or, with `record`, set. */
static void run_core(test_case *t, int how, bool record)
{
    const char *who = how == IN_FLASH_STORED ? "core, frozen in flash" : "core, from the seed";
    uint32_t depth = t->network.depth, features = t->layers[0].fan_in;
    tifed_frozen frozen[TIFED_MAX_DEPTH];
    int8_t *narrow[TIFED_MAX_DEPTH] = {NULL};
    const int16_t *feedback[TIFED_MAX_DEPTH] = {NULL};
    memset(frozen, 0, sizeof frozen);
    tifed_config config = {&t->network, t->trained, t->count, t->batch, NULL, NULL,
                           t->seed_low, t->seed_high};
    for (uint32_t l = 0; l < depth && how == IN_FLASH_STORED; l++) {
        uint32_t count = weights_of(&t->layers[l]);
        if (l + 1 < depth)
            feedback[l] = t->feedback[l];
        if (t->trained >> l & 1u)
            continue;
        narrow[l] = room_for(count, 1);
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
    size_t promised = 0;
    for (uint32_t l = 0; l < depth; l++) {
        const tifed_layer *layer = &t->layers[l];
        widest = layer->fan_out > widest ? layer->fan_out : widest;
        promised += TIFED_BYTES_LAYER(l, layer->fan_in, layer->fan_out, layer->weight_bits / 8u,
                                      t->batch, t->trained >> l & 1u, !frozen[l].weights);
    }
    promised += TIFED_BYTES_SHARED(features, widest, t->count, t->batch, t->network.centred,
                                   t->network.centred || t->network.input_shift, t->trained != 0);
    size_t bytes = tifed_memory_size(&config);
    if (bytes == 0 || bytes != promised)
        fail("sizes at compile time and at run time differ", who);
    /* Exactly as many bytes as asked for, at the end of an allocation: a sanitizer sees the rest. */
    uint8_t *memory = malloc(bytes);
    tifed core;
    if (tifed_init(&core, &config, memory, bytes - 1) != TIFED_ERROR_MEMORY)
        fail("accepted too little memory", who);
    if (!memory || tifed_init(&core, &config, memory, bytes) != TIFED_OK)
        fail("tifed_init", who);
    if (t->network.centred && tifed_put_centre(&core, 0, features, t->centre) != TIFED_OK)
        fail("tifed_put_centre", who);
    for (uint32_t l = 0; l < depth; l++) {
        uint32_t all = weights_of(&t->layers[l]) + t->layers[l].fan_out;
        uint8_t *wire = malloc((size_t)all * 2);
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
        if (record)
            t->classes[s] = class;
        else if (class != t->classes[s])
            fail("another class", who);
        if (tifed_add_sample(&core, t->samples + (size_t)s * features, (uint32_t)t->labels[s]))
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
        uint8_t *got = malloc((size_t)all * 2), *wanted = malloc((size_t)all * 2);
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

static void run_panels(const test_case *t, const panel_kernel *kernel)
{
    panel_network network;
    if (panel_network_init(&network, &t->network) != TIFED_OK)
        fail("panel_network_init", kernel->name);
    uint32_t all = t->network.depth < 32 ? (1u << t->network.depth) - 1u : UINT32_MAX;
    uint32_t features = t->layers[0].fan_in, stride = network.layers[0].pairs;
    panel_model panels, feedback;
    panel_room room, looking;
    memset(&panels, 0, sizeof panels);
    memset(&feedback, 0, sizeof feedback);
    void *memory[4] = {room_for(panel_model_bytes(&network, all), 1),
                       room_for(panel_feedback_bytes(&network) + 1, 1),
                       room_for(panel_room_bytes(&network, t->batch, t->count), 1),
                       room_for(panel_room_bytes(&network, t->count, 0), 1)};
    panel_model_init(&network, &panels, all, memory[0]);
    panel_feedback_init(&network, &feedback, memory[1]);
    panel_room_init(&network, &room, t->batch, t->count, memory[2]);
    panel_room_init(&network, &looking, t->count, 0, memory[3]);
    uint32_t *rows = room_for((size_t)t->count * stride, 4);
    for (uint32_t s = 0; s < t->count; s++)
        kernel->load(&network, rows + (size_t)s * stride, t->samples + (size_t)s * features,
                     t->centre);
    for (uint32_t l = 0; l < t->network.depth; l++) {
        kernel->pack(&network.layers[l], panels.weights[l], t->before.weights[l]);
        memcpy(panels.biases[l], t->before.biases[l], t->layers[l].fan_out * sizeof(int16_t));
        if (l + 1 < t->network.depth) {
            panel_layer matrix = network.layers[l];
            matrix.fan_in = network.classes;
            matrix.pairs = (network.classes + 1) / 2;
            kernel->pack(&matrix, feedback.weights[l], t->feedback[l]);
        }
    }
    int32_t *classes = room_for(t->count, 4);
    kernel->classify(&network, &panels, &looking, rows, t->count, classes);
    if (memcmp(classes, t->classes, t->count * sizeof(int32_t)))
        fail("another class", kernel->name);
    panel_work work = {rows, t->labels, t->count, t->batch, t->work.first_step, t->work.steps,
                       t->trained, t->work.extra_shift, t->seed_low, t->seed_high,
                       t->work.device, t->work.exchange};
    panel_statistics statistics = {0, 0, 0, 0};
    if (!panel_work_fits(&network, &work))
        fail("panel_work_fits", kernel->name);
    kernel->train(&network, &panels, &feedback, &room, &work, &statistics);
    uint64_t counted[4] = {statistics.visits, statistics.missed, statistics.clipped_parameters,
                           statistics.clipped_deltas};
    if (memcmp(t->statistics, counted, sizeof counted))
        fail("other statistics", kernel->name);
    for (uint32_t l = 0; l < t->network.depth; l++) {
        const tifed_layer *layer = &t->layers[l];
        int64_t *sums = room_for(weights_of(layer), 8);
        int32_t *parts = room_for(panel_weights(&network.layers[l]), 4);
        kernel->accumulate(parts, panels.weights[l], panel_weights(&network.layers[l]), 3);
        kernel->unpack(&network.layers[l], sums, parts);
        for (uint32_t i = 0; i < weights_of(layer); i++)
            if (sums[i] != 3 * (int64_t)t->after.weights[l][i])
                fail("other weights", kernel->name);
        if (memcmp(panels.biases[l], t->after.biases[l], layer->fan_out * sizeof(int16_t)))
            fail("other biases", kernel->name);
        give_back(sums);
        give_back(parts);
    }
    for (unsigned i = 0; i < 4; i++)
        give_back(memory[i]);
    give_back(rows);
    give_back(classes);
}

static void run_all(test_case *t, bool record)
{
    run_core(t, IN_RAM_FROM_SEED, record);
    run_core(t, IN_FLASH_STORED, false);
    for (unsigned k = 0; k < panel_kernel_count; k++)
        if (panel_kernels[k]->supported())
            run_panels(t, panel_kernels[k]);
}

/* ---- vectors ------------------------------------------------------------------------------------ */

static int64_t number(FILE *file)
{
    int64_t value;
    if (fscanf(file, "%" SCNd64, &value) != 1)
        fail("ends early", "vectors");
    return value;
}

static void read_model(FILE *file, const test_case *t, model *m)
{
    for (uint32_t l = 0; l < t->network.depth; l++) {
        for (uint32_t i = 0; i < weights_of(&t->layers[l]); i++)
            m->weights[l][i] = (int16_t)number(file);
        for (uint32_t i = 0; i < t->layers[l].fan_out; i++)
            m->biases[l][i] = (int16_t)number(file);
    }
}

static void read_case(FILE *file, test_case *t)
{
    memset(t, 0, sizeof *t);
    t->network.depth = (uint8_t)number(file);
    t->network.error = (uint8_t)number(file);
    t->network.error_level = (uint8_t)number(file);
    t->network.feedback = (uint8_t)number(file);
    t->network.input_shift = (uint8_t)number(file);
    t->network.centred = number(file) != 0;
    for (uint32_t l = 0; l < t->network.depth; l++) {
        tifed_layer *layer = &t->layers[l];
        layer->fan_in = (uint32_t)number(file);
        layer->fan_out = (uint32_t)number(file);
        layer->rescale_factor = (uint32_t)number(file);
        layer->rescale_shift = (uint8_t)number(file);
        layer->rescale_rounding = (uint8_t)number(file);
        layer->update_shift = (uint8_t)number(file);
        layer->update_rounding = (uint8_t)number(file);
        layer->bias_shift = (uint8_t)number(file);
        layer->activation = (uint8_t)number(file);
        layer->input_limit = (uint8_t)number(file);
        layer->weight_bits = (uint8_t)number(file);
    }
    t->seed_low = (uint32_t)number(file);
    t->seed_high = (uint32_t)number(file);
    t->count = (uint32_t)number(file);
    t->batch = (uint32_t)number(file);
    t->trained = (uint32_t)number(file);
    t->work.first_step = (uint32_t)number(file);
    t->work.steps = (uint32_t)number(file);
    t->work.extra_shift = (uint32_t)number(file);
    t->work.device = (uint32_t)number(file);
    t->work.exchange = (uint32_t)number(file);
    make_arrays(t);
    uint32_t features = t->layers[0].fan_in;
    uint32_t classes = t->layers[t->network.depth - 1].fan_out;
    for (uint32_t i = 0; i < features; i++)
        t->centre[i] = (int8_t)number(file);
    for (uint32_t i = 0; i < t->count * features; i++)
        t->samples[i] = (int8_t)number(file);
    for (uint32_t i = 0; i < t->count; i++)
        t->labels[i] = (int32_t)number(file);
    for (uint32_t l = 0; l + 1 < t->network.depth; l++)
        for (uint32_t i = 0; i < classes * t->layers[l].fan_out; i++)
            t->feedback[l][i] = (int16_t)number(file);
    read_model(file, t, &t->before);
    read_model(file, t, &t->after);
    for (uint32_t i = 0; i < 4; i++)
        t->statistics[i] = (uint64_t)number(file);
    for (uint32_t i = 0; i < t->count; i++)
        t->classes[i] = (int32_t)number(file);
}

/* ---- random cases ------------------------------------------------------------------------------- */

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static int32_t extreme(int32_t bound)
{
    switch (draw(4)) {
    case 0:
        return bound;
    case 1:
        return -bound;
    default:
        return (int32_t)draw(2u * (uint32_t)bound + 1u) - bound;
    }
}

static bool make_case(test_case *t)
{
    memset(t, 0, sizeof *t);
    uint32_t depth = 1 + draw(4);
    t->network.depth = (uint8_t)depth;
    t->network.error = (uint8_t)draw(2);
    t->network.error_level = (uint8_t)(1 + draw(127));
    t->network.feedback = (uint8_t)draw(3);
    t->network.input_shift = (uint8_t)draw(2);
    t->network.centred = t->network.input_shift && draw(2);
    uint32_t width = 1 + draw(40);
    for (uint32_t l = 0; l < depth; l++) {
        tifed_layer *layer = &t->layers[l];
        bool last = l + 1 == depth;
        layer->fan_in = width;
        layer->fan_out = width = last ? 2 + draw(20) : 1 + draw(40);
        layer->rescale_factor = draw(2) ? 1 : 1 + draw(1000);
        layer->rescale_shift = (uint8_t)draw(14);
        layer->rescale_rounding = (uint8_t)draw(2);
        layer->update_shift = (uint8_t)draw(14);
        layer->update_rounding = (uint8_t)draw(3);
        layer->bias_shift = (uint8_t)draw(9);
        layer->activation = (uint8_t)draw(4);
        if (!last && layer->activation == TIFED_IDENTITY)
            layer->activation = TIFED_ABSOLUTE;
        uint8_t below = l ? t->layers[l - 1].activation : TIFED_POCKET_TANH;
        layer->input_limit = below == TIFED_RELU || below == TIFED_ABSOLUTE ? 127 : 128;
        layer->weight_bits = draw(3) ? 16 : 8;
    }
    t->network.layers = t->layers;
    t->count = 1 + draw(40);
    t->batch = 1 + draw(45);
    t->trained = 1 + draw((1u << depth) - 1u);
    t->seed_low = draw(1u << 31);
    t->seed_high = draw(1u << 31);
    t->work.first_step = draw(4);
    t->work.steps = draw(6);
    t->work.extra_shift = draw(2);
    t->work.device = draw(1000);
    t->work.exchange = draw(1000);
    if (t->batch > tifed_largest_batch(&t->network))
        return false;
    make_arrays(t);
    for (uint32_t i = 0; i < t->layers[0].fan_in; i++)
        t->centre[i] = t->network.centred ? (int8_t)extreme(127) : (int8_t)0;
    for (uint32_t i = 0; i < t->count * t->layers[0].fan_in; i++)
        t->samples[i] = (int8_t)(draw(9) ? extreme(127) : -128);
    uint32_t classes = t->layers[depth - 1].fan_out;
    for (uint32_t i = 0; i < t->count; i++)
        t->labels[i] = (int32_t)draw(classes);
    for (uint32_t l = 0; l < depth; l++) {
        int32_t bound = tifed_weight_bound(&t->layers[l]);
        if (draw(3) == 0)
            bound = 1 + bound / 100;
        for (uint32_t i = 0; i < weights_of(&t->layers[l]); i++)
            t->before.weights[l][i] = (int16_t)extreme(bound);
        for (uint32_t i = 0; i < t->layers[l].fan_out; i++)
            t->before.biases[l][i] = (int16_t)extreme(32767);
    }
    for (uint32_t l = 0; l + 1 < depth; l++)
        tifed_feedback_matrix(&t->network, l, t->seed_low, t->seed_high, t->feedback[l]);
    return true;
}

int main(int argc, char **argv)
{
    unsigned done = 0;
    test_case t;
    if (argc == 3 && strcmp(argv[1], "vectors") == 0) {
        FILE *file = fopen(argv[2], "r");
        if (!file)
            fail("cannot be opened", argv[2]);
        for (int64_t cases = number(file); cases; cases--, done++) {
            read_case(file, &t);
            run_all(&t, false);
            drop_arrays(&t);
        }
        fclose(file);
    } else if (argc == 4 && strcmp(argv[1], "random") == 0) {
        state = (uint64_t)strtoull(argv[3], NULL, 10);
        for (unsigned long tries = strtoul(argv[2], NULL, 10); tries; tries--) {
            if (!make_case(&t))
                continue;
            run_all(&t, true);
            drop_arrays(&t);
            done++;
        }
    } else {
        fail("usage: check vectors FILE | check random COUNT SEED", "check");
    }
    printf("%u cases agree:", done);
    for (unsigned k = 0; k < panel_kernel_count; k++)
        if (panel_kernels[k]->supported())
            printf(" %s", panel_kernels[k]->name);
    printf("\n");
    return 0;
}
