/* The firmware: a serial line, the core, and nothing else. */
#include "board.h"
#include "device.h"
#include "experiment.h"

static uint32_t memory[(TIFED_MEMORY_BYTES + 3u) / 4u];
static int8_t sample[TIFED_INPUTS];
static tifed_device device;

#ifdef TIFED_EXTRACTION_BYTES
static const int8_t *features_of(const int8_t *raw)
{
    static uint32_t workspace[(TIFED_EXTRACTION_BYTES + 3u) / 4u + (TIFED_EXTRACTION_BYTES == 0u)];
    static int8_t features[TIFED_FEATURES];
    int status = tifed_features_extract(&tifed_experiment_extractor, raw, features, workspace,
                                        sizeof workspace);
    return status == TIFED_OK ? features : 0;
}
#else
#define features_of 0 /* a sample is features as it is */
#endif

int main(void)
{
    static const tifed_device_setup setup = {
        .network = &tifed_experiment_network,
        .buffer = TIFED_BUFFER,
        .batch = TIFED_BATCH,
        .fingerprint = TIFED_FINGERPRINT,
        .memory = memory,
        .bytes = sizeof memory,
        .inputs = TIFED_INPUTS,
        .sample = sample,
        .extract = features_of,
        .board = board_name,
        .tick_hertz = BOARD_TICK_HERTZ,
        .write = board_write,
        .ticks = board_ticks,
        .stack = stack_used,
        .reset = board_reset,
        .frozen = TIFED_FROZEN,
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
