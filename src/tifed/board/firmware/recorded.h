/* A recorded sensor: an emulated board has none that feels anything, so the readings of its
 * recordings lie in its flash, as the sensor would have given them, with what its wearer said they
 * were. They go through the signal front end one at a time, and what comes out into the board's
 * store, as on a board with a sensor. */
#ifndef TIFED_RECORDED_H
#define TIFED_RECORDED_H

#include "signal.h"
#include "tifed_store.h"

/* One recording; the numbers are little-endian, as every processor here is. */
typedef struct tifed_recording {
    uint32_t first, rows; /* of the readings, which recordings may share */
    uint16_t label;
    uint16_t mirrored; /* 1: the device was worn on the side of the body where signs change */
} tifed_recording;

/* All of them, in the order in which they are played; int16_t readings[][axes] stand behind. */
typedef struct tifed_recordings {
    uint32_t count;
    tifed_recording each[];
} tifed_recordings;

/* Play all recordings into `store`. After each one, `rest` is called. `sample` has room for one.
 * TIFED_OK, or the error of the front end or of the store, at which it stops. */
int tifed_device_play(const tifed_recordings *recordings, const tifed_device_signal *signal,
                      tifed_store *store, int8_t *sample, void (*rest)(void));

#endif
