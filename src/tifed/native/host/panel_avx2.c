/* AVX2: a vector of 16 sums is two registers, of which there are 16. */
#include "panel_rounding.h"
#include "processor.h"

#include <immintrin.h>

#define NAME(x) x##_avx2
#define NAME_STRING "avx2"
#define FORWARD_SAMPLES 6u
#define FORWARD_PANELS 1u
#define UPDATE_INPUTS 6u
#define UPDATE_PANELS 1u
#define PEAK_SUMS 6
#define KEEP(v) __asm__("" : "+x"((v).a), "+x"((v).b))
#define KEEP_INPUT(i) __asm__ volatile("" : "+x"(i))

typedef struct vec {
    __m256i a, b;
} vec;
typedef vec weights_t;
typedef __m256i inputs_t;

static bool supported(void)
{
    return processor_has(PROCESSOR_AVX2);
}

ALWAYS_INLINE vec v_load(const void *p)
{
    const __m256i *from = p;
    vec v = {_mm256_load_si256(from), _mm256_load_si256(from + 1)};
    return v;
}

ALWAYS_INLINE void v_store(void *p, vec v)
{
    __m256i *to = p;
    _mm256_store_si256(to, v.a);
    _mm256_store_si256(to + 1, v.b);
}

ALWAYS_INLINE vec v_zero(void)
{
    vec v = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    return v;
}

ALWAYS_INLINE vec v_set(int32_t x)
{
    vec v = {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
    return v;
}

ALWAYS_INLINE vec v_add(vec x, vec y)
{
    vec v = {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
    return v;
}

#define v_weights(p) v_load(p)
#define v_inputs(pair) _mm256_set1_epi32((int)(pair))

ALWAYS_INLINE vec v_dot(vec sum, vec w, __m256i x)
{
    sum.a = _mm256_add_epi32(sum.a, _mm256_madd_epi16(w.a, x));
    sum.b = _mm256_add_epi32(sum.b, _mm256_madd_epi16(w.b, x));
    KEEP(sum);
    return sum;
}

ALWAYS_INLINE __m256i stepped(__m256i w, __m256i gradient, const rounding *r, __m256i *count)
{
    if (r->may_overflow)
        gradient = _mm256_max_epi32(_mm256_min_epi32(gradient, _mm256_set1_epi32(1 << 30)),
                                    _mm256_set1_epi32(-(1 << 30)));
    __m256i value =
        _mm256_sub_epi32(w, _mm256_sra_epi32(gradient, _mm_cvtsi32_si128((int)r->shift)));
    __m256i least = _mm256_set1_epi32(-r->bound), most = _mm256_set1_epi32(r->bound);
    __m256i limited_value = _mm256_max_epi32(_mm256_min_epi32(value, most), least);
    /* All ones where nothing was limited: counts 1 and takes 1 off. */
    __m256i same = _mm256_cmpeq_epi32(value, limited_value);
    *count = _mm256_add_epi32(*count, _mm256_add_epi32(same, _mm256_set1_epi32(1)));
    return limited_value;
}

ALWAYS_INLINE __m256i updated(__m256i w, __m256i low, __m256i high, const rounding *r,
                              __m256i *count)
{
    low = stepped(_mm256_srai_epi32(_mm256_slli_epi32(w, 16), 16), low, r, count);
    high = stepped(_mm256_srai_epi32(w, 16), high, r, count);
    return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xAA);
}

ALWAYS_INLINE void v_update(int16_t *p, vec low, vec high, const rounding *r, vec *count)
{
    vec w = v_load(p);
    w.a = updated(w.a, low.a, high.a, r, &count->a);
    w.b = updated(w.b, low.b, high.b, r, &count->b);
    v_store(p, w);
}

typedef struct shifts_t {
    __m128i down, up;
} shifts_t;

ALWAYS_INLINE shifts_t v_shifts(uint32_t shift)
{
    shifts_t shifts = {_mm_cvtsi32_si128((int)shift), _mm_cvtsi32_si128(16 - (int)shift)};
    return shifts;
}

ALWAYS_INLINE __m256i updated_within_int16(__m256i w, __m256i low, __m256i high,
                                           const shifts_t shifts, __m256i *most)
{
    /* The high step's 16 bits go straight to the top. */
    __m256i step = _mm256_blend_epi16(_mm256_srl_epi32(low, shifts.down),
                                      _mm256_sll_epi32(high, shifts.up), 0xAA);
    w = _mm256_sub_epi16(w, step);
    *most = _mm256_max_epi16(*most, _mm256_abs_epi16(w));
    return w;
}

ALWAYS_INLINE void v_update_within_int16(int16_t *p, vec low, vec high, const shifts_t shifts,
                                         vec *most)
{
    vec w = v_load(p);
    w.a = updated_within_int16(w.a, low.a, high.a, shifts, &most->a);
    w.b = updated_within_int16(w.b, low.b, high.b, shifts, &most->b);
    v_store(p, w);
}

#include "panel_vectors.h"

#include "panel_step.h"
