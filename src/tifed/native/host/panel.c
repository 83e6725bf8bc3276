/* Sizes and layout of panels, and the choice of a kernel. */
#include "panel.h"
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
    &panel_avx2, &panel_avx512bw, &panel_avx512vnni,
#elif defined(__aarch64__)
    &panel_neon,
#endif
};
const unsigned panel_kernel_count = sizeof panel_kernels / sizeof panel_kernels[0];

#define LARGEST_SUM 0x7FFFFFFFu

int panel_network_init(panel_network *panels, const tifed_network *network)
{
    tifed_config config = {network, 0, 0, 0, NULL, NULL, 0, 0};
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
    panels->wide_error =
        network->error == TIFED_SQUARED && tifed_error_limit(network) > 32767u;
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

/* Hands out pieces of aligned memory, or counts them. */
typedef struct carver {
    uint8_t *memory;
    size_t used;
} carver;

static void *carve(carver *from, size_t count, size_t size)
{
    void *piece = from->memory ? from->memory + from->used : NULL;
    from->used += (count * size + PANEL_ALIGN - 1u) & ~(size_t)(PANEL_ALIGN - 1u);
    return piece;
}

static size_t carve_model(const panel_network *network, panel_model *model, uint32_t layers,
                          void *memory)
{
    carver from = {memory, 0};
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        if (!(layers >> l & 1u))
            continue;
        model->weights[l] = carve(&from, panel_weights(layer), sizeof(int16_t));
        model->biases[l] = carve(&from, (size_t)layer->panels * PANEL, sizeof(int16_t));
    }
    return from.used;
}

size_t panel_model_bytes(const panel_network *network, uint32_t layers)
{
    panel_model model;
    return carve_model(network, &model, layers, NULL);
}

void panel_model_init(const panel_network *network, panel_model *model, uint32_t layers,
                      void *memory)
{
    carve_model(network, model, layers, memory);
}

/* A feedback matrix is a layer from classes to units. */
static size_t carve_feedback(const panel_network *network, panel_model *feedback, void *memory)
{
    carver from = {memory, 0};
    size_t pairs = (network->classes + 1u) / 2u;
    for (uint32_t l = 0; l + 1u < network->depth; l++)
        feedback->weights[l] =
            carve(&from, network->layers[l].panels * pairs * 2u * PANEL, sizeof(int16_t));
    return from.used;
}

size_t panel_feedback_bytes(const panel_network *network)
{
    panel_model feedback;
    return carve_feedback(network, &feedback, NULL);
}

void panel_feedback_init(const panel_network *network, panel_model *feedback, void *memory)
{
    carve_feedback(network, feedback, memory);
}

static size_t carve_room(const panel_network *network, panel_room *room, uint32_t batch,
                         uint32_t buffer, void *memory)
{
    carver from = {memory, 0};
    size_t pairs = (batch + 1u) / 2u;
    const panel_layer *last = &network->layers[network->depth - 1u];
    room->batch = batch;
    room->rows[0] = NULL;
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        size_t batches = l ? 1u : (buffer + batch - 1u) / batch;
        room->columns[l] = carve(&from, batches * pairs * layer->pairs * 2u, sizeof(uint32_t));
        room->deltas[l] = carve(&from, pairs * layer->panels * PANEL, sizeof(uint32_t));
        room->rows[l + 1u] =
            carve(&from, (size_t)batch * layer->panels * PANEL / 2u, sizeof(uint32_t));
    }
    room->sums = carve(&from, (size_t)batch * network->widest * PANEL, sizeof(int32_t));
    room->errors = carve(&from, (size_t)batch * last->panels * PANEL, sizeof(int32_t));
    room->sign_feedback = NULL;
    if (network->depth > 1u) {
        size_t units = network->layers[network->depth - 2u].panels * (size_t)PANEL;
        room->sign_feedback =
            carve(&from, units * ((network->classes + 1u) / 2u) * 2u, sizeof(int16_t));
    }
    return from.used;
}

size_t panel_room_bytes(const panel_network *network, uint32_t batch, uint32_t buffer)
{
    panel_room room;
    return carve_room(network, &room, batch, buffer, NULL);
}

void panel_room_init(const panel_network *network, panel_room *room, uint32_t batch,
                     uint32_t buffer, void *memory)
{
    carve_room(network, room, batch, buffer, memory);
}

bool panel_work_fits(const panel_network *network, const panel_work *work)
{
    uint64_t samples = work->batch < work->count ? work->batch : work->count;
    for (uint32_t l = 0; l < network->depth; l++) {
        uint32_t shift = network->layers[l].rule.update_shift + work->extra_shift;
        if (!(work->trained >> l & 1u))
            continue;
        uint64_t half = (uint64_t)1 << shift;
        if (network->layers[l].rule.update_rounding != TIFED_STOCHASTIC)
            half >>= 1;
        if (work->extra_shift > 6u || samples * network->sample_limit[l] + half > LARGEST_SUM)
            return false;
    }
    return true;
}
