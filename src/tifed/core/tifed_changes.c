#include "tifed_changes.h"

#define BIAS_BOUND 32767

static uint32_t weights_of(const tifed_layer *layer)
{
    return layer->fan_in * layer->fan_out;
}

static bool is_trained(const tifed_config *config, uint32_t l)
{
    return (config->trained >> l & 1u) != 0u;
}

static int32_t weight_at(const void *weights, uint32_t bits, uint32_t place)
{
    return bits == 8u ? ((const int8_t *)weights)[place] : ((const int16_t *)weights)[place];
}

/* --- what was received ------------------------------------------------------------------------ */

/* Weights and biases lie one behind the other in RAM, each in whole words, and so they are kept. */
static size_t layer_size(const tifed_layer *layer)
{
    return (size_t)TIFED_BYTES_RECEIVED(layer->fan_in, layer->fan_out, layer->weight_bits / 8u);
}

size_t tifed_received_size(const tifed_config *config)
{
    size_t size = 0;
    for (uint32_t l = 0; l < config->network->depth; l++) {
        const tifed_layer *layer = &config->network->layers[l];
        if (!is_trained(config, l))
            continue;
        /* Of 2 bytes at most, and 6 for whole words at most. There are less than 2^31. */
        if (weights_of(layer) + layer->fan_out + 4u > (SIZE_MAX - size) / 2u)
            return SIZE_MAX;
        size += layer_size(layer);
    }
    return size;
}

static void copy(uint8_t *to, const uint8_t *from, size_t count)
{
    while (count--)
        *to++ = *from++;
}

void tifed_received_keep(const tifed *t, uint8_t *received)
{
    const tifed_network *network = t->config.network;
    for (uint32_t l = 0; l < network->depth; l++)
        if (is_trained(&t->config, l)) {
            size_t size = layer_size(&network->layers[l]);
            copy(received, t->states[l].weights, size);
            received += size;
        }
}

void tifed_received_restore(tifed *t, const uint8_t *received)
{
    const tifed_network *network = t->config.network;
    for (uint32_t l = 0; l < network->depth; l++)
        if (is_trained(&t->config, l)) {
            size_t size = layer_size(&network->layers[l]);
            copy((uint8_t *)(uintptr_t)t->states[l].weights, received, size);
            received += size;
        }
}

/* --- changes up ------------------------------------------------------------------------------- */

/* See that `place` is that of a weight that goes up, or the end. */
static void find_row(tifed_changes *c)
{
    while (c->place < c->end) {
        if (c->place >= c->row_end) {
            c->row = c->place / c->fan_out;
            c->row_end = (c->row + 1u) * c->fan_out;
        }
        if ((c->row / 2u + c->how.turn) % c->how.rows == 0u)
            return;
        c->place = c->row_end;
    }
}

int tifed_changes_begin(tifed_changes *c, const tifed *t, const uint8_t *received, uint32_t layer,
                        uint32_t first, const tifed_change *how)
{
    const tifed_network *network = t->config.network;
    if (layer >= network->depth || !is_trained(&t->config, layer))
        return TIFED_ERROR_LAYER;
    const tifed_layer *shape = &network->layers[layer];
    if (first > weights_of(shape))
        return TIFED_ERROR_PLACE;
    if (how->top < 1u || how->top > 127u || how->shift > TIFED_LARGEST_CHANGE_SHIFT ||
        how->rows < 1u || how->rows > TIFED_LARGEST_ROWS || how->turn >= how->rows)
        return TIFED_ERROR_RANGE;
    for (uint32_t l = 0; l < layer; l++)
        if (is_trained(&t->config, l))
            received += layer_size(&network->layers[l]);
    tifed_key key =
        tifed_key_start(t->config.seed_low, t->config.seed_high, TIFED_PURPOSE_ROUNDING);
    const uint32_t words[] = {t->work.device, t->work.exchange, t->last_step, layer};
    for (uint32_t i = 0; i < 4u; i++)
        key = tifed_key_add(key, words[i]);
    c->how = *how;
    c->weights = t->states[layer].weights;
    c->received = received;
    c->key = key;
    c->place = first;
    c->weight_bits = shape->weight_bits;
    c->fan_out = shape->fan_out;
    c->end = weights_of(shape);
    c->row = c->row_end = 0;
#ifdef TIFED_RESIDUALS
    c->residual = NULL;
#endif
    find_row(c);
    return TIFED_OK;
}

