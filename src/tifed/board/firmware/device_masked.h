/* A device whose updates leave it under masks alone (SPEC, 21.5): what it asks of whoever agrees on
 * keys and makes streams of them. No cryptographic library is named here: masks_monocypher.c has it
 * from Monocypher. Part of device.h where TIFED_DEVICE_MASKED is defined. */
#ifndef TIFED_DEVICE_MASKED_H
#define TIFED_DEVICE_MASKED_H

#include <stdbool.h>
#include <stdint.h>

#define TIFED_MASK_KEY 32u
#define TIFED_MASK_BLOCK 64u /* bytes of a stream that are made at once */
#ifndef TIFED_MASK_PEERS
#define TIFED_MASK_PEERS 8u /* other devices that masks are shared with, 2..31; 36 bytes each */
#endif
#define TIFED_MASK_LEAST 3u /* devices in a sum, itself among them */

typedef struct tifed_masks {
    /* Write TIFED_MASK_KEY bytes that nobody else can know, other ones each time, after a restart
     * too; false if there are none. */
    bool (*secret)(uint8_t *bytes);
    /* The public key of a secret one. */
    void (*publish)(uint8_t *public_key, const uint8_t *secret);
    /* The key that two devices have together: of a secret key, of the other's public one, and of
     * `about`, which both know; false if the other's is none. */
    bool (*agree)(uint8_t *key, const uint8_t *secret, const uint8_t *other, const uint8_t *about,
                  uint32_t length);
    /* Write the block with this number of the stream that `key` gives for `purpose`. */
    void (*stream)(uint8_t *block, const uint8_t *key, uint32_t purpose, uint32_t number);
} tifed_masks;

/* How far a device is with its masks; private. No key outlives a session. */
typedef struct tifed_device_masked {
    uint8_t secret[TIFED_MASK_KEY], public_key[TIFED_MASK_KEY];
    struct {
        uint32_t number; /* of the device that the key is shared with */
        uint8_t key[TIFED_MASK_KEY];
    } slots[1u + TIFED_MASK_PEERS]; /* 0: itself, for the mask that is its own */
    uint32_t known;                 /* slots that have a key, one bit each */
    uint32_t round;                 /* the last that was begun; it only goes up */
    uint32_t with;    /* slots whose masks are on this round's vector; 0: it is over */
    uint32_t counted; /* of these, those in the sum; 0: nobody has said */
#ifdef TIFED_DEVICE_OWN
    /* In the last exchange that took masks off: its number, with which devices (0: in none), and since
     * which exchange always with these. Unlike the rest this outlives a session. */
    uint32_t last, among, since;
#endif
} tifed_device_masked;

#endif
