#include "seal_monocypher.h"

#include "link.h"
#include "monocypher.h"

enum { LABEL = 12, NUMBERS = 8 };

static void append(uint8_t *to, const void *from, uint32_t count)
{
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < count; i++)
        to[i] = bytes[i];
}

const uint8_t *tifed_key_in(const uint8_t *page)
{
    bool there =
        page[0] == 'T' && page[1] == 'I' && page[2] == 'F' && page[3] == 'K' &&
        tifed_link_crc(page, 4u + TIFED_SEAL_KEY) == tifed_link_get32(page + 4u + TIFED_SEAL_KEY);
    return there ? page + 4 : 0;
}

void tifed_seal_begin_with(tifed_seal_keys *keys, const uint8_t *device_key,
                           const uint8_t *host_nonce, const uint8_t *device_nonce)
{
    uint8_t message[LABEL + 2u * TIFED_SEAL_NONCE];
    append(message, "TIFeD line 1", LABEL);
    append(message + LABEL, host_nonce, TIFED_SEAL_NONCE);
    append(message + LABEL + TIFED_SEAL_NONCE, device_nonce, TIFED_SEAL_NONCE);
    crypto_blake2b_keyed(keys->keys[0], sizeof keys->keys, device_key, TIFED_SEAL_KEY, message,
                         sizeof message);
}

static void start(crypto_aead_ctx *context, const tifed_seal_keys *keys, uint32_t direction,
                  uint32_t counter)
{
    uint8_t nonce[12] = {0};
    tifed_link_put32(nonce, counter);
    crypto_aead_init_ietf(context, keys->keys[direction], nonce);
}

void tifed_seal_frame(const void *keys, uint32_t direction, uint32_t counter, const uint8_t *head,
                      uint8_t *body, uint32_t length, uint8_t *tag)
{
    crypto_aead_ctx context;
    start(&context, keys, direction, counter);
    crypto_aead_write(&context, body, tag, head, TIFED_LINK_HEADER, body, length);
    crypto_wipe(&context, sizeof context);
}

bool tifed_open_frame(const void *keys, uint32_t direction, uint32_t counter, const uint8_t *head,
                      uint8_t *body, uint32_t length, const uint8_t *tag)
{
    crypto_aead_ctx context;
    start(&context, keys, direction, counter);
    bool good = crypto_aead_read(&context, body, tag, head, TIFED_LINK_HEADER, body, length) == 0;
    crypto_wipe(&context, sizeof context);
    return good;
}

void tifed_seal_nonce_of(uint8_t *nonce, const uint8_t *seed, uint32_t start_number,
                         uint32_t number)
{
    uint8_t numbers[NUMBERS];
    tifed_link_put32(tifed_link_put32(numbers, start_number), number);
    crypto_blake2b_keyed(nonce, TIFED_SEAL_NONCE, seed, TIFED_SEAL_NONCE, numbers, sizeof numbers);
}
