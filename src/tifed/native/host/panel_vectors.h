/* The multiplications of the learning rule on panels, with a processor's vectors.
 *
 * A panel's weights for one pair of inputs are one vector of int16, and v_dot adds both products of
 * each pair to 16 int32 sums. The forward pass multiplies them with one sample's pair of inputs, for
 * all 16 units at once. The update does the same with deltas in place of weights and pairs of samples
 * in place of pairs of inputs: so one operation, written once per processor, serves both.
 *
 * Sums of as many samples and panels as there are registers are formed together (a tile), because
 * each operand that is loaded then serves several sums, and v_dot has results to wait for.
 *
 * A file that includes this defines:
 *
 *   NAME(x)                    x with the kernel's name, for what other files see
 *   vec, weights_t, inputs_t   16 int32 sums; 16 pairs of weights or deltas; one pair, 16 times
 *   v_zero() v_load(p) v_store(p, v)          sums in memory
 *   v_weights(p) v_inputs(pair)               operands
 *   v_dot(sum, weights, inputs)               sum + both products of each pair
 *   v_set(x) v_add(a, b)                      16 times x; sums
 *   v_update(p, low, high, rounding, count)   32 weights at p less two gradients' steps, saturated;
 *                                             count per sum
 *   shifts_t v_shifts(shift)                  what the next one shifts by, in registers
 *   v_update_within_int16(p, low, high, shifts, most)
 *                                             the same, not saturated, where nothing can pass int16
 *                                             and the shift is 16 at most; most per weight
 *   KEEP(v)                    an empty instruction that keeps v in registers: without it gcc copies
 *                              the sums to the stack in every turn of the loop, at half the speed
 *   FORWARD_SAMPLES FORWARD_PANELS            a tile of the forward pass
 *   UPDATE_INPUTS UPDATE_PANELS               and of the update; inputs even
 */
#include "panel_rounding.h"

#define UNITS_IN_A_RUN PANEL

/* Where weight (i, o) of a layer with this many pairs of inputs stands. */
static size_t weight_at(uint32_t pairs, uint32_t i, uint32_t o)
{
    return ((size_t)(o / PANEL) * pairs + i / 2u) * 2u * PANEL + (o % PANEL) * 2u + i % 2u;
}

/* --- forward: z (n, panels * 16) = x (n, pairs) · W ------------------------------------------- */

/* The sizes of a tile are constants where this is inlined, so that its sums are registers. */
ALWAYS_INLINE void forward_tile(const unsigned samples, const unsigned panels, int32_t *z,
                                size_t z_stride, const uint32_t *x, size_t x_stride,
                                const int16_t *w, size_t w_stride, uint32_t pairs)
{
    vec sum[FORWARD_SAMPLES][FORWARD_PANELS];
    UNROLL_FOR (unsigned s = 0; s < samples; s++)
        UNROLL_FOR (unsigned p = 0; p < panels; p++)
            sum[s][p] = v_zero();
    for (uint32_t k = 0; k < pairs; k++) {
        weights_t weights[FORWARD_PANELS];
        UNROLL_FOR (unsigned p = 0; p < panels; p++)
            weights[p] = v_weights(w + p * w_stride + (size_t)k * 2u * PANEL);
        UNROLL_FOR (unsigned s = 0; s < samples; s++) {
            inputs_t inputs = v_inputs(x[s * x_stride + k]);
            UNROLL_FOR (unsigned p = 0; p < panels; p++)
                sum[s][p] = v_dot(sum[s][p], weights[p], inputs);
        }
    }
    UNROLL_FOR (unsigned s = 0; s < samples; s++)
        UNROLL_FOR (unsigned p = 0; p < panels; p++)
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
        /* clang-format off */
        switch (height) {
            TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7)
            TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13)
        default:
            break;
        }
        /* clang-format on */
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

/* --- update: W -= rounded(xᵀ · delta) --------------------------------------------------------- */

/* What one call of update_all works on. */
typedef struct update_work {
    int16_t *w;
    size_t w_stride;   /* from panel to panel */
    const uint32_t *x; /* (pairs of samples, inputs) */
    const uint32_t *d; /* (pairs of samples, units) */
    size_t x_stride, d_stride;
    uint32_t pairs; /* of samples */
    uint32_t row;   /* units of the layer: from input to input in the count of weights */
    const rounding *r;
} update_work;

/* What is added before the shift to the gradients of 16 units of two inputs: random bits. */
static void random_addends(const rounding *r, uint32_t place, uint32_t row, int32_t *low,
                           int32_t *high)
{
    uint32_t mask = (1u << r->shift) - 1u;
    for (uint32_t u = 0; u < PANEL; u++)
        low[u] = (int32_t)(tifed_random16(r->key, place + u) & mask);
    for (uint32_t u = 0; u < PANEL; u++)
        high[u] = (int32_t)(tifed_random16(r->key, place + row + u) & mask);
}

/* Weights of inputs from i and panels from p on. `tally`: counts of v_update, or the most of
 * v_update_within_int16. */
