/* The learning rule over mini-batches; the body of every host kernel. A file that includes this
 * defines NAME(x), NAME_STRING and the multiplications on its layout of weights (panel_vectors.h,
 * or its own):
 *
 *   multiply          sums of a layer, or what feedback brings to one
 *   update_within_int16 update_saturating   weights less their steps
 *   read_signs        feedback of recipes that take it from the output weights
 *   weight_at pack unpack        where a weight stands
 *   UNITS_IN_A_RUN               of a panel, whose weights of neighbouring pairs of inputs follow one
 *                                another
 *
 * and `supported` and `peak`. The rest is plain C in loops that the compiler makes vectors of.
 *
 * It computes what tifed.c does, a mini-batch at a time: every layer forward for all samples, then
 * errors, then deltas and updates. Sums are formed in another order, which changes nothing because
 * no partial sum can overflow; random numbers are the same because they are numbered by parameter.
 *
 * A step has, per layer, rows of activations (sample by sample, as a multiplication reads them)
 * and for the update the same values in columns (pairs of samples). The padding of units and
 * inputs is 0 in weights and activations and so stays 0 in gradients. */
#include "panel_rounding.h"
#include "panel_clip.h"
#include "panel_short.h"

/* --- steps of weights and biases -------------------------------------------------------------- */

static int32_t largest_weight(const int16_t *w, size_t count)
{
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t magnitude = w[i] < 0 ? -w[i] : w[i];
        most = magnitude > most ? magnitude : most;
    }
    return most;
}

/* Most that a weight can move in this mini-batch: the largest delta, times as many samples,
 * times the largest input. Deltas are looked at because their bound is far above what they
 * mostly are. */
static uint64_t largest_step(const panel_layer *layer, const uint32_t *d, uint32_t n,
                             const rounding *r)
{
    uint32_t count = (n + 1u) / 2u * layer->panels * PANEL;
    int32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t low = low_half(d[i]), high = high_half(d[i]);
        low = low < 0 ? -low : low;
        high = high < 0 ? -high : high;
        low = low > high ? low : high;
        most = low > most ? low : most;
    }
    uint64_t gradient = (uint64_t)(uint32_t)most * n * layer->rule.input_limit;
    return (gradient >> r->shift) + 1u;
}

/* Weights back within their bound; returns how many were not. */
static uint64_t clamp_weights(int16_t *w, size_t count, int32_t bound)
{
    uint64_t clipped = 0;
    for (size_t i = 0; i < count; i += PANEL, w += PANEL) {
        uint32_t past = 0;
        for (uint32_t u = 0; u < PANEL; u++) {
            int32_t value = w[u], within = tifed_clamp(value, -bound, bound);
            past += value != within;
            w[u] = (int16_t)within;
        }
        clipped += past;
    }
    return clipped;
}

/* Where no weight can leave int16, as nearly always, a few instructions update 32 of them, and
 * they are brought back to their bound afterwards, if one passed it; that saturates the same
 * weights to the same values. Otherwise each weight is widened to 32 bits and saturated on its
 * own. *largest is the largest magnitude of a weight, before and after, which therefore need not
 * be searched for. Returns how many weights saturated. */
