/* What training sees of pictures with shift copies: the file's format is in
 * tests/vectors/write_shifts.py. */
#include "tifed_second_order.h"
#include "tifed_shifts.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const char who[] = "device";

static int8_t *bytes(uint32_t count)
{
    int8_t *values = exactly(count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = (int8_t)number();
    return values;
}

void check_case(void)
{
    tifed_shifts shifts;
    tifed_front_end front_end;
    tifed t; /* of which counters alone are looked at */
    memset(&shifts, 0, sizeof shifts);
    memset(&t, 0, sizeof t);
    front_end.height = shifts.height = (uint16_t)number();
    front_end.width = shifts.width = (uint16_t)number();
    front_end.channels = shifts.channels = (uint8_t)number();
    front_end.directions = (uint8_t)number();
    front_end.merged = number() != 0;
    front_end.second = number() ? &tifed_second_order : NULL;
    shifts.bytes = (size_t)number();
    if (front_end.second) /* with pointers, which are as long as this processor has them */
        shifts.bytes = (size_t)TIFED_PAD(shifts.bytes + sizeof(tifed_second_order_cells));
    uint32_t features = (uint32_t)number();
    t.config.seed_low = (uint32_t)number();
    t.config.seed_high = (uint32_t)number();
    t.work.device = (uint32_t)number();
    t.work.exchange = (uint32_t)number();
    t.count = (uint32_t)number();
    t.config.batch = (uint32_t)number();
    t.step = (uint32_t)number();
    uint32_t steps = (uint32_t)number(), row = (uint32_t)shifts.width * shifts.channels;
    int8_t *pictures = bytes(t.count * shifts.height * row);
    shifts.pictures = pictures;
    tifed_source source = {tifed_write_shifted, &shifts};
    if (front_end.directions) {
        shifts.front_end = &front_end;
        shifts.row = exactly(row);
        shifts.memory = exactly(shifts.bytes);
        source.write = tifed_write_shifted_features;
    }
    uint32_t batches = (t.count - 1u) / t.config.batch + 1u;
    for (uint32_t last = t.step + steps; t.step < last; t.step++) {
        uint32_t first = t.step % batches * t.config.batch;
        for (uint32_t place = first; place < t.count && place < first + t.config.batch; place++) {
            int8_t *sample = exactly(features), *wanted = bytes(features);
            source.write(source.context, &t, place, sample);
            if (memcmp(sample, wanted, features))
                fail("another sample", who);
            free(sample);
            free(wanted);
        }
    }
    free(pictures);
    free(shifts.row);
    free(shifts.memory);
}
