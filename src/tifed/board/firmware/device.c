#include "device_inside.h"

enum { FOR_BUFFER = 0, FOR_SUMS = 1, FOR_CLASS = 2 };

static void send(tifed_device *device, uint8_t type, uint16_t sequence, uint16_t length)
{
#ifdef TIFED_DEVICE_SEALED
    if (device->setup->seal) {
        tifed_sealed_send(device, type, sequence, length);
        return;
    }
#endif
    tifed_link_send(&device->link, type, device->session, sequence, length, device->setup->write);
}

void tifed_device_init(tifed_device *device, const tifed_device_setup *setup)
{
    device->setup = setup;
    tifed_link_init(&device->link);
    device->session = device->last_sequence = device->last_value = device->training = 0;
    device->last_code = 0;
    device->state = TIFED_DEVICE_IDLE;
    device->filled = device->summed = 0;
    device->ticks = 0;
#ifdef TIFED_DEVICE_FRONT_END
    device->core.count = 0; /* which is looked at before there is a configuration */
#endif
#ifdef TIFED_DEVICE_SHORT
    device->received = NULL;
    device->learnt = false;
#endif
#ifdef TIFED_RESIDUALS
    tifed_residual_clear(device);
#endif
#ifdef TIFED_DEVICE_QUIET
    device->quiet.sequence = 0;
#endif
#ifdef TIFED_DEVICE_OWN
    tifed_own_start(device);
#endif
#ifdef TIFED_DEVICE_SEALED
    tifed_sealed_start(device);
#endif
#ifdef TIFED_DEVICE_MASKED
    tifed_masked_start(device);
#endif
}

void tifed_device_ready(tifed_device *device)
{
    send(device, TIFED_LINK_READY, 0, 0);
}

NOINLINE static bool fits(const tifed_device *device, uint32_t trained)
{
    tifed_config config = config_for(device, trained);
    size_t needed = tifed_memory_size(&config);
    return needed && needed <= device->setup->bytes;
}

/* --- answers that are read, and may be read again --------------------------------------------- */

NOINLINE SHARED uint16_t tifed_device_hello(tifed_device *device, uint8_t *out)
{
    const tifed_device_setup *setup = device->setup;
    const tifed_network *network = setup->network;
    uint8_t *to = out;
    uint32_t all = network->depth < 32u ? (UINT32_C(1) << network->depth) - 1u : 0xFFFFFFFFu,
             alone = 0;
    for (uint32_t l = 0; l < network->depth; l++)
        if (fits(device, UINT32_C(1) << l))
            alone |= UINT32_C(1) << l;
    *to++ = TIFED_LINK_OK;
    *to++ = (uint8_t)TIFED_VERSION;
    *to = (uint8_t)((setup->reset ? 1 : 0) | (setup->ticks ? 2 : 0) | (setup->stack ? 4 : 0));
#ifdef TIFED_DEVICE_OWN
    if (has_own(device)) /* which starts again when asked only where it remembers its promises */
        *to = (uint8_t)((*to & (device->own.keeps ? 7 : 6)) | 8);
#endif
#ifdef TIFED_DEVICE_MASKED
    if (has_masks(device))
        *to = (uint8_t)(*to | 16);
#endif
#ifdef TIFED_DEVICE_SHORT
    *to |= 32u;
#ifdef TIFED_DEVICE_CODER
    *to |= 64u;
#endif
#ifdef TIFED_DEVICE_QUIET
    *to |= 128u;
#endif
#endif
    to++;
    *to++ = network->depth;
    to = tifed_link_put32(to, setup->fingerprint);
    to = tifed_link_put32(to, TIFED_LINK_PAYLOAD);
    to = tifed_link_put32(to, setup->bytes);
    to = tifed_link_put32(to, setup->buffer);
    to = tifed_link_put32(to, setup->batch);
    to = tifed_link_put32(to, alone);
    to = tifed_link_put32(to, fits(device, all) ? 1u : 0u);
    to = tifed_link_put32(to, network->layers[0].fan_in);
    to = tifed_link_put32(to, network->layers[network->depth - 1u].fan_out);
    to = tifed_link_put32(to, setup->tick_hertz);
#ifdef TIFED_DEVICE_OWN
    if (has_own(device))
        to = tifed_link_put32(to, setup->held_out_every);
#endif
#ifdef TIFED_DEVICE_MASKED
    if (has_masks(device))
        to = tifed_link_put32(to, TIFED_MASK_PEERS);
#endif
#ifdef TIFED_RESIDUALS
    for (const char *name = setup->board; *name && to < out + 62; name++)
        *to++ = (uint8_t)*name;
    *to++ = 0; /* behind the name there are further features */
    *to++ = 1;
#else
    for (const char *name = setup->board; *name && to < out + 64; name++)
        *to++ = (uint8_t)*name;
#endif
    return (uint16_t)(to - out);
}

