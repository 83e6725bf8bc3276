/* What a processor without a kernel of its own runs: C with gcc's and clang's vectors of four, for
 * any processor. One operation, the sum of both products of int16 pairs, is written with the
 * instruction that every x86-64 has: gcc does not find it in the plain form beside it.
 *
 * Weights stand by unit, one input after the other: the forward pass multiplies along inputs,
 * the update four inputs' pairs of samples at a time. */
#include "panel_rounding.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NAME(x) x##_portable
#define NAME_STRING "portable"

#define UNITS_AT_ONCE 4u
#define INPUTS_AT_ONCE 256u
#define PAIRS_AT_ONCE 16u
#define SAMPLES_AT_ONCE 2u

/* Four int16 pairs, or int32 sums. */
#define LANES 4u
typedef int32_t lanes __attribute__((vector_size(16)));
typedef uint32_t unsigned_lanes __attribute__((vector_size(16)));

ALWAYS_INLINE lanes load_lanes(const void *p)
{
    lanes v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS_INLINE void store_lanes(void *p, lanes v)
{
    __builtin_memcpy(p, &v, sizeof v);
}

/* sums + both products of each pair. */
ALWAYS_INLINE lanes add_products(lanes sums, lanes x, lanes y)
{
#ifdef __SSE2__
    return sums + (lanes)_mm_madd_epi16((__m128i)x, (__m128i)y);
#else
    lanes x_low = (lanes)((unsigned_lanes)x << 16) >> 16;
    lanes y_low = (lanes)((unsigned_lanes)y << 16) >> 16;
    return sums + x_low * y_low + (x >> 16) * (y >> 16);
#endif
}

/* The same of one pair. */
ALWAYS_INLINE int32_t add_pair(int32_t sum, uint32_t x, uint32_t y)
{
    return sum + low_half(x) * low_half(y) + high_half(x) * high_half(y);
}

static bool supported(void)
{
    return true;
}

#define UNITS_IN_A_RUN 1u

/* Where weight (i, o) of a layer with this many pairs of inputs stands. */
static size_t weight_at(uint32_t pairs, uint32_t i, uint32_t o)
{
    return (size_t)o * pairs * 2u + i;
}

/* --- forward: z (n, panels * 16) = x (n, pairs) · W ------------------------------------------- */

/* Four units' sums for two samples, of inputs in pairs. */
static void multiply_tile(int32_t *const z[], const word_t *const x[], const word_t *w,
                          uint32_t pairs)
{
    lanes sums[SAMPLES_AT_ONCE][UNITS_AT_ONCE];
    UNROLL_FOR (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++)
        UNROLL_FOR (uint32_t o = 0; o < UNITS_AT_ONCE; o++)
            sums[s][o] = (lanes){0};
    uint32_t k = 0;
    for (; k + LANES <= pairs; k += LANES) {
        lanes inputs[SAMPLES_AT_ONCE];
        UNROLL_FOR (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++)
            inputs[s] = load_lanes(x[s] + k);
        UNROLL_FOR (uint32_t o = 0; o < UNITS_AT_ONCE; o++) {
            lanes weights = load_lanes(w + o * pairs + k);
            UNROLL_FOR (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++)
                sums[s][o] = add_products(sums[s][o], weights, inputs[s]);
        }
    }
    UNROLL_FOR (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++)
        UNROLL_FOR (uint32_t o = 0; o < UNITS_AT_ONCE; o++) {
            lanes sum = sums[s][o];
            int32_t z_o = sum[0] + sum[1] + sum[2] + sum[3];
            for (uint32_t rest = k; rest < pairs; rest++)
                z_o = add_pair(z_o, x[s][rest], w[o * pairs + rest]);
            z[s][o] = z_o;
        }
}

static void multiply(uint32_t n, int32_t *z, size_t z_stride, const uint32_t *x, size_t x_stride,
                     const int16_t *w, uint32_t pairs, uint32_t panels)
{
    for (uint32_t o = 0; o < panels * PANEL; o += UNITS_AT_ONCE) {
        const word_t *units = (const word_t *)(const void *)(w + weight_at(pairs, 0, o));
        for (uint32_t s = 0; s < n; s += SAMPLES_AT_ONCE) {
            int32_t *to[SAMPLES_AT_ONCE];
            const word_t *from[SAMPLES_AT_ONCE];
            for (uint32_t t = 0; t < SAMPLES_AT_ONCE; t++) { /* a last one alone is done twice */
                uint32_t sample = s + t < n ? s + t : n - 1u;
                to[t] = z + sample * z_stride + o;
                from[t] = x + sample * x_stride;
            }
            multiply_tile(to, from, units, pairs);
        }
    }
}

/* --- update: W -= rounded(xᵀ · delta) --------------------------------------------------------- */

/* Four units' gradients of some inputs. */
typedef int32_t gradients[UNITS_AT_ONCE][INPUTS_AT_ONCE];

/* Four units' deltas, each LANES times: (pairs of samples, units, lanes). */
static void spread_deltas(uint32_t *to, const uint32_t *d, size_t stride, uint32_t pairs)
{
    for (uint32_t k = 0; k < pairs; k++, d += stride)
        for (uint32_t j = 0; j < UNITS_AT_ONCE; j++)
            for (uint32_t lane = 0; lane < LANES; lane++)
                *to++ = d[j];
}

/* Gradients of four units and of 2 * LANES inputs from i on, in registers; the first pairs' or more
 * of them. */
ALWAYS_INLINE void find_tile(gradients g, uint32_t i, bool first, const word_t *x, size_t x_stride,
                             const uint32_t *d, uint32_t pairs)
{
    lanes low[UNITS_AT_ONCE], high[UNITS_AT_ONCE];
    UNROLL_FOR (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
        low[j] = first ? (lanes){0} : load_lanes(&g[j][i]);
        high[j] = first ? (lanes){0} : load_lanes(&g[j][i + LANES]);
    }
    for (uint32_t k = 0; k < pairs; k++, x += x_stride, d += UNITS_AT_ONCE * LANES) {
        lanes x_low = load_lanes(x), x_high = load_lanes(x + LANES);
        UNROLL_FOR (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
            lanes delta = load_lanes(d + j * LANES);
            low[j] = add_products(low[j], x_low, delta);
            high[j] = add_products(high[j], x_high, delta);
        }
    }
    UNROLL_FOR (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
        store_lanes(&g[j][i], low[j]);
        store_lanes(&g[j][i + LANES], high[j]);
    }
}

/* Gradients of four units and of `inputs` inputs from pairs (pairs, stride) of samples. */
static void find_gradients(gradients g, const word_t *x, size_t x_stride, uint32_t inputs,
                           const uint32_t *d, size_t d_stride, uint32_t pairs)
{
    uint32_t spread[PAIRS_AT_ONCE * UNITS_AT_ONCE * LANES] __attribute__((aligned(PANEL_ALIGN)));
    for (uint32_t k = 0, part; k < pairs; k += part) {
        part = pairs - k < PAIRS_AT_ONCE ? pairs - k : PAIRS_AT_ONCE;
        spread_deltas(spread, d + k * d_stride, d_stride, part);
        const word_t *from = x + k * x_stride;
        uint32_t i = 0;
        for (; i + 2u * LANES <= inputs; i += 2u * LANES)
            find_tile(g, i, k == 0, from + i, x_stride, spread, part);
        for (; i < inputs; i++)
            for (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
                int32_t sum = k ? g[j][i] : 0;
                for (uint32_t s = 0; s < part; s++)
                    sum = add_pair(sum, from[s * x_stride + i],
                                   spread[(s * UNITS_AT_ONCE + j) * LANES]);
                g[j][i] = sum;
            }
    }
}

/* Returns the largest magnitude. */
static int32_t steps_within_int16(int16_t *restrict w, const int32_t *restrict g, uint32_t inputs,
                                  int32_t half, uint32_t shift)
{
    int16_t most = 0, least = 0;
    for (uint32_t i = 0; i < inputs; i++) {
        /* A mini-batch has a pair of samples at least, so that every gradient has been written. */
        /* NOLINTNEXTLINE(*-core.UndefinedBinaryOperatorResult) */
        int16_t step = (int16_t)((g[i] + half) >> shift), value = (int16_t)(w[i] - step);
        most = value > most ? value : most;
        least = value < least ? value : least;
        w[i] = value;
    }
    return most > -least ? most : -least;
}

/* Weights from number `place` on, `row` numbers apart; returns how many reached their bound. */
static uint32_t saturating_steps(int16_t *w, const int32_t *g, uint32_t inputs, const rounding *r,
                                 uint32_t place, uint32_t row)
{
    bool random = r->mode == TIFED_STOCHASTIC && r->shift;
    uint32_t clipped = 0, mask = random ? (1u << r->shift) - 1u : 0u;
    for (uint32_t i = 0; i < inputs; i++) {
        int32_t addend =
            random ? (int32_t)(tifed_random16(r->key, place + i * row) & mask) : r->half;
        int32_t value = w[i] - (limit_gradient(g[i] + addend, r->may_overflow) >> r->shift);
        int32_t stepped = tifed_clamp(value, -r->bound, r->bound);
        clipped += stepped != value;
        w[i] = (int16_t)stepped;
    }
    return clipped;
}

/* Returns how many weights reached their bound, or the largest magnitude. */
ALWAYS_INLINE uint64_t update_all(const bool within_int16, const panel_layer *layer, int16_t *w,
                                  const uint32_t *x, const uint32_t *d, uint32_t pairs,
                                  const rounding *r)
{
    const uint32_t all = layer->pairs * 2u;
    size_t units = (size_t)layer->panels * PANEL;
    uint64_t tally = 0;
    for (uint32_t o = 0; o < units; o += UNITS_AT_ONCE)
        for (uint32_t i = 0; i < all; i += INPUTS_AT_ONCE) {
            gradients g;
            uint32_t inputs = all - i < INPUTS_AT_ONCE ? all - i : INPUTS_AT_ONCE;
            find_gradients(g, x + i, all, inputs, d + o, units, pairs);
            for (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
                int16_t *row = w + weight_at(layer->pairs, i, o + j);
                if (within_int16) {
                    int32_t most = steps_within_int16(row, g[j], inputs, r->half, r->shift);
                    tally = (uint32_t)most > tally ? (uint32_t)most : tally;
                } else {
                    tally += saturating_steps(row, g[j], inputs, r, i * layer->fan_out + o + j,
                                              layer->fan_out);
                }
            }
        }
    return tally;
}

static uint64_t update_saturating(const panel_layer *layer, int16_t *w, const uint32_t *x,
                                  const uint32_t *d, uint32_t pairs, const rounding *r)
{
    return update_all(false, layer, w, x, d, pairs, r);
}

static int32_t update_within_int16(const panel_layer *layer, int16_t *w, const uint32_t *x,
                                   const uint32_t *d, uint32_t pairs, const rounding *r)
{
    return (int32_t)update_all(true, layer, w, x, d, pairs, r);
}

/* --- in and out ------------------------------------------------------------------------------- */

static void pack(const panel_layer *layer, int16_t *panels, const int16_t *weights)
{
    for (uint32_t i = 0; i < layer->fan_in; i++)
        for (uint32_t o = 0; o < layer->fan_out; o++)
            panels[weight_at(layer->pairs, i, o)] = weights[(size_t)i * layer->fan_out + o];
}

static void unpack(const panel_layer *layer, const panel_origin *origin, int64_t *weights,
                   int32_t *sums)
{
    for (uint32_t i = 0; i < layer->fan_in; i++) {
        const int32_t samples = origin->sent ? origin->samples[i / 2u % origin->rows] : 0;
        for (uint32_t o = 0; o < layer->fan_out; o++) {
            size_t at = weight_at(layer->pairs, i, o);
            weights[(size_t)i * layer->fan_out + o] +=
                origin->sent ? panel_rebuilt(sums[at], origin->shift, origin->sent[at], samples)
                             : sums[at];
            sums[at] = 0;
        }
    }
}

/* Feedback of the last hidden layer: the signs of the output weights, transposed. */
static void read_signs(const panel_layer *last, const int16_t *weights, int16_t *feedback)
{
    uint32_t class_pairs = (last->fan_out + 1u) / 2u;
    for (uint32_t o = 0; o < last->fan_in; o++)
        for (uint32_t c = 0; c < last->fan_out; c++)
            feedback[weight_at(class_pairs, c, o)] =
                (int16_t)(weights[weight_at(last->pairs, o, c)] < 0 ? -1 : 1);
}

/* Multiplies what stays in the nearest cache. */
#define PEAK_PAIRS 16u

static uint64_t peak(uint32_t rounds)
{
    uint32_t x[SAMPLES_AT_ONCE][PEAK_PAIRS], w[UNITS_AT_ONCE][PEAK_PAIRS];
    int32_t z[SAMPLES_AT_ONCE][UNITS_AT_ONCE], parity = 0;
    int32_t *to[SAMPLES_AT_ONCE];
    const word_t *from[SAMPLES_AT_ONCE];
    for (uint32_t k = 0; k < PEAK_PAIRS; k++) {
        for (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++)
            x[s][k] = (rounds + k) & 0xFF00FFu;
        for (uint32_t o = 0; o < UNITS_AT_ONCE; o++)
            w[o][k] = (k + o) & 0xFFu;
    }
    for (uint32_t s = 0; s < SAMPLES_AT_ONCE; s++) {
        to[s] = z[s];
        from[s] = x[s];
    }
    for (uint32_t k = 0; k < rounds; k++) {
        x[0][k % PEAK_PAIRS] = k & 0xFF00FFu;
        multiply_tile(to, from, w[0], PEAK_PAIRS);
        parity ^= z[0][k % UNITS_AT_ONCE];
    }
    __asm__ volatile("" : : "r"(parity)); /* the sums are needed, says this */
    return (uint64_t)rounds * SAMPLES_AT_ONCE * UNITS_AT_ONCE * 2u * PEAK_PAIRS;
}

#include "panel_step.h"
