/* The firmware: a serial line, the core, and nothing else. */
#include "board.h"
#include "device.h"
#include "experiment.h"

static uint32_t memory[(TIFED_MEMORY_BYTES + 3u) / 4u];
static int8_t sample[TIFED_FEATURES];
static tifed_device device;

int main(void)
{
    static const tifed_device_setup setup = {
        .network = &tifed_experiment_network,
        .buffer = TIFED_BUFFER,
        .batch = TIFED_BATCH,
        .fingerprint = TIFED_FINGERPRINT,
        .memory = memory,
        .bytes = sizeof memory,
        .sample = sample,
        .board = board_name,
        .tick_hertz = BOARD_TICK_HERTZ,
        .write = board_write,
        .ticks = board_ticks,
        .stack = stack_used,
        .reset = board_reset,
    };
    board_start();
    tifed_device_init(&device, &setup);
    tifed_device_ready(&device);
    board_flush();
    for (;;) {
        int byte;
        bool heard = false;
        while ((byte = board_read()) >= 0) {
            tifed_device_feed(&device, (uint8_t)byte);
            heard = byte == 0;
        }
        if (heard)
            board_flush();
        if (tifed_device_work(&device))
            board_flush();
        else
            board_wait();
    }
}
