/* The learning rule over panels; the body of every host kernel. A file that includes this defines:
 *
 *   NAME(x)                    x with the kernel's name, for what other files see
 *   vec, weights_t, inputs_t   16 int32 sums; 16 pairs of weights or deltas; one pair, 16 times
 *   v_zero() v_load(p) v_store(p, v)          sums in memory
 *   v_weights(p) v_inputs(pair)               operands
 *   v_dot(sum, weights, inputs)               sum + both products of each pair
 *   v_set(x)                                  16 times x
 *   v_update(p, low, high, rounding, count)   32 weights at p from two gradients, count per sum
 *   v_update_near(p, low, high, limits, count) the same where every step fits int16 and the shift is
 *                                             16 at most; count per weight
 *   limits_t v_limits(rounding)               what v_update_near needs, in registers: a pointer to
 *                                             it would be read again after every store
 *   KEEP(v)                    an empty instruction that keeps v in registers: without it gcc copies
 *                              the sums to the stack in every turn of the loop, at half the speed
 *   FORWARD_SAMPLES FORWARD_PANELS            register block of the forward pass
 *   UPDATE_INPUTS UPDATE_PANELS               and of the update; inputs even
 *
 * The rest is plain C in loops that the compiler makes vectors of. */
#include "panel_rounding.h"

/* ---- forward: z (n, panels * 16) = x (n, pairs) · W ------------------------------------------- */

ALWAYS_INLINE void forward_tile(const unsigned samples, const unsigned panels, int32_t *z,
                                size_t z_stride, const uint32_t *x, size_t x_stride,
                                const int16_t *w, size_t w_stride, uint32_t pairs)
{
    vec sum[FORWARD_SAMPLES][FORWARD_PANELS];
    UNROLL for (unsigned s = 0; s < samples; s++)
        UNROLL for (unsigned p = 0; p < panels; p++)
            sum[s][p] = v_zero();
    for (uint32_t k = 0; k < pairs; k++) {
        weights_t weights[FORWARD_PANELS];
        UNROLL for (unsigned p = 0; p < panels; p++)
            weights[p] = v_weights(w + p * w_stride + (size_t)k * 2u * PANEL);
        UNROLL for (unsigned s = 0; s < samples; s++) {
            inputs_t inputs = v_inputs(x[s * x_stride + k]);
            UNROLL for (unsigned p = 0; p < panels; p++)
                sum[s][p] = v_dot(sum[s][p], weights[p], inputs);
        }
    }
    UNROLL for (unsigned s = 0; s < samples; s++)
        UNROLL for (unsigned p = 0; p < panels; p++)
            v_store(z + s * z_stride + p * PANEL, sum[s][p]);
}

#define TILE(n)                                                                                    \
    case n:                                                                                        \
        if (n <= FORWARD_SAMPLES)                                                                  \
            forward_tile(n <= FORWARD_SAMPLES ? n : 1, panels, z, z_stride, x, x_stride, w,        \
                         w_stride, pairs);                                                         \
        break;

ALWAYS_INLINE void forward_tiles(const unsigned panels, uint32_t n, int32_t *z, size_t z_stride,
                                 const uint32_t *x, size_t x_stride, const int16_t *w,
                                 size_t w_stride, uint32_t pairs)
{
    /* Tiles of nearly equal height: 25 samples are 13 + 12, not 13 + 12 x 1. */
    uint32_t tiles = (n + FORWARD_SAMPLES - 1u) / FORWARD_SAMPLES;
    for (; tiles; tiles--) {
        uint32_t height = (n + tiles - 1u) / tiles;
        switch (height) {
            TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
            TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13)
        default:
            break;
        }
        n -= height;
        x += height * x_stride;
        z += height * z_stride;
    }
}

