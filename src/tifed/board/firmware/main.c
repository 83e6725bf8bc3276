/* The firmware: a serial line, the core, and nothing else. */
#include "board.h"
#include "device.h"
#include "experiment.h"
#ifdef TIFED_DEVICE_OWN
#include "tifed_store.h"
#endif
#ifdef TIFED_DEVICE_SEALED
#include "seal_monocypher.h"
#endif
#ifdef TIFED_DEVICE_MASKED
#include "masks_monocypher.h"
#endif
#ifdef TIFED_DEVICE_SIGNAL
#include "recorded.h"
#endif

static uint32_t memory[(TIFED_MEMORY_BYTES + 3u) / 4u];
static int8_t sample[TIFED_SAMPLE]; /* as it arrives, or what the front end makes of it */
static tifed_device device;

#ifdef TIFED_FRONT_END_ROWS
static int make_features(int8_t *features, uint32_t offset, const int8_t *values, uint32_t count)
{
    static tifed_front_end_stream stream;
    static void *rows[TIFED_FRONT_END_ROWS];
    if (offset == 0u) {
        int status = tifed_front_end_begin(&stream, &tifed_experiment_front_end, features, rows,
                                           sizeof rows);
        if (status != TIFED_OK)
            return status;
    }
    return tifed_front_end_put(&stream, values, count);
}
#else
#define make_features 0 /* a sample is kept as it arrives */
#endif

#ifdef TIFED_SHIFT_HEIGHT
static int8_t pictures[TIFED_BUFFER * TIFED_INPUTS];

#ifdef TIFED_FRONT_END_ROWS
static int8_t row[TIFED_SHIFT_WIDTH * TIFED_SHIFT_CHANNELS];
static void *copy_rows[TIFED_FRONT_END_ROWS]; /* a sample that arrives has its own */
#define WRITE tifed_write_shifted_features
#define FRONT_END &tifed_experiment_front_end, row, copy_rows, sizeof copy_rows
#else
#define WRITE tifed_write_shifted
#define FRONT_END NULL, NULL, NULL, 0
#endif
static tifed_shifts shifts = {pictures, TIFED_SHIFT_HEIGHT, TIFED_SHIFT_WIDTH, TIFED_SHIFT_CHANNELS,
                              FRONT_END};
static const tifed_source source = {WRITE, &shifts};
#endif

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

#ifdef TIFED_DEVICE_OWN
/* What the owner of the board asks for: here the one who has put the samples there. */
#ifndef TIFED_LEAST_UPDATE
#define TIFED_LEAST_UPDATE 1u
#define TIFED_LEAST_CALIBRATION 1u
#define TIFED_LEAST_EVALUATION 1u
#endif
static const tifed_policy policy = {TIFED_LEAST_UPDATE, TIFED_LEAST_CALIBRATION,
                                    TIFED_LEAST_EVALUATION};
static uint32_t by_class[2u * TIFED_CLASSES];

#if defined(TIFED_DEVICE_SIGNAL) || TIFED_KEPT_BYTES
/* RAM as memory of a store, or of the model that stays. */
typedef struct ram {
    uint8_t *bytes;
    uint32_t size;
} ram;

static int read_ram(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    const ram *its = context;
    if (place > its->size || count > its->size - place)
        return -1;
    while (count--)
        *bytes++ = its->bytes[place++];
    return 0;
}

static int write_ram(void *context, uint32_t place, const uint8_t *bytes, uint32_t count)
{
    const ram *its = context;
    if (place > its->size || count > its->size - place)
        return -1;
    while (count--)
        its->bytes[place++] = *bytes++;
    return 0;
}
#endif

/* Behind the program in flash, where whoever starts the board has put it: the readings of a recorded
 * sensor, of which the board makes its samples itself; or a store of samples. */
#ifdef TIFED_DEVICE_SIGNAL
extern const tifed_recordings own_samples;

static uint8_t samples_bytes[TIFED_STORE_BYTES(TIFED_INPUTS, TIFED_OWN_RECORDS)];
static ram samples_ram = {samples_bytes, sizeof samples_bytes};
static const tifed_memory samples_memory = {read_ram, write_ram, &samples_ram};
#else
extern const uint8_t own_samples[];

static int read_samples(void *context, uint32_t place, uint8_t *bytes, uint32_t count)
{
    (void)context;
    while (count--)
        *bytes++ = own_samples[place++];
    return 0;
}

