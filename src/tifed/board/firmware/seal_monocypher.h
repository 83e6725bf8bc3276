/* The seal of a device's frames by Monocypher (SPEC, 24): ChaCha20-Poly1305 (RFC 8439) for frames,
 * keyed BLAKE2b (RFC 7693) for the keys of a session. */
#ifndef TIFED_SEAL_MONOCYPHER_H
#define TIFED_SEAL_MONOCYPHER_H

#include "device_sealed.h"

#define TIFED_SEAL_KEY 32u

typedef struct tifed_seal_keys {
    uint8_t keys[2][TIFED_SEAL_KEY]; /* to the device, to the host */
} tifed_seal_keys;

/* A device's key where it lies, in a page of flash of its own: "TIFK", the key, and the CRC-32 of
 * both, little-endian. */
#define TIFED_KEY_PAGE (4u + TIFED_SEAL_KEY + 4u)

/* The key in a page, or NULL if none is there. */
const uint8_t *tifed_key_in(const uint8_t *page);

/* What tifed_seal.begin, seal and open are to do; a session is a tifed_seal_keys. */
void tifed_seal_begin_with(tifed_seal_keys *keys, const uint8_t *device_key,
                           const uint8_t *host_nonce, const uint8_t *device_nonce);
void tifed_seal_frame(const void *keys, uint32_t direction, uint32_t counter, const uint8_t *head,
                      uint8_t *body, uint32_t length, uint8_t *tag);
bool tifed_open_frame(const void *keys, uint32_t direction, uint32_t counter, const uint8_t *head,
                      uint8_t *body, uint32_t length, const uint8_t *tag);

/* A nonce for a device that has no random generator: of a secret seed that is its own, and of two
 * numbers that it never has together again, such as that of its starts and one in each of them. */
void tifed_seal_nonce_of(uint8_t *nonce, const uint8_t *seed, uint32_t start, uint32_t number);

#endif
