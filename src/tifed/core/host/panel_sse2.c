/* SSE2, which every x86-64 has: a vector of 16 sums is four registers, of which there are 16. */
#include "panel_rounding.h"

#include <emmintrin.h>

#define NAME(x) x##_sse2
#define NAME_STRING "sse2"
#define FORWARD_SAMPLES 2u
#define FORWARD_PANELS 1u
#define UPDATE_INPUTS 2u
#define UPDATE_PANELS 1u
#define PEAK_SUMS 3
#define QUARTERS for (unsigned q = 0; q < 4; q++)
#define KEEP(v) \
    __asm__("" : "+x"((v).of[0]), "+x"((v).of[1]), "+x"((v).of[2]), "+x"((v).of[3]))
#define KEEP_INPUT(i) __asm__ volatile("" : "+x"(i))

typedef struct vec {
    __m128i of[4];
} vec;
typedef vec weights_t;
typedef __m128i inputs_t;

static bool supported(void)
{
    return true;
}

ALWAYS_INLINE vec v_load(const void *p)
{
    const __m128i *from = p;
    vec v;
    UNROLL QUARTERS v.of[q] = _mm_load_si128(from + q);
    return v;
}

ALWAYS_INLINE void v_store(void *p, vec v)
{
    __m128i *to = p;
    UNROLL QUARTERS _mm_store_si128(to + q, v.of[q]);
}

ALWAYS_INLINE vec v_zero(void)
{
    vec v;
    UNROLL QUARTERS v.of[q] = _mm_setzero_si128();
    return v;
}

ALWAYS_INLINE vec v_set(int32_t x)
{
    vec v;
    UNROLL QUARTERS v.of[q] = _mm_set1_epi32(x);
    return v;
}

ALWAYS_INLINE vec v_add(vec x, vec y)
{
    UNROLL QUARTERS x.of[q] = _mm_add_epi32(x.of[q], y.of[q]);
    return x;
}

#define v_weights(p) v_load(p)
#define v_inputs(pair) _mm_set1_epi32((int)(pair))

ALWAYS_INLINE vec v_dot(vec sum, vec w, __m128i x)
{
    UNROLL QUARTERS sum.of[q] = _mm_add_epi32(sum.of[q], _mm_madd_epi16(w.of[q], x));
    KEEP(sum);
    return sum;
}

/* Limits by comparison: SSE2 has no 32-bit minimum. */
ALWAYS_INLINE __m128i limited_to(__m128i v, int32_t bound)
{
    __m128i most = _mm_set1_epi32(bound), least = _mm_set1_epi32(-bound);
    __m128i over = _mm_cmpgt_epi32(v, most), under = _mm_cmplt_epi32(v, least);
    v = _mm_or_si128(_mm_andnot_si128(over, v), _mm_and_si128(over, most));
    return _mm_or_si128(_mm_andnot_si128(under, v), _mm_and_si128(under, least));
}

ALWAYS_INLINE __m128i stepped(__m128i w, __m128i gradient, const rounding *r, __m128i *count)
{
    if (r->huge)
        gradient = limited_to(gradient, 1 << 30);
    __m128i value = _mm_sub_epi32(w, _mm_sra_epi32(gradient, _mm_cvtsi32_si128((int)r->shift)));
    __m128i limited_value = limited_to(value, r->bound);
    /* All ones where nothing was limited: counts 1 and takes 1 off. */
    __m128i same = _mm_cmpeq_epi32(value, limited_value);
    *count = _mm_add_epi32(*count, _mm_add_epi32(same, _mm_set1_epi32(1)));
    return limited_value;
}

ALWAYS_INLINE void v_update(int16_t *p, vec low, vec high, const rounding *r, vec *count)
{
    vec w = v_load(p);
    const __m128i lower = _mm_set1_epi32(0xFFFF);
    UNROLL QUARTERS
    {
        __m128i even = _mm_srai_epi32(_mm_slli_epi32(w.of[q], 16), 16);
        __m128i odd = _mm_srai_epi32(w.of[q], 16);
        even = stepped(even, low.of[q], r, &count->of[q]);
        odd = stepped(odd, high.of[q], r, &count->of[q]);
        w.of[q] = _mm_or_si128(_mm_and_si128(even, lower), _mm_slli_epi32(odd, 16));
    }
    v_store(p, w);
}

typedef struct limits_t {
    __m128i most, least, down, up;
} limits_t;

ALWAYS_INLINE limits_t v_limits(const rounding *r)
{
    limits_t limits = {_mm_set1_epi16((short)r->bound), _mm_set1_epi16((short)-r->bound),
                       _mm_cvtsi32_si128((int)r->shift), _mm_cvtsi32_si128(16 - (int)r->shift)};
    return limits;
}

ALWAYS_INLINE void v_update_near(int16_t *p, vec low, vec high, const limits_t limits, vec *count)
{
    vec w = v_load(p);
    const __m128i lower = _mm_set1_epi32(0xFFFF);
    UNROLL QUARTERS
    {
        /* The high step's 16 bits go straight to the top. */
        __m128i even = _mm_and_si128(_mm_srl_epi32(low.of[q], limits.down), lower);
        __m128i odd = _mm_andnot_si128(lower, _mm_sll_epi32(high.of[q], limits.up));
        __m128i step = _mm_or_si128(even, odd);
        __m128i value = _mm_min_epi16(_mm_subs_epi16(w.of[q], step), limits.most);
        value = _mm_max_epi16(value, limits.least);
        /* What it would be without limits: other than the value wherever one was met. */
        __m128i same = _mm_cmpeq_epi16(value, _mm_sub_epi16(w.of[q], step));
        count->of[q] =
            _mm_add_epi16(count->of[q], _mm_add_epi16(same, _mm_set1_epi16(1)));
        w.of[q] = value;
    }
    v_store(p, w);
}

#include "panel_step.h"
