/* A device whose updates leave it under masks alone: keys, masked vectors, and what takes the masks
 * of those off that were lost (SPEC, 21.5). */
#include "device_inside.h"

#ifdef TIFED_DEVICE_MASKED

enum { WORD = 4, WORDS = TIFED_MASK_BLOCK / WORD, STATISTICS = 4, LIMBS = 4 };
enum { LABEL = 12, ABOUT = LABEL + 2 * (WORD + TIFED_MASK_KEY) };

void tifed_masked_start(tifed_device *device)
{
    static const tifed_device_masked nothing;
    device->masked = nothing;
}

void tifed_masked_open(tifed_device *device)
{
#ifdef TIFED_DEVICE_OWN
    uint32_t last = device->masked.last, among = device->masked.among;
    uint32_t since = device->masked.since;
    tifed_masked_start(device);
    device->masked.last = last;
    device->masked.among = among;
    device->masked.since = since;
#else
    tifed_masked_start(device);
#endif
}

static uint8_t *append(uint8_t *to, const void *from, uint32_t count)
{
    const uint8_t *bytes = from;
    while (count--)
        *to++ = *bytes++;
    return to;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The device's number and public key; the pair of keys is made once a session. */
static uint16_t public_key(tifed_device *device, uint8_t *payload)
{
    const tifed_masks *masks = device->setup->masks;
    tifed_device_masked *masked = &device->masked;
    uint32_t number = tifed_link_get32(payload);
    if (!(masked->known & 1u)) {
        if (!masks->secret(masked->secret) || !masks->secret(masked->slots[0].key)) {
            payload[0] = TIFED_LINK_NO_KEY;
            return 1;
        }
        masks->publish(masked->public_key, masked->secret);
        masked->slots[0].number = number;
        masked->known = 1u;
    }
    if (masked->slots[0].number != number) {
        payload[0] = TIFED_LINK_NOT_ALLOWED;
        return 1;
    }
    payload[0] = TIFED_LINK_OK;
    append(payload + 1, masked->public_key, TIFED_MASK_KEY);
    return 1u + TIFED_MASK_KEY;
}

/* The public key of another device: place, number, key. The key of both is made of it. */
static uint8_t take_peer(tifed_device *device, const uint8_t *in)
{
    tifed_device_masked *masked = &device->masked;
    uint32_t slot = tifed_link_get32(in), number = tifed_link_get32(in + 4);
    uint32_t own = masked->slots[0].number;
    const uint8_t *other = in + 8;
    uint8_t about[ABOUT], numbers[2u * WORD];
    if (!(masked->known & 1u))
        return TIFED_LINK_ORDER;
    if (slot == 0u || slot > TIFED_MASK_PEERS || number == own)
        return TIFED_LINK_NOT_ALLOWED;
    tifed_link_put32(tifed_link_put32(numbers, own), number);
    bool first = own < number; /* both have to say the same */
    uint8_t *to = append(about, "TIFeD mask 1", LABEL);
    to = append(to, numbers + (first ? 0 : WORD), WORD);
    to = append(to, first ? masked->public_key : other, TIFED_MASK_KEY);
    to = append(to, numbers + (first ? WORD : 0), WORD);
    append(to, first ? other : masked->public_key, TIFED_MASK_KEY);
    masked->known &= ~(UINT32_C(1) << slot);
    if (!device->setup->masks->agree(masked->slots[slot].key, masked->secret, other, about, ABOUT))
        return TIFED_LINK_NOT_ALLOWED;
    masked->slots[slot].number = number;
    masked->known |= UINT32_C(1) << slot;
    return TIFED_LINK_OK;
}

/* The slots of the devices whose numbers these are, ascending; 0 if one of them has no key here. */
static uint32_t slots_of(const tifed_device_masked *masked, const uint8_t *numbers, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++, numbers += WORD) {
        uint32_t number = tifed_link_get32(numbers), slot = 0;
        while (slot <= TIFED_MASK_PEERS &&
               !(masked->known >> slot & 1u && masked->slots[slot].number == number))
            slot++;
        if (slot > TIFED_MASK_PEERS || (i && number <= tifed_link_get32(numbers - WORD)))
            return 0;
        found |= UINT32_C(1) << slot;
    }
    return found;
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Begin the masks of a round: its number, which no round had before, and the numbers of all devices
 * that they are with, itself among them. */
static uint8_t begin_round(tifed_device *device, const uint8_t *in, uint32_t count)
{
    tifed_device_masked *masked = &device->masked;
    uint32_t round = tifed_link_get32(in);
    bool sums = device->state == TIFED_DEVICE_IDLE && device->summed;
    masked->with = 0;
#ifdef TIFED_DEVICE_OWN
    if (device->own.personal) /* parameters that no one else is to have, and no average either */
        return TIFED_LINK_NOT_ALLOWED;
#endif
    if (round <= masked->round || !(sums || device->state == TIFED_DEVICE_TRAINED))
        return TIFED_LINK_ORDER;
    if (count < TIFED_MASK_LEAST)
        return TIFED_LINK_TOO_FEW_DEVICES;
    uint32_t with = slots_of(masked, in + WORD, count);
    if (!(with & 1u))
        return TIFED_LINK_NOT_ALLOWED;
    masked->round = round;
    masked->with = with;
    masked->counted = 0;
    return TIFED_LINK_OK;
}

#ifdef TIFED_DEVICE_OWN
/* Whether the work that the device has done may be summed with these devices. Two sums of the same
 * work with others would tell their difference, be it in another session. */
static uint8_t sum_with(tifed_device *device, const uint8_t *numbers, uint32_t count)
{
    tifed_device_masked *masked = &device->masked;
    uint32_t among = tifed_link_crc(numbers, count * WORD) | 1u; /* 0 is: with none */
    uint32_t exchange = device->core.work.exchange;
    if (device->state == TIFED_DEVICE_IDLE)
        return tifed_own_summed(device, among);
    if (masked->among && exchange <= masked->last)
        return masked->among == among && exchange >= masked->since
                   ? (uint8_t)TIFED_LINK_OK
                   : (uint8_t)TIFED_LINK_OTHER_DEVICES;
    if (masked->among != among)
        masked->since = exchange;
    masked->among = among;
    masked->last = exchange;
    return TIFED_LINK_OK;
}
#endif

/* Which devices are in the sum, itself among them. What was said once stands. */
static uint8_t count_in(tifed_device *device, const uint8_t *in, uint32_t count)
{
    tifed_device_masked *masked = &device->masked;
    if (masked->with == 0u || tifed_link_get32(in) != masked->round)
        return TIFED_LINK_ORDER;
    if (count < TIFED_MASK_LEAST)
        return TIFED_LINK_TOO_FEW_DEVICES;
    uint32_t counted = slots_of(masked, in + WORD, count);
    if (!(counted & 1u) || counted & ~masked->with ||
        (masked->counted && masked->counted != counted))
        return TIFED_LINK_NOT_ALLOWED;
#ifdef TIFED_DEVICE_OWN
    uint8_t code = has_own(device) ? sum_with(device, in + WORD, count) : (uint8_t)TIFED_LINK_OK;
    if (code != TIFED_LINK_OK)
        return code;
#endif
    masked->counted = counted;
    return TIFED_LINK_OK;
}

/* What this round's mask with a slot is made of, in the first TIFED_MASK_KEY bytes of a block. */
static void seed_of(const tifed_device *device, uint32_t slot, uint8_t *block)
{
    const tifed_device_masked *masked = &device->masked;
    device->setup->masks->stream(block, masked->slots[slot].key, masked->round, 0);
}

/* The seed of its own mask, or of the one with a device that was lost: never of both kinds for one
 * device, for whoever had those could read its vector. */
static uint16_t tell_seed(tifed_device *device, uint8_t *payload)
{
    const tifed_device_masked *masked = &device->masked;
    uint32_t slot = slots_of(masked, payload, 1), lost = masked->with & ~masked->counted;
    uint8_t block[TIFED_MASK_BLOCK];
    payload[0] = TIFED_LINK_ORDER;
    if (masked->with == 0u || masked->counted == 0u)
        return 1;
    payload[0] = TIFED_LINK_NOT_ALLOWED;
    if (!(slot & (lost | 1u)))
        return 1;
    uint32_t place = 0;
    while (slot >> place != 1u)
        place++;
    seed_of(device, place, block);
    payload[0] = TIFED_LINK_OK;
    append(payload + 1, block, TIFED_MASK_KEY);
    return 1u + TIFED_MASK_KEY;
}

/* --- vectors ---------------------------------------------------------------------------------- */

/* Words of a vector: the parameters of a layer; behind all layers what training has counted; and
 * behind that the sums of a calibration, of squares in pieces of 16 bits, and of samples. */
static uint32_t words_of(const tifed_device *device, uint32_t vector)
{
    const tifed_network *network = device->setup->network;
    bool trained = device->state == TIFED_DEVICE_TRAINED;
    if (trained && vector < network->depth)
        return (network->layers[vector].fan_in + 1u) * network->layers[vector].fan_out;
    if (trained && vector == network->depth)
        return STATISTICS;
    return !trained && vector == network->depth + 1u ? network->layers[0].fan_in + LIMBS + 1u : 0u;
}

static uint32_t word_of(const tifed_device *device, uint32_t vector, uint32_t place)
{
    const tifed_network *network = device->setup->network;
    const tifed *core = &device->core;
    if (vector < network->depth) { /* of a layer that it does not train: 0 */
        uint8_t wire[2] = {0, 0};
        if (core->config.trained >> vector & 1u)
            tifed_get_parameters(core, vector, place, 1, wire);
        uint32_t value = tifed_link_get16(wire);
        value = tifed_wire_size(core, vector, place, 1) == 1u ? (uint32_t)(int8_t)value
                                                              : (uint32_t)(int16_t)value;
        return core->count * value;
    }
    if (vector == network->depth) {
        const uint32_t counts[STATISTICS] = {core->statistics.visits, core->statistics.missed,
                                             core->statistics.clipped_parameters,
                                             core->statistics.clipped_deltas};
        return counts[place];
    }
    uint32_t features = network->layers[0].fan_in;
    if (place < features)
        return (uint32_t)((const int32_t *)device->setup->memory)[place];
    place -= features;
    return place < LIMBS ? (uint32_t)(device->squares >> 16u * place) & 0xFFFFu : device->summed;
}

/* Add a round's mask with a slot, or subtract it if the other device has the lower number. */
static void add_mask(const tifed_device *device, uint32_t slot, uint32_t vector, uint32_t first,
                     uint32_t count, uint8_t *words)
{
    const tifed_device_masked *masked = &device->masked;
    bool minus = masked->slots[slot].number < masked->slots[0].number;
    uint8_t seed[TIFED_MASK_BLOCK], block[TIFED_MASK_BLOCK];
    seed_of(device, slot, seed);
    for (uint32_t i = 0; i < count; i++, words += WORD) {
        uint32_t place = first + i;
        if (i == 0u || place % WORDS == 0u)
            device->setup->masks->stream(block, seed, vector, place / WORDS);
        uint32_t mask = tifed_link_get32(block + place % WORDS * WORD);
        tifed_link_put32(words, tifed_link_get32(words) + (minus ? 0u - mask : mask));
    }
}

/* Words first.. of a vector under all masks of the round. */
static uint16_t masked_words(tifed_device *device, uint8_t *payload)
{
    uint32_t vector = tifed_link_get32(payload), first = tifed_link_get32(payload + 4);
    uint32_t count = tifed_link_get32(payload + 8);
    uint32_t with = device->masked.with, words = words_of(device, vector);
    payload[0] = TIFED_LINK_ORDER;
    if (with == 0u || device->masked.counted)
        return 1;
    payload[0] = (uint8_t)-TIFED_ERROR_PLACE;
    if (first > words || count > words - first)
        return 1;
    payload[0] = TIFED_LINK_LENGTH;
    if (count > (TIFED_LINK_PAYLOAD - 1u) / WORD)
        return 1;
    for (uint32_t i = 0; i < count; i++)
        tifed_link_put32(payload + 1 + (size_t)i * WORD, word_of(device, vector, first + i));
    for (uint32_t slot = 0; slot <= TIFED_MASK_PEERS; slot++)
        if (with >> slot & 1u)
            add_mask(device, slot, vector, first, count, payload + 1);
    payload[0] = TIFED_LINK_OK;
    return (uint16_t)(1u + count * WORD);
}

/* --- requests --------------------------------------------------------------------------------- */

bool tifed_masked_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length,
                        uint8_t *code)
{
    bool listed = length >= WORD && length % WORD == 0u;
    *code = TIFED_LINK_LENGTH;
    switch (type) {
    case TIFED_LINK_PEER:
        device->masked.with = 0;
        if (length == 2u * WORD + TIFED_MASK_KEY)
            *code = take_peer(device, in);
        return true;
    case TIFED_LINK_MASK:
        if (listed)
            *code = begin_round(device, in, length / WORD - 1u);
        return true;
    case TIFED_LINK_UNMASK:
        if (listed)
            *code = count_in(device, in, length / WORD - 1u);
        return true;
    default:
        device->masked.with = 0; /* there may be another vector now, and a mask is for one alone */
        *code = TIFED_LINK_NOT_ALLOWED;
        /* The class of a sample tells of the parameters that have just been trained. */
        return type == TIFED_LINK_PUT_SAMPLE && length && in[0] == 2u;
    }
}

bool tifed_masked_answer(tifed_device *device, uint8_t type, uint32_t length, uint8_t *payload,
                         uint16_t *size)
{
    uint32_t wanted = type == TIFED_LINK_GET_MASKED ? 3u * WORD : WORD;
    *size = 1;
    switch (type) {
    case TIFED_LINK_GET_PARAMETERS:
    case TIFED_LINK_GET_SUMS: payload[0] = TIFED_LINK_NOT_ALLOWED; return true;
    case TIFED_LINK_MASK_KEY:
    case TIFED_LINK_GET_MASKED:
    case TIFED_LINK_SEED: break;
    default: return false;
    }
    if (length != wanted)
        payload[0] = TIFED_LINK_LENGTH;
    else if (type == TIFED_LINK_MASK_KEY)
        *size = public_key(device, payload);
    else
        *size =
            type == TIFED_LINK_SEED ? tell_seed(device, payload) : masked_words(device, payload);
    return true;
}

#else
typedef int tifed_device_has_no_masks;
#endif
