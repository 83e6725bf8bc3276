/* Plain C: the reference for the host's kernels, and what a processor without one of its own runs.
 *
 * Weights stand by unit, one input after the other, and mini-batches are turned so that samples
 * follow each other: of a plain sum of products gcc and clang make the processor's multiply-add of
 * int16 pairs. Pairs of 16 units side by side, as in a panel, they do not see through. */
#include "panel_rounding.h"

#define NAME(x) x##_portable
#define NAME_STRING "portable"

/* clang takes fewer values at a time by itself, and then forms products in 32 bits. */
#ifdef __clang__
#define BY_EIGHT _Pragma("clang loop vectorize_width(8) interleave_count(1)")
#else
#define BY_EIGHT
#endif

#define UNITS_AT_ONCE 4u
#define INPUTS_AT_ONCE 256u
#define SAMPLES_AT_ONCE COLUMN_SAMPLES
#define FEW_SAMPLES 24u

static bool supported(void)
{
    return true;
}

/* Where weight (i, o) of a layer with this many pairs of inputs stands. */
static size_t weight_at(uint32_t pairs, uint32_t i, uint32_t o)
{
    return (size_t)o * pairs * 2u + i;
}

/* ---- forward: z (n, panels * 16) = x (n, pairs) · W ------------------------------------------- */

/* Four units' sums for two samples. */
static void two_by_four(int32_t *z, size_t z_stride, const half_t *x, size_t x_stride,
                        const int16_t *w, uint32_t inputs)
{
    const half_t *y = x + x_stride;
    const int16_t *w1 = w + inputs, *w2 = w1 + inputs, *w3 = w2 + inputs;
    int32_t x0 = 0, x1 = 0, x2 = 0, x3 = 0, y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    BY_EIGHT for (uint32_t i = 0; i < inputs; i++) {
        x0 += x[i] * w[i];
        x1 += x[i] * w1[i];
        x2 += x[i] * w2[i];
        x3 += x[i] * w3[i];
        y0 += y[i] * w[i];
        y1 += y[i] * w1[i];
        y2 += y[i] * w2[i];
        y3 += y[i] * w3[i];
    }
    int32_t *next = z + z_stride;
    z[0] = x0, z[1] = x1, z[2] = x2, z[3] = x3;
    next[0] = y0, next[1] = y1, next[2] = y2, next[3] = y3;
}

static void multiply(uint32_t n, int32_t *z, size_t z_stride, const uint32_t *x, size_t x_stride,
                     const int16_t *w, uint32_t pairs, uint32_t panels)
{
    const half_t *rows = (const half_t *)(const void *)x;
    for (uint32_t o = 0; o < panels * PANEL; o += UNITS_AT_ONCE) {
        const int16_t *units = w + weight_at(pairs, 0, o);
        for (uint32_t s = 0; s < n; s += 2u) /* a last one alone is done twice */
            two_by_four(z + s * z_stride + o, s + 1u < n ? z_stride : 0, rows + 2u * s * x_stride,
                        s + 1u < n ? 2u * x_stride : 0, units, 2u * pairs);
    }
}

/* ---- update: W -= rounded(xᵀ · delta) ---------------------------------------------------------- */

/* Samples that are turned: by 32, and 24 or 32 at the end, as compilers make no vectors of shorter
 * sums. One or two left over stay rows: a few products in 32 bits take less than zeros would. */
static uint32_t turned_samples(uint32_t n)
{
    uint32_t left = n % SAMPLES_AT_ONCE;
    if (left <= 2u)
        return n - left;
    return n - left + (left <= FEW_SAMPLES + 2u ? FEW_SAMPLES : SAMPLES_AT_ONCE);
}

/* Rows (n, units) become (used, turned samples), zeros where there are no more, and then rows. */
static void make_columns(const half_t *rows, uint32_t n, uint32_t units, uint32_t used,
                         uint32_t *columns)
{
    half_t *to = (half_t *)(void *)columns;
    uint32_t turned = turned_samples(n);
    for (uint32_t o = 0; o < used; o++)
        for (uint32_t s = 0; s < turned; s++)
            *to++ = s < n ? rows[s * units + o] : (int16_t)0;
    for (uint32_t s = turned; s < n; s++)
        for (uint32_t o = 0; o < used; o++)
            *to++ = rows[s * units + o];
}

