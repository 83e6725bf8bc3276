/* The host of a fuzzed device that has a key: it seals what it says and opens what it hears, so that
 * random frames get behind the seal, and it tries what a stranger on the line can try. A device that
 * leaves as much as a byte of an attack behind, or seals a frame that does not open, has failed. */
#include "device.h"
#include "seal_monocypher.h"

static const uint8_t device_key[TIFED_SEAL_KEY] = "a key of 32 bytes of this device";
static bool sealing; /* whether the device at hand has a key */
static bool keyless; /* it is to have one, and has none */
static unsigned long opened, attacks, sessions_opened;

static tifed_seal_keys device_sessions[2];

static bool fresh(uint8_t *nonce)
{
    static uint32_t number;
    tifed_seal_nonce_of(nonce, device_key, 1, ++number);
    return !keyless;
}

static void begin(void *session, const uint8_t *host_nonce, const uint8_t *device_nonce)
{
    tifed_seal_begin_with(session, device_key, host_nonce, device_nonce);
}

static const tifed_seal seal = {
    {&device_sessions[0], &device_sessions[1]}, fresh, begin, tifed_seal_frame, tifed_open_frame};

/* What the host knows of the sessions, each in the place that the device has it in. */
static struct {
    uint16_t session; /* 0: there is none */
    uint32_t sent, heard;
    tifed_seal_keys keys;
    uint8_t nonces[2 * TIFED_SEAL_NONCE];
} host[2];
static uint32_t newest;
static uint8_t host_nonce[TIFED_SEAL_NONCE];
static tifed_device *heard_from;

/* Frames of both sides, of this device and of those before it. */
enum { REMEMBERED = 8, MOST = TIFED_LINK_HEADER + TIFED_LINK_PAYLOAD + TIFED_LINK_BEHIND };
static uint8_t remembered[REMEMBERED][MOST];

static void remember(const uint8_t *frame)
{
    static uint32_t turn;
    uint32_t length = tifed_link_get16(frame + 6);
    memcpy(remembered[turn++ % REMEMBERED], frame, TIFED_LINK_HEADER + length);
}

static void seal_host(tifed_device *device)
{
    memset(host, 0, sizeof host);
    newest = 0;
    sealing = true;
    heard_from = device;
}

/* Open a frame in a session; what was sealed is then in the place of its payload. */
static bool opens(uint8_t *frame, uint32_t place, uint32_t length)
{
    uint8_t *body = frame + TIFED_LINK_HEADER, *end = body + length;
    uint32_t counter = tifed_link_get32(end);
    if (counter <= host[place].heard ||
        !tifed_open_frame(&host[place].keys, TIFED_TO_HOST, counter, frame, body, length, end + 4))
        return false;
    host[place].heard = counter;
    opened++;
    return true;
}

/* The answer to a hello: the keys of a session, unless it is one that was told before. */
static bool greeted(uint8_t *frame, uint32_t length)
{
    uint32_t place = 1u - heard_from->sealed.open;
    uint8_t *end = frame + TIFED_LINK_HEADER + length - TIFED_SEAL_NONCE, both[32];
    memcpy(both, host_nonce, TIFED_SEAL_NONCE);
    memcpy(both + TIFED_SEAL_NONCE, end, TIFED_SEAL_NONCE);
    if (memcmp(host[place].nonces, both, sizeof both) != 0) {
        memcpy(host[place].nonces, both, sizeof both);
        tifed_seal_begin_with(&host[place].keys, device_key, both, both + TIFED_SEAL_NONCE);
        host[place].sent = host[place].heard = 0;
        sessions_opened++;
    }
    host[place].session = (uint16_t)tifed_link_get16(frame + 2);
    newest = place;
    memmove(end, end + TIFED_SEAL_NONCE, TIFED_SEAL_BEHIND); /* the nonce stands before the tag */
    return opens(frame, place, length - TIFED_SEAL_NONCE);
}

static bool hello_said; /* unsealed, and not answered yet */

/* Whether the host may get such a frame from its device; then it is there as it was sealed. */
static bool host_takes(uint8_t *frame)
{
    uint8_t type = frame[1], code = frame[TIFED_LINK_HEADER];
    uint32_t length = tifed_link_get16(frame + 6);
    if (frame[0] == TIFED_LINK_VERSION) {
        hello_said = false;
        return type == TIFED_LINK_READY ||
               (length == 1u && (type & TIFED_LINK_ANSWER) &&
                (code == TIFED_LINK_SESSION || code == TIFED_LINK_FORMAT ||
                 code == TIFED_LINK_SEALED_ONLY || code == TIFED_LINK_NO_KEY));
    }
    if (frame[0] != (TIFED_LINK_VERSION | TIFED_LINK_SEALED) || length < TIFED_SEAL_BEHIND)
        return false;
    remember(frame);
    length -= TIFED_SEAL_BEHIND;
    if (hello_said) {
        hello_said = false;
        return type == (TIFED_LINK_HELLO | TIFED_LINK_ANSWER) && length > TIFED_SEAL_NONCE &&
               greeted(frame, length);
    }
    return opens(frame, heard_from->sealed.open, length);
}

/* Seal what lies in the sender's frame, of `length` bytes of payload; as many as it has then. */
static uint16_t sealed_up(tifed_link *sender, uint32_t place, uint8_t type, uint16_t session,
                          uint16_t sequence, uint16_t length)
{
    uint8_t *frame = tifed_link_frame(sender), *end = frame + TIFED_LINK_HEADER + length;
    tifed_link_head(sender, TIFED_LINK_VERSION | TIFED_LINK_SEALED, type, session, sequence,
                    (uint16_t)(length + TIFED_SEAL_BEHIND));
    tifed_link_put32(end, ++host[place].sent);
    tifed_seal_frame(&host[place].keys, TIFED_TO_DEVICE, host[place].sent, frame,
                     frame + TIFED_LINK_HEADER, length, end + 4);
    return (uint16_t)(length + TIFED_SEAL_BEHIND);
}

/* Say what lies in the sender's frame: a hello, and all before there is a session, as it is. */
static void say_sealed(tifed_link *sender, uint32_t place, uint8_t type, uint16_t session,
                       uint16_t sequence, uint16_t length, bool plain, tifed_link_write *write)
{
    uint8_t *frame = tifed_link_frame(sender);
    if (plain || host[place].session == 0u) {
        hello_said = type == TIFED_LINK_HELLO && length == TIFED_SEAL_NONCE && session;
        if (hello_said)
            memcpy(host_nonce, frame + TIFED_LINK_HEADER, TIFED_SEAL_NONCE);
        tifed_link_send(sender, type, session, sequence, length, write);
        return;
    }
    length = sealed_up(sender, place, type, session, sequence, length);
    remember(frame);
    tifed_link_leave(sender, length, write);
}
