/* What a device keeps of its changes: the file's format is in tests/vectors/write_residual.py. */
#include <stdlib.h>

#include "cases.h"
#include "tifed_changes.h"

static const char who[] = "device";

/* One parameter after the other, as they come over the line. */
static void put_weights(tifed *core, uint32_t count, const int16_t *values)
{
    for (uint32_t p = 0; p < count; p++) {
        const uint8_t wire[] = {(uint8_t)values[p], (uint8_t)((uint16_t)values[p] >> 8)};
        if (tifed_put_parameters(core, 0, p, 1, wire) != TIFED_OK)
            fail("tifed_put_parameters", who);
    }
}

/* An exchange: the numbers that go up, whenever they are asked for, and what is left behind them. */
static void check_exchange(tifed *core, uint8_t *received, const tifed_change *how, uint8_t unit,
                           int8_t *residual)
{
    const tifed_layer *layer = core->config.network->layers;
    uint32_t count = layer->fan_in * layer->fan_out;
    int16_t *sent = exactly(count * sizeof *sent), *trained = exactly(count * sizeof *trained);
    int16_t *q = exactly(count * sizeof *q);
    int8_t *left = exactly(count);
    for (uint32_t p = 0; p < count; p++) {
        sent[p] = (int16_t)number();
        trained[p] = (int16_t)number();
        q[p] = (int16_t)number();
        left[p] = (int8_t)number();
    }
    put_weights(core, count, sent);
    tifed_received_keep(core, received);
    put_weights(core, count, trained);
    tifed_changes c;
    for (uint32_t first = 0; first < count; first += 1u + first / 2u) { /* asked for again */
        if (tifed_changes_begin(&c, core, received, 0, first, how) != TIFED_OK)
            fail("tifed_changes_begin", who);
        tifed_changes_keep(&c, residual, unit);
        for (uint32_t p = first; p < count; p++, tifed_changes_next(&c))
            if (!tifed_changes_left(&c) || tifed_changes_q(&c) != q[p])
                fail("another number goes up", who);
        if (tifed_changes_left(&c))
            fail("more numbers go up than there are weights", who);
    }
    tifed_changes_begin(&c, core, received, 0, 0, how);
    tifed_changes_keep(&c, residual, unit);
    tifed_changes_settle(&c, residual);
    for (uint32_t p = 0; p < count; p++)
        if (residual[p] != left[p])
            fail("another residual", who);
    free(sent);
    free(trained);
    free(q);
    free(left);
}

void check_case(void)
{
    uint8_t bits = (uint8_t)number();
    uint32_t fan_in = (uint32_t)number(), fan_out = (uint32_t)number(), count = fan_in * fan_out;
    const tifed_layer layer = {fan_in, fan_out,        1,   8,   TIFED_NEAREST, 6, TIFED_NEAREST,
                               3,      TIFED_IDENTITY, 128, bits};
    const tifed_network network = {&layer, 1, TIFED_MARGIN, 48, TIFED_UNIFORM, 0, false};
    const tifed_config config = {&network, 1, 1, 1, NULL, NULL, 0, 0, NULL};
    tifed_change how = {(uint8_t)number(), (uint8_t)number(), 1, 0};
    uint8_t unit = (uint8_t)number();
    tifed core;
    size_t bytes = tifed_memory_size(&config);
    void *memory = exactly(bytes);
    uint8_t *received = exactly(tifed_received_size(&config));
    if (!bytes || tifed_init(&core, &config, memory, bytes) != TIFED_OK)
        fail("tifed_init", who);
    if (TIFED_BYTES_RESIDUAL(fan_in, fan_out) != (count + 3u) / 4u * 4u)
        fail("another size at compile time", who);
    int8_t *residual = exactly(count);
    for (uint32_t p = 0; p < count; p++)
        residual[p] = (int8_t)number();
    for (uint32_t left = (uint32_t)number(); left; left--)
        check_exchange(&core, received, &how, unit, residual);
    free(residual);
    free(received);
    free(memory);
}
