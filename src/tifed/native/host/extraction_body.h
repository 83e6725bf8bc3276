/* Windows against units, in loops that the compiler makes vectors of: products of int16 pairs are
 * added two at a time. A file that includes this defines NAME, NAME_STRING and supported(). */
#include "extraction.h"

TIFED_ASSUME(a_host_has_ints_of_32_bits, INT_MAX >= INT32_MAX);

/* Sums of four units over two windows. */
static inline void dot_products(const int16_t *w, const int16_t *a, const int16_t *b,
                                uint32_t width, int32_t *to_a, int32_t *to_b)
{
    const int16_t *w1 = w + width, *w2 = w1 + width, *w3 = w2 + width;
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    for (uint32_t i = 0; i < width / EXTRACTION_WIDE * EXTRACTION_WIDE; i++) {
        a0 += a[i] * w[i];
        a1 += a[i] * w1[i];
        a2 += a[i] * w2[i];
        a3 += a[i] * w3[i];
        b0 += b[i] * w[i];
        b1 += b[i] * w1[i];
        b2 += b[i] * w2[i];
        b3 += b[i] * w3[i];
    }
    to_a[0] = a0, to_a[1] = a1, to_a[2] = a2, to_a[3] = a3;
    to_b[0] = b0, to_b[1] = b1, to_b[2] = b2, to_b[3] = b3;
}

static void units(const extraction_layer *layer, const int16_t *windows, uint32_t count,
                  int32_t *sums, int8_t *out)
{
    uint32_t width = layer->width, padded = layer->quads * 4u, given = layer->rule->units;
    for (uint32_t u = 0; u < padded; u += 4u) {
        const int16_t *w = layer->weights + (size_t)u * width;
        for (uint32_t n = 0; n < count; n += 2u) {
            uint32_t other = n + 1u < count ? n + 1u : n; /* the last of an odd number, twice */
            dot_products(w, windows + (size_t)n * width, windows + (size_t)other * width, width,
                         sums + (size_t)n * padded + u, sums + (size_t)other * padded + u);
        }
    }
    const int32_t *bias = layer->bias, *shift = layer->shift;
    int32_t least = layer->rule->relu ? 0 : -127;
    for (uint32_t n = 0; n < count; n++, sums += padded, out += given) {
        for (uint32_t u = 0; u < given; u++) {
            int32_t v = (sums[u] + bias[u]) >> shift[u];
            v = v < least ? least : v;
            out[u] = (int8_t)(v > 127 ? 127 : v);
        }
    }
}

extern const extraction_kernel NAME;
const extraction_kernel NAME = {NAME_STRING, supported, units};
