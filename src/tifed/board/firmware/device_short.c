/* A device with short updates (SPEC, 12.9 and 25): what it asks of the core, and how numbers lie in a
 * frame. */
#include "device_inside.h"

#ifdef TIFED_DEVICE_SHORT

#include "tifed_changes.h"
#ifdef TIFED_DEVICE_CODER
#include "tifed_coder.h"
#endif

/* Bytes before the numbers, of requests and of an answer; of a start of coded ones; and in `top`, that
 * they are coded. */
enum { GET = 14, PUT = 12, ANSWER = 3, START = 2, CODED = 0x80 };

/* --- which parameters ------------------------------------------------------------------------- */

void tifed_short_restore(tifed_device *device)
{
    if (device->received && device->learnt) {
#ifdef TIFED_RESIDUALS
        tifed_residual_settle(device);
#endif
        tifed_received_restore(&device->core, device->received);
    }
    device->learnt = false;
}

void tifed_short_train(tifed_device *device)
{
    if (device->received)
        tifed_received_keep(&device->core, device->received);
    device->learnt = device->received != NULL;
}

uint8_t tifed_short_configure(tifed_device *device, const uint8_t *in)
{
    uint32_t options = in[12], trained = tifed_link_get32(in);
    tifed_config config = config_for(device, trained);
    config.seed_low = tifed_link_get32(in + 4);
    config.seed_high = tifed_link_get32(in + 8);
    bool stay = options & TIFED_SHORT_STAY;
    if (options > (TIFED_SHORT_RECEIVED | TIFED_SHORT_STAY))
        return TIFED_LINK_UNKNOWN;
    if (stay && device->state == TIFED_DEVICE_IDLE)
        return TIFED_LINK_UNCONFIGURED;
    if (stay && (config.seed_low != device->core.config.seed_low ||
                 config.seed_high != device->core.config.seed_high))
        return TIFED_LINK_ORDER;
    int status = tifed_check(&config);
    size_t bytes = device->setup->bytes, room = bytes;
    if (status == TIFED_OK && options & TIFED_SHORT_RECEIVED) {
        size_t received = tifed_received_size(&config);
        room = received < bytes ? bytes - received : 0u;
    }
    if (status == TIFED_OK)
        status = stay ? tifed_train_layers(&device->core, trained, room)
                      : tifed_init(&device->core, &config, device->setup->memory, room);
    if (status == TIFED_OK) {
        uint8_t *behind = (uint8_t *)device->setup->memory + tifed_memory_size(&config);
        device->received = options & TIFED_SHORT_RECEIVED ? behind : NULL;
        device->state = TIFED_DEVICE_CONFIGURED;
    } else if (!stay) {
        device->received = NULL;
        device->state = TIFED_DEVICE_IDLE;
    }
    device->filled = device->summed = 0;
#ifdef TIFED_DEVICE_OWN
    if (status == TIFED_OK)
        tifed_own_configured(device, stay);
#endif
    return code_of(status);
}

/* --- numbers in bytes ------------------------------------------------------------------------- */

/* How many numbers of up to `top` lie in a byte, the first of them in its lowest digit. */
static uint32_t per_byte(uint32_t top)
{
    return top == 1u ? 5u : top <= 7u ? 2u : 1u;
}

static uint32_t base_of(uint32_t top)
{
    return top == 1u ? 3u : top <= 7u ? 16u : 256u;
}

/* Weights from where `c` stands, as many as `room` bytes take, or all; the bytes that they take. */
static uint32_t pack(tifed_changes *c, uint8_t *to, uint32_t room, uint32_t *count)
{
    uint32_t each = per_byte(c->how.top), base = base_of(c->how.top), at = 0;
    while (at < room && tifed_changes_left(c) && *count + each <= 0xFFFFu) {
        uint32_t byte = 0, scale = 1;
        for (uint32_t i = 0; i < each && tifed_changes_left(c); i++) {
            int32_t q = tifed_changes_q(c);
            byte += (base == 3u ? (uint32_t)(q + 1) : (uint32_t)q & (base - 1u)) * scale;
            scale *= base;
            tifed_changes_next(c);
            ++*count;
        }
        to[at++] = (uint8_t)byte;
    }
    return at;
}

#ifdef TIFED_DEVICE_CODER
static uint32_t bits_of(uint32_t top)
{
    uint32_t bits = 1;
    while (top >> bits)
        bits++;
    return bits;
}

/* The same, coded; false if there is no room for a number at all. */
NOINLINE static bool code(tifed_changes *c, uint32_t start, uint8_t *to, uint32_t *room,
                          uint32_t *count)
{
    tifed_coder coder;
    uint32_t capacity = *room;
    *room = 0;
    if (!tifed_changes_left(c))
        return true;
    if (!tifed_coder_begin(&coder, bits_of(c->how.top), start, to, capacity))
        return false;
    while (tifed_changes_left(c) && *count < 0xFFFFu &&
           tifed_coder_put(&coder, tifed_changes_q(c))) {
        tifed_changes_next(c);
        ++*count;
    }
    *room = tifed_coder_finish(&coder);
    return true;
}
#endif

