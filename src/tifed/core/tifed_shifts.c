/* Which copy of a picture a visit takes follows from counters alone (SPEC, 3 and 15), so nothing is
 * kept between visits and a device that starts again takes the same ones. */
#include "tifed_shifts.h"
#include "tifed_random.h"

#define EMPTY ((int8_t)-128) /* the sample that stands for a pixel of 0 */

uint32_t tifed_chosen_copy(const tifed *t, uint32_t place, uint32_t copies)
{
    uint32_t batches = (t->count - 1u) / t->config.batch + 1u;
    uint32_t visit = t->step / batches;
    tifed_key key = tifed_key_start(t->config.seed_low, t->config.seed_high, TIFED_PURPOSE_COPY);
    key = tifed_key_add(tifed_key_add(key, t->work.device), t->work.exchange);
    return tifed_random_below(key, visit * t->count + place, copies);
}

void tifed_shifted_row(const tifed_shifts *s, const int8_t *picture, uint32_t copy, uint32_t y,
                       int8_t *row)
{
    uint32_t length = (uint32_t)s->width * s->channels, first = 0, end = length;
    uint32_t from = y * length; /* where in the picture the row's first value comes from, which may
                                   be before it: modulo 2^32, as sums of it are */
    if (copy == 1u) {
        from += s->channels;
        end -= s->channels;
    } else if (copy == 2u) {
        from -= s->channels;
        first = s->channels;
    } else if (copy == 3u) {
        from += length;
        end = y + 1u < s->height ? length : 0u;
    } else if (copy == 4u) {
        from -= length;
        end = y ? length : 0u;
    }
    for (uint32_t i = 0; i < first; i++)
        row[i] = EMPTY;
    for (uint32_t i = first; i < end; i++)
        row[i] = picture[from + i];
    for (uint32_t i = end; i < length; i++)
        row[i] = EMPTY;
}

static const int8_t *picture_at(const tifed_shifts *s, uint32_t place)
{
    return s->pictures + (size_t)place * s->height * s->width * s->channels;
}

void tifed_write_shifted(void *context, const tifed *t, uint32_t place, int8_t *sample)
{
    const tifed_shifts *s = context;
    uint32_t copy = tifed_chosen_copy(t, place, TIFED_SHIFTS);
    for (uint32_t y = 0; y < s->height; y++, sample += (uint32_t)s->width * s->channels)
        tifed_shifted_row(s, picture_at(s, place), copy, y, sample);
}

void tifed_write_shifted_features(void *context, const tifed *t, uint32_t place, int8_t *sample)
{
    const tifed_shifts *s = context;
    uint32_t copy = tifed_chosen_copy(t, place, TIFED_SHIFTS);
    tifed_front_end_stream stream;
    (void)tifed_front_end_begin(&stream, s->front_end, sample, s->memory, s->bytes);
    for (uint32_t y = 0; y < s->height; y++) {
        tifed_shifted_row(s, picture_at(s, place), copy, y, s->row);
        (void)tifed_front_end_put(&stream, s->row, (uint32_t)s->width * s->channels);
    }
}
