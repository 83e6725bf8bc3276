/* Whatever arrives on the line, a device must neither crash nor send an unsound frame, nor answer one, nor
 * do what another session asks for.
 *
 *     fuzz_device COUNT SEED     COUNT random inputs
 *     with -DTIFED_DEVICE_FRONT_END, and -DTIFED_DEVICE_SHIFTS beside it     devices that have these
 *     with -DLIBFUZZER           a libFuzzer or AFL++ target instead of main
 *
 * An input is a string of operations: sound frames with random contents (noise alone would never
 * pass the CRC), noise, spoilt frames, and pieces of the device's own work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#ifdef TIFED_DEVICE_FRONT_END
#include "tifed_shifts.h"
#define INPUTS 16u /* a picture of 4x4 pixels */
#define FEATURES 8u
#else
#define INPUTS 6u
#define FEATURES INPUTS
#endif

static const tifed_layer layers[] = {
    {FEATURES, 5, 1, 8, TIFED_NEAREST, 6, TIFED_STOCHASTIC, 3, TIFED_RELU, 128, 8},
    {5, 3, 1, 8, TIFED_NEAREST, 6, TIFED_NEAREST, 3, TIFED_IDENTITY, 127, 16},
};
static const tifed_network network = {layers, 2, TIFED_MARGIN, 48, TIFED_OUTPUT_SIGN, 1, true};

static tifed_link far_end;
static uint8_t last_answer; /* first byte of the last frame's payload */
static unsigned long frames_sent, noise_sent, answers_ok, work_done, bytes_out;
static unsigned long spoilt_sent, strangers_sent, pictures;
static bool between; /* delimiters, nothing sent since the last one */

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* The far end: every byte the device sends must belong to a sound frame. */
static void hear_byte(uint8_t byte)
{
    bool whole = tifed_link_feed(&far_end, byte);
    bytes_out++;
    if (byte == 0u) {
        if (!whole && !between)
            fail("the device sent an unsound frame");
        if (whole) {
            last_answer = tifed_link_frame(&far_end)[TIFED_LINK_HEADER];
            answers_ok += last_answer == TIFED_LINK_OK;
        }
        between = true;
    } else {
        between = false;
    }
}

static void hear(const uint8_t *bytes, uint16_t length)
{
    if (length == 0u)
        fail("the device wrote nothing");
    while (length--)
        hear_byte(*bytes++);
}

static uint32_t stack(void)
{
    return 100;
}

/* --- an input --------------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t left;

static uint8_t take(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static tifed_link sender;
static uint8_t wire[2 * TIFED_LINK_FRAME];
static size_t wired;

static void to_wire(const uint8_t *bytes, uint16_t length)
{
    memcpy(wire + wired, bytes, length);
    wired += length;
}

static void request(tifed_device *device, uint8_t type, const uint8_t *payload, uint16_t length)
{
    static uint16_t sequence = 0x8000;
    wired = 0;
    if (length)
        memcpy(tifed_link_frame(&sender) + TIFED_LINK_HEADER, payload, length);
    tifed_link_send(&sender, type, 7, ++sequence ? sequence : ++sequence, length, to_wire);
    frames_sent++;
    for (size_t i = 0; i < wired; i++)
        tifed_device_feed(device, wire[i]);
}

/* As far into a session as `depth` says: most of what a device does lies behind a long way. */
static void get_going(tifed_device *device, uint8_t depth)
{
    uint8_t configure[12] = {3}, train[24] = {0, 0, 0, 0, 9}, sample[8 + INPUTS] = {0};
    if (depth > 0u)
        request(device, TIFED_LINK_HELLO, NULL, 0);
    if (depth > 1u) {
        configure[0] = (uint8_t)(depth & 3u);
        request(device, TIFED_LINK_CONFIGURE, configure, sizeof configure);
    }
    for (uint8_t n = 0; depth > 2u && n < (depth & 3u); n++) {
        sample[2] = n;
        for (uint32_t i = 0; i < INPUTS; i++)
            sample[8u + i] = take();
        request(device, TIFED_LINK_PUT_SAMPLE, sample, sizeof sample);
    }
    if (depth > 5u)
        request(device, TIFED_LINK_TRAIN, train, sizeof train);
}