static const tifed_memory samples_memory = {read_samples, NULL, NULL};
#endif
static const tifed_store_config store_config = {.memory = &samples_memory,
                                                .inputs = TIFED_INPUTS,
                                                .records = TIFED_OWN_RECORDS,
                                                .held_out_every = TIFED_OWN_EVERY,
                                                .classes = TIFED_CLASSES,
                                                .policy = TIFED_STORE_NEWEST};
static tifed_store_entry store_index[TIFED_STORE_ENTRIES(TIFED_OWN_RECORDS)];
static tifed_store store;
static tifed_own own;

/* The board's samples, as far as there are any. */
static int find_samples(void)
{
#ifdef TIFED_DEVICE_SIGNAL
    int status = tifed_store_format(&store, &store_config, store_index);
    if (status != TIFED_OK)
        return status;
    return tifed_device_play(&own_samples, &tifed_experiment_signal, &store, sample, board_flush);
#else
    return tifed_store_open(&store, &store_config, store_index);
#endif
}

#if TIFED_KEPT_BYTES
/* The model that stays, in RAM that a reset leaves as it is. */
__attribute__((section(".noinit"))) static uint8_t kept_bytes[TIFED_KEPT_BYTES];
static ram kept_ram = {kept_bytes, sizeof kept_bytes};
static const tifed_memory kept_memory = {read_ram, write_ram, &kept_ram};
#define KEPT &kept_memory
#else
#define KEPT NULL
#endif
#endif

#if defined(TIFED_DEVICE_SEALED) || defined(TIFED_DEVICE_MASKED)
/* A page of flash of its own, which whoever starts the board has written; behind the key, or where
 * it would be, stands a seed that is another one each time, for an emulated board has no random
 * generator. */
extern const uint8_t key_page[];
enum { KEY_PAGE = 40 };
__attribute__((section(".noinit"))) static uint32_t starts;
static uint32_t drawn; /* since the start */
#endif

#ifdef TIFED_DEVICE_SEALED
static tifed_seal_keys sessions[2];

static bool fresh(uint8_t *nonce)
{
    if (!tifed_key_in(key_page))
        return false;
    tifed_seal_nonce_of(nonce, key_page + KEY_PAGE, starts, drawn++);
    return true;
}

static void begin(void *session, const uint8_t *host_nonce, const uint8_t *device_nonce)
{
    tifed_seal_begin_with(session, tifed_key_in(key_page), host_nonce, device_nonce);
}

static const tifed_seal seal = {
    {&sessions[0], &sessions[1]}, fresh, begin, tifed_seal_frame, tifed_open_frame};
#endif

#ifdef TIFED_DEVICE_MASKED
static bool secret(uint8_t *bytes)
{
    tifed_mask_secret_of(bytes, key_page + KEY_PAGE, starts, drawn++);
    return true;
}

static const tifed_masks masks = {secret, tifed_mask_publish, tifed_mask_agree, tifed_mask_stream};
#endif

#ifdef TIFED_RESIDUALS
static int8_t left[TIFED_RESIDUAL_BYTES];
static tifed_change changes[TIFED_RESIDUAL_DEPTH];
static const tifed_residuals residuals = {TIFED_RESIDUAL_LAYERS, left, changes};
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
#ifdef TIFED_SHIFT_HEIGHT
        .source = &source,
        .kept = pictures,
#endif
#ifdef TIFED_DEVICE_FRONT_END
        .front_end = make_features,
#endif
#ifdef TIFED_DEVICE_OWN
        .own = &own,
        .held_out_every = TIFED_OWN_EVERY,
        .policy = &policy,
        .model = KEPT,
        .by_class = by_class,
#endif
#ifdef TIFED_DEVICE_SEALED
        .seal = &seal,
#endif
#ifdef TIFED_RESIDUALS
        .residuals = &residuals,
#endif
#ifdef TIFED_DEVICE_MASKED
        .masks = &masks,
#endif
    };
    board_start();
#if defined(TIFED_DEVICE_SEALED) || defined(TIFED_DEVICE_MASKED)
    starts++;
#endif
#ifdef TIFED_DEVICE_OWN
    if (find_samples() != TIFED_OK)
        store.kept[0] = store.kept[1] = 0;
    own = tifed_store_own(&store);
#endif
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