static void multiply(uint32_t n, int32_t *z, size_t z_stride, const uint32_t *x, size_t x_stride,
                     const int16_t *w, uint32_t pairs, uint32_t panels)
{
    size_t w_stride = (size_t)pairs * 2u * PANEL;
    uint32_t p = 0;
    for (; p + FORWARD_PANELS <= panels; p += FORWARD_PANELS)
        forward_tiles(FORWARD_PANELS, n, z + p * PANEL, z_stride, x, x_stride, w + p * w_stride,
                      w_stride, pairs);
    for (; FORWARD_PANELS > 1 && p < panels; p++)
        forward_tiles(1, n, z + p * PANEL, z_stride, x, x_stride, w + p * w_stride, w_stride,
                      pairs);
}

/* ---- update: W -= rounded(xᵀ · delta) ---------------------------------------------------------- */

/* What is added before the shift to the gradients of 16 units of two inputs: random bits. */
static void random_addends(const rounding *r, uint32_t place, uint32_t row, int32_t *low,
                           int32_t *high)
{
    uint32_t mask = (1u << r->shift) - 1u;
    for (uint32_t u = 0; u < PANEL; u++)
        low[u] = (int32_t)(tifed_half(r->key, place + u) & mask);
    for (uint32_t u = 0; u < PANEL; u++)
        high[u] = (int32_t)(tifed_half(r->key, place + row + u) & mask);
}

ALWAYS_INLINE void update_tile(const bool near, const unsigned inputs, const unsigned panels,
                               int16_t *w,
                               size_t w_stride, const uint32_t *x, size_t x_stride,
                               const uint32_t *d, size_t d_stride, uint32_t pairs,
                               const rounding *r, const limits_t limits, uint32_t place,
                               uint32_t row, vec *count)
{
    vec sum[UPDATE_INPUTS][UPDATE_PANELS];
    UNROLL for (unsigned i = 0; i < inputs; i++)
        UNROLL for (unsigned p = 0; p < panels; p++)
            sum[i][p] = v_set(r->half);
    for (uint32_t k = 0; k < pairs; k++) {
        weights_t deltas[UPDATE_PANELS];
        UNROLL for (unsigned p = 0; p < panels; p++)
            deltas[p] = v_weights((const int16_t *)(const void *)(d + k * d_stride + p * PANEL));
        UNROLL for (unsigned i = 0; i < inputs; i++) {
            inputs_t column = v_inputs(x[k * x_stride + i]);
            UNROLL for (unsigned p = 0; p < panels; p++)
                sum[i][p] = v_dot(sum[i][p], deltas[p], column);
        }
    }
    UNROLL for (unsigned i = 0; i < inputs; i += 2)
        UNROLL for (unsigned p = 0; p < panels; p++) {
            vec low = sum[i][p], high = sum[i + 1][p];
            if (r->mode == TIFED_STOCHASTIC && r->shift) {
                int32_t addends[2][PANEL] __attribute__((aligned(PANEL_ALIGN)));
                random_addends(r, place + i * row + p * PANEL, row, addends[0], addends[1]);
                low = v_add(low, v_load(addends[0]));
                high = v_add(high, v_load(addends[1]));
            }
            if (near)
                v_update_near(w + p * w_stride + i * PANEL, low, high, limits, count);
            else
                v_update(w + p * w_stride + i * PANEL, low, high, r, count);
        }
}

