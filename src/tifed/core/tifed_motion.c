/* A ring keeps the readings of one window, and the lengths of vectors beside them. When a window is
 * due, each channel is gone through a few times, from its oldest reading to its newest:
 *
 * - Sums give its mean, how far it is from that (its spread) and how much it changes.
 * - Each reading is scaled by the channel's own spread to int8. So what follows compares how axes
 *   move, not how much. A quotient would be a division for each reading; a reciprocal for each
 *   channel is specified instead.
 * - Products of two axes tell what moves together, and what moves before what.
 *
 * SPEC, section 18.3, says why 32 bits are enough. */
#include "tifed_motion.h"
#include "tifed_assumptions.h"

#define LEAST_WINDOW 16u
#define MOST_WINDOW 256u
#define MOST_AXES 12u

#define SCALED 48
#define SCALED_MOST 127u
#define RECIPROCAL_BITS 22
#define FAR 3u
#define LEAST_DEVIATION 8u
#define LEAST_CHANGE 4u
#define LAG 8u
#define STRIDE 4u
#define BLOCK 8u
#define MOST_BLOCKS (MOST_WINDOW / BLOCK)

/* Features of each channel, and behind them those of each two axes, in their order. */
enum { MEAN, LOW, MIDDLE, HIGH, SPREAD, CHANGE, ABOVE, BELOW, SKEW, OF_A_CHANNEL };
enum { TOGETHER, LEAD, CHANGES, OF_A_PAIR };

static bool is_valid(const tifed_motion *m)
{
    return m && m->axes && m->axes <= MOST_AXES && m->window >= LEAST_WINDOW &&
           m->window <= MOST_WINDOW && m->hop && !((uint32_t)m->mirrored >> m->axes);
}

uint32_t tifed_motion_features(const tifed_motion *m)
{
    if (!is_valid(m))
        return 0u;
    uint32_t axes = m->axes;
    return OF_A_CHANNEL * (axes + axes / 3u) + OF_A_PAIR * (axes * (axes - 1u) / 2u);
}

size_t tifed_motion_memory(const tifed_motion *m)
{
    return is_valid(m) ? (size_t)TIFED_MOTION_BYTES(m->axes, m->window) : 0u;
}

int tifed_motion_begin(tifed_motion_stream *s, const tifed_motion *m, bool mirrored, void *memory,
                       size_t bytes)
{
    if (!is_valid(m))
        return TIFED_ERROR_NETWORK;
    if (!memory || bytes < tifed_motion_memory(m) ||
        (uintptr_t)memory % (TIFED_ALIGNMENT < sizeof(int16_t) ? TIFED_ALIGNMENT : sizeof(int16_t)))
        return TIFED_ERROR_MEMORY;
    s->motion = m;
    s->channels = (uint8_t)(m->axes + m->axes / 3u);
    s->ring = (int16_t *)memory;
    s->scaled = (int8_t *)(s->ring + (size_t)s->channels * m->window);
    s->turned = mirrored ? m->mirrored : 0u;
    s->oldest = 0;
    s->missing = m->window;
    return TIFED_OK;
}

/* The largest whole number whose square is not larger, of less than 2^28. */
static uint16_t square_root(uint32_t square)
{
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << 13; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= square)
            root |= bit;
    return (uint16_t)root;
}

int tifed_motion_put(tifed_motion_stream *s, const int16_t *readings)
{
    const tifed_motion *m = s->motion;
    int16_t *place = s->ring + s->oldest, *length = place + (size_t)m->axes * m->window;
    uint32_t squares = 0;
    for (unsigned axis = 0, of_three = 0; axis < m->axes; axis++, place += m->window) {
        int16_t x = readings[axis];
        if ((uint32_t)s->turned >> axis & 1u)
            x = x == INT16_MIN ? INT16_MAX : (int16_t)-x;
        *place = x;
        int32_t quarter = x >> 2;
        squares += (uint32_t)(quarter * quarter);
        if (++of_three == 3u) {
            *length = (int16_t)(2u * square_root(squares));
            length += m->window;
            squares = of_three = 0;
        }
    }
    if (++s->oldest == m->window)
        s->oldest = 0;
    /* The readings of a window that was due and of those before it are a beginning. */
    if (!s->missing)
        s->missing = m->hop;
    return --s->missing ? TIFED_MORE : TIFED_OK;
}