static uint16_t status(tifed_device *device, uint8_t *out)
{
    const tifed_device_setup *setup = device->setup;
    bool configured = device->state != TIFED_DEVICE_IDLE;
    const tifed *core = &device->core;
    uint8_t *to = out;
#ifdef TIFED_DEVICE_OWN
    bool working = device->state == TIFED_DEVICE_WORKING;
    if (working || device->own.personal) /* of personal rounds nothing leaves but their score */
        configured = false;
#endif
    *to++ = TIFED_LINK_OK;
    *to++ = device->state;
    to = tifed_link_put16(to, configured ? core->count : 0u);
#ifdef TIFED_DEVICE_OWN
    if (working) {
        to = tifed_link_put32(to, device->own.done);
        to = tifed_link_put32(to, device->own.all);
    } else
#endif
    {
        to = tifed_link_put32(to, configured ? core->step : 0u);
        to = tifed_link_put32(to, configured ? core->last_step : 0u);
    }
#ifdef TIFED_DEVICE_OWN
    if (has_own(device) && device->state == TIFED_DEVICE_TRAINING)
        configured = false; /* what each mini-batch counts would be scores of few samples */
#endif
#ifdef TIFED_DEVICE_MASKED
    if (has_masks(device))
        configured = false; /* what it has counted leaves it under masks */
#endif
    to = tifed_link_put32(to, configured ? core->statistics.visits : 0u);
    to = tifed_link_put32(to, configured ? core->statistics.missed : 0u);
    to = tifed_link_put32(to, configured ? core->statistics.clipped_parameters : 0u);
    to = tifed_link_put32(to, configured ? core->statistics.clipped_deltas : 0u);
    to = tifed_link_put32(to, (uint32_t)device->ticks);
    to = tifed_link_put32(to, (uint32_t)(device->ticks >> 32));
    to = tifed_link_put32(to, setup->stack ? setup->stack() : 0u);
#ifdef TIFED_DEVICE_OWN
    if (has_own(device))
        *to++ = device->own.outcome;
#endif
    return (uint16_t)(to - out);
}

static uint16_t get_parameters(tifed_device *device, const uint8_t *in, uint8_t *out)
{
    uint32_t layer = tifed_link_get32(in), first = tifed_link_get32(in + 4);
    uint32_t count = tifed_link_get32(in + 8);
    size_t size = tifed_wire_size(&device->core, layer, first, count);
    if (size > TIFED_LINK_PAYLOAD - 1u) {
        out[0] = TIFED_LINK_LENGTH;
        return 1;
    }
    out[0] = code_of(tifed_get_parameters(&device->core, layer, first, count, out + 1));
    return out[0] == TIFED_LINK_OK ? (uint16_t)(size + 1u) : 1u;
}

/* In `width` bytes each: 4, or 2, in which sums over few samples fit. */
static uint16_t get_sums(tifed_device *device, const uint8_t *in, uint32_t width, uint8_t *out)
{
    const int32_t *sums = device->setup->memory;
    uint32_t first = tifed_link_get32(in), count = tifed_link_get32(in + 4);
    uint32_t features = device->setup->network->layers[0].fan_in;
    if (first > features || count > features - first) {
        out[0] = (uint8_t)-TIFED_ERROR_PLACE;
        return 1;
    }
    if (count > (TIFED_LINK_PAYLOAD - 13u) / width) {
        out[0] = TIFED_LINK_LENGTH;
        return 1;
    }
    uint8_t *to = out;
    *to++ = TIFED_LINK_OK;
    to = tifed_link_put32(to, device->summed);
    to = tifed_link_put32(to, (uint32_t)device->squares);
    to = tifed_link_put32(to, (uint32_t)(device->squares >> 32));
    for (uint32_t i = 0; i < count; i++) {
#ifdef TIFED_DEVICE_SHORT
        if (width == 2u)
            to = tifed_link_put16(to, (uint32_t)sums[first + i]);
        else
#endif
            to = tifed_link_put32(to, (uint32_t)sums[first + i]);
    }
    return (uint16_t)(to - out);
}

