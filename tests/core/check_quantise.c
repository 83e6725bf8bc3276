/* What maps make of readings: the file's format is in tests/vectors/write_quantise.py. */
#include "tifed_quantise.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const char who[] = "device";

static void check_samples(const tifed_quantisation *quantisation)
{
    uint32_t features = quantisation->features;
    int32_t *readings = exactly(features * sizeof *readings);
    int8_t *sample = exactly(features), *wanted = exactly(features);
    for (uint32_t i = 0; i < features; i++)
        readings[i] = (int32_t)number();
    for (uint32_t i = 0; i < features; i++)
        wanted[i] = (int8_t)number();
    tifed_quantise(quantisation, readings, sample);
    if (memcmp(sample, wanted, features))
        fail("another level", who);
    free(readings);
    free(sample);
    free(wanted);
}

void check_case(void)
{
    uint32_t count = (uint32_t)number();
    tifed_map *maps = exactly(count * sizeof *maps);
    tifed_quantisation quantisation;
    quantisation.maps = maps;
    quantisation.shared = number() != 0;
    quantisation.features = (uint32_t)number();
    uint32_t samples = (uint32_t)number();
    for (uint32_t i = 0; i < count; i++) {
        maps[i].bias_high = (int32_t)number();
        maps[i].bias_low = (uint16_t)number();
        maps[i].multiplier = (uint16_t)number();
        maps[i].shift = (uint8_t)number();
    }
    for (uint32_t i = 0; i < samples; i++)
        check_samples(&quantisation);
    free(maps);
    for (uint32_t left = (uint32_t)number(); left; left--) {
        int32_t value = (int32_t)number();
        int bits = (int)number();
        if (tifed_fixed_point(value, bits) != (int32_t)number())
            fail("another number in fixed point", who);
    }
}
