/* One mini-batch step of Direct Feedback Alignment in integers, and what surrounds it.
 *
 * In the order of the file: what a network allows (the bounds of SPEC, section 4), how memory is
 * laid out, parameters and samples in and out, the forward pass, deltas, the update, and the steps
 * that call these. The two loops that cost time are in tifed_kernel.c and tifed_kernel_dsp.c.
 *
 * No sum below is checked for overflow when it is formed. Instead a network, a mini-batch and every
 * parameter are checked once, where they come in, against bounds from which it follows that no sum
 * can leave 32 bits, whatever the data are and in whatever order a kernel adds. Only parameters
 * that the caller froze are taken as they are.
 *
 * Shapes in comments: D features, C classes; layer l takes fan_in and gives fan_out values. */
#include "tifed.h"
#include "tifed_arena.h"
#include "tifed_assumptions.h"
#include "tifed_kernel.h"
#include "tifed_random.h"
#include "tifed_rule.h"

#define LARGEST_SUM 0x7FFFFFFFu
#define BIAS_BOUND 32767

/* Once in flash, not once per caller: keys are made a few times per step, so time does not
 * matter. */
TIFED_NOINLINE static tifed_key add_to_key(tifed_key key, uint32_t word)
{
    return tifed_key_add(key, word);
}

/* The key of a seed, a purpose and a first index. */
TIFED_NOINLINE static tifed_key key_of(uint32_t seed_low, uint32_t seed_high, uint32_t purpose,
                                       uint32_t index)
{
    return add_to_key(tifed_key_start(seed_low, seed_high, purpose), index);
}

/* --- what the network allows ------------------------------------------------------------------ */

/* The largest root whose square is at most `value`, bit by bit from the top. A root has 16 bits, so
 * no square that is tried leaves 32. */
static uint32_t isqrt32(uint32_t value)
{
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << 15; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= value)
            root |= bit;
    return root;
}

/* a * b, or UINT32_MAX where that overflows: a product that wrapped around would look like one
 * that fits. The quotient is hidden from the compiler because it would know this test for one of
 * overflow and make a 64-bit product of it, for which a Cortex-M0 calls a library. */
static uint32_t saturating_product(uint32_t a, uint32_t b)
{
    return b && a > tifed_opaque(UINT32_MAX / b) ? UINT32_MAX : a * b;
}

/* The weight_bound of SPEC, section 4: as many weights of this size as a unit has inputs, each
 * times the largest input, leave room in 31 bits for the bias and the rounding offset. Every
 * partial sum is then within them too, so kernels may add in any order. */
int32_t tifed_weight_bound(const tifed_layer *layer)
{
    /* (fan_in + 1) * fan_out is how many parameters a layer has. They are numbered in 32 bits,
     * on the wire and by the random numbers of stochastic rounding. */
    if (layer->fan_in < 1u || layer->fan_in > 65536u || layer->fan_out < 1u ||
        layer->fan_out > 65536u ||
        saturating_product(layer->fan_in + 1u, layer->fan_out) > LARGEST_SUM ||
        layer->rescale_factor < 1u || layer->rescale_factor > 65536u ||
        layer->rescale_shift > 24u || layer->rescale_rounding > TIFED_NEAREST ||
        layer->update_rounding > TIFED_STOCHASTIC ||
        layer->update_shift > (layer->update_rounding == TIFED_STOCHASTIC ? 16u : 24u) ||
        layer->bias_shift > 8u || layer->activation > TIFED_ABSOLUTE || layer->input_limit < 1u ||
        layer->input_limit > 128u || (layer->weight_bits != 8u && layer->weight_bits != 16u))
        return 0;
    uint32_t headroom = LARGEST_SUM - ((uint32_t)BIAS_BOUND << layer->bias_shift);
    if (layer->rescale_rounding == TIFED_NEAREST) {
        /* Half of the divisor, which may have 40 bits, so that it is compared before it is
         * formed. */
        if (layer->rescale_shift && layer->rescale_factor > headroom >> (layer->rescale_shift - 1u))
            return 0;
        headroom -= (uint32_t)tifed_offset(layer);
    }
    uint32_t bound = headroom / (layer->fan_in * layer->input_limit); /* at most 2^16 * 2^7 */
    uint32_t widest = (UINT32_C(1) << (layer->weight_bits - 1u)) - 1u;
    return (int32_t)(bound < widest ? bound : widest);
}

int32_t tifed_feedback_range(const tifed_network *network, uint32_t layer)
{
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    /* SPEC, 5.5. The fewest classes are two, so r is below 2^9 and products with it stay small. */
    return (int32_t)isqrt32(UINT32_C(12) * 32767u / (classes + network->layers[layer].fan_out));
}

/* Largest magnitude of an activation, but for identity, which has no limit of its own. */
static uint32_t activation_limit(uint32_t activation)
{
    return activation == TIFED_RELU || activation == TIFED_ABSOLUTE ? 127u : 128u;
}