/* --- orders, carried out once ----------------------------------------------------------------- */

NOINLINE static uint8_t configure(tifed_device *device, const uint8_t *in)
{
    tifed_config config = config_for(device, tifed_link_get32(in));
    config.seed_low = tifed_link_get32(in + 4);
    config.seed_high = tifed_link_get32(in + 8);
    int result =
        tifed_init(&device->core, &config, device->setup->memory, (size_t)device->setup->bytes);
    device->state = result == TIFED_OK ? TIFED_DEVICE_CONFIGURED : TIFED_DEVICE_IDLE;
    device->filled = device->summed = 0;
#ifdef TIFED_DEVICE_SHORT
    device->received = NULL;
#endif
#ifdef TIFED_DEVICE_OWN
    if (result == TIFED_OK)
        tifed_own_configured(device, false);
#endif
    return code_of(result);
}

/* The number of parameters of `layer` from `first` on whose wire form is `size` bytes, or 0. */
static uint32_t wire_count(const tifed_device *device, uint32_t layer, uint32_t first,
                           uint32_t size)
{
    const tifed_network *network = device->setup->network;
    if (layer >= network->depth)
        return 0;
    uint32_t weights = network->layers[layer].fan_in * network->layers[layer].fan_out;
    uint32_t bytes = network->layers[layer].weight_bits / 8u;
    uint32_t left = first < weights ? weights - first : 0u;
    uint32_t count = size / bytes;
    if (count <= left)
        return count * bytes == size ? count : 0u;
    uint32_t rest = size - left * bytes;
    return rest & 1u ? 0u : left + rest / 2u;
}

NOINLINE static uint8_t put_parameters(tifed_device *device, const uint8_t *in, uint32_t length)
{
    uint32_t layer = tifed_link_get32(in), first = tifed_link_get32(in + 4);
    uint32_t count = wire_count(device, layer, first, length - 8u);
    if (count == 0u)
        return layer >= device->setup->network->depth ? (uint8_t)-TIFED_ERROR_LAYER
                                                      : TIFED_LINK_LENGTH;
    return code_of(tifed_put_parameters(&device->core, layer, first, count, in + 8));
}

NOINLINE static void keep(int8_t *to, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = (int8_t)bytes[i];
}

#ifdef TIFED_DEVICE_FRONT_END
/* Give a piece of a sample to the front end, which needs no sample as a whole. Where a source makes
 * of it what is trained on, it is kept as well, in the place of the buffer's next sample; what is
 * not for the buffer is overwritten there. */
static uint8_t take_piece(tifed_device *device, int8_t *sample, uint32_t offset,
                          const uint8_t *bytes, uint32_t count)
{
    const tifed_device_setup *setup = device->setup;
    uint32_t before = now(device), place = device->core.count;
    int8_t *kept = setup->kept && place < setup->buffer
                       ? setup->kept + (size_t)place * setup->inputs + offset
                       : 0;
    int status = TIFED_OK;
    if (kept)
        keep(kept, bytes, count);
    if (setup->front_end)
        status = setup->front_end(sample, offset, (const int8_t *)bytes, count);
    else
        keep(sample + offset, bytes, count);
    device->ticks += now(device) - before;
    return code_of(status);
}
#endif

