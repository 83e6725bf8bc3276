/* The model that stays (SPEC, section 17). Model number n lies in slot n mod 2, and words number n in
 * cell n mod 2, so what is written is never the newest, and what makes it count is the last write. */
#include "tifed_kept.h"
#include "tifed_crc.h"

#define MAGIC 0x6B666974u /* "tifk" */
#define VERSION 1u
#define HEADER 44u                        /* bytes of a slot before the model */
#define CELL (4u * TIFED_KEPT_WORDS + 8u) /* number, words, checksum */
#define LARGEST (UINT32_C(1) << 30)       /* slot: two of them have places below 2^32 */
#define PIECE 32u                         /* values at a time, of 16 bits at most */

static bool is_in_ram(const tifed_config *config, uint32_t layer)
{
    return !config->frozen || !config->frozen[layer].weights;
}

/* Bytes of a slot; 0 if the configuration is not possible or they are too many. */
static uint32_t slot_size(const tifed_config *config)
{
    if (tifed_check(config) != TIFED_OK)
        return 0;
    const tifed_network *network = config->network;
    uint32_t size = HEADER + (network->centred ? network->layers[0].fan_in : 0u);
    for (uint32_t l = 0; l < network->depth; l++) {
        const tifed_layer *layer = &network->layers[l];
        uint32_t weights = layer->fan_in * layer->fan_out, bytes = layer->weight_bits / 8u;
        if (!is_in_ram(config, l)) {
            size += 4u;
            continue;
        }
        size += layer->fan_out * 2u;
        if (size > LARGEST || weights > (LARGEST - size) / bytes)
            return 0;
        size += weights * bytes;
    }
    return size;
}

uint32_t tifed_kept_size(const tifed_config *config)
{
    uint32_t slot = slot_size(config);
    return slot ? 2u * CELL + 2u * slot : 0u;
}

static int read_bytes(const tifed_kept *kept, uint32_t place, uint8_t *bytes, uint32_t count)
{
    return kept->memory->read(kept->memory->context, place, bytes, count) ? TIFED_KEPT_MEMORY
                                                                          : TIFED_OK;
}

static int write_bytes(const tifed_kept *kept, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    return kept->memory->write(kept->memory->context, place, bytes, count) ? TIFED_KEPT_MEMORY
                                                                           : TIFED_OK;
}

static uint32_t slot_place(const tifed_kept *kept, uint32_t sequence)
{
    return 2u * CELL + (sequence & 1u) * kept->bytes;
}

/* --- the model, piece by piece ---------------------------------------------------------------- */

/* Where a walk over a model is in memory, and the checksum of what was written so far. */
typedef struct walk {
    const tifed_kept *kept;
    uint32_t place, crc;
} walk;

static int save_bytes(walk *w, const uint8_t *bytes, uint32_t count)
{
    w->crc = tifed_crc_add(w->crc, bytes, count);
    w->place += count;
    return write_bytes(w->kept, w->place - count, bytes, count);
}

static int restore_bytes(walk *w, uint8_t *bytes, uint32_t count)
{
    w->place += count;
    return read_bytes(w->kept, w->place - count, bytes, count);
}

static uint32_t values_of(const tifed *t, uint32_t layer)
{
    const tifed_layer *shape = &t->config.network->layers[layer];
    return (shape->fan_in + 1u) * shape->fan_out;
}

static uint32_t piece_of(uint32_t first, uint32_t all)
{
    return all - first < PIECE ? all - first : PIECE;
}

/* The checksum of a layer that stays in flash, as it would go over the line. */
static void frozen_check(const tifed *t, uint32_t layer, uint8_t check[4])
{
    uint32_t all = values_of(t, layer), crc = TIFED_CRC_START;
    for (uint32_t first = 0, count; first < all; first += count) {
        uint8_t wire[2u * PIECE];
        count = piece_of(first, all);
        (void)tifed_get_parameters(t, layer, first, count, wire);
        crc = tifed_crc_add(crc, wire, (uint32_t)tifed_wire_size(t, layer, first, count));
    }
    tifed_put32(check, ~crc);
}

