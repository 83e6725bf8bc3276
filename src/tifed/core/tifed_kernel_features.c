/* A window against all units of a layer, four of them at a time, so that a value of the window is
 * loaded once for the four. With the Cortex-M DSP instructions a word holds four values: SXTB16
 * widens two of them at once, SMLAD adds two products. The sums cannot overflow (SPEC, section 13),
 * so the instructions' Q flag does not matter. */
#include "tifed_kernel_features.h"

/* --- units ------------------------------------------------------------------------------------ */

#ifdef TIFED_DSP

/* Asm in one piece, because compilers run out of registers in it: 21 instructions for the 16
 * products of a group with a quad, 12 for the 8 with its first two units, and 2 for every two
 * groups. */
#define VALUES                                                                                     \
    "ldr %[odd], [%[a]], #4\n\t"                                                                   \
    "sxtb16 %[even], %[odd]\n\t"                                                                   \
    "sxtb16 %[odd], %[odd], ror #8\n\t"
#define UNIT(sum, weights)                                                                         \
    "sxtb16 %[wide], %[" weights "]\n\t"                                                           \
    "sxtb16 %[" weights "], %[" weights "], ror #8\n\t"                                            \
    "smlad %[" sum "], %[even], %[wide], %[" sum "]\n\t"                                           \
    "smlad %[" sum "], %[odd], %[" weights "], %[" sum "]\n\t"
#define TWO_UNITS(s, t, step)                                                                      \
    "ldrd %[first], %[second], [%[w]], #" step "\n\t" UNIT(s, "first") UNIT(t, "second")
#define FOUR_UNITS TWO_UNITS("s0", "s1", "8") TWO_UNITS("s2", "s3", "8")
/* Two groups in a turn; an odd number of them begins with the second. */
#define GROUPS(units)                                                                              \
    "sub %[odd], %[end], %[a]\n\t"                                                                 \
    "lsls %[odd], %[odd], #29\n\t"                                                                 \
    "bmi 2f\n\t"                                                                                   \
    "1:\n\t" VALUES units "2:\n\t" VALUES units "cmp %[a], %[end]\n\t"                             \
    "bne 1b\n\t"

/* Adds the products of the groups a..end with a quad of weights at w; returns where w ends. */
static inline const int8_t *add_products(int32_t *s0, int32_t *s1, int32_t *s2, int32_t *s3,
                                         const int8_t *a, const int8_t *end, const int8_t *w)
{
    uint32_t even, odd, first, second, wide;
    __asm__ volatile(GROUPS(FOUR_UNITS)
                     : [s0] "+r"(*s0), [s1] "+r"(*s1), [s2] "+r"(*s2), [s3] "+r"(*s3), [a] "+r"(a),
                       [w] "+r"(w), [even] "=&r"(even), [odd] "=&r"(odd), [first] "=&r"(first),
                       [second] "=&r"(second), [wide] "=&r"(wide)
                     : [end] "r"(end)
                     : "cc", "memory");
    return w;
}

/* The same for a quad of two units or one. */
static inline const int8_t *add_half(int32_t *s0, int32_t *s1, const int8_t *a, const int8_t *end,
                                     const int8_t *w)
{
    uint32_t even, odd, first, second, wide;
    __asm__ volatile(
        GROUPS(TWO_UNITS("s0", "s1", "16"))
        : [s0] "+r"(*s0), [s1] "+r"(*s1), [a] "+r"(a), [w] "+r"(w), [even] "=&r"(even),
          [odd] "=&r"(odd), [first] "=&r"(first), [second] "=&r"(second), [wide] "=&r"(wide)
        : [end] "r"(end)
        : "cc", "memory");
    return w;
}

static inline int32_t clamped_to_relu(int32_t v)
{
    __asm__("usat %0, #7, %1" : "=r"(v) : "r"(v));
    return v;
}

static inline int32_t clamped(int32_t v)
{
    __asm__("ssat %0, #8, %1" : "=r"(v) : "r"(v));
    return v < -127 ? -127 : v;
}

/* Of each byte the larger one. */
static inline uint32_t larger(uint32_t a, uint32_t b)
{
    /* SSUB8 notes in the GE flags which bytes of the one are not below the other's. */
    uint32_t most;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(most) : "r"(a), "r"(b));
    return most;
}

#else

