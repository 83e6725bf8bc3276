/* A sample is a window of readings; one that is not full when a recording ends is no sample. */
#include "signal_motion.h"

int tifed_device_motion_begin(void *context, bool mirrored)
{
    tifed_device_motion *its = context;
    return tifed_motion_begin(&its->stream, its->motion, mirrored, its->memory, its->bytes);
}

int tifed_device_motion_put(void *context, const int16_t *readings, int8_t *sample)
{
    tifed_device_motion *its = context;
    int status = tifed_motion_put(&its->stream, readings);
    return status == TIFED_OK ? tifed_motion_window(&its->stream, sample) : status;
}

int tifed_device_motion_end(void *context, int8_t *sample)
{
    (void)context;
    (void)sample;
    return TIFED_MORE;
}
