/* One frame: window, level, transform, squares, bands, logarithm.
 *
 * The transform of 2m real numbers is formed in place from those of the numbers at even and at odd
 * places. Only bins 0..m are kept, as the others mirror them: the real part of bin k at place k, its
 * imaginary part at place 2m - k. So each step takes four numbers and puts four in their places. */
#include "tifed_kernel_log_mel.h"
#include "tifed_assumptions.h"
#include "tifed_log_mel_tables.h"

#define WINDOW TIFED_LOG_MEL_WINDOW
#define TRANSFORM TIFED_LOG_MEL_TRANSFORM
#define BANDS TIFED_LOG_MEL_BANDS
#define LEVEL 8192    /* what the largest sample of a frame becomes at least */
#define MOST_SHIFT 14 /* of a frame of nothing but 0 */
#define FIRST_BIN 4u  /* that belongs to a band */
#define OCTAVE 256

/* The number with the 8 bits of `n` in the other order. */
static unsigned reversed(unsigned n)
{
    n = (n & 0x55u) << 1 | (n >> 1 & 0x55u);
    n = (n & 0x33u) << 2 | (n >> 2 & 0x33u);
    return (n & 0x0Fu) << 4 | n >> 4;
}

/* Put the windowed samples into their places for the transform; by how much all were shifted left. */
static int levelled(const int16_t *samples, int16_t *bins)
{
    int32_t largest = 0;
    for (unsigned i = 0; i < TRANSFORM; i++)
        bins[i] = 0;
    for (unsigned i = 0; i < WINDOW; i++) {
        unsigned from_edge = i <= WINDOW / 2u ? i : WINDOW - i;
        int32_t x = (int32_t)samples[i] * (int32_t)window[from_edge] >> 15;
        bins[reversed(i)] = (int16_t)x;
        if (x < 0)
            x = -x;
        if (x > largest)
            largest = x;
    }
    int shift = 0;
    if (largest >= 2 * LEVEL) {
        for (unsigned i = 0; i < TRANSFORM; i++)
            bins[i] = (int16_t)(bins[i] >> 1);
        return -1;
    }
    while (largest < LEVEL && shift < MOST_SHIFT) {
        largest *= 2;
        shift++;
    }
    for (unsigned i = 0; i < TRANSFORM; i++)
        bins[i] = (int16_t)((int32_t)bins[i] * ((int32_t)1 << shift));
    return shift;
}

static int16_t half(int32_t sum)
{
    return (int16_t)((sum + 1) >> 1);
}

/* Bins 0..m of 2m numbers, 1 <= m, from the transforms of m numbers at `h` and at `h + m`. */
static void join(int16_t *h, unsigned m)
{
    int32_t a = h[0], b = h[m];
    h[0] = half(a + b);
    h[m] = half(a - b);
    if (m == 1u)
        return;
    h[m / 2u] = half(h[m / 2u]);
    h[m + m / 2u] = half(-(int32_t)h[m + m / 2u]);
    const unsigned step = TRANSFORM / 2u / m;
    const uint16_t *cosine = cosines, *sine = cosines + TRANSFORM / 4u;
    for (unsigned k = 1; k < m / 2u; k++) {
        cosine += step;
        sine -= step;
        int32_t c = *cosine, s = *sine, re = h[k], im = h[m - k], bre = h[m + k],
                bim = h[2u * m - k];
        int32_t tre = (bre * c + bim * s + 16384) >> 15, tim = (bim * c - bre * s + 16384) >> 15;
        h[k] = half(re + tre);
        h[m - k] = half(re - tre);
        h[2u * m - k] = half(im + tim);
        h[m + k] = half(tim - im);
    }
}

/* 256 times the binary logarithm of 2 or more, in parts of 1/128 of a power of two. */
static int32_t logarithm(uint32_t energy)
{
    unsigned octave = 0;
    for (unsigned bits = 16; bits; bits /= 2u)
        if (energy >> octave >> bits)
            octave += bits;
    uint32_t part = octave >= 7u ? energy >> (octave - 7u) : energy << (7u - octave);
    return (int32_t)octave * OCTAVE + logarithms[part - 128u];
}

void tifed_log_mel_frame(tifed_log_mel *sound, int16_t *energies)
{
    int16_t *bins = sound->bins;
    const int32_t level = (int32_t)levelled(sound->samples, bins) * (2 * OCTAVE);
    for (unsigned m = 1; m < TRANSFORM; m *= 2u)
        for (unsigned first = 0; first < TRANSFORM; first += 2u * m)
            join(bins + first, m);
    /* Between edges s and s + 1 of the bands, band s - 1 falls while band s rises. */
    uint32_t falling = 0, rising = 0;
    unsigned segment = 0;
    for (unsigned k = FIRST_BIN; k <= TRANSFORM / 2u; k++) {
        unsigned place = k < TRANSFORM / 2u ? places[k] : (BANDS + 1u) * 8u;
        while (segment < place / 8u) {
            if (segment)
                energies[segment - 1u] = (int16_t)(logarithm(falling + 2u) - level);
            falling = rising;
            rising = 0;
            segment++;
        }
        if (segment > BANDS)
            break;
        int32_t re = bins[k], im = bins[TRANSFORM - k];
        uint32_t power = (uint32_t)(re * re + im * im);
        rising += power * (place % 8u);
        falling += power * (8u - place % 8u);
    }
}
