/* Plain C: the reference for the host's kernels, and what a processor without one of its own runs. */
#include "panel_rounding.h"

#define NAME(x) x##_portable
#define NAME_STRING "portable"
#define FORWARD_SAMPLES 2u
#define FORWARD_PANELS 1u
#define UPDATE_INPUTS 2u
#define UPDATE_PANELS 1u
#define PEAK_SUMS 2
#define KEEP(v)
#define KEEP_INPUT(x) __asm__ volatile("" : "+r"((x).low), "+r"((x).high))

typedef struct vec {
    int32_t of[PANEL];
} vec;
typedef struct weights_t {
    int16_t of[2u * PANEL];
} weights_t;
typedef struct inputs_t {
    int32_t low, high;
} inputs_t;

static bool supported(void)
{
    return true;
}

ALWAYS_INLINE vec v_zero(void)
{
    vec v = {{0}};
    return v;
}

ALWAYS_INLINE vec v_load(const int32_t *p)
{
    vec v;
    for (unsigned u = 0; u < PANEL; u++)
        v.of[u] = p[u];
    return v;
}

ALWAYS_INLINE void v_store(int32_t *p, vec v)
{
    for (unsigned u = 0; u < PANEL; u++)
        p[u] = v.of[u];
}

ALWAYS_INLINE vec v_set(int32_t x)
{
    vec v;
    for (unsigned u = 0; u < PANEL; u++)
        v.of[u] = x;
    return v;
}

ALWAYS_INLINE vec v_add(vec a, vec b)
{
    for (unsigned u = 0; u < PANEL; u++)
        a.of[u] += b.of[u];
    return a;
}

ALWAYS_INLINE weights_t v_weights(const int16_t *p)
{
    weights_t w;
    for (unsigned u = 0; u < 2u * PANEL; u++)
        w.of[u] = p[u];
    return w;
}

ALWAYS_INLINE inputs_t v_inputs(uint32_t pair)
{
    inputs_t x = {(int16_t)(uint16_t)pair, (int16_t)(uint16_t)(pair >> 16)};
    return x;
}

ALWAYS_INLINE vec v_dot(vec sum, weights_t w, inputs_t x)
{
    for (unsigned u = 0; u < PANEL; u++)
        sum.of[u] += w.of[2u * u] * x.low + w.of[2u * u + 1u] * x.high;
    return sum;
}

ALWAYS_INLINE void v_update(int16_t *p, vec low, vec high, const rounding *r, vec *count)
{
    for (unsigned u = 0; u < 2u * PANEL; u++) {
        int32_t gradient = limited((u & 1u ? high : low).of[u / 2u], r->huge);
        int32_t value = p[u] - (gradient >> r->shift);
        int32_t stepped = tifed_clamp(value, -r->bound, r->bound);
        count->of[u / 2u] += stepped != value;
        p[u] = (int16_t)stepped;
    }
}

typedef rounding limits_t;

ALWAYS_INLINE limits_t v_limits(const rounding *r)
{
    return *r;
}

ALWAYS_INLINE void v_update_near(int16_t *p, vec low, vec high, const limits_t limits, vec *count)
{
    for (unsigned u = 0; u < 2u * PANEL; u++) {
        int32_t value = p[u] - ((u & 1u ? high : low).of[u / 2u] >> limits.shift);
        int32_t stepped = tifed_clamp(value, -limits.bound, limits.bound);
        count->of[u / 2u] += stepped != value ? (u & 1u ? 0x10000 : 1) : 0;
        p[u] = (int16_t)stepped;
    }
}

#include "panel_step.h"