bool tifed_changes_left(const tifed_changes *c)
{
    return c->place < c->end;
}

/* At most 65,534 in magnitude. */
static int32_t difference_at(const tifed_changes *c)
{
    return weight_at(c->weights, c->weight_bits, c->place) -
           weight_at(c->received, c->weight_bits, c->place);
}

int32_t tifed_changes_q(const tifed_changes *c)
{
    int32_t difference = difference_at(c);
#ifdef TIFED_RESIDUALS
    if (c->residual) {
        int32_t left = c->residual[c->place];
        return tifed_keep_change(difference, c->how.top, c->how.shift, c->unit, &left);
    }
#endif
    uint32_t random = tifed_random16(c->key, c->place) & ((UINT32_C(1) << c->how.shift) - 1u);
    /* What is added is below 2^14. */
    int32_t q = (difference + (int32_t)random) >> c->how.shift, top = c->how.top;
    return q > top ? top : q < -top ? -top : q;
}

void tifed_changes_next(tifed_changes *c)
{
    c->place++;
    if (c->place >= c->row_end)
        find_row(c);
}

#ifdef TIFED_RESIDUALS
void tifed_changes_keep(tifed_changes *c, const int8_t *residual, uint8_t unit)
{
    c->residual = residual;
    c->unit = unit;
}

void tifed_changes_settle(tifed_changes *c, int8_t *residual)
{
    for (; c->place < c->end; c->place++) {
        int32_t left = residual[c->place];
        tifed_keep_change(difference_at(c), c->how.top, c->how.shift, c->unit, &left);
        residual[c->place] = (int8_t)left;
    }
}
#endif

/* --- parameters that arrive short ------------------------------------------------------------- */

static bool is_in_ram(const tifed_config *config, uint32_t l)
{
    return !config->frozen || !config->frozen[l].weights;
}

static void put_weight(tifed *t, uint32_t layer, uint32_t place, int32_t value)
{
    void *weights = (void *)(uintptr_t)t->states[layer].weights;
    if (t->config.network->layers[layer].weight_bits == 8u)
        ((int8_t *)weights)[place] = (int8_t)value;
    else
        ((int16_t *)weights)[place] = (int16_t)value;
}

int tifed_add_change(tifed *t, uint32_t layer, uint32_t place, int32_t change)
{
    const tifed_network *network = t->config.network;
    if (layer >= network->depth || !is_in_ram(&t->config, layer))
        return TIFED_ERROR_LAYER;
    const tifed_layer *shape = &network->layers[layer];
    if (place >= weights_of(shape))
        return TIFED_ERROR_PLACE;
    const tifed_state *state = &t->states[layer];
    int32_t value = weight_at(state->weights, shape->weight_bits, place) + change;
    if (value > state->weight_bound || value < -state->weight_bound)
        return TIFED_ERROR_VALUE;
    put_weight(t, layer, place, value);
    return TIFED_OK;
}

int tifed_put_start(tifed *t, uint32_t layer, uint32_t range, int32_t bias)
{
    const tifed_network *network = t->config.network;
    if (layer >= network->depth || !is_in_ram(&t->config, layer))
        return TIFED_ERROR_LAYER;
    const tifed_layer *shape = &network->layers[layer];
    if (range > (uint32_t)t->states[layer].weight_bound || bias > BIAS_BOUND || bias < -BIAS_BOUND)
        return TIFED_ERROR_VALUE;
    tifed_key key = tifed_key_start(t->config.seed_low, t->config.seed_high, TIFED_PURPOSE_START);
    key = tifed_key_add(key, layer);
    for (uint32_t p = 0; p < weights_of(shape); p++)
        put_weight(t, layer, p,
                   (int32_t)tifed_random_below(key, p, 2u * range + 1u) - (int32_t)range);
    int16_t *biases = (int16_t *)(uintptr_t)t->states[layer].biases;
    for (uint32_t o = 0; o < shape->fan_out; o++)
        biases[o] = (int16_t)bias;
    return TIFED_OK;
}