/* Four units' deltas of so many samples from pairs (pairs, stride); zeros after the last. */
static void turn_deltas(int16_t *to, uint32_t samples, const uint32_t *d, size_t stride,
                        uint32_t pairs)
{
    for (uint32_t k = 0; k < samples / 2u; k++, d += stride)
        for (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
            uint32_t pair = k < pairs ? d[j] : 0u;
            to[j * samples + 2u * k] = (int16_t)low_half(pair);
            to[j * samples + 2u * k + 1u] = (int16_t)high_half(pair);
        }
}

/* Four units' gradients of some inputs. */
typedef int32_t gradients[UNITS_AT_ONCE][INPUTS_AT_ONCE];

/* What so many samples, the first or later ones, make of them. */
ALWAYS_INLINE void add_turned(const uint32_t samples, const bool first, gradients g,
                              const half_t *x, size_t x_stride, const int16_t *d, uint32_t inputs)
{
    const int16_t *d1 = d + samples, *d2 = d1 + samples, *d3 = d2 + samples;
    for (uint32_t i = 0; i < inputs; i++, x += x_stride) {
        int32_t g0 = 0, g1 = 0, g2 = 0, g3 = 0;
        BY_EIGHT for (uint32_t s = 0; s < samples; s++) {
            g0 += x[s] * d[s];
            g1 += x[s] * d1[s];
            g2 += x[s] * d2[s];
            g3 += x[s] * d3[s];
        }
        g[0][i] = first ? g0 : g[0][i] + g0;
        g[1][i] = first ? g1 : g[1][i] + g1;
        g[2][i] = first ? g2 : g[2][i] + g2;
        g[3][i] = first ? g3 : g[3][i] + g3;
    }
}

static void add_row(int32_t *restrict g, const half_t *restrict x, int32_t d, uint32_t inputs)
{
    const int16_t delta = (int16_t)d;
    for (uint32_t i = 0; i < inputs; i++)
        g[i] += x[i] * delta;
}

static void add_samples(uint32_t samples, bool first, gradients g, const half_t *x,
                        size_t x_stride, const int16_t *d, uint32_t inputs)
{
    if (samples == FEW_SAMPLES && first)
        add_turned(FEW_SAMPLES, true, g, x, x_stride, d, inputs);
    else if (samples == FEW_SAMPLES)
        add_turned(FEW_SAMPLES, false, g, x, x_stride, d, inputs);
    else if (first)
        add_turned(SAMPLES_AT_ONCE, true, g, x, x_stride, d, inputs);
    else
        add_turned(SAMPLES_AT_ONCE, false, g, x, x_stride, d, inputs);
}

/* Gradients of four units and of inputs from i on, of a layer with so many inputs. */
static void find_gradients(gradients g, const half_t *columns, uint32_t all, uint32_t i,
                           uint32_t inputs, const uint32_t *d, size_t d_stride, uint32_t n)
{
    int16_t deltas[UNITS_AT_ONCE * SAMPLES_AT_ONCE];
    const uint32_t turned = turned_samples(n);
    const half_t *x = columns + (size_t)i * turned, *rows = columns + (size_t)all * turned + i;
    for (uint32_t s = 0, part; s < turned; s += part) {
        part = turned - s < SAMPLES_AT_ONCE ? turned - s : SAMPLES_AT_ONCE;
        turn_deltas(deltas, part, d + s / 2u * d_stride, d_stride, (n + 1u - s) / 2u);
        add_samples(part, s == 0, g, x + s, turned, deltas, inputs);
    }
    for (uint32_t j = 0; !turned && j < UNITS_AT_ONCE; j++)
        for (uint32_t k = 0; k < inputs; k++)
            g[j][k] = 0;
    for (uint32_t s = turned; s < n; s++, rows += all)
        for (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
            uint32_t pair = d[s / 2u * d_stride + j];
            add_row(g[j], rows, s % 2u ? high_half(pair) : low_half(pair), inputs);
        }
}

/* Returns the largest magnitude. */
static int32_t near_steps(int16_t *restrict w, const int32_t *restrict g, uint32_t inputs,
                          int32_t half, uint32_t shift)
{
    int16_t most = 0, least = 0;
    for (uint32_t i = 0; i < inputs; i++) {
        int16_t step = (int16_t)((g[i] + half) >> shift), value = (int16_t)(w[i] - step);
        most = value > most ? value : most;
        least = value < least ? value : least;
        w[i] = value;
    }
    return most > -least ? most : -least;
}

