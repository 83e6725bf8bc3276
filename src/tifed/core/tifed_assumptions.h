/* What the core assumes of its processor and compiler, as assertions that they answer before
 * anything runs; internal. Not assumed: an `int` or a size_t of more than 16 bits (products are
 * formed in int32_t, what is shifted left is a uint32_t), how far words are aligned, and which
 * of their bytes comes first. */
#ifndef TIFED_ASSUMPTIONS_H
#define TIFED_ASSUMPTIONS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* C99 has no assertion of its own: an array of -1 is refused, by the name of what does not hold. */
#define TIFED_ASSUME(what, holds) typedef char tifed_assumes_##what[(holds) ? 1 : -1]

TIFED_ASSUME(bytes_of_8_bits, CHAR_BIT == 8);
TIFED_ASSUME(twos_complement, (-1 & 3) == 3 && INT32_MIN + INT32_MAX == -1);
TIFED_ASSUME(right_shifts_of_negative_numbers_keep_the_sign,
             ((int32_t)-5 >> 1) == -3 && (INT32_MIN >> 31) == -1 && (-5 >> 1) == -3);
/* What leaves a type that is too small for it keeps its low bits, and that is all. */
TIFED_ASSUME(conversions_keep_low_bits, (int8_t)(uint8_t)0x80u == -128 &&
                                            (int16_t)(uint16_t)0x8000u == INT16_MIN &&
                                            (int32_t)(uint32_t)UINT32_C(0x80000000) == INT32_MIN &&
                                            (int16_t)(int32_t)INT32_C(0x12345) == 0x2345);
/* Where `int` had more than 32 bits, a uint32_t would become one in every sum. */
TIFED_ASSUME(unsigned_words_stay_unsigned,
             (uint32_t)0 - 1u == UINT32_MAX && sizeof(int) <= sizeof(int32_t));

/* Bytes that an address has to be a multiple of where words lie: 4 on most, 1 on an AVR. */
struct tifed_word_behind_a_byte {
    int8_t byte;
    int32_t word;
};
#define TIFED_ALIGNMENT offsetof(struct tifed_word_behind_a_byte, word)

/* Of the four bytes of a word in memory: which is the lowest, and how far from it the next one
 * is. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define TIFED_LOWEST_BYTE 3
#define TIFED_NEXT_BYTE (-1)
#elif !defined(__BYTE_ORDER__) || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TIFED_LOWEST_BYTE 0
#define TIFED_NEXT_BYTE 1
#else
#error "the bytes of a word are in neither of the two usual orders"
#endif

/* The Cortex-M DSP instructions, on words of two or four values that lie as they do where the
 * lowest byte comes first. */
#if defined(__ARM_FEATURE_DSP) && TIFED_LOWEST_BYTE == 0
#define TIFED_DSP
#endif

/* A function that is not to be copied into its callers, where flash is scarcer than time, or where
 * each of two loops wants all registers for itself. */
#if defined(__GNUC__)
#define TIFED_NOINLINE __attribute__((noinline))
#else
#define TIFED_NOINLINE
#endif

/* Pieces of memory follow one another at multiples of 4. */
TIFED_ASSUME(words_are_aligned_to_4_at_most, 4u % TIFED_ALIGNMENT == 0);

#endif