static uint64_t update_weights(const panel_layer *layer, int16_t *w, const uint32_t *x,
                               const uint32_t *d, uint32_t n, const rounding *r, int32_t *largest)
{
    size_t count = panel_weights(layer);
    uint32_t pairs = (n + 1u) / 2u;
    uint64_t clipped = 0;
    if (r->mode != TIFED_STOCHASTIC && r->shift <= 16u &&
        (uint64_t)*largest + largest_step(layer, d, n, r) <= 32767u) {
        *largest = update_within_int16(layer, w, x, d, pairs, r);
        if (*largest > r->bound) {
            clipped = clamp_weights(w, count, r->bound);
            *largest = r->bound;
        }
    } else {
        clipped = update_saturating(layer, w, x, d, pairs, r);
        *largest = largest_weight(w, count);
    }
    return clipped;
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
                addend[u] =
                    (int32_t)(tifed_random16(r->key, first + from + u) & ((1u << r->shift) - 1u));
        for (uint32_t u = 0; u < PANEL; u++) {
            int32_t gradient = g[u] * (1 << layer->rule.bias_shift);
            int32_t value =
                b[from + u] - (limit_gradient(gradient + addend[u], r->may_overflow) >> r->shift);
            int32_t stepped = tifed_clamp(value, -r->bound, r->bound);
            clipped += stepped != value;
            b[from + u] = (int16_t)stepped;
        }
    }
    return clipped;
}

/* --- from sums to activations, from errors to deltas ------------------------------------------ */

/* A hidden unit's rescaled sum as far as its activation and slope see it: -128..128. The
 * division by the factor is a multiplication of what is at most 256 times the factor, with a
 * quotient that may be 1 too small, which is then added. With a reciprocal of at most
 * (2^24 - 1) / factor the product is below 2^32. */
ALWAYS_INLINE int32_t rescaled(const bool factor, const panel_layer *layer, int32_t z)
{
    int32_t v = z >> layer->rule.rescale_shift;
    if (!factor)
        return tifed_slope_source(v);
    uint32_t divisor = layer->rule.rescale_factor;
    int32_t limit = 128 * (int32_t)divisor;
    uint32_t dividend = (uint32_t)(tifed_clamp(v, -limit, limit) + limit);
    uint32_t quotient = dividend * layer->reciprocal >> 24;
    quotient += dividend - quotient * divisor >= divisor;
    return (int32_t)quotient - 128;
}

ALWAYS_INLINE void rescale_rows(const bool factor, const panel_layer *layer,
                                const int16_t *restrict biases, const int32_t *restrict z,
                                uint32_t n, half_t *restrict rows)
{
    const size_t units = layer->panels * PANEL;
    const uint32_t shift = layer->rule.bias_shift;
    const int32_t offset = layer->offset;
    for (uint32_t s = 0; s < n; s++, z += units, rows += units)
        for (size_t o = 0; o < units; o++)
            rows[o] = (int16_t)rescaled(factor, layer, z[o] + biases[o] * (1 << shift) + offset);
}

/* Rescaled sums (n, units) that a layer's activations and slopes depend on. Which of the two
 * bodies it is, with a division or without, is known when they are compiled: a test inside the
 * loop would keep the compiler from making vectors of it. So with activations and slopes below. */
static void rescale(const panel_layer *layer, const int16_t *biases, const int32_t *z, uint32_t n,
                    half_t *rows)
{
    const panel_layer copy = *layer; /* what no store into rows can change */
    if (copy.rule.rescale_factor == 1u)
        rescale_rows(false, &copy, biases, z, n, rows);
    else
        rescale_rows(true, &copy, biases, z, n, rows);
}

ALWAYS_INLINE void activate_rows(const uint32_t activation, half_t *rows, uint32_t count)
{
    for (size_t i = 0; i < count; i++)
        rows[i] = (int16_t)tifed_activate(activation, rows[i]);
}

static void activate(uint32_t activation, half_t *rows, uint32_t count)
{
    if (activation == TIFED_RELU)
        activate_rows(TIFED_RELU, rows, count);
    else if (activation == TIFED_ABSOLUTE)
        activate_rows(TIFED_ABSOLUTE, rows, count);
    else
        activate_rows(TIFED_POCKET_TANH, rows, count);
}