/* The number in the lowest digit of a byte. */
static int32_t number_of(uint32_t byte, uint32_t base)
{
    if (base == 3u)
        return (int32_t)(byte % 3u) - 1;
    uint32_t half = base / 2u;
    return (int32_t)((byte & (base - 1u)) ^ half) - (int32_t)half;
}

/* How many bytes stand between a request's other fields and the numbers. */
static uint32_t start_of(uint32_t top)
{
#ifdef TIFED_DEVICE_CODER
    return top & CODED ? START : 0u;
#else
    return top & CODED ? UINT32_MAX / 2u : 0u; /* what no request is as long as */
#endif
}

/* --- changes up ------------------------------------------------------------------------------- */

static int begin(const tifed_device *device, tifed_changes *c, uint32_t layer, uint32_t first,
                 const tifed_change *how)
{
#ifdef TIFED_RESIDUALS
    return tifed_residual_changes(device, c, layer, first, how);
#else
    return tifed_changes_begin(c, &device->core, device->received, layer, first, how);
#endif
}

static uint16_t get_changes(tifed_device *device, const uint8_t *in, uint8_t *out)
{
#ifdef TIFED_DEVICE_CODER
    bool coded = in[10] & CODED;
    uint32_t start = coded ? tifed_link_get16(in + GET) : 0u;
#endif
    uint32_t layer = tifed_link_get32(in), first = tifed_link_get32(in + 4);
    uint32_t room = tifed_link_get16(in + 8), count = 0;
    const tifed_change how = {in[10] & ~CODED & 0xFFu, in[11], in[12], in[13]};
    const tifed_network *network = device->setup->network;
    out[0] = (uint8_t)-TIFED_ERROR_LAYER;
    if (layer >= network->depth)
        return 1;
    const tifed_layer *shape = &network->layers[layer];
    uint32_t weights = shape->fan_in * shape->fan_out, bias = first > weights ? first - weights : 0;
    if (room > TIFED_LINK_PAYLOAD - ANSWER)
        room = TIFED_LINK_PAYLOAD - ANSWER;
    if (bias > shape->fan_out) {
        out[0] = (uint8_t)-TIFED_ERROR_PLACE;
        return 1;
    }
    tifed_changes c;
    int status = begin(device, &c, layer, first - bias, &how);
    if (status != TIFED_OK) {
        out[0] = code_of(status);
        return 1;
    }
    uint32_t at = room;
#ifdef TIFED_DEVICE_CODER
    if (!coded)
        at = pack(&c, out + ANSWER, room, &count);
    else if (!code(&c, start, out + ANSWER, &at, &count)) {
        out[0] = TIFED_LINK_LENGTH;
        return 1;
    }
#else
    at = pack(&c, out + ANSWER, room, &count);
#endif
    if (!tifed_changes_left(&c))
        for (; bias < shape->fan_out && at + 2u <= room && count < 0xFFFFu; bias++, count++) {
            tifed_link_put16(out + ANSWER + at, (uint16_t)device->core.states[layer].biases[bias]);
            at += 2u;
        }
    out[0] = TIFED_LINK_OK;
    tifed_link_put16(out + 1, count);
    return (uint16_t)(at + ANSWER);
}

#ifdef TIFED_DEVICE_QUIET
/* Count, bytes of the weights' numbers, bytes of a bias; the numbers; the biases, by how much they have
 * moved where that takes one byte. The rest is asked for as above. */
uint8_t *tifed_short_layer(tifed_device *device, uint32_t layer, const uint8_t *how, uint8_t *to,
                           uint8_t *end)
{
    enum { HEAD = 5, LARGEST = 127 };
    const tifed_change change = {how[0] & ~CODED & 0xFFu, how[1], how[2], how[3]};
    const tifed_layer *shape = &device->setup->network->layers[layer];
    uint32_t count = 0, room = (uint32_t)(end - to), at, width = 1;
    uint8_t *numbers = to + HEAD;
    tifed_changes c;
    if (room <= HEAD || begin(device, &c, layer, 0, &change) != TIFED_OK)
        return to;
    at = room -= HEAD;
#ifdef TIFED_DEVICE_CODER
    if (how[0] & CODED) {
        if (!code(&c, tifed_link_get16(how + 4), numbers, &at, &count))
            return to;
    } else
#endif
        at = pack(&c, numbers, room, &count);
    const int16_t *biases = device->core.states[layer].biases,
                  *before = (const int16_t *)(const void *)((const uint8_t *)c.received +
                                                            ((const uint8_t *)biases -
                                                             (const uint8_t *)c.weights));
    uint32_t bias = 0;
    for (uint32_t i = 0; i < shape->fan_out; i++)
        if (biases[i] - before[i] > LARGEST || biases[i] - before[i] < -LARGEST)
            width = 2;
    if (!tifed_changes_left(&c))
        for (; bias < shape->fan_out && (bias + 1u) * width <= room - at; bias++) {
            uint8_t *place = numbers + at + bias * width;
            if (width == 1u)
                *place = (uint8_t)(biases[bias] - before[bias]);
            else
                tifed_link_put16(place, (uint16_t)biases[bias]);
        }
    tifed_link_put16(to, count + bias);
    tifed_link_put16(to + 2, at);
    to[4] = (uint8_t)width;
    return numbers + at + bias * width;
}
#endif

