/* Readings from flash, as if a sensor gave them. */
#include "recorded.h"

/* What a front end has said: keep the sample if that has finished one. */
static int keep(tifed_store *store, int said, const int8_t *sample, uint16_t label)
{
    return said == TIFED_OK ? tifed_store_add(store, sample, label, NULL) : said;
}

int tifed_device_play(const tifed_recordings *recordings, const tifed_device_signal *signal,
                      tifed_store *store, int8_t *sample, void (*rest)(void))
{
    const int16_t *readings = (const int16_t *)(recordings->each + recordings->count);
    for (uint32_t i = 0; i < recordings->count; i++) {
        const tifed_recording *one = &recordings->each[i];
        int status = signal->begin(signal->context, one->mirrored != 0u);
        for (uint32_t row = one->first; status >= 0 && row < one->first + one->rows; row++) {
            status = signal->put(signal->context, readings + row * signal->axes, sample);
            status = keep(store, status, sample, one->label);
        }
        if (status >= 0)
            status = keep(store, signal->end(signal->context, sample), sample, one->label);
        if (status < 0)
            return status;
        rest();
    }
    return TIFED_OK;
}
