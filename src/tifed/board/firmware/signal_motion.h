/* The front end of a motion sensor, as signal.h has it. */
#ifndef TIFED_SIGNAL_MOTION_H
#define TIFED_SIGNAL_MOTION_H

#include "signal.h"
#include "tifed_motion.h"

/* What it works with; the stream is its own. */
typedef struct tifed_device_motion {
    const tifed_motion *motion;
    void *memory; /* of tifed_motion_memory(motion) bytes */
    size_t bytes;
    tifed_motion_stream stream;
} tifed_device_motion;

/* The three functions of a tifed_device_signal whose context is a tifed_device_motion. */
int tifed_device_motion_begin(void *context, bool mirrored);
int tifed_device_motion_put(void *context, const int16_t *readings, int8_t *sample);
int tifed_device_motion_end(void *context, int8_t *sample);

#endif
