/* What an x86-64 processor, and its operating system, can do. Asked of the processor itself: the
 * compilers' own function for it is missing from some of their run-time libraries. */
#ifndef TIFED_PROCESSOR_H
#define TIFED_PROCESSOR_H

#include <cpuid.h>
#include <stdbool.h>

enum { PROCESSOR_AVX2, PROCESSOR_AVX512BW, PROCESSOR_AVX512VNNI };

static inline bool processor_has(int level)
{
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1u))
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6u) != 6u || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false; /* the system does not keep the vector registers */
    if (level == PROCESSOR_AVX2)
        return b >> 5 & 1u;
    if ((low & 0xE0u) != 0xE0u)
        return false;
    /* F, DQ, BW and VL */
    bool wide = (b >> 16 & 1u) && (b >> 17 & 1u) && (b >> 30 & 1u) && (b >> 31 & 1u);
    return wide && (level == PROCESSOR_AVX512BW || (c >> 11 & 1u));
}

#endif
