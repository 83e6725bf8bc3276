{# Included by own_data.c: the key of a device whose line is sealed, in C and in C++. #}
/* --- the key ---------------------------------------------------------------------------------- */

/* Every frame of the line is sealed with the device's key. While it has none it obeys nobody, and
 * takes its key from the line:
 *     tifed keys boards.keys --page 0 --send serial:PORT
 * From then on it takes no other: to give it another one, erase the memory that the key is in. That is
 * the model's, behind the model. There are also a seed that comes before the key and the number of starts,
 * of which nonces are made, so that none comes twice. */
#ifdef __cplusplus
extern "C" {
#endif
#include "tifed_link/seal_monocypher.h"
#ifdef __cplusplus
}
#endif

#define GIVEN (TIFED_SEAL_NONCE + TIFED_KEY_PAGE) /* the seed, and the page with the key */
typedef char the_key_has_room[TIFED_MODEL_SLOTS + GIVEN + 4u == {{ memory }} ? 1 : -1];

static uint8_t given[GIVEN];
static uint32_t starts; /* 0: there can be no nonce */
static const tifed_memory *key_memory;

static const uint8_t *device_key(void)
{
    return tifed_key_in(given + TIFED_SEAL_NONCE);
}

/* Write how many times the device has started with its key. */
static void keep_starts(uint32_t count)
{
    uint8_t bytes[4];
    tifed_link_put32(bytes, count);
    starts = key_memory->write(key_memory->context, TIFED_MODEL_SLOTS + GIVEN, bytes, 4u) == 0 ? count
                                                                                              : 0u;
}

static void open_key(const tifed_memory *memory)
{
    uint8_t count[4];
    key_memory = memory;
    if (!memory)
        return; /* nowhere to keep a key: the device obeys nobody */
    if (memory->read(memory->context, TIFED_MODEL_SLOTS, given, GIVEN) != 0 ||
        memory->read(memory->context, TIFED_MODEL_SLOTS + GIVEN, count, 4u) != 0)
        key_memory = NULL; /* there may be a key, which is not to be overwritten */
    else if (device_key())
        keep_starts(tifed_link_get32(count) + 1u);
}

/* Bytes of the line, among which may be the key that the device does not have yet. */
static void hear(uint8_t byte)
{
    if (key_memory && !device_key()) {
        for (uint32_t i = 1; i < GIVEN; i++)
            given[i - 1u] = given[i];
        given[GIVEN - 1u] = byte;
        if (device_key()) {
            keep_starts(1);
            if (starts == 0u || key_memory->write(key_memory->context, TIFED_MODEL_SLOTS, given,
                                                  GIVEN) != 0)
                given[TIFED_SEAL_NONCE] = 0; /* no key that would be forgotten */
        }
    }
    tifed_device_feed(&device, byte);
}

static bool fresh_nonce(uint8_t *nonce)
{
    static uint32_t number;
    if (!device_key() || starts == 0u || ++number == 0u)
        return false;
    tifed_seal_nonce_of(nonce, given, starts, number);
    return true;
}

static void begin_session(void *session, const uint8_t *host_nonce, const uint8_t *device_nonce)
{
    tifed_seal_begin_with((tifed_seal_keys *)session, device_key(), host_nonce, device_nonce);
}

/* By Monocypher. A board that has ChaCha20-Poly1305 itself gives functions of its own in the place of the
 * last two (tifed_link/device_sealed.h). */
static tifed_seal_keys session_keys[2];
static const tifed_seal seal = {
    {&session_keys[0], &session_keys[1]}, fresh_nonce, begin_session, tifed_seal_frame, tifed_open_frame,
};

