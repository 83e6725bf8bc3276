/* A device that is asked for a whole exchange at once (SPEC, 12.10): orders before it are carried out
 * without an answer, and the one answer is what the device has made. */
#include "device_inside.h"

#ifdef TIFED_DEVICE_QUIET

/* Of a request: where its parts are, and bytes for each trained layer. */
enum { BEHIND = 0, ROOM = 2, TAKE = 4, WORK = 12, LAYERS = 36, AFTER = 4, LAYER = 6 };

static bool busy(const tifed_device *device)
{
    return device->state == TIFED_DEVICE_TRAINING || device->state == TIFED_DEVICE_WORKING;
}

static uint32_t trained_layers(const tifed_device *device)
{
    uint32_t trained = device->core.config.trained, count = 0;
    for (; trained; trained &= trained - 1u)
        count++;
    return count;
}

/* Seven bits in a byte, the lowest first. */
static uint8_t *put_number(uint8_t *to, uint32_t value)
{
    for (; value > 127u; value >>= 7)
        *to++ = (uint8_t)(value | 128u);
    *to++ = (uint8_t)value;
    return to;
}

/* Where the layers of a request of so many bytes begin: behind them, or behind the exchange after which
 * what is left has to hold; 0 for neither. */
static uint32_t layers_in(const tifed_device *device, uint32_t length)
{
    uint32_t layers = LAYER * trained_layers(device);
#ifdef TIFED_RESIDUALS
    if (length == LAYERS + AFTER + layers)
        return LAYERS + AFTER;
#endif
    return length == LAYERS + layers ? LAYERS : 0u;
}

/* Samples, counts, and of each layer as much as there is room for. */
static uint16_t made(tifed_device *device, uint8_t *out)
{
    tifed_device_quiet *quiet = &device->quiet;
    const tifed_statistics *statistics = &device->core.statistics;
    uint32_t room = tifed_link_get16(quiet->request + ROOM), trained = device->core.config.trained;
#ifdef TIFED_RESIDUALS
    const uint8_t *how = quiet->request + quiet->layers;
#else
    const uint8_t *how = quiet->request + LAYERS;
#endif
    uint8_t *to = out, *end = out + (room < TIFED_LINK_PAYLOAD ? room : TIFED_LINK_PAYLOAD);
    *to++ = TIFED_LINK_OK;
    to = put_number(to, device->core.count);
    to = put_number(to, statistics->visits);
    to = put_number(to, statistics->missed);
    to = put_number(to, statistics->clipped_parameters);
    to = put_number(to, statistics->clipped_deltas);
    for (uint32_t l = 0; trained >> l; l++)
        if (trained >> l & 1u) {
            to = tifed_short_layer(device, l, how, to, end);
            how += LAYER;
        }
    return (uint16_t)(to - out);
}

uint16_t tifed_quiet_made(tifed_device *device, uint8_t *out)
{
    if (device->last_code == TIFED_LINK_OK)
        return made(device, out);
    out[0] = device->last_code;
    return 1;
}

/* Begin with the samples, if there are any to take, or else with the steps. */
static uint8_t begin(tifed_device *device, bool take)
{
    const uint8_t *request = device->quiet.request;
    uint32_t words = LAYERS - WORK;
#ifdef TIFED_RESIDUALS
    if (device->quiet.layers != LAYERS)
        words += AFTER + LAYER * trained_layers(device);
#endif
    device->quiet.steps = !take;
    return take ? tifed_device_carry_out(device, TIFED_LINK_TAKE, request + TAKE, 8)
                : tifed_device_carry_out(device, TIFED_LINK_TRAIN, request + WORK, words);
}

bool tifed_quiet_goes_on(tifed_device *device)
{
    if (device->quiet.steps)
        return false;
#ifdef TIFED_DEVICE_OWN
    device->last_code = device->own.outcome;
#endif
    if (device->last_code == TIFED_LINK_OK)
        device->last_code = begin(device, false);
    return busy(device);
}

static uint16_t refused(uint8_t *out, uint8_t code)
{
    out[0] = code;
    return 1;
}

uint16_t tifed_quiet_exchange(tifed_device *device, uint16_t sequence, const uint8_t *in,
                              uint32_t length, uint8_t *out)
{
    tifed_device_quiet *quiet = &device->quiet;
    if (sequence != 0u && sequence == quiet->sequence && sequence == device->last_sequence)
        return busy(device) ? 0u : tifed_quiet_made(device, out);
    if (busy(device))
        return refused(out, TIFED_LINK_BUSY);
    if (length < LAYERS)
        return refused(out, TIFED_LINK_LENGTH);
    if (tifed_link_get16(in + BEHIND) != device->last_sequence) {
        out[0] = TIFED_LINK_MISSED;
        tifed_link_put16(out + 1, device->last_sequence);
        return 3;
    }
    if (device->last_code != TIFED_LINK_OK)
        return refused(out, device->last_code);
    if (device->state == TIFED_DEVICE_IDLE)
        return refused(out, TIFED_LINK_UNCONFIGURED);
    if (!device->received) /* without what it was given there is no change of it */
        return refused(out, TIFED_LINK_ORDER);
    uint32_t layers = layers_in(device, length);
    if (!layers || length > sizeof quiet->request)
        return refused(out, TIFED_LINK_LENGTH);
#ifdef TIFED_RESIDUALS
    quiet->layers = (uint8_t)layers;
#endif
    for (uint32_t i = 0; i < length; i++)
        quiet->request[i] = in[i];
    quiet->sequence = device->last_sequence = device->training = sequence;
    device->last_value = 0;
    device->last_code = begin(device, tifed_link_get32(in + TAKE + 4) != 0u);
    return device->last_code == TIFED_LINK_OK ? 0u : refused(out, device->last_code);
}

void tifed_quiet_order(tifed_device *device, uint8_t type, uint16_t sequence, const uint8_t *in,
                       uint32_t length)
{
    bool known = type == TIFED_LINK_PUT_CENTRE || type == TIFED_LINK_PUT_PARAMETERS ||
                 type == TIFED_LINK_PUT_SAMPLE || type == TIFED_LINK_CLEAR ||
                 type == TIFED_LINK_PUT_CHANGES || type == TIFED_LINK_PUT_START;
    if (!known || length < 2u || sequence == 0u || busy(device) ||
        device->last_code != TIFED_LINK_OK || tifed_link_get16(in) != device->last_sequence)
        return;
    device->last_value = 0;
    device->last_code = tifed_device_carry_out(device, type, in + 2, length - 2u);
    device->last_sequence = sequence;
}

#else
typedef int tifed_device_is_not_quiet;
#endif
