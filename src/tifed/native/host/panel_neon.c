/* NEON: 16 sums are four registers, of which there are 32. It multiplies int16 by one lane, so
 * weights are separated into those of the pairs' first and second inputs as they are loaded. */
#include "panel_rounding.h"

#include <arm_neon.h>

#define NAME(x) x##_neon
#define NAME_STRING "neon"
#define FORWARD_SAMPLES 5u
#define FORWARD_PANELS 1u
#define UPDATE_INPUTS 4u
#define UPDATE_PANELS 1u
#define PEAK_SUMS 5
#define KEEP(v) __asm__("" : "+w"((v).of[0]), "+w"((v).of[1]), "+w"((v).of[2]), "+w"((v).of[3]))
#define KEEP_INPUT(x) __asm__ volatile("" : "+w"(x))

typedef struct vec {
    int32x4_t of[4];
} vec;
typedef struct weights_t {
    int16x8x2_t of[2]; /* first and second inputs' weights of 8 units */
} weights_t;
typedef int16x4_t inputs_t;

static bool supported(void)
{
    return true;
}

ALWAYS_INLINE vec v_load(const int32_t *p)
{
    vec v;
    UNROLL_FOR (unsigned q = 0; q < 4; q++)
        v.of[q] = vld1q_s32(p + 4 * q);
    return v;
}

ALWAYS_INLINE void v_store(int32_t *p, vec v)
{
    UNROLL_FOR (unsigned q = 0; q < 4; q++)
        vst1q_s32(p + 4 * q, v.of[q]);
}

ALWAYS_INLINE vec v_set(int32_t x)
{
    vec v;
    UNROLL_FOR (unsigned q = 0; q < 4; q++)
        v.of[q] = vdupq_n_s32(x);
    return v;
}

#define v_zero() v_set(0)

ALWAYS_INLINE vec v_add(vec x, vec y)
{
    UNROLL_FOR (unsigned q = 0; q < 4; q++)
        x.of[q] = vaddq_s32(x.of[q], y.of[q]);
    return x;
}

ALWAYS_INLINE weights_t v_weights(const int16_t *p)
{
    weights_t w = {{vld2q_s16(p), vld2q_s16(p + 16)}};
    return w;
}

#define v_inputs(pair) vreinterpret_s16_u32(vdup_n_u32(pair))

ALWAYS_INLINE vec v_dot(vec sum, weights_t w, int16x4_t x)
{
    UNROLL_FOR (unsigned h = 0; h < 2; h++) {
        int16x8_t first = w.of[h].val[0], second = w.of[h].val[1];
        int32x4_t low = vmlal_lane_s16(sum.of[2 * h], vget_low_s16(first), x, 0);
        int32x4_t high = vmlal_lane_s16(sum.of[2 * h + 1], vget_high_s16(first), x, 0);
        sum.of[2 * h] = vmlal_lane_s16(low, vget_low_s16(second), x, 1);
        sum.of[2 * h + 1] = vmlal_lane_s16(high, vget_high_s16(second), x, 1);
    }
    KEEP(sum);
    return sum;
}

/* One input's weights, widened, less their steps. */
ALWAYS_INLINE int32x4_t stepped(int32x4_t w, int32x4_t gradient, const rounding *r,
                                int32x4_t *count)
{
    if (r->may_overflow)
        gradient = vmaxq_s32(vminq_s32(gradient, vdupq_n_s32(1 << 30)), vdupq_n_s32(-(1 << 30)));
    int32x4_t value = vsubq_s32(w, vshlq_s32(gradient, vdupq_n_s32(-(int32_t)r->shift)));
    int32x4_t limited_value = vminq_s32(value, vdupq_n_s32(r->bound));
    limited_value = vmaxq_s32(limited_value, vdupq_n_s32(-r->bound));
    /* All ones where nothing was limited: counts 1 and takes 1 off. */
    int32x4_t same = vreinterpretq_s32_u32(vceqq_s32(value, limited_value));
    *count = vaddq_s32(*count, vaddq_s32(same, vdupq_n_s32(1)));
    return limited_value;
}

ALWAYS_INLINE void v_update(int16_t *p, vec low, vec high, const rounding *r, vec *count)
{
    UNROLL_FOR (unsigned h = 0; h < 2; h++) {
        int16x8x2_t w = vld2q_s16(p + 16 * h);
        UNROLL_FOR (unsigned i = 0; i < 2; i++) {
            const vec *g = i ? &high : &low;
            int32x4_t a = vmovl_s16(vget_low_s16(w.val[i])), b = vmovl_s16(vget_high_s16(w.val[i]));
            a = stepped(a, g->of[2 * h], r, &count->of[2 * h]);
            b = stepped(b, g->of[2 * h + 1], r, &count->of[2 * h + 1]);
            w.val[i] = vcombine_s16(vmovn_s32(a), vmovn_s32(b));
        }
        vst2q_s16(p + 16 * h, w);
    }
}

typedef int32x4_t shifts_t;

#define v_shifts(shift) vdupq_n_s32(-(int32_t)(shift))

ALWAYS_INLINE void v_update_within_int16(int16_t *p, vec low, vec high, const shifts_t down,
                                         vec *most)
{
    UNROLL_FOR (unsigned h = 0; h < 2; h++) {
        int16x8x2_t w = vld2q_s16(p + 16 * h);
        int16x8_t largest = vreinterpretq_s16_s32(most->of[h]);
        UNROLL_FOR (unsigned i = 0; i < 2; i++) {
            const vec *g = i ? &high : &low;
            int16x8_t step = vcombine_s16(vmovn_s32(vshlq_s32(g->of[2 * h], down)),
                                          vmovn_s32(vshlq_s32(g->of[2 * h + 1], down)));
            w.val[i] = vsubq_s16(w.val[i], step);
            largest = vmaxq_s16(largest, vabsq_s16(w.val[i]));
        }
        most->of[h] = vreinterpretq_s32_s16(largest);
        vst2q_s16(p + 16 * h, w);
    }
}

#include "panel_vectors.h"

#include "panel_step.h"