static void frame(tifed_device *device)
{
    static const uint8_t sizes[] = {0, 0, 12, 7, 12, 12, 9, 0, 8, 24, 0, 0};
    uint8_t how = take(), type = take(), spoil = take();
    if (how & 1u)
        type = (uint8_t)(1u + type % 11u);
    uint16_t length = take();
    if (type < sizeof sizes && (how & 2u))
        length = (uint16_t)(type == TIFED_LINK_PUT_PARAMETERS || type == TIFED_LINK_PUT_SAMPLE
                                ? 8u + length % 70u
                                : sizes[type]);
    if (length > TIFED_LINK_PAYLOAD)
        length = TIFED_LINK_PAYLOAD;
    uint8_t *payload = tifed_link_frame(&sender) + TIFED_LINK_HEADER;
    for (uint32_t i = 0; i < length; i++)
        payload[i] = take();
    if (how & 4u) /* small numbers: the interesting ones */
        for (uint32_t i = 0; i < length && i < 24u; i++)
            payload[i] = i & 3u ? 0u : payload[i] & 7u;
    if ((how & 8u) && type == TIFED_LINK_PUT_SAMPLE && length > 8u)
        payload[4] = 0; /* a piece from the start */
    static uint16_t sequence;
    if (how & 16u)
        sequence++;
    uint16_t session = how & 32u ? 7u : take();
    wired = 0;
    tifed_link_send(&sender, type, session, sequence, length, to_wire);
    bool spoilt = (how & 0xC0u) == 0xC0u && spoil, request = !(type & TIFED_LINK_ANSWER);
    bool stranger = type != TIFED_LINK_HELLO && (session != device->session || session == 0u);
    uint8_t state = device->state;
    unsigned long before = bytes_out;
    if (spoilt) /* of which CRC-32 takes one in 2^32 for sound */
        wire[(spoil * 7u + length) % wired] ^= spoil;
    frames_sent++;
    spoilt_sent += spoilt;
    for (size_t i = 0; i < wired; i++)
        tifed_device_feed(device, wire[i]);
    if ((spoilt || !request) && bytes_out != before)
        fail("the device answered a spoilt frame, or an answer");
    if (!spoilt && request && bytes_out == before)
        fail("the device did not answer");
    if (!spoilt && request && stranger) {
        strangers_sent++;
        if (last_answer != TIFED_LINK_SESSION || device->state != state)
            fail("the device did what another session asked for");
    }
}

/* Fails now and then, as an extraction without room would. */
static const int8_t *extract(const int8_t *sample)
{
    static int8_t features[FEATURES];
    for (unsigned i = 0; i < FEATURES; i++)
        features[i] = (int8_t)(sample[i] / 2);
    return features[0] == 7 ? NULL : features;
}

#ifdef TIFED_DEVICE_FRONT_END
static const tifed_front_end octants = {4, 4, 1, 8, true, NULL};
static void *rows; /* of the exact size as well */

static int front_end(int8_t *features, uint32_t offset, const int8_t *values, uint32_t count)
{
    static tifed_front_end_stream stream;
    if (offset == 0u && tifed_front_end_begin(&stream, &octants, features, rows,
                                              tifed_front_end_memory(&octants)) != TIFED_OK)
        fail("the front end does not begin");
    int status = tifed_front_end_put(&stream, values, count);
    if (status < 0 || (status == TIFED_OK) != (offset + count == INPUTS))
        fail("the front end was given other pieces than a picture has");
    pictures += status == TIFED_OK;
    return values[0] == 7 ? TIFED_ERROR_MEMORY : status;
}
#endif