static inline const int8_t *add_products(int32_t *s0, int32_t *s1, int32_t *s2, int32_t *s3,
                                         const int8_t *a, const int8_t *end, const int8_t *w)
{
    int32_t t0 = *s0, t1 = *s1, t2 = *s2, t3 = *s3;
    w += TIFED_LOWEST_BYTE;
    for (; a != end; w += 16 - 4 * TIFED_NEXT_BYTE) {
        for (const int8_t *next = a + 4; a != next; a++, w += TIFED_NEXT_BYTE) {
            int32_t value = *a;
            t0 += value * w[0];
            t1 += value * w[4];
            t2 += value * w[8];
            t3 += value * w[12];
        }
    }
    *s0 = t0, *s1 = t1, *s2 = t2, *s3 = t3;
    return w - TIFED_LOWEST_BYTE;
}

static inline int32_t clamped_to_relu(int32_t v)
{
    return v < 0 ? 0 : v > 127 ? 127 : v;
}

static inline int32_t clamped(int32_t v)
{
    return v < -127 ? -127 : v > 127 ? 127 : v;
}

#endif

static inline void put(int8_t *to, int32_t value, bool raise)
{
    if (!raise || value > *to)
        *to = (int8_t)value;
}

/* Four units, or the `left` of them that there are, to `to`; with `raise` where they are larger
 * than what is there. */
static inline void put_four(int8_t *to, int32_t s0, int32_t s1, int32_t s2, int32_t s3,
                            int32_t left, bool raise)
{
#ifdef TIFED_DSP
    if (left >= 4) { /* `to` need not be aligned, which these processors allow */
        uint32_t word = (uint32_t)(s0 & 0xFF) | (uint32_t)(s1 & 0xFF) << 8 |
                        (uint32_t)(s2 & 0xFF) << 16 | (uint32_t)s3 << 24,
                 old;
        __builtin_memcpy(&old, to, 4);
        word = raise ? larger(word, old) : word;
        __builtin_memcpy(to, &word, 4);
        return;
    }
#endif
    put(to, s0, raise);
    if (left > 1)
        put(to + 1, s1, raise);
    if (left > 2)
        put(to + 2, s2, raise);
    if (left > 3)
        put(to + 3, s3, raise);
}

/* Outputs of a window of 4 * groups values. */
TIFED_NOINLINE static void put_units(const tifed_feature_layer *layer, const int8_t *window,
                                     uint32_t groups, int8_t *to, bool raise)
{
    const uint32_t *quad = layer->quads;
    const int8_t *end = window + 4u * groups;
    bool relu = layer->relu;
    for (int32_t left = layer->units; left > 0; left -= 4, to += 4) {
        int32_t s0 = (int32_t)quad[0], s1 = (int32_t)quad[1];
        int32_t s2 = (int32_t)quad[2], s3 = (int32_t)quad[3];
        uint32_t shifts = quad[4];
        const int8_t *w = (const int8_t *)(quad + 5);
#ifdef TIFED_DSP
        if (left <= 2)
            w = add_half(&s0, &s1, window, end, w);
        else
#endif
            w = add_products(&s0, &s1, &s2, &s3, window, end, w);
        quad = (const uint32_t *)(const void *)w;
        s0 >>= shifts & 0xFFu, s1 >>= shifts >> 8 & 0xFFu, s2 >>= shifts >> 16 & 0xFFu,
            s3 >>= shifts >> 24;
        if (relu)
            s0 = clamped_to_relu(s0), s1 = clamped_to_relu(s1), s2 = clamped_to_relu(s2),
            s3 = clamped_to_relu(s3);
        else
            s0 = clamped(s0), s1 = clamped(s1), s2 = clamped(s2), s3 = clamped(s3);
        put_four(to, s0, s1, s2, s3, left, raise);
    }
}

/* --- windows ---------------------------------------------------------------------------------- */

static inline int8_t *copied(int8_t *to, const int8_t *from, int32_t count)
{
#ifdef __ARM_FEATURE_UNALIGNED
    for (; count >= 16; count -= 16, to += 16, from += 16)
        __builtin_memcpy(to, from, 16);
    for (; count >= 4; count -= 4, to += 4, from += 4)
        __builtin_memcpy(to, from, 4);
    if (count & 2) {
        __builtin_memcpy(to, from, 2);
        to += 2, from += 2;
    }
    if (count & 1)
        *to++ = *from;
#else
    while (count-- > 0)
        *to++ = *from++;
#endif
    return to;
}

