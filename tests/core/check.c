/* Runs the core and every host kernel over vectors that the oracle wrote, and over random cases, in
 * which all must agree with one another. Exit code 0 and a count, or a message and 1.
 *
 *     check vectors FILE        the file's format is in tests/vectors/write_core.py
 *     check random COUNT SEED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases_from_file.h"
#include "check_core.h"
#include "check_upload.h"
#include "host/panel.h"

static void run_panels(const test_case *t, const panel_kernel *kernel)
{
    const panel_origin whole = {0};
    panel_network network;
    if (panel_network_init(&network, &t->network) != TIFED_OK)
        fail("panel_network_init", kernel->name);
    uint32_t all = t->network.depth < 32 ? (1u << t->network.depth) - 1u : UINT32_MAX;
    uint32_t features = t->layers[0].fan_in, stride = network.layers[0].pairs;
    panel_model panels, feedback;
    panel_workspace workspace, classify_workspace;
    memset(&panels, 0, sizeof panels);
    memset(&feedback, 0, sizeof feedback);
    void *memory[4] = {zeroed_memory(panel_model_bytes(&network, all), 1),
                       zeroed_memory(panel_feedback_bytes(&network) + 1, 1),
                       zeroed_memory(panel_workspace_bytes(&network, t->batch, t->count), 1),
                       zeroed_memory(panel_workspace_bytes(&network, t->count, 0), 1)};
    panel_model_init(&network, &panels, all, memory[0]);
    panel_feedback_init(&network, &feedback, memory[1]);
    panel_workspace_init(&network, &workspace, t->batch, t->count, memory[2]);
    panel_workspace_init(&network, &classify_workspace, t->count, 0, memory[3]);
    uint32_t *rows = zeroed_memory((size_t)t->count * stride, 4);
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
    int32_t *classes = zeroed_memory(t->count, 4);
    kernel->classify(&network, &panels, &classify_workspace, rows, t->count, classes);
    if (memcmp(classes, t->classes, t->count * sizeof(int32_t)))
        fail("another class", kernel->name);
    panel_work work = {rows,
                       t->labels,
                       t->count,
                       t->batch,
                       t->work.first_step,
                       t->work.steps,
                       t->trained,
                       t->work.extra_shift,
                       t->seed_low,
                       t->seed_high,
                       t->work.device,
                       t->work.exchange,
                       t->work.energy_shift};
    panel_statistics statistics = {0, 0, 0, 0};
    if (!panel_work_fits(&network, &work))
        fail("panel_work_fits", kernel->name);
    kernel->train(&network, &panels, &feedback, &workspace, &work, &statistics);
    uint64_t counted[4] = {statistics.visits, statistics.missed, statistics.clipped_parameters,
                           statistics.clipped_deltas};
    if (memcmp(t->statistics, counted, sizeof counted))
        fail("other statistics", kernel->name);
    for (uint32_t l = 0; l < t->network.depth; l++) {
        const tifed_layer *layer = &t->layers[l];
        int64_t *sums = zeroed_memory(weights_of(layer), 8);
        int32_t *parts = zeroed_memory(panel_weights(&network.layers[l]), 4);
        kernel->accumulate(parts, panels.weights[l], panel_weights(&network.layers[l]), 3);
        kernel->unpack(&network.layers[l], &whole, sums, parts);
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

void run_others(const test_case *t)
{
    for (unsigned k = 0; k < panel_kernel_count; k++)
        if (panel_kernels[k]->supported())
            run_panels(t, panel_kernels[k]);
}

/* --- random cases ----------------------------------------------------------------------------- */

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static int32_t extreme(int32_t bound)
{
    switch (draw(4)) {
    case 0: return bound;
    case 1: return -bound;
    default: return (int32_t)draw(2u * (uint32_t)bound + 1u) - bound;
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
    t->work.energy_shift = (int32_t)draw(5) - 2;
    if (t->layers[0].update_shift + t->work.energy_shift < 0)
        t->work.energy_shift = 0;
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
    if (argc == 3 && strcmp(argv[1], "vectors") == 0) {
        for (int64_t cases = open_cases(argv[2]); cases; cases--, done++)
            check_case();
    } else if (argc == 4 && strcmp(argv[1], "random") == 0) {
        state = (uint64_t)strtoull(argv[3], NULL, 10);
        for (unsigned long tries = strtoul(argv[2], NULL, 10); tries; tries--) {
            test_case t;
            if (!make_case(&t))
                continue;
            run_core_every_way(&t, true);
            run_others(&t);
            drop_arrays(&t);
            done++;
        }
    } else if (argc == 4 && strcmp(argv[1], "uploads") == 0) {
        state = (uint64_t)strtoull(argv[3], NULL, 10);
        for (unsigned long tries = strtoul(argv[2], NULL, 10); tries; tries--, done++)
            check_upload(draw);
    } else {
        fail("usage: check vectors FILE | check random COUNT SEED | check uploads COUNT SEED",
             "check");
    }
    printf("%u cases agree:", done);
    for (unsigned k = 0; k < panel_kernel_count; k++)
        if (panel_kernels[k]->supported())
            printf(" %s", panel_kernels[k]->name);
    printf("\n");
    return 0;
}