static void run(const uint8_t *data, size_t size)
{
    tifed_config config = {&network, 3, 3, 2, NULL, NULL, 0, 0, NULL};
#ifdef TIFED_DEVICE_SHIFTS
    const size_t made_in = TIFED_FRONT_END_BYTES(4, 1, 8, true);
    int8_t *kept = malloc(3u * INPUTS), *row = malloc(4u);
    void *copy_rows = malloc(made_in);
    tifed_shifts shifts = {kept, 4, 4, 1, &octants, row, copy_rows, made_in};
    const tifed_source source = {tifed_write_shifted_features, &shifts};
    config.source = &source;
#endif
    size_t bytes = tifed_memory_size(&config);
    void *memory = malloc(bytes); /* of the exact size, so that the sanitizer sees its end */
    int8_t *sample = malloc(FEATURES);
    tifed_device_setup setup = {
        .network = &network,
        .buffer = 3,
        .batch = 2,
        .fingerprint = 1,
        .memory = memory,
        .bytes = (uint32_t)bytes,
        .inputs = INPUTS,
        .sample = sample,
        .extract = size % 2u ? extract : NULL,
        .board = "fuzz",
        .write = hear,
        .stack = stack,
    };
#ifdef TIFED_DEVICE_FRONT_END
    rows = malloc(TIFED_FRONT_END_BYTES(4, 1, 8, true));
    setup.front_end = front_end;
#endif
#ifdef TIFED_DEVICE_SHIFTS
    setup.extract = NULL; /* no device makes copies of what one gives */
    setup.source = &source;
    setup.kept = kept;
    memset(kept, 0xA5, 3u * INPUTS);
#endif
    tifed_device *device = malloc(sizeof *device);
    memset(device, 0xA5, sizeof *device);
    memset(memory, 0xA5, bytes);
    tifed_link_init(&far_end);
    tifed_link_init(&sender);
    between = true;
    input = data;
    left = size;
    tifed_device_init(device, &setup);
    tifed_device_ready(device);
    get_going(device, take() & 7u);
    while (left) {
        uint8_t choice = take();
        if (choice < 160u) {
            frame(device);
        } else if (choice < 200u) {
            for (unsigned n = take(); n && left; n--, noise_sent++)
                tifed_device_feed(device, take());
        } else {
            work_done += tifed_device_work(device);
        }
    }
    if (device->state > TIFED_DEVICE_TRAINED)
        fail("the device is in no state");
#ifdef TIFED_DEVICE_FRONT_END
    free(rows);
#endif
#ifdef TIFED_DEVICE_SHIFTS
    free(kept);
    free(row);
    free(copy_rows);
#endif
    free(device);
    free(sample);
    free(memory);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size);
    return 0;
}
#else
#ifndef TIFED_DEVICE_FRONT_END
/* So many samples that their squares pass 32 bits: the sum has to carry into the next word. */
static void sum_many(void)
{
    enum { MANY = 50000 };
    static uint8_t ask[8] = {0, 0, 0, 0, FEATURES}, sample[8 + FEATURES] = {1};
    static int8_t arrived[FEATURES];
    static union {
        void *aligned;
        uint8_t bytes[1024];
    } room;
    tifed_device_setup setup = {
        .network = &network,
        .buffer = 3,
        .batch = 2,
        .fingerprint = 1,
        .memory = room.bytes,
        .bytes = sizeof room,
        .inputs = FEATURES,
        .sample = arrived,
        .board = "sum",
        .write = hear,
        .stack = stack,
    };
    static tifed_device device;
    tifed_link_init(&far_end);
    tifed_link_init(&sender);
    between = true;
    tifed_device_init(&device, &setup);
    for (int repeat = 0; repeat < 2; repeat++) { /* the second time from 0 again */
        request(&device, TIFED_LINK_HELLO, NULL, 0);
        request(&device, TIFED_LINK_CLEAR, NULL, 0);
        memset(sample + 8, 0x80, FEATURES);
        for (int n = 0; n < MANY; n++)
            request(&device, TIFED_LINK_PUT_SAMPLE, sample, sizeof sample);
        request(&device, TIFED_LINK_GET_SUMS, ask, sizeof ask);
        const uint8_t *said = tifed_link_frame(&far_end) + TIFED_LINK_HEADER + 1;
        uint64_t squares = tifed_link_get32(said + 4) | (uint64_t)tifed_link_get32(said + 8) << 32;
        if (last_answer != TIFED_LINK_OK || tifed_link_get32(said) != MANY ||
            squares != (uint64_t)MANY * FEATURES << 14)
            fail("another sum of squares");
        for (uint32_t i = 0; i < FEATURES; i++)
            if ((int32_t)tifed_link_get32(said + 12u + 4u * i) != MANY * -128)
                fail("another sum of a feature");
    }
}
#endif

static uint64_t state;

static uint64_t next(void) /* SplitMix64 */
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static uint8_t data[2048];
#ifndef TIFED_DEVICE_FRONT_END
    sum_many();
    frames_sent = answers_ok = bytes_out = 0;
#endif
    for (unsigned long n = 0; n < count; n++) {
        size_t size = next() % (n % 8u ? 200u : sizeof data);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)next();
        run(data, size);
    }
    printf("{\"inputs\": %lu, \"frames\": %lu, \"noise\": %lu, \"sound_answers\": %lu, "
           "\"steps\": %lu, \"bytes_out\": %lu, \"spoilt\": %lu, \"strangers\": %lu, "
           "\"pictures\": %lu}\n",
           count, frames_sent, noise_sent, answers_ok, work_done, bytes_out, spoilt_sent,
           strangers_sent, pictures);
    return 0;
}
#endif