/* `panels` panels of W; returns how many weights reached their bound. */
ALWAYS_INLINE uint64_t update_panels(const bool near, const unsigned panels,
                                     const panel_layer *layer, int16_t *w, const uint32_t *x,
                                     const uint32_t *d, uint32_t pairs, const rounding *r,
                                     uint32_t place)
{
    size_t w_stride = (size_t)layer->pairs * 2u * PANEL, x_stride = (size_t)layer->pairs * 2u;
    size_t d_stride = (size_t)layer->panels * PANEL;
    uint32_t inputs = layer->pairs * 2u, i = 0, row = layer->fan_out;
    const limits_t limits = v_limits(r);
    vec count = v_zero();
    for (; i + UPDATE_INPUTS <= inputs; i += UPDATE_INPUTS)
        update_tile(near, UPDATE_INPUTS, panels, w + i * PANEL, w_stride, x + i, x_stride, d,
                    d_stride, pairs, r, limits, place + i * row, row, &count);
    for (; i < inputs; i += 2)
        update_tile(near, 2, panels, w + i * PANEL, w_stride, x + i, x_stride, d, d_stride, pairs,
                    r, limits, place + i * row, row, &count);
    int32_t counts[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    v_store(counts, count);
    uint64_t clipped = 0;
    for (uint32_t u = 0; u < PANEL; u++) {
        uint32_t both_counts = (uint32_t)counts[u];
        clipped += near ? (both_counts & 0xFFFFu) + (both_counts >> 16) : both_counts;
    }
    return clipped;
}

ALWAYS_INLINE uint64_t update_all(const bool near, const panel_layer *layer, int16_t *w,
                                  const uint32_t *x, const uint32_t *d, uint32_t pairs,
                                  const rounding *r)
{
    size_t w_stride = (size_t)layer->pairs * 2u * PANEL;
    uint64_t clipped = 0;
    uint32_t p = 0;
    for (; p + UPDATE_PANELS <= layer->panels; p += UPDATE_PANELS)
        clipped += update_panels(near, UPDATE_PANELS, layer, w + p * w_stride, x, d + p * PANEL,
                                 pairs, r, p * PANEL);
    for (; UPDATE_PANELS > 1 && p < layer->panels; p++)
        clipped += update_panels(near, 1, layer, w + p * w_stride, x, d + p * PANEL, pairs, r,
                                 p * PANEL);
    return clipped;
}

/* Where the deltas of this mini-batch are small enough that no step can pass int16, as nearly
 * always, half as many instructions update a weight. Counts are 16 bits then: fan_in / 2 at most. */
static bool steps_are_near(const panel_layer *layer, const uint32_t *d, uint32_t pairs,
                           const rounding *r)
{
    uint32_t count = pairs * layer->panels * PANEL;
    int32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t low = (int16_t)(uint16_t)d[i], high = (int16_t)(uint16_t)(d[i] >> 16);
        low = low < 0 ? -low : low;
        high = high < 0 ? -high : high;
        low = low > high ? low : high;
        most = low > most ? low : most;
    }
    uint64_t gradient = (uint64_t)(uint32_t)most * pairs * 2u * layer->rule.input_limit;
    return r->shift <= 16u && (gradient >> r->shift) + 1u <= 32767u;
}

static uint64_t update_weights(const panel_layer *layer, int16_t *w, const uint32_t *x,
                               const uint32_t *d, uint32_t pairs, const rounding *r)
{
    if (steps_are_near(layer, d, pairs, r))
        return update_all(true, layer, w, x, d, pairs, r);
    return update_all(false, layer, w, x, d, pairs, r);
}

static int32_t low_half(uint32_t pair)
{
    return (int16_t)(uint16_t)pair;
}

static int32_t high_half(uint32_t pair)
{
    return (int16_t)(uint16_t)(pair >> 16);
}

static uint32_t both(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}

static uint64_t update_biases(const panel_layer *layer, int16_t *b, const uint32_t *d,
                              uint32_t pairs, const rounding *r)
{
    uint32_t units = layer->panels * PANEL;
    uint32_t clipped = 0, first = layer->fan_in * layer->fan_out;
    for (uint32_t from = 0; from < units; from += PANEL) {
        int32_t g[PANEL] = {0}, addend[PANEL];
        for (uint32_t k = 0; k < pairs; k++)
            for (uint32_t u = 0; u < PANEL; u++)
                g[u] += low_half(d[k * units + from + u]) + high_half(d[k * units + from + u]);
        for (uint32_t u = 0; u < PANEL; u++)
            addend[u] = r->half;
        if (r->mode == TIFED_STOCHASTIC && r->shift)
            for (uint32_t u = 0; u < PANEL; u++)
                addend[u] = (int32_t)(tifed_half(r->key, first + from + u) &
                                      ((1u << r->shift) - 1u));
        for (uint32_t u = 0; u < PANEL; u++) {
            int32_t gradient = g[u] * (1 << layer->rule.bias_shift);
            int32_t value = b[from + u] - (limited(gradient + addend[u], r->huge) >> r->shift);
            int32_t stepped = tifed_clamp(value, -r->bound, r->bound);
            clipped += stepped != value;
            b[from + u] = (int16_t)stepped;
        }
    }
    return clipped;
}

