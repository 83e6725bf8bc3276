/* A device that keeps what of its changes was too small to go up (SPEC, 12.11 and 25.8): which exchange
 * that goes with, and when there is a new one.
 *
 * While an exchange is under way what was kept before it stays, so that whoever asks for its numbers
 * again gets the same. The next order makes the new one of it, before it changes anything else. */
#include "device_inside.h"

#ifdef TIFED_RESIDUALS

#ifndef TIFED_DEVICE_SHORT
#error "what short updates leave is kept, and there are none"
#endif

/* Of an order to train: bytes before, of the exchange, and for each layer; and which exchange is none. */
enum { WORK = 24, AFTER = 4, LAYER = 6, CODED = 0x80 };
#define NOTHING UINT32_C(0xFFFFFFFF)

static uint32_t bytes_of(const tifed_device *device, uint32_t layer)
{
    const tifed_layer *shape = &device->setup->network->layers[layer];
    bool kept = device->setup->residuals->layers >> layer & 1u;
    return kept ? (uint32_t)TIFED_BYTES_RESIDUAL(shape->fan_in, shape->fan_out) : 0u;
}

/* What is kept of a layer, or of all that are kept behind the last one. */
static int8_t *left_of(const tifed_device *device, uint32_t layer)
{
    int8_t *left = device->setup->residuals->left;
    for (uint32_t l = 0; l < layer; l++)
        left += bytes_of(device, l);
    return left;
}

void tifed_residual_clear(tifed_device *device)
{
    int8_t *end = left_of(device, device->setup->network->depth);
    for (int8_t *left = left_of(device, 0); left < end; left++)
        *left = 0;
    device->residual.after = NOTHING;
    device->residual.pending = false;
}

/* How a trained layer goes up, which the order says at `in`. */
static uint8_t take_how(tifed_device *device, uint32_t layer, const uint8_t *in)
{
    tifed_change *how = &device->setup->residuals->how[layer];
    how->top = in[0] & ~CODED & 0xFFu;
    how->shift = in[1];
    how->rows = in[2];
    how->turn = in[3];
    if (how->top && !bytes_of(device, layer))
        return (uint8_t)-TIFED_ERROR_LAYER;
    if (how->shift > TIFED_LARGEST_CHANGE_SHIFT || how->rows || how->turn > TIFED_LARGEST_UNIT)
        return (uint8_t)-TIFED_ERROR_RANGE;
    return TIFED_LINK_OK;
}

uint8_t tifed_residual_order(tifed_device *device, const uint8_t *in, uint32_t length)
{
    tifed_device_residual *residual = &device->residual;
    const tifed_config *config = &device->core.config;
    residual->pending = false;
    if (length < WORK + AFTER) { /* of an experiment in which nobody keeps anything, or none */
        if (length != WORK)
            return TIFED_LINK_LENGTH;
        if (residual->after != NOTHING)
            tifed_residual_clear(device);
        return TIFED_LINK_OK;
    }
    if (!device->received) /* without what it was given there is no change of it */
        return TIFED_LINK_ORDER;
    const uint8_t *layer = in + WORK + AFTER, *end = in + length;
    for (uint32_t l = 0; l < config->network->depth; l++) {
        device->setup->residuals->how[l].top = 0;
        if (!(config->trained >> l & 1u))
            continue;
        if (end - layer < LAYER)
            return TIFED_LINK_LENGTH;
        uint8_t code = take_how(device, l, layer);
        if (code != TIFED_LINK_OK)
            return code;
        layer += LAYER;
    }
    if (layer != end)
        return TIFED_LINK_LENGTH;
    uint32_t after = tifed_link_get32(in + WORK);
    if (after == NOTHING)
        tifed_residual_clear(device);
    else if (after != residual->after || config->seed_low != residual->seed_low ||
             config->seed_high != residual->seed_high)
        return TIFED_LINK_OTHER_RESIDUAL;
    residual->pending = true;
    return TIFED_LINK_OK;
}

/* The changes of a layer together with what is kept of it. */
static int changes_of(const tifed_device *device, tifed_changes *c, uint32_t layer, uint32_t first)
{
    tifed_change how = device->setup->residuals->how[layer];
    uint8_t unit = how.turn;
    how.rows = 1;
    how.turn = 0;
    int status = tifed_changes_begin(c, &device->core, device->received, layer, first, &how);
    tifed_changes_keep(c, left_of(device, layer), unit);
    return status;
}

int tifed_residual_changes(const tifed_device *device, tifed_changes *c, uint32_t layer,
                           uint32_t first, const tifed_change *how)
{
    const tifed_change *said = &device->setup->residuals->how[layer];
    if (!device->residual.pending || !said->top)
        return tifed_changes_begin(c, &device->core, device->received, layer, first, how);
    if (how->top != said->top || how->shift != said->shift || how->rows || how->turn != said->turn)
        return TIFED_ERROR_RANGE;
    return changes_of(device, c, layer, first);
}

void tifed_residual_settle(tifed_device *device)
{
    const tifed *core = &device->core;
    if (!device->residual.pending)
        return;
    device->residual.pending = false;
    if (core->step != core->last_step) /* what its steps would leave is of no exchange */
        return;
    for (uint32_t l = 0; l < core->config.network->depth; l++) {
        tifed_changes c;
        if (device->setup->residuals->how[l].top && changes_of(device, &c, l, 0) == TIFED_OK)
            tifed_changes_settle(&c, left_of(device, l));
    }
    device->residual.after = core->work.exchange;
    device->residual.seed_low = core->config.seed_low;
    device->residual.seed_high = core->config.seed_high;
}

#else
typedef int tifed_device_keeps_no_residuals;
#endif