static int save_layer(walk *w, const tifed *t, uint32_t layer)
{
    uint8_t wire[2u * PIECE];
    if (!is_in_ram(&t->config, layer)) {
        frozen_check(t, layer, wire);
        return save_bytes(w, wire, 4u);
    }
    uint32_t all = values_of(t, layer);
    for (uint32_t first = 0, count; first < all; first += count) {
        count = piece_of(first, all);
        int status = tifed_get_parameters(t, layer, first, count, wire);
        if (status == TIFED_OK)
            status = save_bytes(w, wire, (uint32_t)tifed_wire_size(t, layer, first, count));
        if (status != TIFED_OK)
            return status;
    }
    return TIFED_OK;
}

static int restore_layer(walk *w, tifed *t, uint32_t layer)
{
    uint8_t wire[2u * PIECE], wanted[4];
    if (!is_in_ram(&t->config, layer)) {
        frozen_check(t, layer, wanted);
        int status = restore_bytes(w, wire, 4u);
        if (status != TIFED_OK)
            return status;
        return tifed_get32(wire) == tifed_get32(wanted) ? TIFED_OK : TIFED_ERROR_LAYER;
    }
    uint32_t all = values_of(t, layer);
    for (uint32_t first = 0, count; first < all; first += count) {
        count = piece_of(first, all);
        int status = restore_bytes(w, wire, (uint32_t)tifed_wire_size(t, layer, first, count));
        if (status == TIFED_OK)
            status = tifed_put_parameters(t, layer, first, count, wire);
        if (status != TIFED_OK)
            return status;
    }
    return TIFED_OK;
}

/* --- a slot ----------------------------------------------------------------------------------- */

/* The header of a model: words, their checksum, and room for that of the model. */
static void write_header(const tifed_kept *kept, const tifed_kept_model *model, uint32_t sequence,
                         uint8_t header[HEADER])
{
    const uint32_t words[9] = {MAGIC,
                               VERSION,
                               kept->bytes,
                               kept->fingerprint,
                               sequence,
                               model->seed_low,
                               model->seed_high,
                               model->round,
                               (uint32_t)model->energy_shift};
    for (uint32_t i = 0; i < 9u; i++)
        tifed_put32(header + 4u * i, words[i]);
    tifed_put32(header + 36, tifed_crc(header, 36u));
}

/* Take the model of a slot for the newest if it is one: TIFED_OK, TIFED_KEPT_ABSENT if it is not
 * whole, TIFED_KEPT_OTHER, or TIFED_KEPT_MEMORY. */
static int look_at_slot(tifed_kept *kept, uint32_t slot)
{
    uint8_t header[HEADER], piece[2u * PIECE];
    uint32_t place = slot_place(kept, slot);
    int status = read_bytes(kept, place, header, HEADER);
    if (status != TIFED_OK)
        return status;
    if (tifed_get32(header) != MAGIC || tifed_get32(header + 36) != tifed_crc(header, 36u))
        return TIFED_KEPT_ABSENT;
    if (tifed_get32(header + 4) != VERSION || tifed_get32(header + 8) != kept->bytes ||
        tifed_get32(header + 12) != kept->fingerprint)
        return TIFED_KEPT_OTHER;
    uint32_t sequence = tifed_get32(header + 16);
    uint32_t crc = tifed_crc_add(TIFED_CRC_START, header, HEADER - 4u);
    for (uint32_t done = HEADER, count; done < kept->bytes; done += count) {
        count = kept->bytes - done < sizeof piece ? kept->bytes - done : (uint32_t)sizeof piece;
        status = read_bytes(kept, place + done, piece, count);
        if (status != TIFED_OK)
            return status;
        crc = tifed_crc_add(crc, piece, count);
    }
    if (tifed_get32(header + HEADER - 4u) != ~crc || (sequence & 1u) != slot)
        return TIFED_KEPT_ABSENT;
    if (sequence > kept->sequence) {
        kept->sequence = sequence;
        kept->model.seed_low = tifed_get32(header + 20);
        kept->model.seed_high = tifed_get32(header + 24);
        kept->model.round = tifed_get32(header + 28);
        kept->model.energy_shift = (int32_t)tifed_get32(header + 32);
    }
    return TIFED_OK;
}

int tifed_kept_restore(const tifed_kept *kept, tifed *t)
{
    if (kept->sequence == 0u)
        return TIFED_KEPT_ABSENT;
    if (slot_size(&t->config) != kept->bytes)
        return TIFED_KEPT_OTHER;
    walk w = {kept, slot_place(kept, kept->sequence) + HEADER, 0};
    uint32_t features = t->centre ? t->config.network->layers[0].fan_in : 0u;
    for (uint32_t first = 0, count; first < features; first += count) {
        uint8_t piece[PIECE];
        count = piece_of(first, features);
        int status = restore_bytes(&w, piece, count);
        if (status != TIFED_OK)
            return status;
        (void)tifed_put_centre(t, first, count, (const int8_t *)piece);
    }
    int status = TIFED_OK;
    for (uint32_t l = 0; status == TIFED_OK && l < t->config.network->depth; l++)
        status = restore_layer(&w, t, l);
    return status;
}

