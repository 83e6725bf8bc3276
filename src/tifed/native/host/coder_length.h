/* How many bytes short updates take, for a simulator, which asks for every device's. */
#ifndef TIFED_CODER_LENGTH_H
#define TIFED_CODER_LENGTH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Length of all frames of at most `capacity` bytes that `count` numbers are cut into as
 * tifed_coder_put says, the first from `start` and each other from what the one before knew; and how
 * many frames there are, if `frames` is not NULL. Nothing is written. Numbers are within
 * +-(2^bits - 1). 0 for no numbers, and where tifed_coder_begin would be false. */
uint64_t tifed_coder_length(uint32_t bits, uint32_t start, const int16_t *q, uint64_t count,
                            uint32_t capacity, uint64_t *frames);

#ifdef __cplusplus
}
#endif
#endif
