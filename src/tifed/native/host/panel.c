/* Sizes and layout of panels, and the choice of a kernel. */
#include "panel.h"
#include "../../core/tifed_arena.h"
#include "../../core/tifed_rule.h"

/* TIFED_PORTABLE_ONLY: for compilers or checks that the vector kernels are no use to. */
extern const panel_kernel panel_portable;
#if defined(TIFED_PORTABLE_ONLY)
#elif defined(__x86_64__)
extern const panel_kernel panel_avx2, panel_avx512bw, panel_avx512vnni;
#elif defined(__aarch64__)
extern const panel_kernel panel_neon;
#endif

const panel_kernel *const panel_kernels[] = {
    &panel_portable,
#if defined(TIFED_PORTABLE_ONLY)
#elif defined(__x86_64__)
    &panel_avx2,
    &panel_avx512bw,
    &panel_avx512vnni,
#elif defined(__aarch64__)
    &panel_neon,
#endif
};
const unsigned panel_kernel_count = sizeof panel_kernels / sizeof panel_kernels[0];

#define LARGEST_SUM 0x7FFFFFFFu

int panel_network_init(panel_network *panels, const tifed_network *network)
{
    tifed_config config = {network, 0, 0, 0, NULL, NULL, 0, 0, NULL};
    int status = tifed_check(&config);
    if (status != TIFED_OK)
        return status;
    panels->depth = network->depth;
    panels->classes = network->layers[network->depth - 1u].fan_out;
    panels->error = network->error;
    panels->error_level = network->error_level;
    panels->feedback = network->feedback;
    panels->input_shift = network->input_shift;
    panels->widest = 0;
    panels->wide_error = network->error == TIFED_SQUARED && tifed_error_limit(network) > 32767u;
    for (uint32_t l = 0; l < network->depth; l++) {
        panel_layer *layer = &panels->layers[l];
        layer->rule = network->layers[l];
        layer->fan_in = layer->rule.fan_in;
        layer->fan_out = layer->rule.fan_out;
        layer->pairs = (layer->fan_in + 1u) / 2u;
        layer->panels = (layer->fan_out + PANEL - 1u) / PANEL;
        layer->offset = tifed_offset(&layer->rule);
        layer->weight_bound = tifed_weight_bound(&layer->rule);
        layer->reciprocal = 0xFFFFFFu / layer->rule.rescale_factor;
        panels->widest = layer->panels > panels->widest ? layer->panels : panels->widest;
        panels->sample_limit[l] = tifed_gradient_limit(network, l);
    }
    return TIFED_OK;
}

/* Bytes that a panel's units take: the weights of one pair of inputs; sums, or values of a pair of
 * samples; biases, or values of one sample. */
#define PAIR_BYTES (PANEL * 2u * (uint32_t)sizeof(int16_t))
#define SUM_BYTES (PANEL * (uint32_t)sizeof(int32_t))
#define BIAS_BYTES (PANEL * (uint32_t)sizeof(int16_t))

static void *take(tifed_arena *arena, uint32_t rows, uint32_t row_bytes)
{
    return tifed_arena_take(arena, rows, row_bytes, PANEL_ALIGN);
}

static size_t taken(const tifed_arena *arena)
{
    return arena->overflow ? 0 : arena->used;
}

static size_t lay_out_model(const panel_network *network, panel_model *model, uint32_t layers,
                            void *memory)
{
    tifed_arena arena = {memory, 0, false};
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        if (!(layers >> l & 1u))
            continue;
        model->weights[l] = take(&arena, layer->panels * layer->pairs, PAIR_BYTES);
        model->biases[l] = take(&arena, layer->panels, BIAS_BYTES);
    }
    return taken(&arena);
}

size_t panel_model_bytes(const panel_network *network, uint32_t layers)
{
    panel_model model;
    return lay_out_model(network, &model, layers, NULL);
}

void panel_model_init(const panel_network *network, panel_model *model, uint32_t layers,
                      void *memory)
{
    lay_out_model(network, model, layers, memory);
}

/* A feedback matrix is laid out as a layer from classes to units is. */
static size_t lay_out_feedback(const panel_network *network, panel_model *feedback, void *memory)
{
    tifed_arena arena = {memory, 0, false};
    uint32_t pairs = (network->classes + 1u) / 2u;
    for (uint32_t l = 0; l + 1u < network->depth; l++)
        feedback->weights[l] = take(&arena, network->layers[l].panels * pairs, PAIR_BYTES);
    return taken(&arena);
}

size_t panel_feedback_bytes(const panel_network *network)
{
    panel_model feedback;
    return lay_out_feedback(network, &feedback, NULL);
}

void panel_feedback_init(const panel_network *network, panel_model *feedback, void *memory)
{
    lay_out_feedback(network, feedback, memory);
}

static size_t lay_out_workspace(const panel_network *network, panel_workspace *workspace,
                                uint32_t batch, uint32_t buffer, void *memory)
{
    tifed_arena arena = {memory, 0, false};
    uint32_t pairs = (batch + 1u) / 2u;
    const panel_layer *last = &network->layers[network->depth - 1u];
    workspace->batch = batch;
    workspace->rows[0] = NULL; /* the caller's samples */
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        /* The inputs of the first layer never change, so their columns are kept for all
         * mini-batches of the buffer; deeper layers' inputs do with every step, and have those
         * of one. */
        uint32_t batches = l ? 1u : (buffer + batch - 1u) / batch;
        workspace->columns[l] =
            take(&arena, batches * pairs, layer->pairs * 2u * (uint32_t)sizeof(uint32_t));
        workspace->deltas[l] = take(&arena, pairs, layer->panels * SUM_BYTES);
        workspace->rows[l + 1u] = take(&arena, batch, layer->panels * BIAS_BYTES);
    }
    workspace->sums = take(&arena, batch, network->widest * SUM_BYTES);
    workspace->errors = take(&arena, batch, last->panels * SUM_BYTES);
    workspace->sign_feedback = NULL;
    if (network->depth > 1u) {
        uint32_t panels = network->layers[network->depth - 2u].panels;
        workspace->sign_feedback =
            take(&arena, panels * ((network->classes + 1u) / 2u), PAIR_BYTES);
    }
    return taken(&arena);
}

size_t panel_workspace_bytes(const panel_network *network, uint32_t batch, uint32_t buffer)
{
    panel_workspace workspace;
    return lay_out_workspace(network, &workspace, batch, buffer, NULL);
}

void panel_workspace_init(const panel_network *network, panel_workspace *workspace, uint32_t batch,
                          uint32_t buffer, void *memory)
{
    lay_out_workspace(network, workspace, batch, buffer, memory);
}

bool panel_work_fits(const panel_network *network, const panel_work *work)
{
    uint64_t samples = work->batch < work->count ? work->batch : work->count;
    for (uint32_t l = 0; l < network->depth; l++) {
        uint32_t shift =
            tifed_update_shift(&network->layers[l].rule, l, work->extra_shift, work->energy_shift);
        if (work->extra_shift > 6u || shift > TIFED_LARGEST_SHIFT)
            return false;
        if (!(work->trained >> l & 1u))
            continue;
        uint64_t half = (uint64_t)1 << shift;
        if (network->layers[l].rule.update_rounding != TIFED_STOCHASTIC)
            half >>= 1;
        if (samples * network->sample_limit[l] + half > LARGEST_SUM)
            return false;
    }
    return true;
}
