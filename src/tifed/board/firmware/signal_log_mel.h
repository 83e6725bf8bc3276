/* The front end of sound, as signal.h has it. */
#ifndef TIFED_SIGNAL_LOG_MEL_H
#define TIFED_SIGNAL_LOG_MEL_H

#include "signal.h"
#include "tifed_log_mel.h"

/* What it works with; the stream is its own. */
typedef struct tifed_device_sound {
    int16_t *energies; /* (frames, bands) */
    uint16_t frames;   /* of the longest recording */
    uint16_t rows;     /* of a picture; 0 for slices */
    tifed_log_mel stream;
} tifed_device_sound;

/* The three functions of a tifed_device_signal whose context is a tifed_device_sound. */
int tifed_device_sound_begin(void *context, bool mirrored);
int tifed_device_sound_put(void *context, const int16_t *readings, int8_t *sample);
int tifed_device_sound_end(void *context, int8_t *sample);

#endif
