/* Log-mel energies of recordings: the file's format is in tests/vectors/write_log_mel.py. */
#include "tifed_log_mel.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const char who[] = "device";

void check_case(void)
{
    uint32_t length = (uint32_t)number(), piece = (uint32_t)number();
    uint16_t limit = (uint16_t)number(), rows = (uint16_t)number();
    int status = (int)number();
    int16_t *energies = exactly((size_t)limit * TIFED_LOG_MEL_BANDS * sizeof *energies);
    tifed_log_mel *sound = exactly(sizeof *sound);
    if (tifed_log_mel_begin(sound, energies, limit))
        fail("cannot begin", who);
    int said = TIFED_OK;
    for (uint32_t first = 0; first < length; first += piece) {
        uint32_t count = length - first < piece ? length - first : piece;
        int16_t *samples = exactly(count * sizeof *samples);
        for (uint32_t i = 0; i < count; i++)
            samples[i] = (int16_t)number();
        if (tifed_log_mel_put(sound, samples, count))
            said = TIFED_ERROR_FULL;
        free(samples);
    }
    if (said != status)
        fail("another answer to its samples", who);
    uint32_t features = rows ? (uint32_t)rows * TIFED_LOG_MEL_BANDS : TIFED_LOG_MEL_FEATURES;
    int8_t *made = exactly(features);
    if (rows ? tifed_log_mel_end_picture(sound, made, rows) : tifed_log_mel_end(sound, made))
        fail("cannot end", who);
    for (uint32_t i = 0; i < features; i++)
        if (made[i] != (int8_t)number())
            fail("another feature", who);
    tifed_log_mel_begin(sound, energies, limit);
    if (tifed_log_mel_end(sound, made) != TIFED_ERROR_EMPTY)
        fail("a recording of nothing has features", who);
    free(made);
    free(sound);
    free(energies);
}
