/* What the parts of a device share: device.c, which every device has, and device_own.c. */
#ifndef TIFED_DEVICE_INSIDE_H
#define TIFED_DEVICE_INSIDE_H

#include "device.h"

#ifdef TIFED_DEVICE_OWN
#include "tifed_assumptions.h"
#endif

/* Kept out of their callers, so that the stack holds the variables of one of them, not of all. */
#define NOINLINE __attribute__((noinline))

/* Also used by device_sealed.c, where there is a key. */
#ifdef TIFED_DEVICE_SEALED
#define SHARED
void tifed_device_open(tifed_device *device, uint16_t session);  /* forgets what was before */
uint16_t tifed_device_hello(tifed_device *device, uint8_t *out); /* writes the answer's bytes */

/* device_sealed.c: start; send a payload, sealed where there is a session; a frame has arrived, and
 * is one that this device obeys: then it is there as if it had come unsealed. */
void tifed_sealed_start(tifed_device *device);
void tifed_sealed_send(tifed_device *device, uint8_t type, uint16_t sequence, uint16_t length);
bool tifed_sealed_take(tifed_device *device);
#else
#define SHARED static
#endif

#if defined TIFED_DEVICE_MASKED && defined TIFED_DEVICE_SHORT
#error "short updates would tell what masks hide"
#endif

#ifdef TIFED_DEVICE_MASKED
/* Whether what the device has learnt leaves it under masks alone. */
static inline bool has_masks(const tifed_device *device)
{
    return device->setup->masks != 0;
}

/* device_masked.c: it has started, or a session begins; whether an order, or a question, is about masks, or is refused
 * because of them: then there is its code, or its answer. Any other order ends a round of masks. */
void tifed_masked_start(tifed_device *device);
void tifed_masked_open(tifed_device *device);
bool tifed_masked_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length,
                        uint8_t *code);
bool tifed_masked_answer(tifed_device *device, uint8_t type, uint32_t length, uint8_t *payload,
                         uint16_t *size);
#endif

#define PAYLOAD(device) (tifed_link_frame(&(device)->link) + TIFED_LINK_HEADER)

static inline uint8_t code_of(int status)
{
    return status < 0 ? (uint8_t)-status : (uint8_t)TIFED_LINK_OK;
}

static inline uint32_t now(const tifed_device *device)
{
    return device->setup->ticks ? device->setup->ticks() : 0u;
}

static inline tifed_config config_for(const tifed_device *device, uint32_t trained)
{
    const tifed_device_setup *setup = device->setup;
    tifed_config config = {
        setup->network, trained, setup->buffer, setup->batch, setup->frozen, 0, 0, 0, 0};
#ifdef TIFED_DEVICE_FRONT_END
    config.source = setup->source;
#endif
    return config;
}

/* What the network learns from: the sample, or what the extractor makes of it. */
static inline const int8_t *features_of(tifed_device *device)
{
    const tifed_device_setup *setup = device->setup;
    uint32_t before = now(device);
    const int8_t *features = setup->extract ? setup->extract(setup->sample) : setup->sample;
    device->ticks += now(device) - before;
    return features;
}

/* Add a sample's features to the calibration sums, for which there is room before there is a
 * network. */
__attribute__((always_inline)) static inline void add_to_sums(tifed_device *device,
                                                              const int8_t *values)
{
    int32_t *sums = device->setup->memory;
    uint32_t squares = 0; /* of one sample: 2^30 at most */
    for (uint32_t i = 0; i < device->setup->network->layers[0].fan_in; i++) {
        sums[i] = (device->summed ? sums[i] : 0) + values[i];
        squares += (uint32_t)(values[i] * values[i]);
    }
    device->squares = (device->summed ? device->squares : 0u) + squares;
    device->summed++;
}

#ifdef TIFED_DEVICE_SHORT
/* In the last byte of a configure: keep what arrives for the trained layers beside what they make of
 * it; parameters and centre stay. */
enum { TIFED_SHORT_RECEIVED = 1, TIFED_SHORT_STAY = 2 };

/* device_short.c: the parameters are again those that arrived; they are what is trained from now on.
 * Orders and questions of short updates: the code, or the bytes of the answer. */
void tifed_short_restore(tifed_device *device);
void tifed_short_train(tifed_device *device);
uint8_t tifed_short_configure(tifed_device *device, const uint8_t *in);
uint8_t tifed_short_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length);
uint16_t tifed_short_answer(tifed_device *device, const uint8_t *in, uint32_t length, uint8_t *out);
#endif

#ifdef TIFED_RESIDUALS
/* device_residual.c: there is nothing left; an order to train arrives; the changes of a layer, as
 * tifed_changes_begin has them; the parameters are about to be those that were received again. */
void tifed_residual_clear(tifed_device *device);
uint8_t tifed_residual_order(tifed_device *device, const uint8_t *in, uint32_t length);
int tifed_residual_changes(const tifed_device *device, tifed_changes *c, uint32_t layer,
                           uint32_t first, const tifed_change *how);
void tifed_residual_settle(tifed_device *device);
#endif

/* Also used by device_quiet.c, where there is one. */
#ifdef TIFED_DEVICE_QUIET
#define ALSO_QUIET
uint8_t tifed_device_carry_out(tifed_device *device, uint8_t type, const uint8_t *in,
                               uint32_t length);

/* device_short.c: a trained layer of an exchange's answer, as much of it as fits before `end`. */
uint8_t *tifed_short_layer(tifed_device *device, uint32_t layer, const uint8_t *how, uint8_t *to,
                           uint8_t *end);

/* device_quiet.c: an order that is not answered; an exchange, with the bytes of its answer, or 0 while
 * there is none; the work of an exchange has ended, true if other work has begun; its answer. */
void tifed_quiet_order(tifed_device *device, uint8_t type, uint16_t sequence, const uint8_t *in,
                       uint32_t length);
uint16_t tifed_quiet_exchange(tifed_device *device, uint16_t sequence, const uint8_t *in,
                              uint32_t length, uint8_t *out);
bool tifed_quiet_goes_on(tifed_device *device);
uint16_t tifed_quiet_made(tifed_device *device, uint8_t *out);
#else
#define ALSO_QUIET static
#endif

#ifdef TIFED_DEVICE_OWN
/* Whether the device has its samples itself. */
static inline bool has_own(const tifed_device *device)
{
    return device->setup->own != 0;
}

/* device_own.c: start; a session begins; whether an order or question that every device has is
 * refused, and with which code; it was configured, and its parameters stay or are gone. */
void tifed_own_start(tifed_device *device);
void tifed_own_open(tifed_device *device);
uint8_t tifed_own_refusal(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length);
void tifed_own_configured(tifed_device *device, bool stays);
#ifdef TIFED_DEVICE_MASKED
/* Whether the sums of its calibration may be told with these devices: the first time with any. */
uint8_t tifed_own_summed(tifed_device *device, uint32_t among);
#endif

/* Orders and questions of its own: the code of the answer; what is written behind it, in bytes. */
uint8_t tifed_own_order(tifed_device *device, uint8_t type, const uint8_t *in, uint32_t length);
uint16_t tifed_own_answer(tifed_device *device, uint8_t type, uint16_t length, uint8_t *payload);

/* Do a piece of the order that is under way; true if there is more. */
bool tifed_own_work(tifed_device *device);
#endif

#endif
