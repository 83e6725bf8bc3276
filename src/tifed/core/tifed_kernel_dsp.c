/* Kernels for processors with the Cortex-M DSP instructions (M4, M7, M33 ...).
 *
 * Forward: weights stay row-major, so one word holds two units' weights of one input, and
 * SMLABB and SMLATB add each product to its unit's sum without unpacking. Update: a word holds two
 * samples of a column, another two samples of a delta, and SMLAD adds both products at once. The
 * sums cannot overflow (SPEC, section 4), so the instructions' Q flag does not matter.
 *
 * That is why deltas and columns lie in pairs of samples, and weights do not: on the wire and in
 * flash they are row-major, and the forward pass wants one input's weights of neighbouring units
 * anyway. */
#include "tifed_kernel.h"

#ifdef TIFED_DSP

#define UNITS 8u /* as many sums as there are registers for */
#define EACH_PAIR(DO) DO(0, 1) DO(2, 3) DO(4, 5) DO(6, 7)

/* Volatile, so that they stay in this order: with any other, compilers run out of registers. */
#define SMLABB(sum, a, b) __asm__ volatile("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
#define SMLATB(sum, a, b) __asm__ volatile("smlatb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
#define SMLAD(sum, a, b) __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
/* Two int16 or four int8. A row of weights may begin at any address, which LDR allows here; LDRD
 * does not, so that it is for deltas alone, which are aligned to 4 bytes. */
#define WORD(word, base, bytes)                                                                    \
    __asm__ volatile("ldr %0, [%1, %2]" : "=r"(word) : "r"(base), "i"(bytes) : "memory");
#define TWO_WORDS(a, b, base, bytes)                                                               \
    __asm__ volatile("ldrd %0, %1, [%2, %3]" : "=r"(a), "=r"(b) : "r"(base), "i"(bytes) : "memory");

#define LOAD(j, k) int32_t s##j = sums[o + j], s##k = sums[o + k];
#define STORE(j, k) sums[o + j] = s##j, sums[o + k] = s##k;

/* s0..s7 += value times the eight weights from `w` on. The bottom half of a word is the unit
 * that comes first, the top half the next one. */