/* ---- from sums to activations, from errors to deltas -------------------------------------------- */

ALWAYS_INLINE int32_t divided(int32_t z, const panel_layer *layer)
{
    int32_t v = z >> layer->rule.rescale_shift;
    if (layer->divide_shift) {
        /* floor(v / f) = ~floor(~v / f) for v < 0, and v ^ sign is v or ~v. */
        int32_t sign = v >> 31;
        uint64_t wide = (uint64_t)(uint32_t)(v ^ sign) * layer->divide_magic;
        v = (int32_t)(uint32_t)(wide >> layer->divide_shift) ^ sign;
    }
    return v;
}

/* Rows of int16 read as pairs. */
typedef int16_t __attribute__((may_alias)) half_t;

/* What a hidden layer's sums z (n, units) leave: rows and columns of activations for the layer
 * above, and the sources of its slopes; two samples at a time. */
ALWAYS_INLINE void activate_pairs(const uint32_t activation, const bool factor,
                                  const panel_layer *layer, const int16_t *restrict biases,
                                  const int32_t *restrict z, uint32_t n, half_t *restrict rows,
                                  uint32_t *restrict columns, uint32_t used,
                                  uint32_t *restrict sources)
{
    uint32_t units = layer->panels * PANEL;
    uint32_t shift = layer->rule.rescale_shift, bias_shift = layer->rule.bias_shift;
    for (uint32_t s = 0; s < n; s += 2u) {
        bool whole = s + 1u < n;
        const int32_t *low = z + (size_t)s * units, *high = whole ? low + units : low;
        half_t *low_row = rows + (size_t)s * units, *high_row = whole ? low_row + units : low_row;
        for (uint32_t o = 0; o < units; o++) {
            int32_t more = biases[o] * (1 << bias_shift) + layer->offset;
            int32_t a = factor ? divided(low[o] + more, layer) : (low[o] + more) >> shift;
            int32_t b = factor ? divided(high[o] + more, layer) : (high[o] + more) >> shift;
            if (sources)
                sources[(size_t)(s / 2u) * units + o] =
                    both(tifed_slope_source(a), tifed_slope_source(b));
            a = tifed_activate(activation, a);
            b = tifed_activate(activation, b);
            low_row[o] = (int16_t)a;
            high_row[o] = (int16_t)b;
        }
        if (columns)
            for (uint32_t o = 0; o < used; o++)
                columns[(size_t)(s / 2u) * used + o] = both(low_row[o], high_row[o]);
    }
}

static void activate_layer(const panel_layer *layer, const int16_t *biases, const int32_t *z,
                           uint32_t n, uint32_t *rows, uint32_t *columns, uint32_t used,
                           uint32_t *sources)
{
    half_t *halves = (half_t *)(void *)rows;
    if (layer->rule.activation == TIFED_RELU && !layer->divide_shift)
        activate_pairs(TIFED_RELU, false, layer, biases, z, n, halves, columns, used, sources);
    else if (layer->rule.activation == TIFED_RELU)
        activate_pairs(TIFED_RELU, true, layer, biases, z, n, halves, columns, used, sources);
    else if (layer->rule.activation == TIFED_ABSOLUTE && !layer->divide_shift)
        activate_pairs(TIFED_ABSOLUTE, false, layer, biases, z, n, halves, columns, used, sources);
    else if (layer->rule.activation == TIFED_ABSOLUTE)
        activate_pairs(TIFED_ABSOLUTE, true, layer, biases, z, n, halves, columns, used, sources);
    else if (!layer->divide_shift)
        activate_pairs(TIFED_POCKET_TANH, false, layer, biases, z, n, halves, columns, used,
                       sources);
    else
        activate_pairs(TIFED_POCKET_TANH, true, layer, biases, z, n, halves, columns, used,
                       sources);
}