static inline int8_t *filled(int8_t *to, int8_t value, int32_t count)
{
#ifdef __ARM_FEATURE_UNALIGNED
    uint32_t four = (uint8_t)value * 0x01010101u;
    for (; count >= 4; count -= 4, to += 4)
        __builtin_memcpy(to, &four, 4);
#endif
    while (count-- > 0)
        *to++ = value;
    return to;
}

/* Where windows are taken from, and how. */
typedef struct source {
    const int8_t *values;
    int32_t height, width, channels, kernel_height, kernel_width;
    int32_t run, pitch; /* values of a window's row, and of the plane's */
    int8_t zero;        /* stands where a window is outside */
} source;

/* A window part of which is outside. */
TIFED_NOINLINE static void gather_edge(const source *s, int32_t y, int32_t x, int8_t *to)
{
    int32_t channels = s->channels, width = s->kernel_width;
    int32_t left = x < 0 ? -x : 0, right = x + width > s->width ? x + width - s->width : 0;
    for (int32_t row = y; row < y + s->kernel_height; row++) {
        if (row < 0 || row >= s->height || left + right >= width) {
            to = filled(to, s->zero, s->run);
            continue;
        }
        to = filled(to, s->zero, left * channels);
        to = copied(to, s->values + row * s->pitch + (x + left) * channels,
                    s->run - (left + right) * channels);
        to = filled(to, s->zero, right * channels);
    }
}

/* The window whose first pixel is (y, x), inside or not. */
TIFED_NOINLINE static void gather(const source *s, int32_t y, int32_t x, int8_t *to)
{
    if (y < 0 || x < 0 || y + s->kernel_height > s->height || x + s->kernel_width > s->width) {
        gather_edge(s, y, x, to);
        return;
    }
    const int8_t *from = s->values + y * s->pitch + x * s->channels;
    for (int32_t rows = s->kernel_height; rows > 0; rows--, from += s->pitch)
        to = copied(to, from, s->run);
}

/* --- stages ----------------------------------------------------------------------------------- */

void tifed_kernel_pool(const tifed_stage *s, const int8_t *in, int8_t *out)
{
    uint32_t size = s->pool->kernel_height, stride = s->pool->stride, channels = s->out.channels;
    for (uint32_t row = 0; row < s->out.height; row++)
        for (uint32_t column = 0; column < s->out.width; column++, out += channels)
            for (uint32_t i = 0; i < size; i++)
                for (uint32_t j = 0; j < size; j++) {
                    uint32_t y = row * stride + i, x = column * stride + j;
                    const int8_t *from = in + (y * s->in.width + x) * channels;
                    for (uint32_t c = 0; c < channels; c++)
                        put(out + c, from[c], i + j > 0u);
                }
}

/* The sums of one row, every pixel straight into the maximum that it belongs to. */
static void sums_row(const tifed_stage *s, const source *from, int32_t y, bool raise, int8_t *out,
                     int8_t *patch)
{
    const tifed_feature_layer *layer = s->sums;
    int32_t size = s->pool ? s->pool->kernel_height : 1, step = layer->stride;
    int32_t next = (s->pool ? s->pool->stride : 1) * step;
    int32_t left = -(int32_t)layer->padding;
    for (uint32_t columns = s->out.width; columns; columns--, left += next) {
        bool more = raise;
        for (int32_t x = left; x < left + size * step; x += step, more = true) {
            const int8_t *window = patch;
            if (s->direct)
                window = from->values + y * from->pitch + x * from->channels;
            else
                gather(from, y, x, patch);
            put_units(layer, window, s->groups, out, more);
        }
        out += s->out.channels;
    }
}

void tifed_kernel_sums(const tifed_stage *s, const int8_t *in, int8_t zero, int8_t *out,
                       int8_t *patch)
{
    const tifed_feature_layer *layer = s->sums;
    source from = {in,
                   (int32_t)s->in.height,
                   (int32_t)s->in.width,
                   (int32_t)s->in.channels,
                   layer->kernel_height,
                   layer->kernel_width,
                   0,
                   0,
                   zero};
    from.run = from.kernel_width * from.channels;
    from.pitch = from.width * from.channels;
    uint32_t size = s->pool ? s->pool->kernel_height : 1u, stride = s->pool ? s->pool->stride : 1u;
    for (uint32_t row = 0; row < s->out.height; row++) {
        for (uint32_t i = 0; i < size; i++) {
            int32_t y = (int32_t)((row * stride + i) * layer->stride) - (int32_t)layer->padding;
            sums_row(s, &from, y, i > 0u, out, patch);
        }
        out += (uint32_t)s->out.width * s->out.channels;
    }
}