/* The quotient rounded down, not towards 0. No denominator here is 0, as a window has 16 times at
 * least, which clang-tidy cannot know. */
static int32_t floor_of(int32_t numerator, int32_t denominator)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
    int32_t quotient = numerator / denominator;
    return quotient - (numerator % denominator < 0);
}

static int8_t limited(int32_t value)
{
    return (int8_t)(value > 127 ? 127 : value < -127 ? -127 : value);
}

static uint32_t size_of(int32_t value)
{
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

/* Sixteenths of an octave above 1. */
static int32_t logarithm(uint32_t value)
{
    uint32_t v = value ? value : 1u;
    int32_t exponent = 4;
    for (; v >= 32u; v >>= 1)
        exponent++;
    for (; v < 16u; v <<= 1)
        exponent--;
    return 16 * exponent + (int32_t)v - 16;
}

/* What makes readings that differ by `deviation` in the mean differ by 48. */
typedef struct scale {
    uint32_t far, reciprocal;
} scale;

static scale scale_of(uint32_t deviation, uint32_t least)
{
    uint32_t unit = deviation < least ? least : deviation;
    scale made = {FAR * unit, ((uint32_t)SCALED << RECIPROCAL_BITS) / unit};
    return made;
}

static int8_t scaled(int32_t away, scale by)
{
    uint32_t size = size_of(away);
    uint32_t units = (size < by.far ? size : by.far) * by.reciprocal >> RECIPROCAL_BITS;
    if (units > SCALED_MOST)
        units = SCALED_MOST;
    return (int8_t)(away < 0 ? -(int32_t)units : (int32_t)units);
}

/* Goes through a channel of the ring from the oldest reading; each step moves the place on. */
static int32_t taken(const tifed_motion_stream *s, const int16_t *channel, unsigned *place,
                     unsigned step)
{
    int32_t x = channel[*place];
    *place += step;
    if (*place >= s->motion->window)
        *place -= s->motion->window;
    return x;
}

/* Three of the sorted means of eight readings each. */
static void quantiles(const tifed_motion_stream *s, const int16_t *channel, int8_t *features)
{
    int16_t sorted[MOST_BLOCKS];
    unsigned count = s->motion->window / BLOCK, place = s->oldest;
    sorted[0] = 0;
    for (unsigned block = 0; block < count; block++) {
        int32_t sum = 0;
        for (unsigned i = 0; i < BLOCK; i++)
            sum += taken(s, channel, &place, 1u);
        int16_t mean = (int16_t)(sum >> 3);
        unsigned at = block;
        for (; at && sorted[at - 1u] > mean; at--)
            sorted[at] = sorted[at - 1u];
        sorted[at] = mean;
    }
    features[LOW * s->channels] = limited(sorted[count / 10u] >> 6);
    features[MIDDLE * s->channels] = limited(sorted[count / 2u] >> 6);
    features[HIGH * s->channels] = limited(sorted[9u * count / 10u] >> 6);
}

/* A channel's own features, the first of which has its place at `features`; `z` is where its scaled
 * readings go, or NULL. */
static void channel_features(const tifed_motion_stream *s, const int16_t *channel, int8_t *z,
                             int8_t *features)
{
    unsigned window = s->motion->window, channels = s->channels, place = s->oldest;
    int32_t sum = 0, last = channel[place], products = 0, above = 0, below = 0;
    uint32_t away = 0, change = 0;
    for (unsigned t = 0; t < window; t++) {
        int32_t x = taken(s, channel, &place, 1u);
        sum += x;
        change += size_of(x - last);
        last = x;
    }
    int32_t mean = floor_of(sum, (int32_t)window);
    for (unsigned t = 0; t < window; t++)
        away += size_of(channel[t] - mean);
    uint32_t spread = (away << 4) / window;
    scale by = scale_of(spread >> 4, LEAST_DEVIATION);
    for (unsigned t = 0; t < window; t++) {
        int32_t units = scaled(taken(s, channel, &place, 1u) - mean, by);
        products += units < 0 ? -units * units : units * units;
        above += units > SCALED;
        below += units < -SCALED;
        if (z)
            z[t] = (int8_t)units;
    }
    features[MEAN * channels] = limited(mean >> 6);
    quantiles(s, channel, features);
    features[SPREAD * channels] = limited(2 * logarithm(spread) - 400);
    features[CHANGE * channels] = limited(2 * logarithm((change << 4) / (window - 1u)) - 392);
    features[ABOVE * channels] = limited((int32_t)((uint32_t)above * 512u / window) - 100);
    features[BELOW * channels] = limited((int32_t)((uint32_t)below * 512u / window) - 100);
    features[SKEW * channels] = limited(floor_of(products, 16 * (int32_t)window));
}

/* How an axis changes from every fourth reading to the next, scaled, into `w`. */
static void scaled_changes(const tifed_motion_stream *s, const int16_t *axis, int8_t *w)
{
    unsigned count = s->motion->window / STRIDE - 1u, place = s->oldest;
    uint32_t sum = 0;
    int32_t last = taken(s, axis, &place, STRIDE);
    for (unsigned t = 0; t < count; t++) {
        int32_t x = taken(s, axis, &place, STRIDE);
        sum += size_of(x - last);
        last = x;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
    scale by = scale_of(sum / count, LEAST_CHANGE);
    place = s->oldest;
    last = taken(s, axis, &place, STRIDE);
    for (unsigned t = 0; t < count; t++) {
        int32_t x = taken(s, axis, &place, STRIDE);
        w[t] = scaled(x - last, by);
        last = x;
    }
}

/* Sum of the products of `count` scaled readings, each 127 at most: below 2^23. */
static int32_t product(const int8_t *a, const int8_t *b, unsigned count)
{
    int32_t sum = 0;
    while (count--)
        sum += (int32_t)*a++ * *b++;
    return sum;
}

int tifed_motion_window(tifed_motion_stream *s, int8_t *features)
{
    const tifed_motion *m = s->motion;
    if (!features)
        return TIFED_ERROR_MEMORY;
    if (s->missing)
        return TIFED_ERROR_PLACE;
    unsigned axes = m->axes, window = m->window, lag = window - LAG, count = window / STRIDE - 1u;
    unsigned pairs = axes * (axes - 1u) / 2u;
    for (unsigned c = 0; c < s->channels; c++)
        channel_features(s, s->ring + (size_t)c * window,
                         c < axes ? s->scaled + (size_t)c * window : NULL, features + c);
    features += OF_A_CHANNEL * s->channels;
    int8_t *to = features;
    for (unsigned i = 0; i < axes; i++)
        for (unsigned j = i + 1u; j < axes; j++, to++) {
            const int8_t *a = s->scaled + (size_t)i * window, *b = s->scaled + (size_t)j * window;
            int32_t ahead = product(a, b + LAG, lag) - product(b, a + LAG, lag);
            to[TOGETHER * pairs] = limited(floor_of(product(a, b, window), 40 * (int32_t)window));
            to[LEAD * pairs] = limited(floor_of(ahead, 32 * (int32_t)lag));
        }
    /* Each axis's changes take the place of its scaled readings. */
    for (unsigned i = 0; i < axes; i++)
        scaled_changes(s, s->ring + (size_t)i * window, s->scaled + (size_t)i * window);
    to = features + CHANGES * pairs;
    for (unsigned i = 0; i < axes; i++)
        for (unsigned j = i + 1u; j < axes; j++) {
            int32_t sum =
                product(s->scaled + (size_t)i * window, s->scaled + (size_t)j * window, count);
            *to++ = limited(floor_of(sum, 40 * (int32_t)count));
        }
    return TIFED_OK;
}
