/* A signal front end as the firmware knows it: readings of a sensor go in one at a time, and samples
 * come out. One more front end is one more of these (signal_motion.c), and its constants in the
 * generated header (signal_header.py). */
#ifndef TIFED_SIGNAL_H
#define TIFED_SIGNAL_H

#include "tifed.h"

typedef struct tifed_device_signal {
    void *context;
    uint32_t axes; /* readings at one time */

    /* A recording begins: what came before is forgotten. `mirrored`: whether the device is worn on
     * the side of the body where signs change. TIFED_OK, or a negative error. */
    int (*begin)(void *context, bool mirrored);

    /* The readings of all axes at one time: TIFED_OK if that has finished a sample, which now is in
     * `sample`, TIFED_MORE if not, or a negative error. */
    int (*put)(void *context, const int16_t *readings, int8_t *sample);

    /* The recording is over: the same answers. */
    int (*end)(void *context, int8_t *sample);
} tifed_device_signal;

#endif