ALWAYS_INLINE void update_tile(const bool within_int16, const unsigned inputs,
                               const unsigned panels, const update_work *u, uint32_t i, uint32_t p,
                               const shifts_t shifts, vec *tally)
{
    int16_t *w = u->w + p * u->w_stride + i * PANEL;
    const uint32_t *x = u->x + i, *d = u->d + p * PANEL;
    const rounding *r = u->r;
    vec sum[UPDATE_INPUTS][UPDATE_PANELS];
    UNROLL_FOR (unsigned j = 0; j < inputs; j++)
        UNROLL_FOR (unsigned q = 0; q < panels; q++)
            sum[j][q] = v_set(r->half);
    for (uint32_t k = 0; k < u->pairs; k++) {
        weights_t deltas[UPDATE_PANELS];
        UNROLL_FOR (unsigned q = 0; q < panels; q++)
            deltas[q] = v_weights((const int16_t *)(const void *)(d + q * PANEL));
        UNROLL_FOR (unsigned j = 0; j < inputs; j++) {
            inputs_t column = v_inputs(x[j]);
            UNROLL_FOR (unsigned q = 0; q < panels; q++)
                sum[j][q] = v_dot(sum[j][q], deltas[q], column);
        }
        x += u->x_stride;
        d += u->d_stride;
    }
    UNROLL_FOR (unsigned j = 0; j < inputs; j += 2)
        UNROLL_FOR (unsigned q = 0; q < panels; q++) {
            int16_t *at = w + q * u->w_stride + j * PANEL;
            vec low = sum[j][q], high = sum[j + 1][q];
            if (within_int16) {
                v_update_within_int16(at, low, high, shifts, tally);
                continue;
            }
            if (r->mode == TIFED_STOCHASTIC && r->shift) {
                int32_t addends[2][PANEL] __attribute__((aligned(PANEL_ALIGN)));
                random_addends(r, (i + j) * u->row + (p + q) * PANEL, u->row, addends[0],
                               addends[1]);
                low = v_add(low, v_load(addends[0]));
                high = v_add(high, v_load(addends[1]));
            }
            v_update(at, low, high, r, tally);
        }
}

/* All panels of so few inputs that their columns stay in the nearest cache, as all deltas do:
 * the weights alone stream by, once. */
ALWAYS_INLINE void update_inputs(const bool within_int16, const unsigned inputs,
                                 const update_work *u, uint32_t i, uint32_t panels,
                                 const shifts_t shifts, vec *tally)
{
    uint32_t p = 0;
    for (; p + UPDATE_PANELS <= panels; p += UPDATE_PANELS)
        update_tile(within_int16, inputs, UPDATE_PANELS, u, i, p, shifts, tally);
    for (; UPDATE_PANELS > 1 && p < panels; p++)
        update_tile(within_int16, inputs, 1, u, i, p, shifts, tally);
}

ALWAYS_INLINE vec update_all(const bool within_int16, const panel_layer *layer, int16_t *w,
                             const uint32_t *x, const uint32_t *d, uint32_t pairs,
                             const rounding *r)
{
    const uint32_t inputs = layer->pairs * 2u, panels = layer->panels;
    const update_work u = {w,     (size_t)inputs * PANEL, x, d, inputs, (size_t)panels * PANEL,
                           pairs, layer->fan_out,         r};
    const shifts_t shifts = v_shifts(within_int16 ? r->shift : 0);
    vec tally = v_zero();
    uint32_t i = 0;
    for (; i + UPDATE_INPUTS <= inputs; i += UPDATE_INPUTS)
        update_inputs(within_int16, UPDATE_INPUTS, &u, i, panels, shifts, &tally);
    for (; i < inputs; i += 2)
        update_inputs(within_int16, 2, &u, i, panels, shifts, &tally);
    return tally;
}

