/* The front end of a motion sensor: what turns windows of its readings, as they arrive, into the
 * features that tifed.h learns from.
 *
 * C99, freestanding, no allocation, no floating point, no recursion; all memory is the caller's.
 * The arithmetic is section 18 of SPEC.md, bit for bit.
 *
 *     static const tifed_motion watch = {6, 128, 50, 0x31};
 *     static int16_t memory[TIFED_MOTION_BYTES(6, 128) / sizeof(int16_t)];
 *     tifed_motion_stream stream;
 *     tifed_motion_begin(&stream, &watch, worn_left, memory, sizeof memory);
 *     if (tifed_motion_put(&stream, reading) == TIFED_OK)     50 times a second
 *         tifed_motion_window(&stream, features); */
#ifndef TIFED_MOTION_H
#define TIFED_MOTION_H

#include "tifed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All that the arithmetic depends on; may live in flash. */
typedef struct tifed_motion {
    uint8_t axes;      /* readings at a time, 1..12; each three in a row give a vector's length */
    uint16_t window;   /* times in a window, 16..256 */
    uint16_t hop;      /* times between the beginnings of two windows, 1..65535 */
    uint16_t mirrored; /* bit i: the sign of axis i changes on the other side of the body */
} tifed_motion;

/* Readings on their way through the front end; private. */
typedef struct tifed_motion_stream {
    const tifed_motion *motion;
    int16_t *ring;    /* (channels, window) */
    int8_t *scaled;   /* (axes, window) */
    uint16_t turned;  /* axes whose sign changes here */
    uint16_t oldest;  /* place in a channel of the ring, where the next reading goes too */
    uint16_t missing; /* times until a window is due */
    uint8_t channels;
} tifed_motion_stream;

/* Length of the features; 0 if a field is out of range. */
uint32_t tifed_motion_features(const tifed_motion *motion);

/* Bytes that it needs beside the features; 0 if a field is out of range. The same at compile
 * time. */
size_t tifed_motion_memory(const tifed_motion *motion);
#define TIFED_MOTION_BYTES(axes, window)                                                           \
    TIFED_PAD(TIFED_WIDE(window) * (2u * ((axes) + (axes) / 3u) + (axes)))

/* Begin a recording; `memory` is aligned as an int16_t is, and is the stream's until the last
 * window. `mirrored`: whether the device is worn on the side of the body where signs change.
 * TIFED_OK, TIFED_ERROR_NETWORK if a field is out of range, or TIFED_ERROR_MEMORY. */
int tifed_motion_begin(tifed_motion_stream *stream, const tifed_motion *motion, bool mirrored,
                       void *memory, size_t bytes);

/* The readings of all axes at one time: TIFED_OK when a window is due, otherwise TIFED_MORE. A
 * window that is not asked for before the next readings is as good as one that never was. */
int tifed_motion_put(tifed_motion_stream *stream, const int16_t *readings);

/* The features of the window that is due. TIFED_OK, TIFED_ERROR_PLACE if none is, or
 * TIFED_ERROR_MEMORY. */
int tifed_motion_window(tifed_motion_stream *stream, int8_t *features);

#ifdef __cplusplus
}
#endif
#endif
