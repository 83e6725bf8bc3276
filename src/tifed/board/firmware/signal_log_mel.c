/* A recording is a sample, which is there when it ends. */
#include "signal_log_mel.h"

int tifed_device_sound_begin(void *context, bool mirrored)
{
    tifed_device_sound *its = context;
    (void)mirrored;
    return tifed_log_mel_begin(&its->stream, its->energies, its->frames);
}

int tifed_device_sound_put(void *context, const int16_t *readings, int8_t *sample)
{
    tifed_device_sound *its = context;
    (void)sample;
    int status = tifed_log_mel_put(&its->stream, readings, 1);
    return status == TIFED_OK ? TIFED_MORE : status;
}

int tifed_device_sound_end(void *context, int8_t *sample)
{
    tifed_device_sound *its = context;
    return its->rows ? tifed_log_mel_end_picture(&its->stream, sample, its->rows)
                     : tifed_log_mel_end(&its->stream, sample);
}
