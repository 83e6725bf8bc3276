/* AVX2: 16 products at a time, and a shift of its own for every unit. */
#include "processor.h"

#define NAME extraction_avx2
#define NAME_STRING "avx2"

static bool supported(void)
{
    return processor_has(PROCESSOR_AVX2);
}

#include "extraction_body.h"
