/* A recording: its frames as they arrive, then its word, slices and features. */
#include "tifed_kernel_log_mel.h"
#include "tifed_assumptions.h"

#define WINDOW TIFED_LOG_MEL_WINDOW
#define HOP TIFED_LOG_MEL_HOP
#define BANDS TIFED_LOG_MEL_BANDS
#define SLICES TIFED_LOG_MEL_SLICES
#define QUIET 2048      /* 8 octaves: what is softer does not belong to the word's ends */
#define FEATURE_SHIFT 5 /* from 1/256 octave to 1/8 */

int tifed_log_mel_begin(tifed_log_mel *sound, int16_t *energies, uint16_t limit)
{
    if (!sound || !energies || !limit || limit > TIFED_LOG_MEL_MOST_FRAMES)
        return TIFED_ERROR_MEMORY;
    sound->energies = energies;
    sound->limit = limit;
    sound->frames = 0;
    sound->filled = 0;
    return TIFED_OK;
}

int tifed_log_mel_put(tifed_log_mel *sound, const int16_t *samples, uint32_t count)
{
    while (count) {
        if (sound->filled == WINDOW) { /* the frame before; only now is there more than it */
            for (unsigned i = HOP; i < WINDOW; i++)
                sound->samples[i - HOP] = sound->samples[i];
            sound->filled = (uint8_t)(WINDOW - HOP);
        }
        sound->samples[sound->filled] = *samples++;
        count--;
        if (++sound->filled < WINDOW)
            continue;
        if (sound->frames == sound->limit) {
            sound->filled--; /* so that this is said again */
            return TIFED_ERROR_FULL;
        }
        tifed_log_mel_frame(sound, sound->energies + (size_t)sound->frames++ * BANDS);
    }
    return TIFED_OK;
}

/* A recording of less than a frame is followed by silence. */
static bool is_over(tifed_log_mel *sound)
{
    if (sound->frames || !sound->filled)
        return sound->frames != 0u;
    while (sound->filled < WINDOW)
        sound->samples[sound->filled++] = 0;
    tifed_log_mel_frame(sound, sound->energies);
    sound->frames = 1;
    return true;
}

static int16_t largest_of(const int16_t *energies, unsigned count)
{
    int16_t largest = INT16_MIN;
    for (; count; count--, energies++)
        if (*energies > largest)
            largest = *energies;
    return largest;
}

/* Towards minus infinity. Unsigned, as a processor without a divider then needs one function. */
static int32_t floor_divided(int32_t sum, uint32_t by)
{
    if (sum >= 0)
        return (int32_t)((uint32_t)sum / by);
    return -(int32_t)((0u - (uint32_t)sum + by - 1u) / by);
}

static int8_t feature_of(int32_t value)
{
    value >>= FEATURE_SHIFT;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

int tifed_log_mel_end(tifed_log_mel *sound, int8_t *features)
{
    if (!is_over(sound))
        return TIFED_ERROR_EMPTY;
    const int16_t *word = sound->energies;
    uint16_t frames = sound->frames;
    int32_t quiet = INT16_MIN;
    for (uint16_t n = 0; n < frames; n++) {
        int32_t level = (int32_t)largest_of(word + (size_t)n * BANDS, BANDS) - QUIET;
        if (level > quiet)
            quiet = level;
    }
    for (; largest_of(word, BANDS) <= quiet; word += BANDS)
        frames--;
    while (largest_of(word + (size_t)(frames - 1u) * BANDS, BANDS) <= quiet)
        frames--;
    int16_t *means =
        sound->samples; /* there are as many of them, and samples are not needed more */
    int32_t all = 0;
    for (unsigned slice = 0; slice < SLICES; slice++) {
        uint32_t first = (uint32_t)frames * slice / SLICES;
        uint32_t last = ((uint32_t)frames * (slice + 1u) + SLICES - 1u) / SLICES;
        for (unsigned band = 0; band < BANDS; band++) {
            int32_t sum = 0;
            uint32_t n = first; /* a slice has one frame or more */
            do
                sum += word[(size_t)n * BANDS + band];
            while (++n < last);
            sum = floor_divided(sum, n - first);
            means[slice * BANDS + band] = (int16_t)sum;
            all += sum;
        }
    }
    all = floor_divided(all, SLICES * BANDS);
    for (unsigned i = 0; i < SLICES * BANDS; i++)
        features[i] = feature_of(means[i] - all);
    return TIFED_OK;
}

int tifed_log_mel_end_picture(tifed_log_mel *sound, int8_t *features, uint16_t rows)
{
    if (rows < 2u || rows > TIFED_LOG_MEL_MOST_ROWS)
        return TIFED_ERROR_NETWORK;
    if (!is_over(sound))
        return TIFED_ERROR_EMPTY;
    const int16_t *energies = sound->energies;
    const int32_t frames = sound->frames, wanted = 2 * (int32_t)rows;
    int32_t all = 0;
    int16_t least = INT16_MAX;
    for (size_t i = 0; i < (size_t)frames * BANDS; i++) {
        all += energies[i];
        if (energies[i] < least)
            least = energies[i];
    }
    all = floor_divided(all, sound->frames * (uint32_t)BANDS);
    /* Of frames beyond either end, the first one counted from the recording's: below 0 where it is
     * too short. */
    int32_t n = frames < wanted ? -((wanted - frames) / 2) : (frames - wanted) / 2;
    for (; rows; rows--, n += 2)
        for (unsigned band = 0; band < BANDS; band++) {
            int32_t sum = 0;
            for (int32_t one = n; one < n + 2; one++)
                sum += one < 0 || one >= frames ? least : energies[(size_t)one * BANDS + band];
            *features++ = feature_of((sum - 2 * all) >> 1);
        }
    return TIFED_OK;
}
