/* A device with a key: which frames it takes, and how its own leave (SPEC, 24). */
#include "device_inside.h"

#ifdef TIFED_DEVICE_SEALED

static void copy(uint8_t *to, const uint8_t *from)
{
    for (uint32_t i = 0; i < TIFED_SEAL_NONCE; i++)
        to[i] = from[i];
}

static bool same(const uint8_t *a, const uint8_t *b)
{
    for (uint32_t i = 0; i < TIFED_SEAL_NONCE; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* A frame that says why nothing else is said, and that nobody has to believe. */
static void say(tifed_device *device, uint8_t type, uint16_t sequence, uint8_t code)
{
    PAYLOAD(device)[0] = code;
    tifed_link_send(&device->link, type, device->session, sequence, 1, device->setup->write);
}

/* Send `length` bytes of payload, of which all but the last `plain` are sealed in session `place`. */
static void send_in(tifed_device *device, uint32_t place, uint8_t type, uint16_t session,
                    uint16_t sequence, uint32_t length, uint32_t plain)
{
    const tifed_seal *seal = device->setup->seal;
    uint32_t *sent = &device->sealed.sessions[place].sent;
    uint8_t *head = tifed_link_frame(&device->link), *end = PAYLOAD(device) + length;
    if (*sent == UINT32_MAX)
        return; /* no counter twice: the host opens another session */
    ++*sent;
    tifed_link_head(&device->link, TIFED_LINK_VERSION | TIFED_LINK_SEALED, type, session, sequence,
                    (uint16_t)(length + TIFED_SEAL_BEHIND));
    tifed_link_put32(end, *sent);
    seal->seal(seal->sessions[place], TIFED_TO_HOST, *sent, head, PAYLOAD(device), length - plain,
               end + 4);
    tifed_link_leave(&device->link, (uint16_t)(length + TIFED_SEAL_BEHIND), device->setup->write);
}

void tifed_sealed_start(tifed_device *device)
{
    static const tifed_device_sealed nothing;
    device->sealed = nothing;
}

void tifed_sealed_send(tifed_device *device, uint8_t type, uint16_t sequence, uint16_t length)
{
    uint32_t open = device->sealed.open;
    if (type == TIFED_LINK_READY || device->sealed.sessions[open].session == 0u)
        tifed_link_send(&device->link, type, device->session, sequence, length,
                        device->setup->write);
    else
        send_in(device, open, type, device->session, sequence, length, 0);
}

/* A host asks for a session. The one that is open stays until the host has proved its key, so that
 * nobody else can end it. The same question again has the same nonces. */
static void shake_hands(tifed_device *device, uint16_t session, uint16_t sequence)
{
    const tifed_seal *seal = device->setup->seal;
    tifed_device_sealed *sealed = &device->sealed;
    uint32_t place = 1u - sealed->open;
    const uint8_t *host = PAYLOAD(device);
    if (sealed->sessions[place].session != session || !same(sealed->host_nonce, host)) {
        sealed->sessions[place].session = 0;
        if (!seal->fresh(sealed->device_nonce)) {
            say(device, TIFED_LINK_HELLO | TIFED_LINK_ANSWER, sequence, TIFED_LINK_NO_KEY);
            return;
        }
        copy(sealed->host_nonce, host);
        seal->begin(seal->sessions[place], host, sealed->device_nonce);
        sealed->sessions[place].session = session;
        sealed->sessions[place].sent = sealed->sessions[place].heard = 0;
    }
    uint32_t length = tifed_device_hello(device, PAYLOAD(device));
    copy(PAYLOAD(device) + length, sealed->device_nonce);
    send_in(device, place, TIFED_LINK_HELLO | TIFED_LINK_ANSWER, session, sequence,
            length + TIFED_SEAL_NONCE, TIFED_SEAL_NONCE);
}

/* Open a sealed frame in the session `place`, if it belongs there and is newer than all before. */
static bool open_in(tifed_device *device, uint32_t place, uint32_t session, uint32_t length)
{
    const tifed_seal *seal = device->setup->seal;
    const uint8_t *end = PAYLOAD(device) + length;
    uint32_t counter = tifed_link_get32(end), *heard = &device->sealed.sessions[place].heard;
    if (session == 0u || device->sealed.sessions[place].session != session || counter <= *heard ||
        !seal->open(seal->sessions[place], TIFED_TO_DEVICE, counter,
                    tifed_link_frame(&device->link), PAYLOAD(device), length, end + 4))
        return false;
    *heard = counter;
    return true;
}

bool tifed_sealed_take(tifed_device *device)
{
    tifed_device_sealed *sealed = &device->sealed;
    uint8_t *frame = tifed_link_frame(&device->link), version = frame[0], type = frame[1];
    uint16_t session = (uint16_t)tifed_link_get16(frame + 2);
    uint16_t sequence = (uint16_t)tifed_link_get16(frame + 4);
    uint32_t length = tifed_link_get16(frame + 6);
    if (type & TIFED_LINK_ANSWER)
        return false; /* an echo of our own */
    if (version == TIFED_LINK_VERSION) {
        if (type == TIFED_LINK_HELLO && length == TIFED_SEAL_NONCE && session != 0u)
            shake_hands(device, session, sequence);
        else
            say(device, type | TIFED_LINK_ANSWER, sequence, TIFED_LINK_SEALED_ONLY);
        return false;
    }
    if (version != (TIFED_LINK_VERSION | TIFED_LINK_SEALED)) {
        say(device, type | TIFED_LINK_ANSWER, sequence, TIFED_LINK_FORMAT);
        return false;
    }
    if (length < TIFED_SEAL_BEHIND || length > TIFED_LINK_PAYLOAD + TIFED_SEAL_BEHIND)
        return false;
    length -= TIFED_SEAL_BEHIND;
    if (!open_in(device, sealed->open, session, length)) {
        uint8_t other = 1u - sealed->open;
        if (!open_in(device, other, session, length)) {
            if (session != sealed->sessions[0].session && session != sealed->sessions[1].session)
                say(device, type | TIFED_LINK_ANSWER, sequence, TIFED_LINK_SESSION);
            return false;
        }
        sealed->sessions[sealed->open].session = 0;
        sealed->open = other;
        tifed_device_open(device, session);
    }
    tifed_link_head(&device->link, TIFED_LINK_VERSION, type, session, sequence, (uint16_t)length);
    return true;
}

#else
typedef int tifed_device_has_no_key;
#endif