uint16_t tifed_short_answer(tifed_device *device, const uint8_t *in, uint32_t length, uint8_t *out)
{
    uint8_t code = TIFED_LINK_OK;
    if (length < GET || length != GET + start_of(in[10]))
        code = TIFED_LINK_LENGTH;
    else if (device->state == TIFED_DEVICE_IDLE)
        code = TIFED_LINK_UNCONFIGURED;
    else if (device->state == TIFED_DEVICE_TRAINING)
        code = TIFED_LINK_BUSY;
    else if (device->state != TIFED_DEVICE_TRAINED || !device->learnt)
        code = TIFED_LINK_ORDER;
    if (code == TIFED_LINK_OK)
        return get_changes(device, in, out);
    out[0] = code;
    return 1;
}

/* --- parameters that arrive short ------------------------------------------------------------- */

static uint8_t put_changes(tifed_device *device, const uint8_t *in, uint32_t length)
{
    uint32_t layer = tifed_link_get32(in), first = tifed_link_get32(in + 4);
    uint32_t count = tifed_link_get16(in + 8), top = in[10] & ~CODED & 0xFFu, shift = in[11];
    const tifed_network *network = device->setup->network;
    if (layer >= network->depth)
        return (uint8_t)-TIFED_ERROR_LAYER;
    const tifed_layer *shape = &network->layers[layer];
    uint32_t weights = shape->fan_in * shape->fan_out, all = weights + shape->fan_out;
    if (top < 1u || top > 127u || shift > TIFED_LARGEST_CHANGE_SHIFT)
        return (uint8_t)-TIFED_ERROR_RANGE;
    if (first > all || count > all - first)
        return (uint8_t)-TIFED_ERROR_PLACE;
    uint32_t left = first < weights ? weights - first : 0u,
             of_weights = count < left ? count : left;
    uint32_t head = PUT + start_of(in[10]), biases = 2u * (count - of_weights);
    if (length < head || length - head < biases)
        return TIFED_LINK_LENGTH;
    uint32_t each = per_byte(top), base = base_of(top), byte = 0, bytes = length - head - biases;
    const uint8_t *from = in + head;
#ifdef TIFED_DEVICE_CODER
    bool coded = (in[10] & CODED) && of_weights;
    tifed_decoder decoder;
    if (coded) {
        uint32_t start = tifed_link_get16(in + PUT);
        if (!tifed_decoder_check(bits_of(top), start, from, bytes, of_weights) ||
            !tifed_decoder_begin(&decoder, bits_of(top), start, from, bytes))
            return TIFED_LINK_LENGTH;
    } else
#endif
        if (bytes != (of_weights + each - 1u) / each)
        return TIFED_LINK_LENGTH;
    for (uint32_t i = 0; i < of_weights; i++) {
        int32_t q;
#ifdef TIFED_DEVICE_CODER
        if (coded)
            q = tifed_decoder_get(&decoder);
        else
#endif
        {
            if (i % each == 0u)
                byte = in[head + i / each];
            q = number_of(byte, base);
            byte /= base;
        }
        int status =
            tifed_add_change(&device->core, layer, first + i, q * (int32_t)(UINT32_C(1) << shift));
        if (status != TIFED_OK)
            return code_of(status);
    }
    from += bytes;
    return code_of(
        tifed_put_parameters(&device->core, layer, first + of_weights, count - of_weights, from));
}

uint8_t tifed_short_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length)
{
    if (type != TIFED_LINK_PUT_CHANGES && type != TIFED_LINK_PUT_START)
        return TIFED_LINK_UNKNOWN;
    if (type == TIFED_LINK_PUT_START ? length != 12u : length < PUT)
        return TIFED_LINK_LENGTH;
    if (device->state == TIFED_DEVICE_IDLE)
        return TIFED_LINK_UNCONFIGURED;
    if (type == TIFED_LINK_PUT_CHANGES)
        return put_changes(device, in, length);
    return code_of(tifed_put_start(&device->core, tifed_link_get32(in), tifed_link_get32(in + 4),
                                   (int32_t)tifed_link_get32(in + 8)));
}

#else
typedef int tifed_device_has_no_short_updates;
#endif
