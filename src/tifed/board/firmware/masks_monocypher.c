#include "masks_monocypher.h"

#include "link.h"
#include "monocypher.h"

enum { SEED = 16, NUMBERS = 8, NONCE = 12 };

void tifed_mask_publish(uint8_t *public_key, const uint8_t *secret)
{
    crypto_x25519_public_key(public_key, secret);
}

bool tifed_mask_agree(uint8_t *key, const uint8_t *secret, const uint8_t *other,
                      const uint8_t *about, uint32_t length)
{
    static const uint8_t nothing[TIFED_MASK_KEY];
    uint8_t shared[TIFED_MASK_KEY];
    crypto_x25519(shared, secret, other);
    bool good = crypto_verify32(shared, nothing) != 0; /* else the other's key has no secret one */
    crypto_blake2b_keyed(key, TIFED_MASK_KEY, shared, sizeof shared, about, length);
    crypto_wipe(shared, sizeof shared);
    return good;
}

void tifed_mask_stream(uint8_t *block, const uint8_t *key, uint32_t purpose, uint32_t number)
{
    uint8_t nonce[NONCE] = {0};
    tifed_link_put32(nonce, purpose);
    crypto_chacha20_ietf(block, 0, TIFED_MASK_BLOCK, key, nonce, number);
}

void tifed_mask_secret_of(uint8_t *bytes, const uint8_t *seed, uint32_t start, uint32_t number)
{
    uint8_t numbers[NUMBERS];
    tifed_link_put32(tifed_link_put32(numbers, start), number);
    crypto_blake2b_keyed(bytes, TIFED_MASK_KEY, seed, SEED, numbers, sizeof numbers);
}