/* Outputs in the place of the last layer's sums z (n, units). */
static void activate_output(const panel_layer *layer, const int16_t *biases, int32_t *z,
                            uint32_t n, uint32_t *sources)
{
    uint32_t units = layer->panels * PANEL;
    for (uint32_t s = 0; s < n; s++)
        for (uint32_t o = 0; o < units; o++) {
            int32_t *sum = &z[(size_t)s * units + o];
            *sum = divided(*sum + biases[o] * (1 << layer->rule.bias_shift) + layer->offset, layer);
        }
    for (uint32_t s = 0; sources && s < n; s += 2u) {
        const int32_t *v = z + (size_t)s * units, *next = s + 1u < n ? v + units : v;
        for (uint32_t o = 0; o < units; o++)
            sources[(size_t)(s / 2u) * units + o] =
                both(tifed_slope_source(v[o]), tifed_slope_source(next[o]));
    }
    for (uint32_t i = 0; i < n * units; i++)
        z[i] = tifed_activate(layer->rule.activation, z[i]);
}

/* Deltas in the place of their slopes' sources; returns how many saturated. A last sample without
 * a partner gets one with deltas of 0. */
ALWAYS_INLINE uint32_t slope_rows(const uint32_t activation, const int32_t *z, uint32_t n,
                                  uint32_t units, uint32_t *deltas)
{
    uint32_t clipped = 0;
    for (uint32_t s = 0; s < n; s += 2u) {
        const int32_t *e = z + (size_t)s * units, *next = s + 1u < n ? e + units : e;
        uint32_t *pair = deltas + (size_t)(s / 2u) * units;
        int32_t present = s + 1u < n ? -1 : 0;
        for (uint32_t o = 0; o < units; o++) {
            int32_t low = tifed_through_slope(activation, e[o], low_half(pair[o]));
            int32_t high =
                tifed_through_slope(activation, next[o], high_half(pair[o])) & present;
            int32_t low_limited = tifed_clamp(low, -TIFED_DELTA_BOUND, TIFED_DELTA_BOUND);
            int32_t high_limited = tifed_clamp(high, -TIFED_DELTA_BOUND, TIFED_DELTA_BOUND);
            clipped += (uint32_t)(low != low_limited) + (uint32_t)(high != high_limited);
            pair[o] = both(low_limited, high_limited);
        }
    }
    return clipped;
}

static uint32_t slopes(uint32_t activation, const int32_t *z, uint32_t n, uint32_t units,
                       uint32_t *deltas)
{
    if (activation == TIFED_RELU)
        return slope_rows(TIFED_RELU, z, n, units, deltas);
    if (activation == TIFED_ABSOLUTE)
        return slope_rows(TIFED_ABSOLUTE, z, n, units, deltas);
    if (activation == TIFED_POCKET_TANH)
        return slope_rows(TIFED_POCKET_TANH, z, n, units, deltas);
    return slope_rows(TIFED_IDENTITY, z, n, units, deltas);
}

/* ---- one mini-batch ----------------------------------------------------------------------------- */

