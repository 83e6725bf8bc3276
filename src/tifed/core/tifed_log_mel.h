/* Log-mel energies: what turns a recording, sample by sample as it arrives, into the features that
 * tifed.h learns from.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 19 of SPEC.md, bit for bit. Samples have 16 bits, 8,000 a second.
 *
 *     static int16_t frames[128 * TIFED_LOG_MEL_BANDS];             128 frames: 1.3 s
 *     static tifed_log_mel sound;
 *     static int8_t features[TIFED_LOG_MEL_FEATURES];
 *     tifed_log_mel_begin(&sound, frames, 128);
 *     while (...) tifed_log_mel_put(&sound, samples, count);        as they arrive
 *     tifed_log_mel_end(&sound, features); */
#ifndef TIFED_LOG_MEL_H
#define TIFED_LOG_MEL_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIFED_LOG_MEL_BANDS 20u
#define TIFED_LOG_MEL_SLICES 10u
#define TIFED_LOG_MEL_FEATURES (TIFED_LOG_MEL_SLICES * TIFED_LOG_MEL_BANDS)
#define TIFED_LOG_MEL_WINDOW 200u /* samples of a frame */
#define TIFED_LOG_MEL_HOP 80u     /* samples from one frame to the next */
#define TIFED_LOG_MEL_TRANSFORM 256u
#define TIFED_LOG_MEL_MOST_FRAMES 8191u
#define TIFED_LOG_MEL_MOST_ROWS 1024u

/* A recording on its way; private. */
typedef struct tifed_log_mel {
    int16_t *energies; /* (limit, bands): the logarithms of frames, in 1/256 octave */
    uint16_t limit, frames;
    uint8_t filled; /* samples of the frame that is arriving */
    int16_t samples[TIFED_LOG_MEL_WINDOW];
    int16_t bins[TIFED_LOG_MEL_TRANSFORM];
} tifed_log_mel;

/* Begin a recording of at most `limit` frames, 1..8191, for which `energies` (limit, bands) has
 * room: samples after them are refused. TIFED_OK, or TIFED_ERROR_MEMORY. */
int tifed_log_mel_begin(tifed_log_mel *sound, int16_t *energies, uint16_t limit);

/* The recording's next samples, as many as are there: TIFED_OK, or TIFED_ERROR_FULL if it has become
 * longer than there is room for. Then nothing after the last whole frame was taken. */
int tifed_log_mel_put(tifed_log_mel *sound, const int16_t *samples, uint32_t count);

/* The recording is over: write its features (slices, bands), or a picture of its middle (rows,
 * bands), 2..1024 rows of 20 ms. TIFED_OK, TIFED_ERROR_EMPTY if there was no sample, or
 * TIFED_ERROR_NETWORK if there can be no such rows. The next one has to begin. */
int tifed_log_mel_end(tifed_log_mel *sound, int8_t *features);
int tifed_log_mel_end_picture(tifed_log_mel *sound, int8_t *features, uint16_t rows);

#ifdef __cplusplus
}
#endif
#endif