/* A piece of a sample: purpose, 0, label, offset, bytes. With its last piece it is put to use. */
NOINLINE static uint8_t put_sample(tifed_device *device, const uint8_t *in, uint32_t length)
{
    uint32_t features = device->setup->network->layers[0].fan_in, inputs = device->setup->inputs;
    uint32_t purpose = in[0], label = tifed_link_get16(in + 2), offset = tifed_link_get32(in + 4);
    uint32_t count = length - 8u;
    int8_t *sample = device->setup->sample;
    if (purpose > FOR_CLASS)
        return TIFED_LINK_UNKNOWN;
    if (purpose != FOR_SUMS && device->state == TIFED_DEVICE_IDLE)
        return TIFED_LINK_UNCONFIGURED;
    if (offset != 0u && offset != device->filled)
        return TIFED_LINK_ORDER;
    if (count == 0u || offset > inputs || count > inputs - offset)
        return TIFED_LINK_LENGTH;
#ifdef TIFED_DEVICE_FRONT_END
    uint8_t code = take_piece(device, sample, offset, in + 8, count);
    if (code != TIFED_LINK_OK) {
        device->filled = 0; /* a sample that failed has no next piece */
        return code;
    }
#else
    keep(sample + offset, in + 8, count);
#endif
    device->filled = offset + count;
    if (device->filled < inputs)
        return TIFED_LINK_OK;
    device->filled = 0;
    const int8_t *values = features_of(device);
    if (!values)
        return (uint8_t)-TIFED_ERROR_MEMORY;
    if (purpose == FOR_BUFFER)
        return code_of(tifed_add_sample(&device->core, values, label));
    if (purpose == FOR_CLASS) {
        device->last_value = (uint16_t)tifed_classify(&device->core, values);
        return TIFED_LINK_OK;
    }
    if (device->state != TIFED_DEVICE_IDLE || device->setup->bytes / 4u < features)
        return TIFED_LINK_ORDER;
    add_to_sums(device, values);
    return TIFED_LINK_OK;
}

static uint8_t clear(tifed_device *device)
{
    device->filled = device->summed = 0;
    device->ticks = 0;
    if (device->state != TIFED_DEVICE_IDLE) {
        tifed_clear(&device->core);
        device->state = TIFED_DEVICE_CONFIGURED;
    }
    return TIFED_LINK_OK;
}

NOINLINE static uint8_t train(tifed_device *device, const uint8_t *in)
{
    tifed_work work = {tifed_link_get32(in),      tifed_link_get32(in + 4),
                       tifed_link_get32(in + 8),  tifed_link_get32(in + 12),
                       tifed_link_get32(in + 16), (int32_t)tifed_link_get32(in + 20)};
    int result = tifed_begin(&device->core, &work);
    if (result == TIFED_OK) {
        device->state = TIFED_DEVICE_TRAINING;
        device->ticks = 0;
#ifdef TIFED_DEVICE_OWN
        device->own.learnt = true;
#endif
#ifdef TIFED_DEVICE_SHORT
        tifed_short_train(device);
#endif
    }
    return code_of(result);
}

static bool busy(const tifed_device *device)
{
#ifdef TIFED_DEVICE_OWN
    if (device->state == TIFED_DEVICE_WORKING)
        return true;
#endif
    return device->state == TIFED_DEVICE_TRAINING;
}

ALSO_QUIET uint8_t tifed_device_carry_out(tifed_device *device, uint8_t type, const uint8_t *in,
                                          uint32_t length)
{
    if (busy(device))
        return TIFED_LINK_BUSY;
#ifdef TIFED_DEVICE_MASKED
    uint8_t said;
    if (has_masks(device) && tifed_masked_order(device, type, in, length, &said))
        return said;
#endif
#ifdef TIFED_DEVICE_SHORT
    tifed_short_restore(device);
#endif
#ifdef TIFED_DEVICE_OWN
    if (has_own(device)) {
        bool own = type >= TIFED_LINK_COUNTS && type <= TIFED_LINK_PERSONAL_SCORE;
        uint8_t code = own ? tifed_own_order(device, type, in, length)
                           : tifed_own_refusal(device, type, in, length);
        if (code != TIFED_LINK_OK || own)
            return code;
    }
#endif
    bool configured = device->state != TIFED_DEVICE_IDLE;
    if (!configured && (type == TIFED_LINK_PUT_CENTRE || type == TIFED_LINK_PUT_PARAMETERS ||
                        type == TIFED_LINK_TRAIN))
        return TIFED_LINK_UNCONFIGURED;
#ifdef TIFED_DEVICE_SHORT
    if (type == TIFED_LINK_CONFIGURE && length == 13u)
        return tifed_short_configure(device, in);
    if (type >= TIFED_LINK_GET_CHANGES)
        return tifed_short_order(device, type, in, length);
#endif
    switch (type) {
    case TIFED_LINK_CONFIGURE: return length == 12u ? configure(device, in) : TIFED_LINK_LENGTH;
    case TIFED_LINK_PUT_CENTRE:
        return length < 4u ? TIFED_LINK_LENGTH
                           : code_of(tifed_put_centre(&device->core, tifed_link_get32(in),
                                                      length - 4u, (const int8_t *)in + 4));
    case TIFED_LINK_PUT_PARAMETERS:
        return length < 8u ? TIFED_LINK_LENGTH : put_parameters(device, in, length);
    case TIFED_LINK_PUT_SAMPLE:
        return length < 8u ? TIFED_LINK_LENGTH : put_sample(device, in, length);
    case TIFED_LINK_CLEAR: return length ? TIFED_LINK_LENGTH : clear(device);
    case TIFED_LINK_TRAIN: {
#ifdef TIFED_RESIDUALS
        uint8_t code = tifed_residual_order(device, in, length);
#else
        uint8_t code = length == 24u ? TIFED_LINK_OK : TIFED_LINK_LENGTH;
#endif
        return code == TIFED_LINK_OK ? train(device, in) : code;
    }
    default: return TIFED_LINK_UNKNOWN;
    }
}