uint32_t tifed_error_limit(const tifed_network *network)
{
    const tifed_layer *last = &network->layers[network->depth - 1u];
    uint32_t limit = activation_limit(last->activation);
    if (last->activation == TIFED_IDENTITY) {
        /* An output is a rescaled sum as it is, so its limit is that of the sum, which is below
         * 2^31 by the weight bound. Shift and factor divide one after the other: flooring twice
         * is the same. */
        uint32_t sum = last->fan_in * last->input_limit * (uint32_t)tifed_weight_bound(last) +
                       ((uint32_t)BIAS_BOUND << last->bias_shift) + (uint32_t)tifed_offset(last);
        limit = (sum >> last->rescale_shift) / last->rescale_factor;
    }
    return limit + network->error_level;
}

/* Largest magnitude of a hidden delta of `layer` before it saturates. */
static uint32_t feedback_limit(const tifed_network *network, uint32_t layer)
{
    uint32_t range =
        network->feedback == TIFED_UNIFORM ? (uint32_t)tifed_feedback_range(network, layer) : 1u;
    if (network->error == TIFED_MARGIN) /* two entries of at most 127; all others are 0 */
        return 2u * 127u * range;
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    return saturating_product(saturating_product(tifed_error_limit(network), classes), range);
}

/* The same of a delta of any layer as it is stored, in 16 bits. */
static uint32_t delta_limit(const tifed_network *network, uint32_t layer)
{
    uint32_t limit;
    if (layer + 1u < network->depth)
        limit = feedback_limit(network, layer);
    else
        limit = network->error == TIFED_MARGIN ? 127u : tifed_error_limit(network);
    return limit < TIFED_DELTA_BOUND ? limit : TIFED_DELTA_BOUND;
}

uint32_t tifed_gradient_limit(const tifed_network *network, uint32_t layer)
{
    /* A bias is the weight of an input that is always 2^bias_shift, which may be the larger one.
     * At most 2^8 * 2^15, so that a mini-batch of hundreds fits in every network. */
    uint32_t input = network->layers[layer].input_limit;
    uint32_t bias = UINT32_C(1) << network->layers[layer].bias_shift;
    return (input > bias ? input : bias) * delta_limit(network, layer);
}

/* The layers come first, each alone and then beside the one before it: the limits of errors and
 * deltas below divide by fields of the last layer, so they mean something only once all layers
 * are valid. */
static int check_network(const tifed_network *network)
{
    if (!network || !network->layers || network->depth < 1u || network->depth > TIFED_MAX_DEPTH ||
        network->error > TIFED_MARGIN || network->error_level < 1u || network->error_level > 127u ||
        network->feedback > TIFED_OUTPUT_SIGN || network->input_shift > 1u ||
        (network->centred && network->input_shift == 0u))
        return TIFED_ERROR_NETWORK;
    for (uint32_t l = 0; l < network->depth; l++) {
        const tifed_layer *layer = &network->layers[l];
        if (tifed_weight_bound(layer) < 1)
            return TIFED_ERROR_NETWORK;
        uint32_t largest_input = 128u; /* the largest magnitude that can reach this layer */
        if (l)
            largest_input = activation_limit(network->layers[l - 1u].activation);
        if (layer->input_limit < largest_input ||
            (l && layer->fan_in != network->layers[l - 1u].fan_out) ||
            (l + 1u < network->depth && layer->activation == TIFED_IDENTITY))
            return TIFED_ERROR_NETWORK;
    }
    if (network->layers[network->depth - 1u].fan_out < 2u)
        return TIFED_ERROR_NETWORK;
    if (network->error == TIFED_SQUARED && tifed_error_limit(network) > LARGEST_SUM)
        return TIFED_ERROR_RANGE;
    for (uint32_t l = 0; l + 1u < network->depth; l++)
        if (feedback_limit(network, l) > LARGEST_SUM)
            return TIFED_ERROR_RANGE;
    return TIFED_OK;
}