/* Run n rows of inputs through every layer; room->errors then holds the outputs. */
static void forward(const panel_network *network, const panel_model *model, const panel_room *room,
                    const uint32_t *inputs, uint32_t n, uint32_t trained)
{
    const uint32_t *rows = inputs;
    size_t stride = network->layers[0].pairs;
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        uint32_t units = layer->panels * PANEL;
        bool last = l + 1u == network->depth;
        int32_t *z = last ? room->errors : room->sums;
        uint32_t *sources = trained >> l & 1u ? room->deltas[l] : NULL;
        multiply(n, z, units, rows, stride, model->weights[l], layer->pairs, layer->panels);
        if (last) {
            activate_output(layer, model->biases[l], z, n, sources);
            break;
        }
        uint32_t *columns = trained >> (l + 1u) & 1u ? room->columns[l + 1u] : NULL;
        activate_layer(layer, model->biases[l], z, n, room->rows[l + 1u], columns,
                       network->layers[l + 1u].pairs * 2u, sources);
        rows = room->rows[l + 1u];
        stride = units / 2u;
    }
}

/* Outputs become errors, in int32 and in rows of int16 pairs for the feedback. Returns how many
 * outputs chose a wrong class. */
static uint32_t to_errors(const panel_network *network, const panel_room *room,
                          const int32_t *labels, uint32_t n)
{
    uint32_t classes = network->classes, missed = 0;
    uint32_t units = network->layers[network->depth - 1u].panels * PANEL;
    for (uint32_t s = 0; s < n; s++) {
        int32_t *e = room->errors + (size_t)s * units;
        uint32_t label = (uint32_t)labels[s];
        missed += tifed_argmax(e, classes) != label;
        if (network->error == TIFED_SQUARED) {
            e[label] -= (int32_t)network->error_level;
        } else {
            tifed_margin margin =
                tifed_margin_error(e, classes, label, (int32_t)network->error_level);
            for (uint32_t c = 0; c < classes; c++)
                e[c] = 0;
            e[margin.rival] = margin.u;
            e[label] = -margin.u;
        }
        for (uint32_t c = classes; c < units; c++)
            e[c] = 0;
        uint32_t *row = room->rows[network->depth] + (size_t)s * (units / 2u);
        for (uint32_t c = 0; c < units / 2u; c++)
            row[c] = both(e[2u * c], e[2u * c + 1u]);
    }
    return missed;
}

/* Feedback of the last hidden layer from the signs of the output weights, in panels. */
static void read_signs(const panel_network *network, const int16_t *weights, int16_t *feedback)
{
    const panel_layer *last = &network->layers[network->depth - 1u];
    uint32_t class_pairs = (last->fan_out + 1u) / 2u;
    for (uint32_t o = 0; o < last->fan_in; o++)
        for (uint32_t c = 0; c < last->fan_out; c++) {
            int16_t w = weights[((size_t)(c / PANEL) * last->pairs + o / 2u) * 2u * PANEL +
                                (c % PANEL) * 2u + o % 2u];
            feedback[((size_t)(o / PANEL) * class_pairs + c / 2u) * 2u * PANEL +
                     (o % PANEL) * 2u + c % 2u] = (int16_t)(w < 0 ? -1 : 1);
        }
}

/* z (n, units) = errors · feedback, where errors may pass int16. */
static void multiply_wide(const panel_network *network, const panel_room *room, uint32_t n,
                          const int16_t *feedback, uint32_t panels)
{
    uint32_t units = panels * PANEL, classes = network->classes, class_pairs = (classes + 1u) / 2u;
    uint32_t stride = network->layers[network->depth - 1u].panels * PANEL;
    for (uint32_t s = 0; s < n; s++)
        for (uint32_t o = 0; o < units; o++) {
            int32_t sum = 0;
            for (uint32_t c = 0; c < classes; c++)
                sum += room->errors[s * stride + c] *
                       feedback[((size_t)(o / PANEL) * class_pairs + c / 2u) * 2u * PANEL +
                                (o % PANEL) * 2u + c % 2u];
            room->sums[s * units + o] = sum;
        }
}