/* Returns how many weights reached their bound. */
static uint64_t update_saturating(const panel_layer *layer, int16_t *w, const uint32_t *x,
                                  const uint32_t *d, uint32_t pairs, const rounding *r)
{
    int32_t counts[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    v_store(counts, update_all(false, layer, w, x, d, pairs, r));
    uint64_t clipped = 0;
    for (uint32_t u = 0; u < PANEL; u++)
        clipped += (uint32_t)counts[u];
    return clipped;
}

/* Returns the largest magnitude of a weight; none may be past int16. */
static int32_t update_within_int16(const panel_layer *layer, int16_t *w, const uint32_t *x,
                                   const uint32_t *d, uint32_t pairs, const rounding *r)
{
    int32_t tallies[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    v_store(tallies, update_all(true, layer, w, x, d, pairs, r));
    int32_t most = 0;
    for (uint32_t u = 0; u < PANEL; u++) {
        int32_t low = low_half((uint32_t)tallies[u]), high = high_half((uint32_t)tallies[u]);
        low = low > high ? low : high;
        most = low > most ? low : most;
    }
    return most;
}

/* --- in and out of panels --------------------------------------------------------------------- */

/* Inputs outside, units inside: rows of the plain matrix are followed once, from end to end. */
static void pack(const panel_layer *layer, int16_t *panels, const int16_t *weights)
{
    uint32_t out = layer->fan_out;
    for (uint32_t k = 0; k < layer->pairs; k++)
        for (uint32_t p = 0; p < layer->panels; p++) {
            uint32_t units = out - p * PANEL < PANEL ? out - p * PANEL : PANEL;
            int16_t *to = panels + weight_at(layer->pairs, 2u * k, p * PANEL);
            const int16_t *low = weights + (size_t)(2u * k) * out + p * PANEL;
            bool whole = 2u * k + 1u < layer->fan_in;
            const int16_t *high = whole ? low + out : low;
            if (units == PANEL && whole)
                for (uint32_t u = 0; u < PANEL; u++) {
                    to[2u * u] = low[u];
                    to[2u * u + 1u] = high[u];
                }
            else
                for (uint32_t u = 0; u < units; u++) {
                    to[2u * u] = low[u];
                    to[2u * u + 1u] = whole ? high[u] : (int16_t)0;
                }
        }
}

/* Units of one pair of inputs, behind which there are so many samples. */
ALWAYS_INLINE void unpack_pair(const bool rebuild, const uint32_t units, bool whole,
                               int64_t *restrict low, int64_t *restrict high,
                               int32_t *restrict sums, const int16_t *restrict sent, uint32_t shift,
                               int32_t samples)
{
    for (uint32_t u = 0; u < units; u++)
        low[u] +=
            rebuild ? panel_rebuilt(sums[2u * u], shift, sent[2u * u], samples) : sums[2u * u];
    for (uint32_t u = 0; whole && u < units; u++)
        high[u] += rebuild ? panel_rebuilt(sums[2u * u + 1u], shift, sent[2u * u + 1u], samples)
                           : sums[2u * u + 1u];
    for (uint32_t u = 0; u < 2u * PANEL; u++)
        sums[u] = 0;
}

ALWAYS_INLINE void unpack_layer(const bool rebuild, const panel_layer *layer,
                                const panel_origin *origin, int64_t *weights, int32_t *sums)
{
    const uint32_t out = layer->fan_out, shift = origin->shift;
    for (uint32_t k = 0; k < layer->pairs; k++) {
        const int32_t samples = rebuild ? origin->samples[k % origin->rows] : 0;
        for (uint32_t p = 0; p < layer->panels; p++) {
            uint32_t units = out - p * PANEL < PANEL ? out - p * PANEL : PANEL;
            size_t at = weight_at(layer->pairs, 2u * k, p * PANEL);
            const int16_t *sent = rebuild ? origin->sent + at : NULL;
            int64_t *low = weights + (size_t)(2u * k) * out + p * PANEL;
            bool whole = 2u * k + 1u < layer->fan_in;
            int64_t *high = whole ? low + out : low;
            if (units == PANEL)
                unpack_pair(rebuild, PANEL, whole, low, high, sums + at, sent, shift, samples);
            else
                unpack_pair(rebuild, units, whole, low, high, sums + at, sent, shift, samples);
        }
    }
}

static void unpack(const panel_layer *layer, const panel_origin *origin, int64_t *weights,
                   int32_t *sums)
{
    if (origin->sent)
        unpack_layer(true, layer, origin, weights, sums);
    else
        unpack_layer(false, layer, origin, weights, sums);
}

/* Feedback of the last hidden layer: the signs of the output weights, transposed. */
static void read_signs(const panel_layer *last, const int16_t *weights, int16_t *feedback)
{
    const word_t *from = (const word_t *)(const void *)weights;
    word_t *to = (word_t *)(void *)feedback;
    uint32_t class_pairs = (last->fan_out + 1u) / 2u;
    for (uint32_t k = 0; k < last->pairs; k++)
        for (uint32_t c = 0; c < class_pairs; c++) {
            size_t at = ((size_t)(c / (PANEL / 2u)) * last->pairs + k) * PANEL + 2u * c % PANEL;
            uint32_t low = signs(from[at]), high = signs(from[at + 1u]);
            word_t *unit =
                to + ((size_t)(2u * k / PANEL) * class_pairs + c) * PANEL + 2u * k % PANEL;
            unit[0] = (low & 0xFFFFu) | high << 16;
            unit[1] = 2u * k + 1u < last->fan_in ? low >> 16 | (high & 0xFFFF0000u) : 0;
        }
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
    UNROLL_FOR (unsigned i = 0; i < PEAK_SUMS; i++)
        sum[i] = v_load((const int32_t *)(const void *)start);
    for (uint32_t k = 0; k < rounds; k++) {
        UNROLL_FOR (unsigned i = 0; i < PEAK_SUMS; i++) {
            KEEP_INPUT(inputs); /* or the product is formed once for all */
            sum[i] = v_dot(sum[i], weights, inputs);
            KEEP(sum[i]);
        }
    }
    int32_t result[PANEL] __attribute__((aligned(PANEL_ALIGN)));
    uint32_t parity = 0;
    UNROLL_FOR (unsigned i = 0; i < PEAK_SUMS; i++) {
        v_store(result, sum[i]);
        parity ^= (uint32_t)result[i % PANEL];
    }
    __asm__ volatile("" : : "r"(parity)); /* the sums are needed, says this */
    return (uint64_t)rounds * PEAK_SUMS * PANEL * 2u;
}
