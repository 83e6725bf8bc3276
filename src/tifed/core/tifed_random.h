/* Counter-based random numbers (SPEC, section 3); internal. Only 32-bit operations: a Cortex-M0 has
 * no wider multiply. */
#ifndef TIFED_RANDOM_H
#define TIFED_RANDOM_H

#include <stdint.h>

enum {
    TIFED_PURPOSE_FEEDBACK = 1,
    TIFED_PURPOSE_START = 2,
    TIFED_PURPOSE_ROUNDING = 6,
    TIFED_PURPOSE_COPY = 8,
    TIFED_PURPOSE_STORE = 9
};

typedef struct tifed_key {
    uint32_t low, high;
} tifed_key;

static inline uint32_t tifed_mix(uint32_t word)
{
    word ^= word >> 16;
    word *= 0x7FEB352Du;
    word ^= word >> 15;
    word *= 0x846CA68Bu;
    return word ^ word >> 16;
}

static inline tifed_key tifed_key_add(tifed_key key, uint32_t word)
{
    key.low = tifed_mix(key.low + word + 0x9E3779B9u);
    key.high = tifed_mix(key.high ^ key.low);
    return key;
}

/* The key of a seed and a purpose; further indices go in with tifed_key_add. */
static inline tifed_key tifed_key_start(uint32_t seed_low, uint32_t seed_high, uint32_t purpose)
{
    tifed_key key;
    key.low = tifed_mix(seed_low);
    key.high = tifed_mix(seed_high ^ key.low);
    return tifed_key_add(key, purpose);
}

static inline uint32_t tifed_random32(tifed_key key, uint32_t counter)
{
    return tifed_mix(tifed_mix(counter + key.low) ^ key.high);
}

/* The value itself, and nothing that a compiler could reason about: where there is no long multiply
 * it would otherwise see through what follows and call a 64-bit one. */
static inline uint32_t tifed_opaque(uint32_t value)
{
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
    __asm__("" : "+r"(value));
#endif
    return value;
}

/* High word of a 32-by-32-bit product, from 16-bit parts. */
static inline uint32_t tifed_high_word(uint32_t a, uint32_t b)
{
    uint32_t a_low = a & 0xFFFFu, a_high = a >> 16, b_low = b & 0xFFFFu, b_high = b >> 16;
    uint32_t middle = a_high * b_low + (tifed_opaque(a_low * b_low) >> 16);
    uint32_t other = a_low * b_high + (middle & 0xFFFFu);
    return a_high * b_high + (middle >> 16) + (other >> 16);
}

/* Uniform over 0..limit - 1. */
static inline uint32_t tifed_random_below(tifed_key key, uint32_t counter, uint32_t limit)
{
    return tifed_high_word(tifed_random32(key, counter), limit);
}

/* 16 random bits for the parameter at `place` of a layer: the low half of a number for an even
 * place, the high half for an odd one. */
static inline uint32_t tifed_random16(tifed_key key, uint32_t place)
{
    return tifed_random32(key, place >> 1) >> (16u * (place & 1u)) & 0xFFFFu;
}

#endif