static void step(const panel_network *network, const panel_model *model,
                 const panel_model *feedback, const panel_room *room, const panel_work *work,
                 uint32_t number, panel_statistics *statistics)
{
    uint32_t batches = (work->count - 1u) / work->batch + 1u;
    uint32_t first = number % batches * work->batch;
    uint32_t n = work->count - first < work->batch ? work->count - first : work->batch;
    uint32_t pairs = (n + 1u) / 2u, depth = network->depth;
    size_t stride = network->layers[0].pairs;
    const uint32_t *inputs = work->inputs + first * stride;
    if (work->trained & 1u)
        for (uint32_t s = 0; s < n; s += 2u) {
            const uint32_t *x = inputs + s * stride, *next = s + 1u < n ? x + stride : x;
            uint32_t *columns = room->columns[0] + (size_t)(s / 2u) * stride * 2u;
            for (size_t k = 0; k < stride; k++) {
                columns[2u * k] = (x[k] & 0xFFFFu) | next[k] << 16;
                columns[2u * k + 1u] = x[k] >> 16 | (next[k] & 0xFFFF0000u);
            }
        }
    forward(network, model, room, inputs, n, work->trained);
    statistics->missed += to_errors(network, room, work->labels + first, n);
    statistics->visits += n;
    for (uint32_t l = 0; l < depth; l++) {
        const panel_layer *layer = &network->layers[l];
        uint32_t units = layer->panels * PANEL;
        if (!(work->trained >> l & 1u))
            continue;
        const int32_t *reached = room->errors;
        if (l + 1u < depth) {
            const int16_t *matrix = feedback->weights[l];
            if (network->feedback == TIFED_OUTPUT_SIGN && l + 2u == depth) {
                read_signs(network, model->weights[l + 1u], room->sign_feedback);
                matrix = room->sign_feedback;
            }
            uint32_t classes = network->layers[depth - 1u].panels * PANEL;
            if (network->wide_error)
                multiply_wide(network, room, n, matrix, layer->panels);
            else
                multiply(n, room->sums, units, room->rows[depth], classes / 2u, matrix,
                         (network->classes + 1u) / 2u, layer->panels);
            reached = room->sums;
        }
        statistics->clipped_deltas +=
            slopes(layer->rule.activation, reached, n, units, room->deltas[l]);
    }
    tifed_key key =
        tifed_key_start(work->seed_low, work->seed_high, TIFED_PURPOSE_ROUNDING);
    key = tifed_key_add(tifed_key_add(tifed_key_add(key, work->device), work->exchange), number);
    for (uint32_t l = 0; l < depth; l++) {
        const panel_layer *layer = &network->layers[l];
        if (!(work->trained >> l & 1u))
            continue;
        uint32_t shift = layer->rule.update_shift + work->extra_shift;
        rounding r = {shift, layer->rule.update_rounding, 0, layer->weight_bound, shift == 0u,
                      tifed_key_add(key, l)};
        if (r.mode == TIFED_NEAREST && shift)
            r.half = 1 << (shift - 1u);
        statistics->clipped_parameters += update_weights(
            layer, model->weights[l], room->columns[l], room->deltas[l], pairs, &r);
        r.bound = 32767;
        statistics->clipped_parameters +=
            update_biases(layer, model->biases[l], room->deltas[l], pairs, &r);
    }
}

static void train(const panel_network *network, const panel_model *model,
                  const panel_model *feedback, const panel_room *room, const panel_work *work,
                  panel_statistics *statistics)
{
    for (uint32_t s = 0; s < work->steps; s++)
        step(network, model, feedback, room, work, work->first_step + s, statistics);
}

static void classify(const panel_network *network, const panel_model *model,
                     const panel_room *room, const uint32_t *inputs, uint32_t count,
                     int32_t *classes)
{
    uint32_t units = network->layers[network->depth - 1u].panels * PANEL;
    forward(network, model, room, inputs, count, 0);
    for (uint32_t s = 0; s < count; s++)
        classes[s] = (int32_t)tifed_argmax(room->errors + (size_t)s * units, network->classes);
}

/* ---- in and out --------------------------------------------------------------------------------- */

