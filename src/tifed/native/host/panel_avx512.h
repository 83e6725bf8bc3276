/* Vectors of AVX-512BW; the dot product is the including file's. */
#include "panel_rounding.h"

#include <immintrin.h>

#define FORWARD_SAMPLES 13u
#define FORWARD_PANELS 2u
#define UPDATE_INPUTS 8u
#define UPDATE_PANELS 2u
#define PEAK_SUMS 24

typedef __m512i vec;
typedef __m512i weights_t;
typedef __m512i inputs_t;

#define v_zero() _mm512_setzero_si512()
#define v_set(x) _mm512_set1_epi32(x)
#define v_load(p) _mm512_load_si512(p)
#define v_store(p, v) _mm512_store_si512(p, v)
#define v_add(a, b) _mm512_add_epi32(a, b)
#define v_weights(p) _mm512_load_si512(p)
#define v_inputs(pair) _mm512_set1_epi32((int)(pair))
#define KEEP(v) __asm__("" : "+v"(v))
#define KEEP_INPUT(x) __asm__ volatile("" : "+v"(x))

/* 32 weights in place: 16 units of two inputs, low and high halves of 32-bit words. */
static inline __m512i stepped(__m512i w, __m512i gradient, const rounding *r, __m512i *count)
{
    if (r->may_overflow)
        gradient = _mm512_max_epi32(_mm512_min_epi32(gradient, _mm512_set1_epi32(1 << 30)),
                                    _mm512_set1_epi32(-(1 << 30)));
    __m512i step = _mm512_sra_epi32(gradient, _mm_cvtsi32_si128((int)r->shift));
    __m512i value = _mm512_sub_epi32(w, step);
    __m512i limited_value = _mm512_max_epi32(_mm512_min_epi32(value, _mm512_set1_epi32(r->bound)),
                                             _mm512_set1_epi32(-r->bound));
    __mmask16 clipped = _mm512_cmpneq_epi32_mask(value, limited_value);
    *count = _mm512_mask_add_epi32(*count, clipped, *count, _mm512_set1_epi32(1));
    return limited_value;
}

static inline void v_update(int16_t *p, __m512i low, __m512i high, const rounding *r,
                            __m512i *count)
{
    __m512i w = _mm512_load_si512(p);
    low = stepped(_mm512_srai_epi32(_mm512_slli_epi32(w, 16), 16), low, r, count);
    high = stepped(_mm512_srai_epi32(w, 16), high, r, count);
    _mm512_store_si512(p, _mm512_mask_blend_epi16(0xAAAAAAAAu, low, _mm512_slli_epi32(high, 16)));
}

typedef struct shifts_t {
    __m128i down, up;
} shifts_t;

static inline shifts_t v_shifts(uint32_t shift)
{
    shifts_t shifts = {_mm_cvtsi32_si128((int)shift), _mm_cvtsi32_si128(16 - (int)shift)};
    return shifts;
}

static inline void v_update_within_int16(int16_t *p, __m512i low, __m512i high,
                                         const shifts_t shifts, __m512i *most)
{
    /* The high step's 16 bits go straight to the top. */
    __m512i step = _mm512_mask_blend_epi16(0xAAAAAAAAu, _mm512_srl_epi32(low, shifts.down),
                                           _mm512_sll_epi32(high, shifts.up));
    __m512i value = _mm512_sub_epi16(_mm512_load_si512(p), step);
    *most = _mm512_max_epi16(*most, _mm512_abs_epi16(value));
    _mm512_store_si512(p, value);
}
