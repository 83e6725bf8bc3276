/* AVX-512 without VNNI: a multiplication of pairs, and an addition. */
#include "panel_avx512.h"
#include "processor.h"

#define NAME(x) x##_avx512bw
#define NAME_STRING "avx512bw"

ALWAYS_INLINE vec v_dot(vec sum, vec w, vec x)
{
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(w, x));
    KEEP(sum);
    return sum;
}

static bool supported(void)
{
    return processor_has(PROCESSOR_AVX512BW);
}

#include "panel_vectors.h"

#include "panel_step.h"