/* Sums become outputs of an identity, which alone may be any 32 bits. */
static void rescale_identity(const panel_layer *layer, const int16_t *biases, int32_t *z,
                             uint32_t n)
{
    int32_t factor = (int32_t)layer->rule.rescale_factor;
    for (uint32_t s = 0; s < n; s++)
        for (uint32_t o = 0; o < layer->panels * PANEL; o++, z++) {
            int32_t v = (*z + biases[o] * (1 << layer->rule.bias_shift) + layer->offset) >>
                        layer->rule.rescale_shift;
            if (factor != 1)
                v = v / factor - (v % factor < 0);
            *z = v;
        }
}

/* Deltas in the place of their slopes' sources; returns how many saturated. A last sample without
 * a partner gets one with deltas of 0. */
ALWAYS_INLINE uint32_t apply_slope_rows(const uint32_t activation, const int32_t *restrict z,
                                        uint32_t n, uint32_t units, uint32_t *restrict deltas)
{
    uint32_t clipped = 0;
    for (uint32_t s = 0; s < n; s += 2u) {
        const int32_t *e = z + (size_t)s * units, *next = s + 1u < n ? e + units : e;
        int32_t present = s + 1u < n ? -1 : 0;
        for (uint32_t o = 0; o < units; o += PANEL, e += PANEL, next += PANEL, deltas += PANEL)
            for (uint32_t u = 0; u < PANEL; u++) {
                int32_t low = tifed_through_slope(activation, e[u], low_half(deltas[u]));
                int32_t high =
                    tifed_through_slope(activation, next[u], high_half(deltas[u])) & present;
                int32_t low_limited = tifed_clamp(low, -TIFED_DELTA_BOUND, TIFED_DELTA_BOUND);
                int32_t high_limited = tifed_clamp(high, -TIFED_DELTA_BOUND, TIFED_DELTA_BOUND);
                clipped += (uint32_t)(low != low_limited) + (uint32_t)(high != high_limited);
                deltas[u] = pair_of(low_limited, high_limited);
            }
    }
    return clipped;
}

static uint32_t apply_slopes(uint32_t activation, const int32_t *z, uint32_t n, uint32_t units,
                             uint32_t *deltas)
{
    if (activation == TIFED_RELU)
        return apply_slope_rows(TIFED_RELU, z, n, units, deltas);
    if (activation == TIFED_ABSOLUTE)
        return apply_slope_rows(TIFED_ABSOLUTE, z, n, units, deltas);
    if (activation == TIFED_POCKET_TANH)
        return apply_slope_rows(TIFED_POCKET_TANH, z, n, units, deltas);
    return apply_slope_rows(TIFED_IDENTITY, z, n, units, deltas);
}

/* --- one mini-batch --------------------------------------------------------------------------- */

/* Run n rows of inputs through every layer; workspace->errors then holds the outputs. */
static void forward(const panel_network *network, const panel_model *model,
                    const panel_workspace *workspace, const uint32_t *inputs, uint32_t n,
                    uint32_t trained)
{
    const uint32_t *x = inputs;
    size_t stride = network->layers[0].pairs;
    for (uint32_t l = 0; l < network->depth; l++) {
        const panel_layer *layer = &network->layers[l];
        const uint32_t units = layer->panels * PANEL, activation = layer->rule.activation;
        bool last = l + 1u == network->depth;
        int32_t *z = last ? workspace->errors : workspace->sums;
        multiply(n, z, units, x, stride, model->weights[l], layer->pairs, layer->panels);
        if (activation == TIFED_IDENTITY) { /* of an output */
            rescale_identity(layer, model->biases[l], z, n);
            break;
        }
        half_t *rows = (half_t *)(void *)workspace->rows[l + 1u];
        rescale(layer, model->biases[l], z, n, rows);
        if (trained >> l & 1u)
            pair_rows(rows, n, units, units, workspace->deltas[l]);
        activate(activation, rows, n * units);
        if (last) {
            for (uint32_t i = 0; i < n * units; i++)
                z[i] = rows[i];
            break;
        }
        if (trained >> (l + 1u) & 1u) {
            uint32_t used = network->layers[l + 1u].pairs * 2u;
            pair_rows(rows, n, units, used, workspace->columns[l + 1u]);
        }
        x = workspace->rows[l + 1u];
        stride = units / 2u;
    }
}