uint32_t tifed_largest_batch(const tifed_network *network)
{
    if (check_network(network) != TIFED_OK)
        return 0;
    uint32_t largest = UINT32_MAX;
    for (uint32_t l = 0; l < network->depth; l++) {
        /* What rounding adds to a gradient is below the divisor: half of it, or a random number. */
        uint32_t headroom = LARGEST_SUM - (UINT32_C(1) << network->layers[l].update_shift);
        uint32_t samples = headroom / tifed_gradient_limit(network, l);
        largest = samples < largest ? samples : largest;
    }
    return largest;
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool is_trained(const tifed_config *config, uint32_t layer)
{
    return (config->trained >> layer & 1u) != 0u;
}

static bool is_in_ram(const tifed_config *config, uint32_t layer)
{
    return !config->frozen || !config->frozen[layer].weights;
}

int tifed_check(const tifed_config *config)
{
    int status = config ? check_network(config->network) : TIFED_ERROR_NETWORK;
    if (status != TIFED_OK)
        return status;
    const tifed_network *network = config->network;
    if (network->depth < 32u && config->trained >> network->depth)
        return TIFED_ERROR_LAYER;
    for (uint32_t l = 0; l < network->depth; l++)
        if (!is_in_ram(config, l) && (is_trained(config, l) || !config->frozen[l].biases))
            return TIFED_ERROR_LAYER;
    if (config->trained) {
        if (config->buffer < 1u || config->batch < 1u)
            return TIFED_ERROR_EMPTY;
        if (config->batch > tifed_largest_batch(network))
            return TIFED_ERROR_RANGE;
        if (network->layers[network->depth - 1u].fan_out > 65536u)
            return TIFED_ERROR_NETWORK;
    }
    return TIFED_OK;
}

/* How the caller's memory has to lie: as the states, which are at its beginning because they hold
 * pointers. All else needs 4 bytes at most, and every piece is padded to a multiple of 4. */
struct aligned {
    int8_t byte;
    tifed_state state;
};
TIFED_ASSUME(states_are_aligned_as_words_or_pointers,
             offsetof(struct aligned, state) % TIFED_ALIGNMENT == 0);

/* Out of line: lay_out has many calls of it, and runs once. */
TIFED_NOINLINE static void *take(tifed_arena *arena, uint32_t rows, uint32_t row_bytes)
{
    return tifed_arena_take(arena, rows, row_bytes, 4u);
}

/* What there is memory for, and why (SPEC, section 10; TIFED_BYTES_LAYER and TIFED_BYTES_SHARED
 * count the same):
 *
 * - Parameters in RAM lie in wire order, so that they are put and got in place, with no copy. With
 *   the centre they come before all that depends on which layers are trained, so that they stay
 *   where they are when that changes; how many bytes so many are is what this returns.
 * - A layer's update needs its inputs and its deltas for all samples of a mini-batch. The inputs of
 *   the first layer are in the buffer already, and a layer that is not trained keeps nothing.
 * - Deltas lie in pairs of samples, because a kernel multiplies two samples by one instruction; so
 *   does the column of inputs that they are multiplied with. Inputs themselves lie sample by
 *   sample, as the forward pass writes and reads them.
 * - Samples are stored as inputs, centred and shifted, so that no epoch has to do it again; of those
 *   that a source gives there is but a mini-batch, which the update looks at again.
 * - Two rows of activations take turns as what a layer takes and what it gives. */
static size_t lay_out(tifed *t, tifed_arena *arena)
{
    const tifed_config *config = &t->config;
    const tifed_network *network = config->network;
    uint32_t pairs = (config->batch + 1u) / 2u;
    uint32_t widest = 1, features = network->layers[0].fan_in;
    t->states = take(arena, network->depth, (uint32_t)TIFED_PAD(sizeof(tifed_state)));
    for (uint32_t l = 0; l < network->depth; l++) {
        const tifed_layer *layer = &network->layers[l];
        tifed_state state = {
            NULL, NULL, NULL, NULL, tifed_offset(layer), tifed_weight_bound(layer)};
        if (is_in_ram(config, l)) {
            state.weights = take(arena, layer->fan_in, layer->fan_out * (layer->weight_bits / 8u));
            state.biases = take(arena, layer->fan_out, 2u);
        } else {
            state.weights = config->frozen[l].weights;
            state.biases = config->frozen[l].biases;
        }
        if (t->states)
            t->states[l] = state;
        widest = layer->fan_out > widest ? layer->fan_out : widest;
    }
    t->centre = network->centred ? take(arena, features, 1u) : NULL;
    size_t lasting = arena->used;
    for (uint32_t l = 0; l < network->depth; l++) {
        const tifed_layer *layer = &network->layers[l];
        if (!is_trained(config, l))
            continue;
        int16_t *inputs = l ? take(arena, config->batch, layer->fan_in * 2u) : NULL;
        int16_t *deltas = take(arena, pairs, layer->fan_out * 4u);
        if (t->states) {
            t->states[l].inputs = inputs;
            t->states[l].deltas = deltas;
        }
    }
    t->input = network->centred || network->input_shift ? take(arena, features, 1u) : NULL;
    t->samples =
        take(arena, config->source ? TIFED_ROWS(config->buffer, config->batch) : config->buffer,
             features);
    t->labels = take(arena, config->buffer, 2u);
    t->sums = take(arena, widest, 4u);
    t->activations[0] = take(arena, widest, 2u);
    t->activations[1] = take(arena, widest, 2u);
    t->column = config->trained ? take(arena, pairs, 4u) : NULL;
    return lasting;
}

size_t tifed_memory_size(const tifed_config *config)
{
    if (tifed_check(config) != TIFED_OK)
        return 0;
    tifed t;
    t.config = *config;
    tifed_arena arena = {NULL, 0, false};
    lay_out(&t, &arena);
    return arena.overflow ? 0 : arena.used;
}

/* Not for cleanliness alone: a run must not depend on what the memory held before. */
static void zero(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = 0;
}

int tifed_init(tifed *t, const tifed_config *config, void *memory, size_t bytes)
{
    int status = tifed_check(config);
    if (status != TIFED_OK)
        return status;
    size_t needed = tifed_memory_size(config); /* 0: more than a size_t counts */
    if (!t || !memory || needed == 0 || bytes < needed ||
        (uintptr_t)memory % offsetof(struct aligned, state))
        return TIFED_ERROR_MEMORY;
    zero(memory, needed);
    tifed_arena arena = {memory, 0, false};
    tifed_work none = {0, 0, 0, 0, 0, 0};
    tifed_statistics zero = {0, 0, 0, 0};
    t->config = *config;
    t->count = t->step = t->last_step = 0;
    t->work = none;
    t->statistics = zero;
    lay_out(t, &arena);
    return TIFED_OK;
}

int tifed_train_layers(tifed *t, uint32_t trained, size_t bytes)
{
    tifed_config config = t->config;
    config.trained = trained;
    int status = tifed_check(&config);
    if (status != TIFED_OK)
        return status;
    size_t needed = tifed_memory_size(&config);
    if (needed == 0 || bytes < needed)
        return TIFED_ERROR_MEMORY;
    uint8_t *memory = (uint8_t *)t->states;
    tifed_arena arena = {memory, 0, false};
    t->config = config;
    size_t lasting = lay_out(t, &arena);
    zero(memory + lasting, needed - lasting);
    tifed_clear(t);
    return TIFED_OK;
}

/* --- parameters in pieces --------------------------------------------------------------------- */

/* A piece may begin and end anywhere, at a bias as at a weight, because a link has frames of
 * some size of its own. Values are read and written byte by byte: the wire is little-endian and
 * a frame is not aligned, whatever the processor is. */

size_t tifed_wire_size(const tifed *t, uint32_t layer, uint32_t first, uint32_t count)
{
    const tifed_network *network = t->config.network;
    if (layer >= network->depth)
        return 0;
    uint32_t weights = network->layers[layer].fan_in * network->layers[layer].fan_out;
    uint32_t all = weights + network->layers[layer].fan_out;
    if (first > all || count > all - first)
        return 0;
    uint32_t of_weights = first >= weights ? 0u : weights - first;
    of_weights = of_weights < count ? of_weights : count;
    return (size_t)of_weights * (network->layers[layer].weight_bits / 8u) +
           (size_t)(count - of_weights) * 2u;
}

int tifed_put_parameters(tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         const uint8_t *wire)
{
    if (layer >= t->config.network->depth)
        return TIFED_ERROR_LAYER;
    if (count == 0u || tifed_wire_size(t, layer, first, count) == 0)
        return count == 0u ? TIFED_OK : TIFED_ERROR_PLACE;
    const tifed_layer *shape = &t->config.network->layers[layer];
    tifed_state *state = &t->states[layer];
    bool frozen = !is_in_ram(&t->config, layer);
    /* Written if held in RAM: that they are const is for the sake of those in flash. */
    int8_t *narrow = (int8_t *)(uintptr_t)state->weights;
    int16_t *wide = (int16_t *)(uintptr_t)state->weights;
    int16_t *biases = (int16_t *)(uintptr_t)state->biases;
    uint32_t weights = shape->fan_in * shape->fan_out;
    for (uint32_t place = first; place < first + count; place++) {
        bool is_bias = place >= weights;
        int32_t value;
        if (!is_bias && shape->weight_bits == 8u) {
            value = (int8_t)*wire++;
        } else {
            value = (int16_t)(uint16_t)(wire[0] | (uint32_t)wire[1] << 8);
            wire += 2;
        }
        /* That no sum overflows rests on these bounds, so no value beyond them gets in. Those
         * before it in the piece stay: the caller gives up the exchange, and the next one puts
         * all of them. */
        int32_t bound = is_bias ? BIAS_BOUND : state->weight_bound;
        if (value > bound || value < -bound)
            return TIFED_ERROR_VALUE;
        if (frozen) { /* flash cannot change, but the server has to mean the same values */
            int32_t there = is_bias                    ? biases[place - weights]
                            : shape->weight_bits == 8u ? narrow[place]
                                                       : wide[place];
            if (there != value)
                return TIFED_ERROR_LAYER;
        } else if (is_bias)
            biases[place - weights] = (int16_t)value;
        else if (shape->weight_bits == 8u)
            narrow[place] = (int8_t)value;
        else
            wide[place] = (int16_t)value;
    }
    return TIFED_OK;
}

int tifed_get_parameters(const tifed *t, uint32_t layer, uint32_t first, uint32_t count,
                         uint8_t *wire)
{
    if (layer >= t->config.network->depth)
        return TIFED_ERROR_LAYER;
    if (count == 0u || tifed_wire_size(t, layer, first, count) == 0)
        return count == 0u ? TIFED_OK : TIFED_ERROR_PLACE;
    const tifed_layer *shape = &t->config.network->layers[layer];
    const tifed_state *state = &t->states[layer];
    const int8_t *narrow = state->weights;
    const int16_t *wide = state->weights;
    uint32_t weights = shape->fan_in * shape->fan_out;
    for (uint32_t place = first; place < first + count; place++) {
        if (place < weights && shape->weight_bits == 8u) {
            *wire++ = (uint8_t)narrow[place];
        } else {
            uint16_t value =
                (uint16_t)(place < weights ? wide[place] : state->biases[place - weights]);
            *wire++ = (uint8_t)value;
            *wire++ = (uint8_t)(value >> 8);
        }
    }
    return TIFED_OK;
}

int tifed_put_centre(tifed *t, uint32_t first, uint32_t count, const int8_t *centre)
{
    uint32_t features = t->config.network->layers[0].fan_in;
    if (!t->centre || first > features || count > features - first)
        return TIFED_ERROR_PLACE;
    for (uint32_t i = 0; i < count; i++)
        t->centre[first + i] = centre[i];
    return TIFED_OK;
}

/* --- samples ---------------------------------------------------------------------------------- */

void tifed_clear(tifed *t)
{
    t->count = 0;
    t->step = t->last_step = 0;
}

/* SPEC, 5.1. With a centre the shift is 1, so that the difference of two int8 is an int8 again. */
static void sample_to_input(const tifed *t, int8_t *input, const int8_t *sample)
{
    const tifed_network *network = t->config.network;
    for (uint32_t i = 0; i < network->layers[0].fan_in; i++) {
        int32_t centre = t->centre ? t->centre[i] : 0;
        input[i] = (int8_t)((sample[i] - centre) >> network->input_shift);
    }
}

int tifed_add_sample(tifed *t, const int8_t *sample, uint32_t label)
{
    const tifed_network *network = t->config.network;
    if (t->count >= t->config.buffer)
        return TIFED_ERROR_FULL;
    if (label >= network->layers[network->depth - 1u].fan_out)
        return TIFED_ERROR_LABEL;
    if (!t->config.source)
        sample_to_input(t, t->samples + (size_t)t->count * network->layers[0].fan_in, sample);
    t->labels[t->count++] = (uint16_t)label;
    return TIFED_OK;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* Where the value of sample `n`, unit `o` of a mini-batch lies among values in pairs of samples. */
static int16_t *pair_entry(int16_t *pairs, uint32_t units, uint32_t n, uint32_t o)
{
    return &pairs[2u * ((size_t)(n >> 1) * units + o) + (n & 1u)];
}

/* Run one input (D) through every layer; sums then hold the outputs (C).
 *
 * `training`: what the updates will need is stored for sample `n` of the mini-batch. That is the
 * inputs of trained layers, and of each unit the rescaled sum that its slope follows from. A
 * delta will take that sum's place, because nobody needs the sum once the delta is known: one
 * array serves for both, which halves what deltas cost. */
static void forward(tifed *t, const int8_t *sample, bool training, uint32_t n)
{
    const tifed_network *network = t->config.network;
    const void *input = sample;
    uint32_t input_bits = 8;
    for (uint32_t l = 0; l < network->depth; l++) {
        const tifed_layer *layer = &network->layers[l];
        const tifed_state *state = &t->states[l];
        bool last = l + 1u == network->depth;
        /* A sum starts at its bias; the offset, half of the divisor, makes the floor below a
         * rounding to the nearest. Multiplied, as C leaves the left shift of a negative number
         * undefined. */
        for (uint32_t o = 0; o < layer->fan_out; o++)
            t->sums[o] = (int32_t)state->biases[o] * (1 << layer->bias_shift) + state->offset;
        tifed_kernel_forward(t->sums, state->weights, layer->weight_bits, input, input_bits,
                             layer->fan_in, layer->fan_out);
        int16_t *activations = t->activations[l & 1u];
        if (training && !last && t->states[l + 1u].inputs)
            activations = t->states[l + 1u].inputs + (size_t)n * layer->fan_out;
        for (uint32_t o = 0; o < layer->fan_out; o++) {
            int32_t v = t->sums[o] >> layer->rescale_shift;
            if (layer->rescale_factor != 1u) { /* floor, where C's division goes towards 0 */
                int32_t factor = (int32_t)layer->rescale_factor;
                v = v >= 0 ? v / factor : -1 - (-1 - v) / factor;
            }
            if (training && state->deltas)
                *pair_entry(state->deltas, layer->fan_out, n, o) = (int16_t)tifed_slope_source(v);
            int32_t a = tifed_activate(layer->activation, v);
            if (last) /* of an identity: more than 16 bits */
                t->sums[o] = a;
            else
                activations[o] = (int16_t)a;
        }
        input = activations;
        input_bits = 16;
    }
}

int32_t tifed_classify(tifed *t, const int8_t *sample)
{
    const tifed_network *network = t->config.network;
    if (t->input) {
        sample_to_input(t, t->input, sample);
        sample = t->input;
    }
    forward(t, sample, false, 0);
    return (int32_t)tifed_argmax(t->sums, network->layers[network->depth - 1u].fan_out);
}

const int32_t *tifed_outputs(const tifed *t)
{
    return t->sums;
}

/* Of two int32_t the difference may have 32 bits, but no sign, as it is of the larger. */
uint32_t tifed_output_margin(const tifed *t)
{
    const tifed_network *network = t->config.network;
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    uint32_t best = tifed_argmax(t->sums, classes), margin = UINT32_MAX;
    for (uint32_t c = 0; c < classes; c++) {
        uint32_t below = (uint32_t)t->sums[best] - (uint32_t)t->sums[c];
        if (c != best && below < margin)
            margin = below;
    }
    return margin;
}

/* --- deltas ----------------------------------------------------------------------------------- */

/* Makes the entries of a feedback matrix for one unit, class after class (SPEC, 5.5), so that no
 * device needs RAM or flash for a matrix that follows from the seed. Uniform entries are each a
 * random number of their own. Balanced ones are drawn without replacement from as many plus as
 * minus ones: the chance of a plus is `plus` of the classes that are left, so they are made in
 * the order of classes. */
typedef struct feedback_generator {
    tifed_key key;
    uint32_t classes; /* 0: there is nothing to generate */
    uint32_t units, unit;
    uint32_t plus; /* balanced: plus ones that are left */
    int32_t range; /* uniform: entries are -range..range - 1; 0: balanced */
} feedback_generator;

TIFED_NOINLINE static feedback_generator
generator_for_layer(const tifed_network *network, uint32_t l, uint32_t seed_low, uint32_t seed_high)
{
    feedback_generator generator = {
        .key = key_of(seed_low, seed_high, TIFED_PURPOSE_FEEDBACK, l),
        .classes = network->layers[network->depth - 1u].fan_out,
        .units = network->layers[l].fan_out,
        .range = network->feedback == TIFED_UNIFORM ? tifed_feedback_range(network, l) : 0,
    };
    return generator;
}

/* Where classes are odd in number, every second unit has one plus more than minus ones, and the
 * units between have one less, so that the matrix as a whole is balanced. */
static void start_unit(feedback_generator *generator, uint32_t unit)
{
    generator->unit = unit;
    generator->plus = (generator->classes + (unit & 1u)) / 2u;
}

static int32_t next_entry(feedback_generator *generator, uint32_t c)
{
    if (generator->range)
        return (int32_t)tifed_random_below(generator->key, c * generator->units + generator->unit,
                                           2u * (uint32_t)generator->range) -
               generator->range;
    if (tifed_random_below(generator->key, generator->unit * generator->classes + c,
                           generator->classes - c) < generator->plus) {
        generator->plus--;
        return 1;
    }
    return -1;
}

void tifed_feedback_matrix(const tifed_network *network, uint32_t layer, uint32_t seed_low,
                           uint32_t seed_high, int16_t *matrix)
{
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    uint32_t units = network->layers[layer].fan_out;
    feedback_generator generator = generator_for_layer(network, layer, seed_low, seed_high);
    for (uint32_t o = 0; o < units; o++) {
        start_unit(&generator, o);
        for (uint32_t c = 0; c < classes; c++)
            matrix[(size_t)c * units + o] = (int16_t)next_entry(&generator, c);
    }
}

static bool uses_output_signs(const tifed_network *network, uint32_t l)
{
    return network->feedback == TIFED_OUTPUT_SIGN && l + 2u == network->depth;
}

/* Whether the feedback to layer `l` is neither the output's signs nor stored. */
static bool is_generated(const tifed_config *config, uint32_t l)
{
    return l + 1u < config->network->depth && !uses_output_signs(config->network, l) &&
           !(config->feedback && config->feedback[l]);
}

/* The classes whose errors may be other than 0: first, first + step, ... below end. The margin
 * error has two of them, so that feedback costs two products per unit, not one per class. */
typedef struct class_range {
    uint32_t first, step, end;
} class_range;

/* The output's error (C) through the feedback matrix to unit `o` of hidden layer `l`. The sum
 * fits by check_network, which refuses a network whose feedback_limit does not. */
static int32_t feedback_sum(const tifed *t, uint32_t l, uint32_t o, const int32_t *error,
                            class_range in, feedback_generator *generator)
{
    const tifed_network *network = t->config.network;
    const tifed_layer *last = &network->layers[network->depth - 1u];
    uint32_t classes = last->fan_out;
    int32_t sum = 0;
    if (generator->classes) {
        start_unit(generator, o);
        for (uint32_t c = 0; c < in.end; c++) /* entries are made in the order of classes */
            sum += error[c] * next_entry(generator, c);
    } else if (uses_output_signs(network, l)) {
        const void *weights = t->states[l + 1u].weights;
        const int8_t *narrow = (const int8_t *)weights + (size_t)o * classes;
        const int16_t *wide = (const int16_t *)weights + (size_t)o * classes;
        for (uint32_t c = in.first; c < in.end; c += in.step)
            sum += (last->weight_bits == 8u ? narrow[c] : wide[c]) < 0 ? -error[c] : error[c];
    } else {
        const int16_t *entry = t->config.feedback[l] + o;
        for (uint32_t c = in.first; c < in.end; c += in.step)
            sum += error[c] * entry[(size_t)c * network->layers[l].fan_out];
    }
    return sum;
}

/* Turn outputs (C) into errors, in place; say which may be other than 0. */
static class_range output_to_error(const tifed_network *network, int32_t *output, uint32_t classes,
                                   uint32_t label)
{
    class_range all = {0, 1, classes};
    if (network->error == TIFED_SQUARED) {
        output[label] -= network->error_level;
        return all;
    }
    tifed_margin margin = tifed_margin_error(output, classes, label, network->error_level);
    for (uint32_t c = 0; c < classes; c++)
        output[c] = 0;
    output[margin.rival] = margin.u;
    output[label] = -margin.u;
    uint32_t low = label < margin.rival ? label : margin.rival, high = label + margin.rival - low;
    class_range two = {low, high - low, margin.u ? high + 1u : 0u}; /* right by a margin: none */
    return two;
}

/* Deltas of sample `n` of the mini-batch in every trained layer, from its error (C).
 *
 * This is where Direct Feedback Alignment differs from backpropagation: a hidden layer's delta
 * comes from the output's error through a fixed matrix, not from the deltas of the layer above.
 * So layers come in any order, and those that are not trained here need none. */
static void store_deltas(tifed *t, uint32_t n, const int32_t *error, class_range in)
{
    const tifed_network *network = t->config.network;
    for (uint32_t l = 0; l < network->depth; l++) {
        int16_t *deltas = t->states[l].deltas;
        const tifed_layer *layer = &network->layers[l];
        if (!deltas)
            continue;
        feedback_generator generator = {.classes = 0}; /* none */
        if (is_generated(&t->config, l))
            generator = generator_for_layer(network, l, t->config.seed_low, t->config.seed_high);
        int16_t *entry = pair_entry(deltas, layer->fan_out, n, 0);
        for (uint32_t o = 0; o < layer->fan_out; o++, entry += 2) {
            int32_t v = *entry, delta = 0;
            /* About half of the units of a ReLU have no slope: for them there is no need to ask
             * for feedback. */
            if (!tifed_slope_is_zero(layer->activation, v)) {
                delta = l + 1u == network->depth ? error[o]
                                                 : feedback_sum(t, l, o, error, in, &generator);
                delta = tifed_through_slope(layer->activation, delta, v);
            }
            int32_t limited = tifed_clamp(delta, -TIFED_DELTA_BOUND, TIFED_DELTA_BOUND);
            if (limited != delta)
                t->statistics.clipped_deltas++;
            *entry = (int16_t)limited;
        }
    }
}

/* --- update ----------------------------------------------------------------------------------- */

/* What makes a shift round at random: a number below the divisor, added before it. Parameter p
 * of a layer has half number p of the stream, so the outcome does not depend on the order in
 * which a kernel visits parameters, nor on what it skips. */
void tifed_kernel_add_random(const tifed_update *u, int32_t *gradient, uint32_t units,
                             uint32_t place)
{
    for (uint32_t k = 0; k < units; k++)
        gradient[k] +=
            (int32_t)(tifed_random16(u->key, place + k) & ((UINT32_C(1) << u->shift) - 1u));
}

/* Copy one input of every sample side by side, and say whether any is not 0.
 *
 * Where samples are odd in number, the last pair's second value is 0: the delta beside it is
 * left from an earlier mini-batch, and 0 times whatever it is adds nothing. */
#define GATHER_COLUMN(name, type)                                                                  \
    static bool name(int16_t *to, const type *from, uint32_t stride, uint32_t samples)             \
    {                                                                                              \
        int32_t any = 0;                                                                           \
        for (int16_t *end = to + samples; to < end; from += stride) {                              \
            *to++ = *from;                                                                         \
            any |= *from;                                                                          \
        }                                                                                          \
        if (samples & 1u)                                                                          \
            *to = 0;                                                                               \
        return any != 0;                                                                           \
    }

GATHER_COLUMN(gather_8, int8_t)
GATHER_COLUMN(gather_16, int16_t)

/* Take the gradients of `samples` samples, whose `inputs` lie side by side, off layer `l`.
 *
 * One input's weights are one row, so that a row of gradients is formed, rounded and taken off
 * before the next: there is never a matrix of gradients, which would double the memory of the
 * weights. The sums fit by tifed_largest_batch.
 *
 * Random numbers are named by (device, exchange, step, layer) and the parameter's number, not
 * taken one after the other (SPEC, 3 and 5.6). So a device that starts again in the middle of an
 * experiment, or a server that repeats its work, rounds the same way. */
static void update(tifed *t, uint32_t l, const int8_t *inputs, uint32_t samples)
{
    const tifed_layer *layer = &t->config.network->layers[l];
    const tifed_state *state = &t->states[l];
    uint32_t pairs = (samples + 1u) / 2u, features = layer->fan_in;
    tifed_key key =
        key_of(t->config.seed_low, t->config.seed_high, TIFED_PURPOSE_ROUNDING, t->work.device);
    key = add_to_key(key, t->work.exchange);
    key = add_to_key(key, t->step);
    tifed_update u = {
        .column = t->column,
        .deltas = state->deltas,
        .pairs = pairs,
        .fan_out = layer->fan_out,
        .bits = layer->weight_bits,
        .shift = tifed_update_shift(layer, l, t->work.extra_shift, t->work.energy_shift),
        .mode = layer->update_rounding,
        .bound = state->weight_bound,
        .key = add_to_key(key, l),
    };
    uint8_t *row = (uint8_t *)(uintptr_t)state->weights;
    uint32_t stride = layer->fan_out * (layer->weight_bits / 8u);
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < features; i++, row += stride) {
        bool any = l ? gather_16(t->column, state->inputs + i, features, samples)
                     : gather_8(t->column, inputs + i, features, samples);
        /* An input that was 0 in every sample has a gradient of 0, and that stays 0 whichever
         * way it is rounded: what rounding adds is below the divisor. About half of what a ReLU
         * gives is 0. */
        if (any)
            clipped += tifed_kernel_update(&u, row, i * layer->fan_out);
    }
    /* A bias is the weight of an input that is always 2^bias_shift, and biases are numbered behind
     * weights. The 0 beside an odd sample is there since the last column was gathered. */
    for (uint32_t n = 0; n < samples; n++)
        t->column[n] = (int16_t)(1 << layer->bias_shift);
    u.bits = 16;
    u.bound = BIAS_BOUND;
    clipped += tifed_kernel_update(&u, (void *)(uintptr_t)state->biases, features * layer->fan_out);
    t->statistics.clipped_parameters += clipped;
}

/* --- steps ------------------------------------------------------------------------------------ */

int tifed_begin(tifed *t, const tifed_work *work)
{
    const tifed_network *network = t->config.network;
    if (!t->config.trained)
        return TIFED_ERROR_LAYER;
    if (t->count == 0u)
        return TIFED_ERROR_EMPTY;
    /* Steps are counted in one word, and a step's number names its random numbers: it may not
     * repeat. */
    if (work->extra_shift > 6u || work->steps > UINT32_MAX - work->first_step)
        return TIFED_ERROR_RANGE;
    uint32_t samples = t->config.batch < t->count ? t->config.batch : t->count;
    for (uint32_t l = 0; l < network->depth; l++) {
        /* What tifed_largest_batch left room for is the rounding of the layer's own shift. A
         * larger one adds more. The product below fits, as the configuration was checked with
         * its mini-batch. */
        uint32_t shift =
            tifed_update_shift(&network->layers[l], l, work->extra_shift, work->energy_shift);
        if (shift > TIFED_LARGEST_SHIFT)
            return TIFED_ERROR_RANGE;
        uint32_t half =
            UINT32_C(1) << shift >> (network->layers[l].update_rounding != TIFED_STOCHASTIC);
        if (is_trained(&t->config, l) &&
            LARGEST_SUM - samples * tifed_gradient_limit(network, l) < half)
            return TIFED_ERROR_RANGE;
    }
    tifed_statistics zero = {0, 0, 0, 0};
    t->statistics = zero;
    t->work = *work;
    t->step = work->first_step;
    t->last_step = work->first_step + work->steps;
    return TIFED_OK;
}

/* The inputs of a mini-batch that begins at `first` of the buffer. */
static const int8_t *inputs_of(const tifed *t, uint32_t first, uint32_t samples)
{
    const tifed_source *source = t->config.source;
    uint32_t features = t->config.network->layers[0].fan_in;
    if (!source)
        return t->samples + (size_t)first * features;
    int8_t *input = t->samples;
    for (uint32_t n = 0; n < samples; n++, input += features) {
        source->write(source->context, t, first + n, input);
        sample_to_input(t, input, input);
    }
    return t->samples;
}

/* One mini-batch: the buffer's samples in order, over and over, so that the number of a step
 * alone says which they are. All deltas are known before the first parameter changes (SPEC,
 * 5.4): output-sign feedback reads the output's weights, and every sample of the mini-batch has
 * to see the same ones. */
int tifed_step(tifed *t)
{
    if (t->step == t->last_step)
        return TIFED_OK;
    const tifed_network *network = t->config.network;
    uint32_t features = network->layers[0].fan_in;
    uint32_t classes = network->layers[network->depth - 1u].fan_out;
    uint32_t batch = t->config.batch;
    uint32_t batches = (t->count - 1u) / batch + 1u;
    uint32_t first = t->step % batches * batch;
    uint32_t samples = t->count - first < batch ? t->count - first : batch;
    const int8_t *inputs = inputs_of(t, first, samples);
    for (uint32_t n = 0; n < samples; n++) {
        uint32_t label = t->labels[first + n];
        forward(t, inputs + (size_t)n * features, true, n);
        t->statistics.missed += tifed_argmax(t->sums, classes) != label;
        class_range wrong = output_to_error(network, t->sums, classes, label);
        store_deltas(t, n, t->sums, wrong);
    }
    t->statistics.visits += samples;
    for (uint32_t l = 0; l < network->depth; l++)
        if (is_trained(&t->config, l))
            update(t, l, inputs, samples);
    t->step++;
    return t->step == t->last_step ? TIFED_OK : TIFED_MORE;
}

int tifed_train(tifed *t, const tifed_work *work)
{
    int status = tifed_begin(t, work);
    if (status != TIFED_OK)
        return status;
    while (tifed_step(t) == TIFED_MORE) {
    }
    return TIFED_OK;
}