int tifed_kept_save(tifed_kept *kept, const tifed *t, const tifed_kept_model *model)
{
    if (!kept->memory->write)
        return TIFED_KEPT_MEMORY;
    if (slot_size(&t->config) != kept->bytes)
        return TIFED_KEPT_OTHER;
    uint8_t header[HEADER];
    uint32_t sequence = kept->sequence + 1u, place = slot_place(kept, sequence);
    write_header(kept, model, sequence, header);
    walk w = {kept, place + HEADER, tifed_crc_add(TIFED_CRC_START, header, HEADER - 4u)};
    int status = TIFED_OK;
    if (t->centre)
        status = save_bytes(&w, (const uint8_t *)t->centre, t->config.network->layers[0].fan_in);
    for (uint32_t l = 0; status == TIFED_OK && l < t->config.network->depth; l++)
        status = save_layer(&w, t, l);
    tifed_put32(header + HEADER - 4u, ~w.crc);
    if (status == TIFED_OK)
        status = write_bytes(kept, place, header, HEADER);
    if (status != TIFED_OK)
        return status;
    kept->sequence = sequence;
    kept->model = *model;
    return TIFED_OK;
}

/* --- words ------------------------------------------------------------------------------------ */

static int read_cell(const tifed_kept *kept, uint32_t cell, uint8_t bytes[CELL])
{
    return read_bytes(kept, (cell & 1u) * CELL, bytes, CELL);
}

int tifed_kept_get_words(const tifed_kept *kept, uint32_t words[TIFED_KEPT_WORDS])
{
    uint8_t bytes[CELL] = {0};
    int status = kept->words_sequence ? read_cell(kept, kept->words_sequence, bytes) : TIFED_OK;
    for (uint32_t i = 0; i < TIFED_KEPT_WORDS; i++)
        words[i] = tifed_get32(bytes + 4u + 4u * i);
    return status;
}

int tifed_kept_put_words(tifed_kept *kept, const uint32_t words[TIFED_KEPT_WORDS])
{
    uint8_t bytes[CELL];
    uint32_t sequence = kept->words_sequence + 1u;
    if (!kept->memory->write)
        return TIFED_KEPT_MEMORY;
    tifed_put32(bytes, sequence);
    for (uint32_t i = 0; i < TIFED_KEPT_WORDS; i++)
        tifed_put32(bytes + 4u + 4u * i, words[i]);
    tifed_put32(bytes + CELL - 4u, tifed_crc(bytes, CELL - 4u));
    int status = write_bytes(kept, (sequence & 1u) * CELL, bytes, CELL);
    if (status == TIFED_OK)
        kept->words_sequence = sequence;
    return status;
}

/* --- opening ---------------------------------------------------------------------------------- */

int tifed_kept_open(tifed_kept *kept, const tifed_memory *memory, const tifed_config *config,
                    uint32_t fingerprint)
{
    tifed_kept_model none = {0, 0, 0, 0};
    kept->memory = memory;
    kept->fingerprint = fingerprint;
    kept->bytes = slot_size(config);
    kept->sequence = kept->words_sequence = 0;
    kept->model = none;
    if (kept->bytes == 0u || !memory || !memory->read)
        return TIFED_KEPT_NETWORK;
    bool other = false;
    for (uint32_t i = 0; i < 2u; i++) {
        uint8_t bytes[CELL];
        int status = read_cell(kept, i, bytes);
        if (status != TIFED_OK)
            return status;
        uint32_t sequence = tifed_get32(bytes);
        if (sequence > kept->words_sequence && (sequence & 1u) == i &&
            tifed_get32(bytes + CELL - 4u) == tifed_crc(bytes, CELL - 4u))
            kept->words_sequence = sequence;
        status = look_at_slot(kept, i);
        if (status == TIFED_KEPT_MEMORY)
            return status;
        other = other || status == TIFED_KEPT_OTHER;
    }
    if (kept->sequence)
        return TIFED_OK;
    return other ? TIFED_KEPT_OTHER : TIFED_KEPT_ABSENT;
}