/* Outputs become errors, in int32 and in rows of int16 pairs for the feedback. Returns how many
 * outputs chose a wrong class. */
static uint32_t to_errors(const panel_network *network, const panel_workspace *workspace,
                          const int32_t *labels, uint32_t n)
{
    uint32_t classes = network->classes, missed = 0;
    uint32_t units = network->layers[network->depth - 1u].panels * PANEL;
    for (uint32_t s = 0; s < n; s++) {
        int32_t *e = workspace->errors + (size_t)s * units;
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
        /* As int16, not as pairs: which half of one comes first is the processor's, as with
         * weights. */
        half_t *row = (half_t *)(void *)workspace->rows[network->depth] + (size_t)s * units;
        for (uint32_t c = 0; c < units; c++)
            row[c] = (int16_t)e[c];
    }
    return missed;
}

/* z (n, units) = errors · feedback, where errors may pass int16. */
static void multiply_wide(const panel_network *network, const panel_workspace *workspace,
                          uint32_t n, const int16_t *feedback, uint32_t panels)
{
    uint32_t units = panels * PANEL, classes = network->classes;
    uint32_t stride = network->layers[network->depth - 1u].panels * PANEL;
    for (uint32_t s = 0; s < n; s++)
        for (uint32_t o = 0; o < units; o++) {
            int32_t sum = 0;
            for (uint32_t c = 0; c < classes; c++)
                sum += workspace->errors[s * stride + c] *
                       feedback[weight_at((classes + 1u) / 2u, c, o)];
            workspace->sums[s * units + o] = sum;
        }
}

/* Room that the columns of one mini-batch of inputs take. */
static size_t column_count(const panel_network *network, const panel_work *work)
{
    return (size_t)((work->batch + 1u) / 2u) * network->layers[0].pairs * 2u;
}

/* Columns of the samples, for the update of the first layer: the same in every epoch, so made
 * once. */
static void make_input_columns(const panel_network *network, const panel_work *work,
                               uint32_t *columns)
{
    uint32_t pairs = network->layers[0].pairs, n;
    for (uint32_t first = 0, batch = 0; first < work->count; first += n, batch++) {
        n = work->count - first < work->batch ? work->count - first : work->batch;
        pair_rows((const half_t *)(const void *)(work->inputs + (size_t)first * pairs), n,
                  2u * pairs, 2u * pairs, columns + batch * column_count(network, work));
    }
}

