#include "tifed_quantise.h"

#include "tifed_assumptions.h"

static int32_t limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

int32_t tifed_fixed_point(int32_t number, int fraction_bits)
{
    if (fraction_bits < 0) {
        int places = -fraction_bits;
        if (places > 31) /* half a unit at most, and that goes to 0, which is even */
            return 0;
        int32_t whole = number >> places;
        uint32_t rest = (uint32_t)number & ((UINT32_C(1) << places) - 1u);
        uint32_t half = UINT32_C(1) << (places - 1);
        return whole + (rest > half || (rest == half && (whole & 1)));
    }
    if (number == 0)
        return 0;
    if (fraction_bits > 31 || number > (INT32_MAX >> fraction_bits) ||
        number < (INT32_MIN >> fraction_bits))
        return number < 0 ? INT32_MIN : INT32_MAX;
    return (int32_t)((uint32_t)number << fraction_bits);
}

int8_t tifed_quantise_reading(const tifed_map *map, int32_t reading)
{
    /* The product of halves, from factors of 16 bits, which small processors multiply faster: what
     * the low one carries is added to the high one. */
    uint32_t low = (uint32_t)(uint16_t)reading * map->multiplier + map->bias_low;
    int32_t high = (int32_t)(int16_t)(reading >> 16) * (int16_t)map->multiplier;
    high += (int32_t)(low >> 16);
    int32_t level = (int32_t)((uint32_t)high + (uint32_t)map->bias_high);
    if (((high ^ level) & (map->bias_high ^ level)) < 0) /* past 32 bits: far beyond int8 */
        return high < 0 ? -128 : 127;
    if (map->shift >= 16)
        level >>= map->shift - 16;
    else {
        /* What is beyond saturates whatever its low half is, which is what makes room for it. */
        level = limited(level, -128, 127);
        level = (level * INT32_C(65536) + (int32_t)(low & 0xFFFFu)) >> map->shift;
    }
    return (int8_t)limited(level, -128, 127);
}

void tifed_quantise(const tifed_quantisation *quantisation, const int32_t *readings, int8_t *sample)
{
    const tifed_map *map = quantisation->maps;
    for (uint32_t i = 0; i < quantisation->features; i++) {
        sample[i] = tifed_quantise_reading(map, readings[i]);
        map += !quantisation->shared;
    }
}
