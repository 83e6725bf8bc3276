/* A device's masks by Monocypher (SPEC, 21.5): X25519 (RFC 7748) and keyed BLAKE2b (RFC 7693) for the
 * keys, ChaCha20 (RFC 8439) for the streams. */
#ifndef TIFED_MASKS_MONOCYPHER_H
#define TIFED_MASKS_MONOCYPHER_H

#include "device_masked.h"

/* What tifed_masks.publish, agree and stream are to do. */
void tifed_mask_publish(uint8_t *public_key, const uint8_t *secret);
bool tifed_mask_agree(uint8_t *key, const uint8_t *secret, const uint8_t *other,
                      const uint8_t *about, uint32_t length);
void tifed_mask_stream(uint8_t *block, const uint8_t *key, uint32_t purpose, uint32_t number);

/* Secret bytes for a device that has no random generator: of a secret seed of 16 bytes that is its
 * own, and of two numbers that it never has together again, such as that of its starts and one in
 * each of them. */
void tifed_mask_secret_of(uint8_t *bytes, const uint8_t *seed, uint32_t start, uint32_t number);

#endif