/* One mini-batch. Deltas of all layers are formed before any weight changes (SPEC, 5.4). */
static void step(const panel_network *network, const panel_model *model,
                 const panel_model *feedback, const panel_workspace *workspace,
                 const panel_work *work, uint32_t number, int32_t *largest,
                 panel_statistics *statistics)
{
    uint32_t batches = (work->count - 1u) / work->batch + 1u;
    uint32_t first = number % batches * work->batch;
    uint32_t n = work->count - first < work->batch ? work->count - first : work->batch;
    uint32_t pairs = (n + 1u) / 2u, depth = network->depth;
    const uint32_t *inputs = work->inputs + (size_t)first * network->layers[0].pairs;
    forward(network, model, workspace, inputs, n, work->trained);
    statistics->missed += to_errors(network, workspace, work->labels + first, n);
    statistics->visits += n;
    for (uint32_t l = 0; l < depth; l++) {
        const panel_layer *layer = &network->layers[l];
        uint32_t units = layer->panels * PANEL;
        if (!(work->trained >> l & 1u))
            continue;
        const int32_t *reached = workspace->errors;
        if (l + 1u < depth) {
            const int16_t *matrix = feedback->weights[l];
            if (network->feedback == TIFED_OUTPUT_SIGN && l + 2u == depth) {
                read_signs(&network->layers[l + 1u], model->weights[l + 1u],
                           workspace->sign_feedback);
                matrix = workspace->sign_feedback;
            }
            uint32_t classes = network->layers[depth - 1u].panels * PANEL;
            if (network->wide_error)
                multiply_wide(network, workspace, n, matrix, layer->panels);
            else
                multiply(n, workspace->sums, units, workspace->rows[depth], classes / 2u, matrix,
                         (network->classes + 1u) / 2u, layer->panels);
            reached = workspace->sums;
        }
        statistics->clipped_deltas +=
            apply_slopes(layer->rule.activation, reached, n, units, workspace->deltas[l]);
    }
    tifed_key key = tifed_key_start(work->seed_low, work->seed_high, TIFED_PURPOSE_ROUNDING);
    key = tifed_key_add(tifed_key_add(tifed_key_add(key, work->device), work->exchange), number);
    for (uint32_t l = 0; l < depth; l++) {
        const panel_layer *layer = &network->layers[l];
        if (!(work->trained >> l & 1u))
            continue;
        uint32_t shift = tifed_update_shift(&layer->rule, l, work->extra_shift, work->energy_shift);
        rounding r = {shift,       layer->rule.update_rounding, 0, layer->weight_bound,
                      shift == 0u, tifed_key_add(key, l)};
        if (r.mode == TIFED_NEAREST && shift)
            r.half = 1 << (shift - 1u);
        const uint32_t *columns = workspace->columns[l];
        if (l == 0)
            columns += number % batches * column_count(network, work);
        statistics->clipped_parameters += update_weights(layer, model->weights[l], columns,
                                                         workspace->deltas[l], n, &r, &largest[l]);
        r.bound = 32767;
        statistics->clipped_parameters +=
            update_biases(layer, model->biases[l], workspace->deltas[l], pairs, &r);
    }
}

static void train(const panel_network *network, const panel_model *model,
                  const panel_model *feedback, const panel_workspace *workspace,
                  const panel_work *work, panel_statistics *statistics)
{
    int32_t largest[TIFED_MAX_DEPTH] = {0};
    for (uint32_t l = 0; l < network->depth; l++)
        if (work->trained >> l & 1u)
            largest[l] = largest_weight(model->weights[l], panel_weights(&network->layers[l]));
    if (work->trained & 1u)
        make_input_columns(network, work, workspace->columns[0]);
    for (uint32_t s = 0; s < work->steps; s++)
        step(network, model, feedback, workspace, work, work->first_step + s, largest, statistics);
}

static void classify(const panel_network *network, const panel_model *model,
                     const panel_workspace *workspace, const uint32_t *inputs, uint32_t count,
                     int32_t *classes)
{
    uint32_t units = network->layers[network->depth - 1u].panels * PANEL;
    forward(network, model, workspace, inputs, count, 0);
    for (uint32_t s = 0; s < count; s++)
        classes[s] = (int32_t)tifed_argmax(workspace->errors + (size_t)s * units, network->classes);
}

/* --- in and out ------------------------------------------------------------------------------- */

static void accumulate(int32_t *restrict sums, const int16_t *restrict values, size_t count,
                       int32_t samples)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += values[i] * samples;
}

static void load(const panel_network *network, uint32_t *row, const int8_t *sample,
                 const int8_t *centre)
{
    const uint32_t features = network->layers[0].fan_in, shift = network->input_shift;
    half_t *restrict inputs = (half_t *)(void *)row;
    for (uint32_t i = 0; i < features; i++)
        inputs[i] = (int16_t)((sample[i] - centre[i]) >> shift);
    if (features & 1u)
        inputs[features] = 0;
}

const panel_kernel NAME(panel) = {NAME_STRING, supported, pack,     accumulate, unpack,
                                  squares,     shrink,    shorten,  keep,       take_out,
                                  load,        train,     classify, peak};
