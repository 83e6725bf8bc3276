/* A device with a key (SPEC, 24): what it asks of whoever seals its frames and opens those that it
 * gets. No cryptographic library is named here: seal_monocypher.c has it from Monocypher, and a board
 * may have it from its own hardware. Part of device.h where TIFED_DEVICE_SEALED is defined. */
#ifndef TIFED_DEVICE_SEALED_H
#define TIFED_DEVICE_SEALED_H

#include <stdbool.h>
#include <stdint.h>

#define TIFED_SEAL_NONCE 16u
#define TIFED_SEAL_TAG 16u
#define TIFED_SEAL_BEHIND (4u + TIFED_SEAL_TAG) /* counter and tag, behind what is sealed */

enum { TIFED_TO_DEVICE = 0, TIFED_TO_HOST = 1 };

typedef struct tifed_seal {
    void *sessions[2]; /* what the functions keep of a session: one is open, one is asked for */
    /* Write TIFED_SEAL_NONCE bytes that this device has never had before, not before a restart
     * either; false if there is no key, or are no such bytes. */
    bool (*fresh)(uint8_t *nonce);
    /* Make a session's keys of the device's key and both nonces. */
    void (*begin)(void *session, const uint8_t *host_nonce, const uint8_t *device_nonce);
    /* Encrypt `body` where it lies, and write the tag of it, the head (TIFED_LINK_HEADER bytes) and
     * the counter. No counter comes twice in a direction of a session. */
    void (*seal)(const void *session, uint32_t direction, uint32_t counter, const uint8_t *head,
                 uint8_t *body, uint32_t length, uint8_t *tag);
    /* Decrypt `body` where it lies; false, and nothing is written, if the tag is another one. */
    bool (*open)(const void *session, uint32_t direction, uint32_t counter, const uint8_t *head,
                 uint8_t *body, uint32_t length, const uint8_t *tag);
} tifed_seal;

/* How far a device is with its sessions; private. */
typedef struct tifed_device_sealed {
    struct {
        uint32_t sent, heard; /* the last counters */
        uint16_t session;     /* 0: there is none */
    } sessions[2];
    uint8_t open; /* which of them is; the other is asked for, until the host proves its key */
    uint8_t host_nonce[TIFED_SEAL_NONCE], device_nonce[TIFED_SEAL_NONCE]; /* of the other */
} tifed_device_sealed;

#endif