static void pack(const panel_layer *layer, int16_t *panels, const int16_t *weights)
{
    uint32_t out = layer->fan_out;
    for (uint32_t p = 0; p < layer->panels; p++) {
        uint32_t units = out - p * PANEL < PANEL ? out - p * PANEL : PANEL;
        for (uint32_t k = 0; k < layer->pairs; k++, panels += 2u * PANEL) {
            const int16_t *low = weights + (size_t)(2u * k) * out + p * PANEL;
            bool whole = 2u * k + 1u < layer->fan_in;
            const int16_t *high = whole ? low + out : low;
            if (units == PANEL && whole)
                for (uint32_t u = 0; u < PANEL; u++) {
                    panels[2u * u] = low[u];
                    panels[2u * u + 1u] = high[u];
                }
            else
                for (uint32_t u = 0; u < units; u++) {
                    panels[2u * u] = low[u];
                    panels[2u * u + 1u] = whole ? high[u] : (int16_t)0;
                }
        }
    }
}

static void accumulate(int32_t *restrict sums, const int16_t *restrict values, size_t count,
                       int32_t samples)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += values[i] * samples;
}

static void unpack(const panel_layer *layer, int64_t *weights, int32_t *sums)
{
    uint32_t out = layer->fan_out;
    for (uint32_t p = 0; p < layer->panels; p++) {
        uint32_t units = out - p * PANEL < PANEL ? out - p * PANEL : PANEL;
        for (uint32_t k = 0; k < layer->pairs; k++, sums += 2u * PANEL) {
            int64_t *low = weights + (size_t)(2u * k) * out + p * PANEL;
            for (uint32_t u = 0; u < units; u++)
                low[u] += sums[2u * u];
            if (2u * k + 1u < layer->fan_in)
                for (uint32_t u = 0; u < units; u++)
                    low[out + u] += sums[2u * u + 1u];
            for (uint32_t u = 0; u < 2u * PANEL; u++)
                sums[u] = 0;
        }
    }
}

static void load(const panel_network *network, uint32_t *row, const int8_t *sample,
                 const int8_t *centre)
{
    uint32_t features = network->layers[0].fan_in, shift = network->input_shift;
    for (uint32_t k = 0; k < features / 2u; k++)
        row[k] = both((sample[2u * k] - centre[2u * k]) >> shift,
                      (sample[2u * k + 1u] - centre[2u * k + 1u]) >> shift);
    if (features & 1u)
        row[features / 2u] = both((sample[features - 1u] - centre[features - 1u]) >> shift, 0);
}

/* Independent sums enough to hide the latency of v_dot, operands in registers. */
#ifndef PEAK_SUMS
#define PEAK_SUMS 12
#endif

static uint64_t peak(uint32_t rounds)
{
    vec sum[PEAK_SUMS];
    uint32_t start[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    for (uint32_t u = 0; u < PANEL; u++)
        start[u] = rounds + u;
    weights_t weights = v_weights((const int16_t *)(const void *)start);
    inputs_t inputs = v_inputs(rounds);
    UNROLL for (unsigned i = 0; i < PEAK_SUMS; i++)
        sum[i] = v_load((const int32_t *)(const void *)start);
    for (uint32_t k = 0; k < rounds; k++) {
        UNROLL for (unsigned i = 0; i < PEAK_SUMS; i++) {
            KEEP_INPUT(inputs); /* or the product is formed once for all */
            sum[i] = v_dot(sum[i], weights, inputs);
            KEEP(sum[i]);
        }
    }
    int32_t result[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    uint32_t parity = 0;
    UNROLL for (unsigned i = 0; i < PEAK_SUMS; i++) {
        v_store(result, sum[i]);
        parity ^= (uint32_t)result[i % PANEL];
    }
    __asm__ volatile("" : : "r"(parity)); /* the sums are needed, says this */
    return (uint64_t)rounds * PEAK_SUMS * PANEL * 2u;
}

const panel_kernel NAME(panel) = {NAME_STRING, supported, pack,     accumulate, unpack,
                                  load,        train,     classify, peak};