/* --- requests --------------------------------------------------------------------------------- */

SHARED void tifed_device_open(tifed_device *device, uint16_t session)
{
#ifdef TIFED_DEVICE_OWN
    tifed_own_open(device);
#endif
#ifdef TIFED_DEVICE_MASKED
    tifed_masked_open(device);
#endif
    device->session = session;
    device->last_sequence = 0;
#ifdef TIFED_DEVICE_QUIET
    device->last_code = 0;
    device->quiet.sequence = 0;
#endif
    device->state = TIFED_DEVICE_IDLE;
    device->filled = device->summed = 0;
}

#if defined(TIFED_DEVICE_OWN) || defined(TIFED_DEVICE_MASKED)
/* Whether a question is one for devices with own samples or masks alone, or one that they refuse:
 * then the answer is there, of `size` bytes. */
static bool special_answer(tifed_device *device, uint8_t type, uint16_t length, uint8_t *payload,
                           uint16_t *size)
{
#ifdef TIFED_DEVICE_MASKED
    if (has_masks(device) && tifed_masked_answer(device, type, length, payload, size))
        return true;
#endif
#ifdef TIFED_DEVICE_OWN
    if (!has_own(device))
        return false;
    if (type == TIFED_LINK_COUNTS || type == TIFED_LINK_SCORE ||
        type == TIFED_LINK_PERSONAL_SCORE) {
        *size = tifed_own_answer(device, type, length, payload);
        return true;
    }
    if (type != TIFED_LINK_GET_PARAMETERS && type != TIFED_LINK_RESET &&
        type != TIFED_LINK_GET_CHANGES)
        return false;
    uint8_t code = tifed_own_refusal(device, type, payload, length);
    if (code != TIFED_LINK_OK)
        payload[0] = code;
    return code != TIFED_LINK_OK;
#else
    return false;
#endif
}
#endif

