/* Frames of the link between a server and a device (SPEC.md, "The link"): COBS, a header, a bounded
 * payload, CRC-32. No allocation; fed byte by byte; one buffer for what arrives and what leaves. */
#ifndef TIFED_LINK_H
#define TIFED_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define TIFED_LINK_VERSION 3u
#ifndef TIFED_LINK_PAYLOAD
#define TIFED_LINK_PAYLOAD 256u /* most bytes of a payload, 64..1024; told to the server */
#endif
#define TIFED_LINK_HEADER 8u /* version, type, session, sequence, payload bytes; little-endian */
#define TIFED_LINK_CHECK 4u
#ifdef TIFED_DEVICE_SEALED
#define TIFED_LINK_SEALED 0x80u /* in the version of a frame that is sealed */
#define TIFED_LINK_BEHIND 36u   /* behind the payload: nonce, counter and tag (SPEC, 24) */
#else
#define TIFED_LINK_BEHIND 0u
#endif
#define TIFED_LINK_FRAME                                                                           \
    (TIFED_LINK_HEADER + TIFED_LINK_PAYLOAD + TIFED_LINK_BEHIND + TIFED_LINK_CHECK)

/* What the server asks; the answer has TIFED_LINK_ANSWER set. */
enum {
    TIFED_LINK_HELLO = 1,
    TIFED_LINK_CONFIGURE = 2,
    TIFED_LINK_PUT_CENTRE = 3,
    TIFED_LINK_PUT_PARAMETERS = 4,
    TIFED_LINK_GET_PARAMETERS = 5,
    TIFED_LINK_PUT_SAMPLE = 6,
    TIFED_LINK_CLEAR = 7,
    TIFED_LINK_GET_SUMS = 8,
    TIFED_LINK_TRAIN = 9,
    TIFED_LINK_STATUS = 10,
    TIFED_LINK_RESET = 11,
    /* Of a device that has its samples itself. */
    TIFED_LINK_COUNTS = 12,
    TIFED_LINK_TAKE = 13,
    TIFED_LINK_CALIBRATE = 14,
    TIFED_LINK_EVALUATE = 15,
    TIFED_LINK_SCORE = 16,
    TIFED_LINK_KEEP = 17,
    TIFED_LINK_PERSONALISE = 18,
    TIFED_LINK_PERSONAL_SCORE = 19,
    /* Of a device whose updates leave it under masks. */
    TIFED_LINK_MASK_KEY = 20,
    TIFED_LINK_PEER = 21,
    TIFED_LINK_MASK = 22,
    TIFED_LINK_GET_MASKED = 23,
    TIFED_LINK_UNMASK = 24,
    TIFED_LINK_SEED = 25,
    /* Of a device that sends and takes short updates. */
    TIFED_LINK_GET_CHANGES = 26,
    TIFED_LINK_PUT_CHANGES = 27,
    TIFED_LINK_PUT_START = 28,
    /* Of a device that answers an exchange as a whole; and, in a type, that an order is not answered. */
    TIFED_LINK_EXCHANGE = 29,
    TIFED_LINK_SILENT = 0x40,
    TIFED_LINK_ANSWER = 0x80,
    /* What the device says unasked. */
    TIFED_LINK_READY = 0xC0, /* it has started */
    TIFED_LINK_DONE = 0xC1   /* with what takes longer than its answer */
};

/* First byte of an answer: 0, a core error's magnitude (1..9), or one of these. */
enum {
    TIFED_LINK_OK = 0,
    TIFED_LINK_UNKNOWN = 64,    /* no such type */
    TIFED_LINK_LENGTH,          /* the payload has another length than the type's */
    TIFED_LINK_SESSION,         /* not the session that this device is in: it has restarted */
    TIFED_LINK_UNCONFIGURED,    /* to be configured first */
    TIFED_LINK_BUSY,            /* training */
    TIFED_LINK_ORDER,           /* not the piece of a sample that comes next */
    TIFED_LINK_FORMAT,          /* another version of the link */
    TIFED_LINK_TOO_FEW,         /* fewer samples than its owner asks for, or none */
    TIFED_LINK_NOT_ALLOWED,     /* its owner does not allow it */
    TIFED_LINK_UNREADABLE,      /* a sample of its own, or its label, cannot be read */
    TIFED_LINK_NOT_KEPT,        /* no place for the model, or writing there failed */
    TIFED_LINK_SEALED_ONLY,     /* this device has a key, and takes no frame that is not sealed */
    TIFED_LINK_NO_KEY,          /* it is to have one, and has none, or no fresh nonce */
    TIFED_LINK_OLDER,           /* a model of an earlier round than the one that it keeps */
    TIFED_LINK_TOO_FEW_DEVICES, /* fewer devices in a sum than hide one of them */
    TIFED_LINK_OTHER_DEVICES,   /* the same work has been summed with other devices */
    TIFED_LINK_MISSED,          /* an order before this one, which had no answer, has not come */
    TIFED_LINK_OTHER_RESIDUAL   /* what it has left is not of the exchange that the order names */
};

/* Takes `length` bytes for the line, a whole frame or a piece of one, which are `bytes` only until
 * it returns. */
typedef void tifed_link_write(const uint8_t *bytes, uint16_t length);

typedef struct tifed_link {
    uint8_t buffer[TIFED_LINK_FRAME + 3u]; /* a frame, with room for what encloses it on the line */
    uint16_t received;                     /* bytes of the frame that is arriving */
    uint8_t block;                         /* bytes until the next COBS code */
    bool zero;                             /* a zero stands before what follows */
    bool broken;                           /* nothing counts until the next delimiter */
} tifed_link;

void tifed_link_init(tifed_link *link);

/* The frame that is arriving or leaving, from its header on. */
static inline uint8_t *tifed_link_frame(tifed_link *link)
{
    return link->buffer + 2;
}

/* Take a byte; true when it ends a frame that is whole and sound, which then is in tifed_link_frame
 * until the next byte. Anything else is dropped without a word. */
bool tifed_link_feed(tifed_link *link, uint8_t byte);

/* Send a frame whose payload (`length` bytes) is already in tifed_link_frame behind the header. One
 * of up to 253 bytes is one call of `write`; a longer one may take a call more for every 254. */
void tifed_link_send(tifed_link *link, uint8_t type, uint16_t session, uint16_t sequence,
                     uint16_t length, tifed_link_write *write);

#ifdef TIFED_DEVICE_SEALED
/* The same in two steps, for whoever has something to do between them. */
void tifed_link_head(tifed_link *link, uint8_t version, uint8_t type, uint16_t session,
                     uint16_t sequence, uint16_t length);
void tifed_link_leave(tifed_link *link, uint16_t length, tifed_link_write *write);
#endif

uint32_t tifed_link_crc(const uint8_t *bytes, uint32_t count);

static inline uint32_t tifed_link_get16(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint8_t *tifed_link_put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
    return bytes + 2;
}

/* Not inline: where words must be aligned, these are a dozen instructions each. */
uint32_t tifed_link_get32(const uint8_t *bytes);
uint8_t *tifed_link_put32(uint8_t *bytes, uint32_t value);

#endif