/* Weights from number `place` on, `row` numbers apart; returns how many reached their bound. */
static uint32_t limited_steps(int16_t *w, const int32_t *g, uint32_t inputs, const rounding *r,
                              uint32_t place, uint32_t row)
{
    bool random = r->mode == TIFED_STOCHASTIC && r->shift;
    uint32_t clipped = 0, mask = random ? (1u << r->shift) - 1u : 0u;
    for (uint32_t i = 0; i < inputs; i++) {
        int32_t addend =
            random ? (int32_t)(tifed_half(r->key, place + i * row) & mask) : r->half;
        int32_t value = w[i] - (limited(g[i] + addend, r->huge) >> r->shift);
        int32_t stepped = tifed_clamp(value, -r->bound, r->bound);
        clipped += stepped != value;
        w[i] = (int16_t)stepped;
    }
    return clipped;
}

/* Returns how many weights reached their bound, or the largest magnitude. */
ALWAYS_INLINE uint64_t update_all(const bool near, const panel_layer *layer, int16_t *w,
                                  const uint32_t *x, const uint32_t *d, uint32_t n,
                                  const rounding *r)
{
    const half_t *columns = (const half_t *)(const void *)x;
    const uint32_t all = layer->pairs * 2u;
    size_t units = (size_t)layer->panels * PANEL;
    uint64_t noted = 0;
    for (uint32_t o = 0; o < units; o += UNITS_AT_ONCE)
        for (uint32_t i = 0; i < all; i += INPUTS_AT_ONCE) {
            gradients g;
            uint32_t inputs = all - i < INPUTS_AT_ONCE ? all - i : INPUTS_AT_ONCE;
            find_gradients(g, columns, all, i, inputs, d + o, units, n);
            for (uint32_t j = 0; j < UNITS_AT_ONCE; j++) {
                int16_t *row = w + weight_at(layer->pairs, i, o + j);
                if (near) {
                    int32_t most = near_steps(row, g[j], inputs, r->half, r->shift);
                    noted = (uint32_t)most > noted ? (uint32_t)most : noted;
                } else {
                    noted += limited_steps(row, g[j], inputs, r, i * layer->fan_out + o + j,
                                           layer->fan_out);
                }
            }
        }
    return noted;
}

static uint64_t update_limited(const panel_layer *layer, int16_t *w, const uint32_t *x,
                               const uint32_t *d, uint32_t n, const rounding *r)
{
    return update_all(false, layer, w, x, d, n, r);
}

static int32_t update_near(const panel_layer *layer, int16_t *w, const uint32_t *x,
                           const uint32_t *d, uint32_t n, const rounding *r)
{
    return (int32_t)update_all(true, layer, w, x, d, n, r);
}

/* ---- in and out --------------------------------------------------------------------------------- */

static void pack(const panel_layer *layer, int16_t *panels, const int16_t *weights)
{
    for (uint32_t i = 0; i < layer->fan_in; i++)
        for (uint32_t o = 0; o < layer->fan_out; o++)
            panels[weight_at(layer->pairs, i, o)] = weights[(size_t)i * layer->fan_out + o];
}

static void unpack(const panel_layer *layer, int64_t *weights, int32_t *sums)
{
    for (uint32_t i = 0; i < layer->fan_in; i++)
        for (uint32_t o = 0; o < layer->fan_out; o++) {
            int32_t *sum = &sums[weight_at(layer->pairs, i, o)];
            weights[(size_t)i * layer->fan_out + o] += *sum;
            *sum = 0;
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
static uint64_t peak(uint32_t rounds)
{
    uint32_t x[SAMPLES_AT_ONCE];
    int16_t w[UNITS_AT_ONCE * 2u * SAMPLES_AT_ONCE];
    int32_t z[2u * UNITS_AT_ONCE], parity = 0;
    for (uint32_t i = 0; i < SAMPLES_AT_ONCE; i++)
        x[i] = rounds + i;
    for (uint32_t i = 0; i < UNITS_AT_ONCE * 2u * SAMPLES_AT_ONCE; i++)
        w[i] = (int16_t)(i & 0xFFu);
    for (uint32_t k = 0; k < rounds; k++) {
        x[k % SAMPLES_AT_ONCE] = k & 0xFF00FFu;
        two_by_four(z, UNITS_AT_ONCE, (const half_t *)(const void *)x, SAMPLES_AT_ONCE, w,
                    SAMPLES_AT_ONCE);
        parity ^= z[k % (2u * UNITS_AT_ONCE)];
    }
    __asm__ volatile("" : : "r"(parity)); /* the sums are needed, says this */
    return (uint64_t)rounds * 2u * UNITS_AT_ONCE * SAMPLES_AT_ONCE;
}

#include "panel_step.h"
