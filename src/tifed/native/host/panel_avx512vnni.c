/* AVX-512 with VNNI: one instruction multiplies 32 pairs of int16 and adds them up by two. */
#include "panel_avx512.h"
#include "processor.h"

#define NAME(x) x##_avx512vnni
#define NAME_STRING "avx512vnni"

/* The instruction by name: with the intrinsic, gcc 12 keeps copies of the sums on the stack. */
ALWAYS_INLINE vec v_dot(vec sum, vec w, vec x)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
}

static bool supported(void)
{
    return processor_has(PROCESSOR_AVX512VNNI);
}

#include "panel_vectors.h"

#include "panel_step.h"
