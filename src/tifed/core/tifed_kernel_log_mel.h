/* What log-mel energies spend their time on; internal. */
#ifndef TIFED_KERNEL_LOG_MEL_H
#define TIFED_KERNEL_LOG_MEL_H

#include "tifed_log_mel.h"

/* The log energies (bands) of the frame in `samples`. */
void tifed_log_mel_frame(tifed_log_mel *sound, int16_t *energies);

#endif