#define TWO_WIDE(j, k)                                                                             \
    WORD(two, w, 2 * j)                                                                            \
    SMLABB(s##j, two, value)                                                                       \
    SMLATB(s##k, two, value)
#define EIGHT_WIDE                                                                                 \
    uint32_t two;                                                                                  \
    EACH_PAIR(TWO_WIDE)

/* SXTB16 widens bytes 0 and 2 of a word to its halves, and rotated by 8 bits bytes 1 and 3: so a
 * word of four weights becomes two of two, of units 0 and 2 and of units 1 and 3. */
#define FOUR_NARROW(a, b, c, d)                                                                    \
    WORD(four, w, a)                                                                               \
    __asm__("sxtb16 %0, %1" : "=r"(two) : "r"(four));                                              \
    SMLABB(s##a, two, value)                                                                       \
    SMLATB(s##c, two, value)                                                                       \
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(two) : "r"(four));                                      \
    SMLABB(s##b, two, value)                                                                       \
    SMLATB(s##d, two, value)
#define EIGHT_NARROW                                                                               \
    uint32_t four, two;                                                                            \
    FOUR_NARROW(0, 1, 2, 3)                                                                        \
    FOUR_NARROW(4, 5, 6, 7)

/* The index counts up to 0, so that the addition that advances it is also the test for the end. */
#define FORWARD(name, weight_type, EIGHT, input_type)                                              \
    static void name(int32_t *sums, const weight_type *weights, const input_type *input,           \
                     uint32_t fan_in, uint32_t fan_out)                                            \
    {                                                                                              \
        const input_type *end = input + fan_in;                                                    \
        uint32_t o = 0;                                                                            \
        for (; o + UNITS <= fan_out; o += UNITS) {                                                 \
            EACH_PAIR(LOAD)                                                                        \
            const weight_type *w = weights + o;                                                    \
            for (int32_t i = -(int32_t)fan_in; i; i++, w += fan_out) {                             \
                int32_t value = end[i];                                                            \
                EIGHT                                                                              \
            }                                                                                      \
            EACH_PAIR(STORE)                                                                       \
        }                                                                                          \
        for (; o < fan_out; o++) {                                                                 \
            int32_t s = sums[o];                                                                   \
            const weight_type *w = weights + o;                                                    \
            for (const input_type *x = input; x < end; x++, w += fan_out)                          \
                s += (int32_t)*x * *w;                                                             \
            sums[o] = s;                                                                           \
        }                                                                                          \
    }

FORWARD(forward_16_16, int16_t, EIGHT_WIDE, int16_t)
FORWARD(forward_16_8, int16_t, EIGHT_WIDE, int8_t)
FORWARD(forward_8_16, int8_t, EIGHT_NARROW, int16_t)
FORWARD(forward_8_8, int8_t, EIGHT_NARROW, int8_t)

void tifed_kernel_forward(int32_t *sums, const void *weights, uint32_t weight_bits,
                          const void *input, uint32_t input_bits, uint32_t fan_in, uint32_t fan_out)
{
    if (weight_bits == 8u && input_bits == 8u)
        forward_8_8(sums, weights, input, fan_in, fan_out);
    else if (weight_bits == 8u)
        forward_8_16(sums, weights, input, fan_in, fan_out);
    else if (input_bits == 8u)
        forward_16_8(sums, weights, input, fan_in, fan_out);
    else
        forward_16_16(sums, weights, input, fan_in, fan_out);
}

#define BEGIN(j, k) int32_t g##j = start, g##k = start;
#define END(j, k) gradient[j] = g##j, gradient[k] = g##k;
#define ADD(j, k)                                                                                  \
    TWO_WORDS(a, b, d, 4 * j)                                                                      \
    SMLAD(g##j, value, a)                                                                          \
    SMLAD(g##k, value, b)

#define APPLY_STEP(j, k)                                                                           \
    wide[j] = (int16_t)tifed_saturated_step(wide[j], g##j >> u->shift, bound, &clipped);           \
    wide[k] = (int16_t)tifed_saturated_step(wide[k], g##k >> u->shift, bound, &clipped);

typedef uint32_t __attribute__((may_alias)) pair; /* of int16: two samples */

/* As in tifed_kernel.c, with both samples of a pair at once: a delta's word is loaded for two
 * units by one LDRD, and SMLAD adds two products. */
uint32_t tifed_kernel_update(const tifed_update *u, void *row, uint32_t place)
{
    uint32_t clipped = 0, fan_out = u->fan_out, units;
    const pair *column = (const pair *)u->column, *end = column + u->pairs;
    int32_t gradient[UNITS], start = tifed_rounding_start(u), bound = u->bound;
    bool usual = tifed_has_fast_path(u);
    for (uint32_t o = 0; o < fan_out; o += units) {
        const pair *x = column, *d = (const pair *)u->deltas + o;
        if (fan_out - o >= UNITS) {
            EACH_PAIR(BEGIN)
            do {
                uint32_t value = *x++, a, b;
                EACH_PAIR(ADD)
                d += fan_out;
            } while (x < end);
            if (usual) {
                int16_t *wide = (int16_t *)row + o;
                EACH_PAIR(APPLY_STEP)
                units = UNITS;
                continue;
            }
            EACH_PAIR(END)
            units = UNITS;
        } else {
            int32_t g = start;
            do {
                SMLAD(g, *x++, *d)
                d += fan_out;
            } while (x < end);
            gradient[0] = g;
            units = 1;
        }
        clipped += tifed_apply_gradients(u, row, o, gradient, units, place);
    }
    return clipped;
}

#else
/* ISO C wants a file to declare something. */
typedef int tifed_kernel_dsp_is_not_for_this_processor;
#endif