static void answer(tifed_device *device)
{
    uint8_t *payload = PAYLOAD(device);
    const uint8_t *frame = tifed_link_frame(&device->link);
    uint8_t version = frame[0], type = frame[1];
    uint16_t session = (uint16_t)tifed_link_get16(frame + 2);
    uint16_t sequence = (uint16_t)tifed_link_get16(frame + 4);
    uint16_t length = (uint16_t)tifed_link_get16(frame + 6), size = 1;
    if (type & TIFED_LINK_ANSWER)
        return; /* an echo of our own */
    if (version != TIFED_LINK_VERSION) {
        payload[0] = TIFED_LINK_FORMAT;
    } else if (type == TIFED_LINK_HELLO) {
        if (session != device->session)
            tifed_device_open(device, session);
        if (length || session == 0u)
            payload[0] = length ? TIFED_LINK_LENGTH : TIFED_LINK_SESSION;
        else
            size = tifed_device_hello(device, payload);
    } else if (session != device->session || session == 0u) {
        payload[0] = TIFED_LINK_SESSION;
#ifdef TIFED_DEVICE_QUIET
    } else if (type & TIFED_LINK_SILENT) {
        tifed_quiet_order(device, (uint8_t)(type ^ TIFED_LINK_SILENT), sequence, payload, length);
        return;
    } else if (type == TIFED_LINK_EXCHANGE) {
        size = tifed_quiet_exchange(device, sequence, payload, length, payload);
        if (size == 0u)
            return; /* when it has done so */
#endif
#if defined(TIFED_DEVICE_OWN) || defined(TIFED_DEVICE_MASKED)
    } else if (special_answer(device, type, length, payload, &size)) {
        /* it is there */
#endif
    } else if (type == TIFED_LINK_STATUS || type == TIFED_LINK_RESET) {
        if (length)
            payload[0] = TIFED_LINK_LENGTH;
        else
            size = status(device, payload);
    } else if (type == TIFED_LINK_GET_PARAMETERS) {
        if (length != 12u)
            payload[0] = TIFED_LINK_LENGTH;
        else if (device->state == TIFED_DEVICE_IDLE)
            payload[0] = TIFED_LINK_UNCONFIGURED;
        else if (busy(device))
            payload[0] = TIFED_LINK_BUSY;
        else
            size = get_parameters(device, payload, payload);
#ifdef TIFED_DEVICE_SHORT
    } else if (type == TIFED_LINK_GET_CHANGES) {
        size = tifed_short_answer(device, payload, length, payload);
    } else if (type == TIFED_LINK_GET_SUMS && length == 9u && device->summed &&
               device->state == TIFED_DEVICE_IDLE) {
        if (payload[8] == 2u && device->summed <= 255u)
            size = get_sums(device, payload, 2, payload);
        else
            payload[0] = TIFED_LINK_LENGTH;
#endif
    } else if (type == TIFED_LINK_GET_SUMS) {
        if (length != 8u)
            payload[0] = TIFED_LINK_LENGTH;
        else if (device->state != TIFED_DEVICE_IDLE || device->summed == 0u)
            payload[0] = TIFED_LINK_ORDER; /* what lies there is something else, or nothing */
        else
            size = get_sums(device, payload, 4, payload);
    } else {
        if (sequence == 0u || sequence != device->last_sequence) {
            device->last_value = 0;
            device->last_code = tifed_device_carry_out(device, type, payload, length);
            device->last_sequence = sequence;
            if (busy(device) && device->last_code == TIFED_LINK_OK)
                device->training = sequence;
        }
        payload[0] = device->last_code;
        tifed_link_put16(payload + 1, device->last_value);
        size = 3;
    }
    send(device, type | TIFED_LINK_ANSWER, sequence, size);
    if (type == TIFED_LINK_RESET && device->setup->reset && size > 1u)
        device->setup->reset();
}

void tifed_device_feed(tifed_device *device, uint8_t byte)
{
    if (!tifed_link_feed(&device->link, byte))
        return;
#ifdef TIFED_DEVICE_SEALED
    if (device->setup->seal && !tifed_sealed_take(device))
        return;
#endif
    answer(device);
}

bool tifed_device_work(tifed_device *device)
{
    if (!busy(device))
        return false;
#ifdef TIFED_DEVICE_OWN
    if (device->state == TIFED_DEVICE_WORKING) {
        if (tifed_own_work(device))
            return true;
    } else
#endif
    {
        uint32_t before = now(device);
        int result = tifed_step(&device->core);
        device->ticks += now(device) - before; /* a step is shorter than the counter's period */
        if (result == TIFED_MORE)
            return true;
        device->state = TIFED_DEVICE_TRAINED;
#ifdef TIFED_DEVICE_OWN
        device->own.complete = true;
#endif
    }
#ifdef TIFED_DEVICE_QUIET
    bool whole = device->quiet.sequence && device->training == device->quiet.sequence;
    if (whole && tifed_quiet_goes_on(device))
        return true;
#endif
    if (device->link.received != 0u || device->link.block != 0u)
        return false; /* a request is arriving, whose answer will tell */
#ifdef TIFED_DEVICE_QUIET
    if (whole) {
        send(device, TIFED_LINK_EXCHANGE | TIFED_LINK_ANSWER, device->training,
             tifed_quiet_made(device, PAYLOAD(device)));
        return false;
    }
#endif
    send(device, TIFED_LINK_DONE, device->training, status(device, PAYLOAD(device)));
    return false;
}
